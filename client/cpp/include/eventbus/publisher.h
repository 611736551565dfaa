#ifndef EVENTBUS_PUBLISHER_H_
#define EVENTBUS_PUBLISHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "eventbus/event.h"

namespace eventbus::client {

// Where a published event is.
struct Published {
  std::string id;
  std::string stream;
  // Opaque. Empty if the event is delayed.
  std::string position;
  // An event of this source and id was already there within the duplicate window.
  bool duplicate = false;
  // Of a delayed event: names the schedule, to cancel it.
  std::string schedule_id;
};

// Called once per event when its fate is known, on a thread of the library: do not block in it, and
// call no blocking method of the publisher. The event is lent for the call.
using PublishCallback = std::function<void(const Event& event, absl::StatusOr<Published> result)>;

struct PublisherOptions {
  // Bounds of what is accepted and not yet confirmed. Publish blocks at them, TryPublish refuses.
  size_t max_pending_events = 50'000;
  size_t max_pending_bytes = 32 << 20;

  // Bounds of one message. Events that wait while a message is being written share the next one; a
  // lone event is written at once.
  size_t max_message_events = 200;
  size_t max_message_bytes = 256 << 10;

  // An event that is not confirmed after this long fails with DEADLINE_EXCEEDED. Until then it is
  // sent again over new connections, under the same id: it may then be stored twice.
  absl::Duration delivery_timeout = absl::Seconds(30);

  // Called for each failed event that has no callback of its own. As PublishCallback.
  std::function<void(const Event& event, const absl::Status& status)> on_failure;
};

struct PublisherCounts {
  uint64_t accepted = 0;
  uint64_t confirmed = 0;
  uint64_t failed = 0;
  // accepted - confirmed - failed.
  uint64_t pending = 0;
};

// Publisher is the fast path: it accepts events without waiting for the broker, sends them over one
// PublishStream within the broker's window, and reconnects. Made by Client::NewPublisher; owned by
// whoever called that. All methods may be called from any thread.
//
// Example:
//   std::unique_ptr<Publisher> publisher = client.NewPublisher();
//   for (int i = 0; i < 1000; ++i) {
//     absl::Status accepted = publisher->Publish(MakeJsonEvent("tick.v1", "{}"));
//     if (!accepted.ok()) return accepted;
//   }
//   return publisher->Flush(absl::Seconds(10));  // OK: the broker has stored all 1000.
//
// Events of one ordering key are stored in the order in which they were accepted, but for those
// that had to be sent again: they may be stored after later ones.
class Publisher {
 public:
  // Not for users of the library.
  class Core;

  // Closes without waiting: what is not confirmed fails with CANCELLED. Call Flush first.
  ~Publisher();

  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Accepts an event; makes its `id` if that is empty. Blocks while the bounds are reached.
  // FAILED_PRECONDITION after Close; DEADLINE_EXCEEDED if there was no room for
  // `delivery_timeout`. Whether the broker takes the event is told to `done`, else to `on_failure`,
  // and to Flush.
  absl::Status Publish(Event event, PublishCallback done = nullptr);

  // As Publish, but never blocks: RESOURCE_EXHAUSTED if there is no room, and `event` is unchanged.
  absl::Status TryPublish(Event&& event, PublishCallback done = nullptr);

  // Waits until the fate of everything accepted so far is known. OK: all of it is stored.
  // DEADLINE_EXCEEDED: some is still pending, and stays so. Otherwise the first failure since the
  // last Flush, with the number of failures in its message.
  absl::Status Flush(absl::Duration timeout);

  // Flush, then accepts nothing more; what is still pending fails with CANCELLED.
  absl::Status Close(absl::Duration timeout);

  PublisherCounts counts() const;

 private:
  friend class Client;
  explicit Publisher(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_PUBLISHER_H_
