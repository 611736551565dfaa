#ifndef EVENTBUS_CLIENT_CLI_EVENT_JSON_H_
#define EVENTBUS_CLIENT_CLI_EVENT_JSON_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eventbus/event.h"

// Events as lines of JSON, in the manner of the CloudEvents JSON format. Pure functions.
//
//   {"specversion":"1.0","id":"7","source":"/shop","type":"order.completed.v1",
//    "datacontenttype":"application/json","data":{"order":17}}
//
// - `data`: with a JSON content type, or none, the value is the data, byte for byte as written;
//   with another content type it is a string, and that is the data. `data_base64`: any bytes.
//   `data_proto`: {"type_url": …, "value": base64}.
// - Every other member is an attribute: a string, a boolean or a 32-bit integer. `time` is a
// timestamp
//   (RFC 3339), `dataschema` a URI. A member that is null is absent.
namespace eventbus::cli {

// INVALID_ARGUMENT, naming the member, if the line is no event. Makes the id if it has none.
absl::StatusOr<client::Event> ParseEventLine(absl::string_view line);

// One line, without its line break, that ParseEventLine takes back. The same event comes back, but
// for this: a content type is added where JSON or text had none, JSON over several lines is put on
// one, JSON in `text_data` becomes `binary_data`, and attributes that are neither string, boolean,
// integer, `time` nor `dataschema` become strings.
std::string FormatEventLine(const client::Event& event);

// application/json, text/json or anything with the suffix +json; parameters do not matter.
bool IsJsonMediaType(absl::string_view media_type);

// Sets an attribute from its text form: `time` as a timestamp, `dataschema` as a URI, others as
// strings.
absl::Status SetAttributeFromText(client::Event& event, absl::string_view name,
                                  absl::string_view text);

// The text form of an attribute, by the rules of CloudEvents.
std::string AttributeText(const client::Event::AttributeValue& value);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_EVENT_JSON_H_
