#ifndef EVENTBUS_SERVER_BROKER_MEMBER_H_
#define EVENTBUS_SERVER_BROKER_MEMBER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/time/time.h"
#include "server/broker/batcher.h"
#include "server/broker/context.h"
#include "server/broker/held_entry.h"
#include "server/broker/subscriber_stats.h"
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
  SubscriberMeter& meter() { return meter_; }
  // Without what its group knows.
  SubscriberStats Stats() const;
  const FlowLimits& flow() const { return flow_; }
  void set_flow(FlowLimits flow) { flow_ = flow; }

  // Takes what one hand-over holds, and then no more (OpenRequest::one_shot).
  bool one_shot() const { return one_shot_; }
  // It has had it.
  bool spent() const { return one_shot_ && next_delivery_ > 1 && batcher_.events() == 0; }

  // Whether OnOpened was called; before, it gets nothing.
  bool opened() const { return opened_; }
  void set_opened() { opened_ = true; }

  uint64_t in_flight() const { return in_flight_; }
  uint64_t in_flight_bytes() const { return in_flight_bytes_; }
  // The highest number given so far.
  uint64_t last_delivery() const { return next_delivery_ - 1; }
  // The same of those that the sink has.
  uint64_t last_handed_over() const { return last_delivery() - batcher_.events(); }
  // How many events of these sizes may be handed to it now: none, or at least one.
  bool HasRoom() const;
  uint64_t RoomEvents() const;
  uint64_t RoomBytes() const;
  // How many of the first events of the run fit, at most up to the end of the message being put
  // together.
  uint32_t Fitting(const EntryRun& run) const;

  // Takes over these events, which are ready and fitting, as in flight until `deadline`, on the
  // monotonic clock; time that they wait for a batch to fill is added.
  void Take(GroupStream* stream, const EntryRun& run, absl::Duration deadline);
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
  // The same for all that it has of a stream; late settlements of it will not be understood.
  std::vector<TakenRun> TakeAwayOf(const GroupStream* stream);
  // The same for all deliveries whose deadline has passed. Those that were not handed over yet, for
  // this process was held up, get `renewed` instead.
  std::vector<TakenRun> TakeExpired(absl::Duration now, absl::Duration renewed);
  // When the next deadline passes, or a little earlier; infinite: nothing is in flight.
  absl::Duration NextDeadline() const;
  // No deadline passes before this.
  void HoldUntil(absl::Duration deadline);
  // The numbers behind this one are given anew; what had them must have been taken away.
  void Rewind(uint64_t last_delivery);
  // Deadlines given from now on may be earlier than those given before.
  void KeepDeadlines();
  // Gives the live deliveries in the range another deadline, and answers with their numbers.
  std::vector<DeliveryRange> Extend(DeliveryRange range, absl::Duration deadline);

  // When the delivery's deadline passes; nullopt: it is not this member's (any more).
  std::optional<absl::Duration> DeadlineOf(uint64_t number) const;

  // What was this member's until it was taken away against its will: for late settlements.
  struct PastLease {
    GroupStream* stream = nullptr;
    EntryId entry;
    uint32_t index = 0;
  };
  // A bounded number of them is remembered, the oldest are forgotten first.
  void RememberLost(const TakenRun& run);
  // The numbers in the range that are remembered.
  std::vector<uint64_t> LostIn(DeliveryRange range) const;
  // Nullopt: not remembered.
  std::optional<PastLease> FindLost(uint64_t number) const;

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
    absl::Duration deadline;
    // It has another deadline than it was given first: it is in extended_.
    bool extended = false;
  };
  using Leases = absl::btree_map<uint64_t, Lease>;

  // Ends a lease before `number` and begins another one there, if one spans it.
  void SplitAt(uint64_t number);
  Leases::iterator Erase(Leases::iterator lease);
  void SetDeadline(uint64_t number, Lease& lease, absl::Duration deadline);
  // The lease that began with this number has ended.
  void ForgetHolder(HeldEntry& entry, uint64_t number) const;
  // Appends the live runs among the lease's events [first, first + count) and ends them.
  void ClearLive(uint64_t number, Lease& lease, uint32_t first, uint32_t count,
                 std::vector<TakenRun>* taken);

  const Context* const context_;
  const SubscriptionId id_;
  SubscriberSink* const sink_;
  const bool tokens_;
  const bool one_shot_;
  const std::string client_id_;
  const std::string peer_;
  const std::map<std::string, std::string> client_properties_;
  SubscriberMeter meter_;
  FlowLimits flow_;
  bool opened_ = false;

  uint64_t next_delivery_ = 1;
  uint64_t in_flight_ = 0;
  uint64_t in_flight_bytes_ = 0;
  // By first delivery number.
  Leases leases_;
  // Of leases that were extended: deadline and number. The others are due in the order of their
  // numbers.
  absl::btree_set<std::pair<absl::Duration, uint64_t>> extended_;
  const absl::Duration batch_delay_;
  // By the number of the first of `count` deliveries.
  struct Lost {
    GroupStream* stream = nullptr;
    EntryId entry;
    uint32_t first = 0;
    uint32_t count = 0;
  };
  absl::btree_map<uint64_t, Lost> lost_;

  Batcher batcher_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_MEMBER_H_
