#ifndef EVENTBUS_SERVER_BROKER_MEMBER_H_
#define EVENTBUS_SERVER_BROKER_MEMBER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "server/broker/batcher.h"
#include "server/broker/context.h"
#include "server/broker/held_entry.h"
#include "server/broker/subscription.h"

namespace eventbus {

class GroupStream;

// Member is one subscriber of a group: what it has in flight, by delivery number, and what is being
// put together for it.
//
// Owned by its Group. Loop thread only.
class Member {
 public:
  // Events that are no longer this member's.
  struct TakenRun {
    GroupStream* stream = nullptr;
    EntryRun run;
    // Its delivery number of the run's first event.
    uint64_t first_delivery = 0;
  };

  Member(const Context* context, SubscriptionId id, const OpenRequest& request,
         SubscriberSink* sink);

  SubscriptionId id() const { return id_; }
  SubscriberSink* sink() const { return sink_; }
  // Settles by tokens and not by numbers.
  bool tokens() const { return tokens_; }
  const std::string& client_id() const { return client_id_; }
  const std::string& peer() const { return peer_; }
  const FlowLimits& flow() const { return flow_; }
  void set_flow(FlowLimits flow) { flow_ = flow; }

  // Whether OnOpened was called; before, it gets nothing.
  bool opened() const { return opened_; }
  void set_opened() { opened_ = true; }

  uint64_t in_flight() const { return in_flight_; }
  uint64_t in_flight_bytes() const { return in_flight_bytes_; }
  // The highest number given so far.
  uint64_t last_delivery() const { return next_delivery_ - 1; }
  // How many events of these sizes may be handed to it now: none, or at least one.
  bool HasRoom() const;
  uint64_t RoomEvents() const;
  uint64_t RoomBytes() const;
  // How many of the first events of the run fit, at most up to the end of the message being put
  // together.
  uint32_t Fitting(const EntryRun& run) const;

  // Takes over these events, which are ready and fitting, as in flight.
  void Take(GroupStream* stream, const std::shared_ptr<const std::string>& stream_name,
            uint64_t generation, const EntryRun& run);
  // At the end of a turn: hands over what need not wait for more.
  void SendDue() { batcher_.SendDue(/*no_room=*/!HasRoom()); }
  // Nothing more fits.
  void SendAll() { batcher_.SendDue(/*no_room=*/true); }

  // Forgets what was not handed over yet, and its numbers, which are given anew; it must have been
  // taken away before.
  void DropOutbox() { next_delivery_ -= batcher_.Drop(); }

  // Ends this member's hold of the live deliveries with numbers in the range, and answers which
  // events they were, in order of their numbers. Their state is the caller's to change.
  std::vector<TakenRun> TakeAway(DeliveryRange range);
  // Settlements that are to be confirmed and wait for the store.
  uint32_t awaited_confirms = 0;

 private:
  // Consecutive events of an entry that were delivered together; those not settled are this
  // member's.
  struct Lease {
    GroupStream* stream = nullptr;
    HeldEntry* entry = nullptr;
    uint32_t first = 0;
    uint32_t count = 0;
    // One for each event: still this member's. Empty: all of them are.
    std::vector<bool> live;
    uint32_t live_count = 0;
  };

  // Appends the live runs among the lease's events [first, first + count) and ends them.
  void ClearLive(uint64_t number, Lease& lease, uint32_t first, uint32_t count,
                 std::vector<TakenRun>* taken);

  const Context* const context_;
  const SubscriptionId id_;
  SubscriberSink* const sink_;
  const bool tokens_;
  const std::string client_id_;
  const std::string peer_;
  FlowLimits flow_;
  bool opened_ = false;

  uint64_t next_delivery_ = 1;
  uint64_t in_flight_ = 0;
  uint64_t in_flight_bytes_ = 0;
  // By first delivery number.
  absl::btree_map<uint64_t, Lease> leases_;

  Batcher batcher_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_MEMBER_H_
