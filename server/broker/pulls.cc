#include "server/broker/pulls.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

// How long what is there is put together, while more of it is being read.
constexpr absl::Duration kGather = absl::Milliseconds(20);
// How long a pull waits, beyond its time, for a first look into the store.
constexpr absl::Duration kLook = absl::Seconds(2);

}  // namespace

// One member of a group, and the callers that wait for what it gets.
class Pulls::Lease final : public SubscriberSink {
 public:
  Lease(Pulls* pulls, LeaseId id, Attempt attempt)
      : pulls_(pulls), id_(id), attempt_(std::move(attempt)) {}

  LeaseId id() const { return id_; }
  const Attempt& attempt() const { return attempt_; }
  bool has_attempt() const { return !attempt_.second.empty(); }
  std::vector<PullId> TakeIds() { return std::exchange(ids_, {}); }
  void set_subscription(SubscriptionId subscription) { subscription_ = subscription; }
  SubscriptionId subscription() const { return subscription_; }
  bool handed_over() const { return handed_over_; }
  // What was handed over; kept only for who may ask again.
  const Pulled& pulled() const { return *pulled_; }

  void AddCaller(PullId id, PullCommand* command) {
    Caller caller;
    caller.id = id;
    caller.done = std::move(command->done);
    caller.timer = pulls_->context_->loop->CreateTimer([this, id] { WaitOver(id); });
    caller.timer->Arm(command->wait);
    callers_.push_back(std::move(caller));
    ids_.push_back(id);
  }
  // Answers one caller, who must wait; the lease may be retired by it.
  void Answer(PullId id, absl::StatusOr<Pulled> answer) {
    const auto caller = std::find_if(callers_.begin(), callers_.end(),
                                     [id](const Caller& candidate) { return candidate.id == id; });
    auto done = std::move(caller->done);
    callers_.erase(caller);
    std::erase(ids_, id);
    pulls_->callers_.erase(id);
    if (callers_.empty()) pulls_->Retire(this);
    done(std::move(answer));
  }

  void OnOpened(const OpenedInfo& /*opened*/) override { opened_ = true; }
  void OnDeliveries(std::vector<DeliveryRun> runs) override {
    // It is being retired: what it got is given back.
    if (callers_.empty()) return;
    handed_over_ = true;
    pulled_ = Pulled{attempt_.first, std::move(runs),
                     pulls_->context_->loop->WallNow() + pulls_->AckDeadlineOf(attempt_.first)};
    std::vector<Caller> callers = std::exchange(callers_, {});
    // Without an attempt id there is one caller, whose going away gives the lease back.
    if (has_attempt()) pulls_->ForgetCallers(this);
    for (Caller& caller : callers) caller.done(*pulled_);
    if (!has_attempt()) pulled_.reset();
  }
  void OnNothingReady() override {
    looked_ = true;
    AnswerDue();
  }
  void OnSettled(const SettledInfo& /*settled*/) override {}
  void OnLost(const std::vector<DeliveryRange>& /*deliveries*/, LostReason /*reason*/,
              absl::string_view /*message*/) override {}
  void OnDrain(absl::Time /*deadline*/, absl::string_view /*message*/) override {}
  void OnClosed(const absl::Status& why) override {
    std::vector<Caller> callers = std::exchange(callers_, {});
    pulls_->Forget(this);
    for (Caller& caller : callers) caller.done(why);
  }

 private:
  struct Caller {
    PullId id = 0;
    absl::AnyInvocable<void(absl::StatusOr<Pulled>)> done;
    std::unique_ptr<Timer> timer;
    // Its time is over.
    bool due = false;
  };

  void WaitOver(PullId id) {
    const auto caller = std::find_if(callers_.begin(), callers_.end(),
                                     [id](const Caller& candidate) { return candidate.id == id; });
    if (caller->due) looked_ = true;
    caller->due = true;
    if (!looked_) return caller->timer->Arm(kLook);
    AnswerDue();
  }

