#ifndef EVENTBUS_SERVER_BROKER_EVENT_IDENTITY_H_
#define EVENTBUS_SERVER_BROKER_EVENT_IDENTITY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace eventbus {

// Id and source of an event, as views of its bytes; empty where absent.
struct EventIdentity {
  absl::string_view id;
  absl::string_view source;
};

// `frame` is an event as an entry holds it, checked at the door. Pure; any thread.
EventIdentity IdentityOf(absl::string_view frame);

// What makes two events of a stream the same one: id and source, as one text that no other pair
// has, "7:order-1/billing" for the id "order-1" of "/billing". `frame` is an event as an entry
// holds it, checked at the door. Pure; any thread.
std::string EventKey(absl::string_view frame);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_IDENTITY_H_
