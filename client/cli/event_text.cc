#include "client/cli/event_text.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/cli/event_json.h"
#include "client/cli/json_text.h"

namespace eventbus::cli {
namespace {

// A terminal obeys control characters, whoever sent them.
std::string Printable(absl::string_view text) {
  std::string printable(text);
  for (char& c : printable) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\n' && c != '\t') c = '?';
  }
  return printable;
}

std::string Indented(absl::string_view text) {
  return absl::StrCat("  ", absl::StrReplaceAll(text, {{"\n", "\n  "}}), "\n");
}

std::string DataText(const client::Event& event) {
  const absl::string_view data = client::GetData(event);
  if (data.empty()) return "";
  const absl::string_view content_type = client::GetAttribute(event, "datacontenttype");
  if (IsJson(data)) return Indented(Printable(data));
  const bool text = event.has_text_data() || content_type.substr(0, 5) == "text/" ||
                    std::none_of(data.begin(), data.end(), [](char c) {
                      const auto byte = static_cast<unsigned char>(c);
                      return byte >= 0x7f || (byte < 0x20 && c != '\n' && c != '\t' && c != '\r');
                    });
  if (text) return Indented(Printable(data));
  return absl::StrCat("  (", data.size(), " bytes)\n");
}

}  // namespace

std::string FormatPretty(const client::Delivery& delivery, bool colors) {
  const client::Event& event = delivery.event();
  const absl::string_view bold = colors ? "\x1b[1m" : "";
  const absl::string_view dim = colors ? "\x1b[2m" : "";
  const absl::string_view plain = colors ? "\x1b[0m" : "";
  std::map<std::string, std::string> attributes;
  for (const auto& [name, value] : event.attributes()) attributes[name] = AttributeText(value);
  std::string text =
      absl::StrCat(dim, Printable(attributes["time"]), plain, "  ", bold, Printable(event.type()),
                   plain, "  ", Printable(event.source()), "  ", dim, Printable(event.id()), plain);
  if (delivery.times_delivered() > 1) {
    absl::StrAppend(&text, "  (attempt ", delivery.attempt(), ", delivered ",
                    delivery.times_delivered(), " times)");
  }
  text += '\n';
  for (const auto& [name, value] : attributes) {
    if (name == "time" || name == "datacontenttype") continue;
    absl::StrAppend(&text, "  ", dim, Printable(name), "=", Printable(value), plain, "\n");
  }
  return text + DataText(event);
}

}  // namespace eventbus::cli