  // With nothing, or if the group could not even be opened, with that.
  void AnswerDue() {
    std::vector<PullId> due;
    for (const Caller& caller : callers_) {
      if (caller.due) due.push_back(caller.id);
    }
    for (const PullId id : due) {
      if (opened_) {
        Answer(id, Pulled{attempt_.first, {}});
      } else {
        Answer(id, MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                             absl::StrCat("group \"", attempt_.first,
                                          "\" could not be opened in time; pull again")));
      }
    }
  }

  Pulls* const pulls_;
  const LeaseId id_;
  // Its second part is empty if there is none.
  const Attempt attempt_;
  SubscriptionId subscription_ = 0;
  std::vector<Caller> callers_;
  // Of those that are in Pulls::callers_.
  std::vector<PullId> ids_;
  bool opened_ = false;
  // The group has said that there is nothing, or has had its time to.
  bool looked_ = false;
  bool handed_over_ = false;
  std::optional<Pulled> pulled_;
};

Pulls::Pulls(const Context* context, const Registry* registry, Open open, Close close)
    : context_(context), registry_(registry), open_(std::move(open)), close_(std::move(close)) {}

Pulls::~Pulls() = default;

PullId Pulls::Pull(PullCommand command) {
  const PullId id = ++last_pull_;
  Lease* lease = nullptr;
  if (!command.attempt_id.empty()) {
    const auto found = attempts_.find(Attempt(command.open.group, command.attempt_id));
    if (found != attempts_.end()) lease = found->second;
  }
  if (lease != nullptr && lease->handed_over()) {
    command.done(lease->pulled());
    return id;
  }
  if (lease == nullptr) lease = &NewLease(&command);
  lease->AddCaller(id, &command);
  callers_.emplace(id, lease);
  return id;
}

Pulls::Lease& Pulls::NewLease(PullCommand* command) {
  const LeaseId id = ++last_lease_;
  Attempt attempt(command->open.group, std::move(command->attempt_id));
  OpenRequest open = std::move(command->open);
  open.tokens = true;
  open.one_shot = true;
  open.batch = {open.flow.max_in_flight, kGather};
  Lease& lease = *leases_.emplace(id, std::make_unique<Lease>(this, id, attempt)).first->second;
  if (lease.has_attempt()) attempts_.emplace(std::move(attempt), &lease);
  lease.set_subscription(open_(std::move(open), &lease));
  return lease;
}

void Pulls::Cancel(PullId id) {
  const auto found = callers_.find(id);
  if (found == callers_.end()) return;
  Lease* const lease = found->second;
  if (lease->handed_over()) return Retire(lease);
  lease->Answer(id, absl::CancelledError("the client ended the call"));
}

void Pulls::Retire(Lease* lease) {
  ForgetCallers(lease);
  ForgetAttempt(*lease);
  // Later, for its group may be at work.
  context_->loop->Defer(lifetime_.Guard([this, id = lease->id()] {
    const auto found = leases_.find(id);
    if (found == leases_.end()) return;
    close_(found->second->subscription());
    leases_.erase(found);
  }));
}

void Pulls::Forget(Lease* lease) {
  ForgetCallers(lease);
  ForgetAttempt(*lease);
  // Later, for it is what is running.
  context_->loop->Defer(lifetime_.Guard([this, id = lease->id()] { leases_.erase(id); }));
}

void Pulls::ForgetCallers(Lease* lease) {
  for (const PullId id : lease->TakeIds()) callers_.erase(id);
}

void Pulls::ForgetAttempt(const Lease& lease) {
  if (!lease.has_attempt()) return;
  const auto found = attempts_.find(lease.attempt());
  if (found != attempts_.end() && found->second == &lease) attempts_.erase(found);
}

absl::Duration Pulls::AckDeadlineOf(const std::string& group) const {
  const KnownGroup* const known = registry_->FindGroup(group);
  return known == nullptr ? absl::ZeroDuration() : known->definition.policy.ack_deadline;
}

}  // namespace eventbus
