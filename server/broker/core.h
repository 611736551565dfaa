#ifndef EVENTBUS_SERVER_BROKER_CORE_H_
#define EVENTBUS_SERVER_BROKER_CORE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "server/broker/broker.h"
#include "server/broker/context.h"
#include "server/broker/dead_letters.h"
#include "server/broker/delayed_list.h"
#include "server/broker/delayed_mover.h"
#include "server/broker/event_history.h"
#include "server/broker/group.h"
#include "server/broker/group_admin.h"
#include "server/broker/group_editor.h"
#include "server/broker/group_expiry.h"
#include "server/broker/group_opener.h"
#include "server/broker/instance_directory.h"
#include "server/broker/instance_report.h"
#include "server/broker/instance_reporter.h"
#include "server/broker/lifetime.h"
#include "server/broker/membership.h"
#include "server/broker/publisher.h"
#include "server/broker/pulls.h"
#include "server/broker/recent_events.h"
#include "server/broker/registry.h"
#include "server/broker/retention.h"
#include "server/broker/sessions.h"
#include "server/broker/shared_reader.h"
#include "server/broker/stream_admin.h"
#include "server/broker/stream_policies.h"
#include "server/broker/tail.h"

namespace eventbus {

// What Broker is made of, wired together: it passes on to each part what concerns it, and decides
// nothing by itself but the order of starting and stopping.
class Broker::Core final : public StoreListener,
                           public RegistryListener,
                           public MembershipListener,
                           public GroupHost,
                           public EventWitness {
 public:
  Core(Loop* loop, StreamStore* store, BrokerEvents* events, BrokerOptions options);
  ~Core() override;

  void Start(absl::AnyInvocable<void(absl::Status)> done);
  void Publish(PublishCommand command);
  DelayedList& delayed() { return delayed_list_; }
  SubscriptionId Open(OpenRequest request, SubscriberSink* sink);
  void Settle(SubscriptionId id, SettleCommand command);
  void SettleByTokens(TokenSettleCommand command);  // core_settling.cc
  void SetFlow(SubscriptionId id, FlowLimits flow);
  void Taken(SubscriptionId id, uint64_t events, uint64_t bytes);
  void Close(SubscriptionId id, CallEnd end);
  void Drain(absl::Time deadline, absl::AnyInvocable<void()> done);
  DeadLetters& dead_letters() { return dead_letters_; }
  GroupEditor& group_editor() { return editor_; }
  absl::Time StoreNow() const { return context_.StoreNow(); }
  Pulls& pulls() { return pulls_; }
  absl::Status Ready() const;
  BrokerCounts Counts() const;
  const std::string& instance_id() const { return context_.incarnation; }
  GroupAdmin& groups() { return group_admin_; }
  InstanceDirectory& instances() { return directory_; }
  StreamAdmin& streams() { return stream_admin_; }
  RecentEvents& recent_events() { return recent_events_; }
  EventHistory& event_history() { return event_history_; }
  void NoteActivity(SubscriptionId id);

 private:
  // Why nothing is taken while this instance stops.
  static absl::Status DrainingError(absl::string_view what);

  // One command while it is carried out.
  class TokenSettling;
  struct PendingOpen {
    OpenRequest request;
    SubscriberSink* sink = nullptr;
  };
  // Who on this instance gets what is appended to a stream.
  struct Interested {
    std::vector<Group*> groups;
    std::vector<Tail*> tails;
    // The stream is that of a known type.
    bool is_known = false;

    bool empty() const { return groups.empty() && tails.empty(); }
  };

  // StoreListener
  void OnStreamAdvanced(absl::string_view stream) override;
  void OnEntriesReleased(absl::string_view stream, const GroupKey& group) override;
  void OnLeaseWanted(const LeaseWish& wish) override;
  void OnMail(const MailNotice& notice) override;
  void OnRegistryChanged() override;
  void OnInstancesChanged() override;
  void OnSignalsMissed() override;
  void OnStoreUp() override;
  void OnStoreDown(const absl::Status& why) override;
  void OnDropped(absl::string_view stream, const TrimResult& dropped) override;
  // RegistryListener
  void OnTypeKnown(const TypeRecord& type) override;
  void OnTypeGone(const std::string& stream) override;
  void OnGroupKnown(const KnownGroup& group) override;
  void OnGroupGone(const std::string& name) override;
  // MembershipListener
  void OnInstanceGone(const std::string& incarnation) override;
  void OnJudged(const std::string& old_incarnation) override;
  void OnReports(const std::vector<std::string>& reports) override;
  // GroupHost, EventWitness
  bool IsAlive(const std::string& incarnation) const override;
  // EventWitness
  std::optional<GroupEventState> HeldHere(const std::string& group, const std::string& stream,
                                          Position event) const override;
  // GroupHost
  uint64_t Looks() const override;
  void OnGroupIdle(Group* group) override;
  void OnMemberClosed(SubscriptionId id) override;

  void OnJoined();
  void BeginOpen(SubscriptionId id);
  // Its call goes on with a session that there is.
  void GoOn(SubscriptionId id, Session* session);
  // Ends a member of a group.
  void EndMember(SubscriptionId id, bool abruptly);
  void OnGroupFound(SubscriptionId id, absl::StatusOr<OpenedGroup> found);
  void RefuseOpen(SubscriptionId id, const absl::Status& why);
  // Tokens of events that this instance does not hold (core_settling.cc).
  struct Elsewhere;
  void SettleElsewhere(const std::shared_ptr<TokenSettling>& settling,
                       const std::shared_ptr<SettleWaiter>& waiter,
                       const std::vector<Elsewhere>& tokens);
  void SettleUnheardOf(const std::shared_ptr<TokenSettling>& settling,
                       const std::shared_ptr<SettleWaiter>& waiter, std::vector<Elsewhere> tokens);
  // Whether the group and the type of the token are known.
  bool HasHeardOf(const DeliveryToken& token) const;
  Group* FindGroupOf(SubscriptionId id);
  void RemoveGroup(Group* group);
  void RetireGroup(const std::string& name);
  void NotifyAdvanced();
  const Interested& InterestedIn(absl::string_view stream);
  // By this instance, or being appended.
  void OnAppended(absl::string_view stream);
  void Recheck();
  void SweepTick();
  std::vector<std::string> GroupsInUse() const;
  InstanceReport Report() const;
  void EndTails();
  void CheckDrained();
  void FinishDrain();

  const BrokerOptions options_;
  RandomSource random_;
  ByteBudget waiting_values_;
  InstanceMeter meter_;
  Context context_;
  const StreamPolicies policies_;
  Registry registry_;
  StreamRoom room_;
  Publisher publisher_;
  DelayedMover delayed_mover_;
  DelayedList delayed_list_;
  SharedReader reader_;
  Membership membership_;
  Retention retention_;
  GroupExpiry expiry_;
  GroupEditor editor_;
  GroupOpener opener_;
  DeadLetters dead_letters_;
  InstanceReporter reporter_;
  InstanceDirectory directory_;
  GroupAdmin group_admin_;
  Pulls pulls_;
  StreamAdmin stream_admin_;
  RecentEvents recent_events_;
  EventHistory event_history_;

  Sessions sessions_;

  SubscriptionId last_subscription_ = 0;
  absl::btree_map<SubscriptionId, PendingOpen> opening_;
  absl::btree_map<SubscriptionId, std::unique_ptr<Tail>> tails_;
  absl::btree_map<std::string, std::unique_ptr<Group>> groups_;
  // Groups that were deleted or changed, until they have let go of what they held.
  std::vector<std::unique_ptr<Group>> retired_;
  absl::flat_hash_map<SubscriptionId, Group*> members_;

  absl::btree_set<std::string> advanced_;
  // Made when needed, dropped whenever a group or a tail comes or goes or learns of a stream.
  absl::flat_hash_map<std::string, Interested> interested_;

  // When the registry was read again for a token of what was not known.
  absl::Duration read_for_token_at_ = -absl::InfiniteDuration();

  absl::Time started_at_;
  bool started_ = false;
  bool draining_ = false;
  absl::Status store_problem_;
  absl::AnyInvocable<void(absl::Status)> on_started_;
  std::vector<SubscriptionId> early_opens_;
  absl::AnyInvocable<void()> on_drained_;
  // Groups, or nothing for all tails, and streams.
  std::deque<std::pair<std::string, std::string>> sweep_round_;
  size_t sweep_per_tick_ = 1;
  std::unique_ptr<Timer> sweep_timer_;
  std::unique_ptr<Timer> drain_timer_;
  std::unique_ptr<Timer> give_up_timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_CORE_H_
