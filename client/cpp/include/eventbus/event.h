#ifndef EVENTBUS_EVENT_H_
#define EVENTBUS_EVENT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "eventbus/v1/event.pb.h"

// Making and reading events. Pure functions, for any thread.
//
// Example:
//   eventbus::client::Event event =
//       eventbus::client::MakeJsonEvent("order.completed.v1", R"({"order":17})");
//   event.set_source("/shop");
//   eventbus::client::SetAttribute(event, "partitionkey", "customer-5");
namespace eventbus::client {

using Event = ::eventbus::v1::Event;

// A UUIDv7. Ids made by one thread sort in the order of their making.
std::string NewEventId();

// An event without data. Its `id` is set, so that publishing it again is recognisable as a repeat.
Event MakeEvent(absl::string_view type);

// `json` travels unchanged, as `binary_data` with `datacontenttype: application/json`. It is not
// checked here.
Event MakeJsonEvent(absl::string_view type, std::string json);

// Text in UTF-8, with `datacontenttype: text/plain`.
Event MakeTextEvent(absl::string_view type, std::string text);

// Any bytes, with their media type; no `datacontenttype` if that is empty.
Event MakeBinaryEvent(absl::string_view type, absl::string_view content_type, std::string bytes);

// Sets a string attribute, in place of any earlier one of that name.
void SetAttribute(Event& event, absl::string_view name, absl::string_view value);

// Value of a string, URI or URI-reference attribute. Empty if absent or of another kind. Valid as
// long as the event is unchanged.
absl::string_view GetAttribute(const Event& event, absl::string_view name);

// The data as bytes: `binary_data`, `text_data`, or the value of `proto_data`. Empty if none is
// set. Valid as long as the event is unchanged.
absl::string_view GetData(const Event& event);

}  // namespace eventbus::client

#endif  // EVENTBUS_EVENT_H_
