#include "client/cli/event_json.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/json_text.h"

namespace eventbus::cli {
namespace {

using client::Event;

constexpr char kContentType[] = "datacontenttype";
constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E*SZ";

absl::Status MemberError(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", what));
}

absl::Status SetAttributeFromJson(Event& event, absl::string_view name, absl::string_view value) {
  Event::AttributeValue& attribute = (*event.mutable_attributes())[std::string(name)];
  int32_t integer = 0;
  if (value == "true" || value == "false") {
    attribute.set_ce_boolean(value == "true");
  } else if (value.front() == '"') {
    const absl::StatusOr<std::string> text = DecodeString(value);
    if (!text.ok()) return MemberError(name, text.status().message());
    return SetAttributeFromText(event, name, *text);
  } else if (absl::SimpleAtoi(value, &integer)) {
    attribute.set_ce_integer(integer);
  } else {
    return MemberError(name, "an attribute is a string, a boolean or a 32-bit integer");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DecodeBase64(absl::string_view name, absl::string_view value) {
  const absl::StatusOr<std::string> text = DecodeString(value);
  std::string bytes;
  if (!text.ok() || !absl::Base64Unescape(*text, &bytes)) {
    return MemberError(name, "not a string in base64");
  }
  return bytes;
}

absl::Status SetProtoData(Event& event, absl::string_view value) {
  const absl::StatusOr<std::vector<JsonMember>> members = SplitObject(value);
  if (!members.ok()) return MemberError("data_proto", members.status().message());
  for (const JsonMember& member : *members) {
    if (member.name == "type_url") {
      const absl::StatusOr<std::string> url = DecodeString(member.value);
      if (!url.ok()) return MemberError("data_proto.type_url", url.status().message());
      event.mutable_proto_data()->set_type_url(*url);
    } else if (member.name == "value") {
      absl::StatusOr<std::string> bytes = DecodeBase64("data_proto.value", member.value);
      if (!bytes.ok()) return bytes.status();
      event.mutable_proto_data()->set_value(*std::move(bytes));
    } else {
      return MemberError(absl::StrCat("data_proto.", member.name), "unknown");
    }
  }
  return absl::OkStatus();
}

// After the attributes: the content type says what `data` is.
absl::Status SetData(Event& event, const JsonMember& member) {
  if (member.name == "data_proto") return SetProtoData(event, member.value);
  if (member.name == "data_base64") {
    absl::StatusOr<std::string> bytes = DecodeBase64(member.name, member.value);
    if (!bytes.ok()) return bytes.status();
    event.set_binary_data(*std::move(bytes));
    return absl::OkStatus();
  }
  const absl::string_view content_type = client::GetAttribute(event, kContentType);
  if (content_type.empty() || IsJsonMediaType(content_type)) {
    if (content_type.empty()) client::SetAttribute(event, kContentType, "application/json");
    event.set_binary_data(std::string(member.value));
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> text = DecodeString(member.value);
  if (!text.ok()) {
    return MemberError("data", absl::StrCat("with datacontenttype ", content_type,
                                            " it is a string, or use data_base64"));
  }
  event.set_text_data(*std::move(text));
  return absl::OkStatus();
}

void AppendMember(std::string& line, absl::string_view name, absl::string_view value) {
  absl::StrAppend(&line, line.empty() ? "{" : ",", EncodeString(name), ":", value);
}

void AppendData(const Event& event, bool has_content_type, std::string& line) {
  const absl::string_view content_type = client::GetAttribute(event, kContentType);
  const bool may_be_json = !has_content_type || IsJsonMediaType(content_type);
  const absl::string_view data = client::GetData(event);
  switch (event.data_case()) {
    case Event::DATA_NOT_SET:
      return;
    case Event::kProtoData:
      AppendMember(line, "data_proto",
                   absl::StrCat("{\"type_url\":", EncodeString(event.proto_data().type_url()),
                                ",\"value\":\"", absl::Base64Escape(data), "\"}"));
      return;
    case Event::kTextData:
      if (!has_content_type) AppendMember(line, kContentType, "\"text/plain\"");
      if (!has_content_type || !may_be_json) {
        AppendMember(line, "data", EncodeString(data));
        return;
      }
      break;
    default:
      break;
  }
  if (may_be_json && IsJson(data)) {
    AppendMember(line, "data", OnOneLine(data));
  } else {
    AppendMember(line, "data_base64", absl::StrCat("\"", absl::Base64Escape(data), "\""));
  }
}

}  // namespace

bool IsJsonMediaType(absl::string_view media_type) {
  const absl::string_view essence =
      absl::StripAsciiWhitespace(media_type.substr(0, media_type.find(';')));
  return absl::EqualsIgnoreCase(essence, "application/json") ||
         absl::EqualsIgnoreCase(essence, "text/json") || absl::EndsWithIgnoreCase(essence, "+json");
}

absl::Status SetAttributeFromText(Event& event, absl::string_view name, absl::string_view text) {
  Event::AttributeValue& attribute = (*event.mutable_attributes())[std::string(name)];
  if (name == "time") {
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
      return MemberError(name, absl::StrCat("\"", text, "\" is no RFC 3339 time: ", error));
    }
    const int64_t seconds = absl::ToUnixSeconds(time);
    attribute.mutable_ce_timestamp()->set_seconds(seconds);
    attribute.mutable_ce_timestamp()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  } else if (name == "dataschema") {
    attribute.set_ce_uri(std::string(text));
  } else {
    attribute.set_ce_string(std::string(text));
  }
  return absl::OkStatus();
}

std::string AttributeText(const Event::AttributeValue& value) {
  switch (value.attr_case()) {
    case Event::AttributeValue::kCeBoolean:
      return value.ce_boolean() ? "true" : "false";
    case Event::AttributeValue::kCeInteger:
      return absl::StrCat(value.ce_integer());
    case Event::AttributeValue::kCeString:
      return value.ce_string();
    case Event::AttributeValue::kCeBytes:
      return absl::Base64Escape(value.ce_bytes());
    case Event::AttributeValue::kCeUri:
      return value.ce_uri();
    case Event::AttributeValue::kCeUriRef:
      return value.ce_uri_ref();
    case Event::AttributeValue::kCeTimestamp:
      return absl::FormatTime(kTimeFormat,
                              absl::FromUnixSeconds(value.ce_timestamp().seconds()) +
                                  absl::Nanoseconds(value.ce_timestamp().nanos()),
                              absl::UTCTimeZone());
    default:
      return "";
  }
}

absl::StatusOr<Event> ParseEventLine(absl::string_view line) {
  const absl::StatusOr<std::vector<JsonMember>> members = SplitObject(line);
  if (!members.ok()) return members.status();
  Event event;
  const JsonMember* data = nullptr;
  for (const JsonMember& member : *members) {
    const bool is_data =
        member.name == "data" || member.name == "data_base64" || member.name == "data_proto";
    // The JSON value null is data; anywhere else it means that the member is not there.
    if (member.value == "null" && member.name != "data") continue;
    if (is_data) {
      if (data != nullptr) return MemberError(member.name, absl::StrCat("beside ", data->name));
      data = &member;
      continue;
    }
    const bool is_field = member.name == "type" || member.name == "id" || member.name == "source" ||
                          member.name == "specversion";
    if (!is_field) {
      if (absl::Status set = SetAttributeFromJson(event, member.name, member.value); !set.ok()) {
        return set;
      }
      continue;
    }
    absl::StatusOr<std::string> text = DecodeString(member.value);
    if (!text.ok()) return MemberError(member.name, text.status().message());
    if (member.name == "type") {
      event.set_type(*std::move(text));
    } else if (member.name == "id") {
      event.set_id(*std::move(text));
    } else if (member.name == "source") {
      event.set_source(*std::move(text));
    } else {
      event.set_spec_version(*std::move(text));
    }
  }
  if (event.type().empty()) return MemberError("type", "missing");
  if (data != nullptr) {
    if (absl::Status set = SetData(event, *data); !set.ok()) return set;
  }
  if (event.id().empty()) event.set_id(client::NewEventId());
  return event;
}

std::string FormatEventLine(const Event& event) {
  std::string line;
  line.reserve(256 + client::GetData(event).size());
  if (!event.spec_version().empty()) {
    AppendMember(line, "specversion", EncodeString(event.spec_version()));
  }
  if (!event.id().empty()) AppendMember(line, "id", EncodeString(event.id()));
  if (!event.source().empty()) AppendMember(line, "source", EncodeString(event.source()));
  AppendMember(line, "type", EncodeString(event.type()));
  // A map of its own: the message's has no order.
  std::map<std::string, const Event::AttributeValue*> attributes;
  for (const auto& [name, value] : event.attributes()) attributes[name] = &value;
  for (const auto& [name, value] : attributes) {
    const bool bare = value->has_ce_boolean() || value->has_ce_integer();
    AppendMember(line, name, bare ? AttributeText(*value) : EncodeString(AttributeText(*value)));
  }
  AppendData(event, attributes.contains(kContentType), line);
  line += '}';
  return line;
}

}  // namespace eventbus::cli
