#include "eventbus/event.h"

#include <utility>

namespace eventbus::client {

Event MakeEvent(absl::string_view type) {
  Event event;
  event.set_id(NewEventId());
  event.set_type(type.data(), type.size());
  return event;
}

Event MakeJsonEvent(absl::string_view type, std::string json) {
  return MakeBinaryEvent(type, "application/json", std::move(json));
}

Event MakeTextEvent(absl::string_view type, std::string text) {
  Event event = MakeEvent(type);
  SetAttribute(event, "datacontenttype", "text/plain");
  event.set_text_data(std::move(text));
  return event;
}

Event MakeBinaryEvent(absl::string_view type, absl::string_view content_type, std::string bytes) {
  Event event = MakeEvent(type);
  if (!content_type.empty()) SetAttribute(event, "datacontenttype", content_type);
  event.set_binary_data(std::move(bytes));
  return event;
}

void SetAttribute(Event& event, absl::string_view name, absl::string_view value) {
  (*event.mutable_attributes())[std::string(name)].set_ce_string(value.data(), value.size());
}

absl::string_view GetAttribute(const Event& event, absl::string_view name) {
  const auto found = event.attributes().find(std::string(name));
  if (found == event.attributes().end()) return "";
  const Event::AttributeValue& value = found->second;
  switch (value.attr_case()) {
    case Event::AttributeValue::kCeString:
      return value.ce_string();
    case Event::AttributeValue::kCeUri:
      return value.ce_uri();
    case Event::AttributeValue::kCeUriRef:
      return value.ce_uri_ref();
    default:
      return "";
  }
}

absl::string_view GetData(const Event& event) {
  switch (event.data_case()) {
    case Event::kBinaryData:
      return event.binary_data();
    case Event::kTextData:
      return event.text_data();
    case Event::kProtoData:
      return event.proto_data().value();
    default:
      return "";
  }
}

}  // namespace eventbus::client
