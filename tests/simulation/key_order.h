#ifndef EVENTBUS_TESTS_SIMULATION_KEY_ORDER_H_
#define EVENTBUS_TESTS_SIMULATION_KEY_ORDER_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "server/store/entry.h"
#include "tests/simulation/event_ledger.h"

namespace eventbus::simulation {

// KeyOrder is the part of the checker that watches one ordered group: of the events of an ordering
// key in a stream, none is delivered while an earlier one may still come.
class KeyOrder {
 public:
  // `over`: whether the event may be done with, as far as clients can tell.
  using MayBeOver = std::function<bool(EventNumber)>;

  // A delivery of the event. Answers the event that it has overtaken, or was overtaken by; and true
  // if the latter. Nullopt: all is well.
  struct Overtaking {
    EventNumber other = 0;
    // The other one is the later one.
    bool was_overtaken = false;
  };
  std::optional<Overtaking> Take(const std::string& stream, const std::string& key,
                                 Position position, EventNumber event, const MayBeOver& over);
  // The group is sought to another place, and each key begins anew there. From now on whoever hears
  // of it late may deliver something from the old place before, so what was overtaken is not asked.
  void BeginAnew();

 private:
  struct Line {
    // Delivered, and not known to be over.
    std::map<Position, EventNumber> open;
    // Of all that were delivered.
    std::map<Position, EventNumber> seen;
  };
  std::map<std::pair<std::string, std::string>, Line> lines_;
  bool sought_ = false;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_KEY_ORDER_H_
