#ifndef EVENTBUS_SERVER_BROKER_GROUP_H_
#define EVENTBUS_SERVER_BROKER_GROUP_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/broker/broker.h"
#include "server/broker/context.h"
#include "server/broker/group_event_state.h"
#include "server/broker/group_stream.h"
#include "server/broker/instance_report.h"
#include "server/broker/lifetime.h"
#include "server/broker/member.h"
#include "server/broker/registry.h"
#include "server/broker/stall_watch.h"

namespace eventbus {

class Group;

// What a group needs from the broker round it.
class GroupHost {
 public:
  virtual ~GroupHost() = default;
  // Whether this incarnation is known to be running.
  virtual bool IsAlive(const std::string& incarnation) const = 0;
  // How often this instance has looked who is there.
  virtual uint64_t Looks() const = 0;
  // The group has no member left and holds nothing: it may be destroyed, in a later task.
  virtual void OnGroupIdle(Group* group) = 0;
  // The member was closed by the group, after its sink was told.
  virtual void OnMemberClosed(SubscriptionId id) = 0;
};

// Group is the part of a consumer group that lives on this instance: its members here, and the
// streams they get events from. It exists while it has members, and then until what it held is back
// with the store.
//
// In each turn in which something changed, it hands ready events to the members with the most room,
// asks the store for as many as there is room for, and lets the streams write what is settled.
//
// Owned by the broker. Loop thread only.
class Group {
 public:
  // All must outlive it.
  Group(const Context* context, const Registry* registry, GroupHost* host, KnownGroup known);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  const KnownGroup& known() const { return known_; }

  // The sink hears OnOpened once the group is there on every matching stream.
  void AddMember(SubscriptionId id, const OpenRequest& request, SubscriberSink* sink, bool created);
  // What it held is ready again at once. `abruptly`: its stream broke.
  void RemoveMember(SubscriptionId id, bool abruptly);
  // Ends all members with this error.
  void CloseMembers(const absl::Status& why);
  void Settle(SubscriptionId id, const SettleCommand& command);
  // Nullopt: done as soon as the waiter is.
  std::optional<TokenSettlement::Problem> SettleToken(const DeliveryToken& token,
                                                      const SettleAction& action,
                                                      const std::shared_ptr<SettleWaiter>& waiter);
  // Whether SettleToken knows better than others what has become of the delivery.
  bool Has(const DeliveryToken& token) const;
  void SetFlow(SubscriptionId id, FlowLimits flow);
  // The member's call is broken, and may be followed by another one: gets nothing more, and keeps
  // what it was handed until then at least.
  void HoldLeases(SubscriptionId id, absl::Duration until);
  // It has one again, and goes on. InvalidField if it says that it got what it was never given.
  absl::Status GoOn(SubscriptionId id, const OpenRequest& request);

  // No new deliveries; members are told, and closed as soon as they hold nothing.
  void Drain(absl::Time deadline, absl::string_view message);

  // The definition has changed: other streams, another place in them, another policy, a pause.
  void Update(KnownGroup known);
  bool paused() const;
  // Whether what is appended to the stream, which may be a side stream, concerns the group.
  bool Wants(absl::string_view stream) const;

  void OnTypeKnown(const TypeRecord& type);
  // Its stream was deleted: what is held of it is taken from the members.
  void OnTypeGone(const std::string& stream);
  void OnStreamAdvanced(absl::string_view stream);
  void OnEntriesReleased(absl::string_view stream);
  void OnLeaseWanted(const LeaseWish& wish);
  // Other instances have left mail for an entry that this one has, or had.
  void OnMail(const MailNotice& notice);
  // The incarnation died or left: what it held on any stream may be claimed.
  void OnInstanceGone(const std::string& incarnation);
  // Answers may be lost, signals missed: look at everything.
  void Recheck();
  // Others judged this instance dead and took what it held.
  void LoseAll();
  // Looks at one stream for what no signal told of: new entries, consumers that are gone. Cheap
  // enough to be called for all in turn.
  void Sweep(const std::string& stream);

  // For operators: appends the members, and answers what they are together.
  SubscriberTotals Stats(std::vector<SubscriberStats>* members) const;
  // What this instance knows of an event of the stream; nullopt: it does not hold it.
  std::optional<GroupEventState> HeldHere(const std::string& stream, Position event) const;
  // The member, if it is one.
  Member* FindMember(SubscriptionId id);

  std::vector<std::string> streams() const;
  // Not read by anybody yet, on all streams: about, and as of the last sweep.
  uint64_t unread_events() const;
  // On some stream there is something to deliver and room for it, and nothing happens.
  bool stalled() const;
  size_t members() const { return members_.size(); }
  uint64_t in_flight() const;
  uint64_t in_flight_bytes() const;
  // Events that wait for their retries here.
  uint64_t retrying() const;

 private:
  struct Attached {
    std::unique_ptr<GroupStream> stream;
    // Consumers with pending entries that were not alive at the last sweep, and GroupHost::Looks
    // when that was seen first.
    absl::btree_map<std::string, uint64_t> suspects;
    // As the last sweep found it.
    uint64_t unread_events = 0;
    StallWatch stall;
    // There may be mail for what is held, which could not be read.
    bool mail_missed = false;
    bool in_ready_queue = false;
    bool in_fetch_queue = false;
    bool in_unsaved = false;
  };
  class SettleOutcome;
  struct Opening {
    SubscriptionId id;
    OpenedInfo info;
  };

