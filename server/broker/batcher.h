#ifndef EVENTBUS_SERVER_BROKER_BATCHER_H_
#define EVENTBUS_SERVER_BROKER_BATCHER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "server/broker/subscription.h"
#include "server/loop/loop.h"

namespace eventbus {

// Batcher puts the events for one subscriber together into messages: as they come, or by number and
// time. What it holds counts as in flight already, so it is bounded by the subscriber's limits.
//
// Owned by the subscriber (Member, Tail). Loop thread only.
class Batcher {
 public:
  Batcher(Loop* loop, const BatchShape& shape, SubscriberSink* sink);

  // How many more events the message that is being put together takes. A run must not be longer.
  uint32_t SpaceInMessage() const;
  void Add(DeliveryRun run);
  // Hands over what is due: full messages, and the rest too if there is no batch size, its time is
  // up, or nothing can be added to it (`no_room`).
  void SendDue(bool no_room);
  // What was not handed over yet.
  uint32_t events() const { return events_; }
  // Forgets it. Answers how many events that was.
  uint32_t Drop();

 private:
  void Send();

  const BatchShape shape_;
  SubscriberSink* const sink_;
  std::vector<DeliveryRun> runs_;
  uint32_t events_ = 0;
  std::unique_ptr<Timer> timer_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_BATCHER_H_
