#ifndef EVENTBUS_TESTS_SIMULATION_EVENT_FRAMES_H_
#define EVENTBUS_TESTS_SIMULATION_EVENT_FRAMES_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "server/broker/publish_command.h"
#include "tests/simulation/history.h"

// Events as bytes, as clients send and get them: a part of their attributes, which is all that the
// simulation needs.
namespace eventbus::simulation {

// The ordering key of the event with this data, which is its source. Empty: it has none.
std::string KeyOf(absl::string_view data);

PublishCommand CommandOf(const std::vector<SentEvent>& events);
// Of `repeated Event events = 1`.
std::vector<SeenEvent> EventsIn(absl::string_view frames);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_EVENT_FRAMES_H_