  void Attach(const TypeRecord& type, bool ensure);
  // Forgets all of the stream; members lose what they have of it.
  void Detach(const std::string& stream, absl::string_view why);
  void TellTaken(Member& member, const std::vector<Member::TakenRun>& taken, absl::string_view why);
  void Ensure(const TypeRecord& type);
  void OnEnsured(const TypeRecord& type, const absl::Status& status);
  void OpenWaiting();
  void Schedule();
  void StreamChanged(Attached* attached);
  void RunTurn();
  void Dispatch();
  void Fetch();
  void LeaveStreams();
  // ---- Ordered groups (group_ordered.cc) ----
  // The store has said of every stream who owns it.
  bool LeasesKnown() const;
  uint64_t StreamsOwned() const;
  // Other instances own all streams.
  bool StandsBy() const;
  void TendLease(Attached& attached);
  // Looks whether the owner of a stream that this instance does not own is there, and says that it
  // would like to have it.
  void CheckOwner(const std::string& stream, Attached& attached);
  // ---- Members that take one hand-over (group_one_shot.cc) ----
  // Whether no member, if there is any, will ever get more than it has.
  bool NobodyTakesMore() const;
  // Hands over what there is, once nothing more is being read; closes those that are done.
  void TendOneShots();
  void CloseMember(SubscriptionId id, const absl::Status& why);
  // Streams that retries and dead letters of other instances may be in.
  void AttachSideStreams();
  void CheckDeadlines();
  void ArmDeadline(absl::Duration deadline);
  void PutBack(std::vector<Member::TakenRun> taken, DeliveryInput input);
  void Fail(const std::vector<Member::TakenRun>& taken, const GroupStream::Failure& failure,
            const std::shared_ptr<SettleWaiter>& waiter);
  void Reject(const std::vector<Member::TakenRun>& taken, const std::string& reason,
              const std::string& subscriber, const std::shared_ptr<SettleWaiter>& waiter);
  // Acks of what the member had lost: adds the numbers that count to `done`, and answers how many.
  uint64_t AckLate(Member* member, const DeliveryRange& range,
                   const std::shared_ptr<SettleWaiter>& waiter, std::vector<DeliveryRange>* done);
  // Whoever has the event now. False: it is done with already.
  static bool AckWherever(GroupStream& stream, HeldEntry& entry, uint32_t index,
                          const std::shared_ptr<SettleWaiter>& waiter);
  void Extend(const HeldEntry& entry, uint32_t index, std::optional<absl::Duration> duration);
  // Reads and obeys the mail of these entries (group_mail.cc).
  void ReadMail(const std::string& stream, std::vector<EntryId> ids);
  void OnMailRead(const std::string& stream, const GroupKey& key,
                  const absl::StatusOr<std::vector<EntryState>>& states);
  // The entry is held.
  void ObeyMail(GroupStream& stream, const EntryState& state);
  // Null: nobody has the event now.
  static Member* HolderOf(const HeldEntry& entry, uint32_t index);
  // `subscriber` may be null.
  void NoteAcked(SubscriberMeter* subscriber, uint64_t events);
  // Takes one event away from the member that has it.
  static std::vector<Member::TakenRun> TakeAway(const HeldEntry& entry, uint32_t index);
  void TellLost(const Member& member, const std::vector<Member::TakenRun>& lost, LostReason reason,
                absl::string_view message) const;
  void LookForStall(const std::string& stream, Attached& attached);
  // It has nothing to do any more, or nobody to do it for.
  void EndStall(const std::string& stream, Attached& attached);
  void CheckConsumers(const std::string& stream, const std::vector<ConsumerInfo>& consumers);

  const Context* const context_;
  const Registry* const registry_;
  GroupHost* const host_;
  KnownGroup known_;

  absl::btree_map<SubscriptionId, std::unique_ptr<Member>> members_;
  RateMeter acked_rate_;
  absl::btree_map<std::string, std::unique_ptr<Attached>> streams_;
  // Members that wait until the group is there on all streams.
  std::vector<Opening> opening_;
  // Streams on which the group is not known to be there.
  absl::btree_map<std::string, TypeRecord> ensuring_;
  std::unique_ptr<Timer> ensure_timer_;

  std::vector<Attached*> changed_;
  std::deque<Attached*> ready_queue_;
  std::deque<Attached*> fetch_queue_;
  std::vector<Attached*> fetching_;
  bool scheduled_ = false;
  bool draining_ = false;
  bool reported_idle_ = false;
  // When a stream was given to another instance.
  absl::Duration last_yield_ = -absl::InfiniteDuration();
  // Streams to be looked at again when the timer fires.
  std::vector<Attached*> unsaved_;
  std::unique_ptr<Timer> save_timer_;
  std::unique_ptr<Timer> deadline_timer_;
  std::unique_ptr<Timer> pause_timer_;
  // When it fires, if it is armed.
  absl::Duration deadline_at_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_H_
