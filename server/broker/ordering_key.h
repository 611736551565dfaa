#ifndef EVENTBUS_SERVER_BROKER_ORDERING_KEY_H_
#define EVENTBUS_SERVER_BROKER_ORDERING_KEY_H_

#include "absl/strings/string_view.h"

namespace eventbus {

// What the events of a stream are kept in order by: the attribute `partitionkey`, else the source
// that the publisher set; empty when there is neither. A source equal to `default_source` counts as
// filled in by the broker, which is no key: all anonymous traffic would be one queue.
//
// `frame` is an event as an entry holds it, checked at the door. Pure; any thread.
absl::string_view OrderingKeyOf(absl::string_view frame, absl::string_view default_source);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_ORDERING_KEY_H_
