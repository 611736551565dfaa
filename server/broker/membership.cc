#include "server/broker/membership.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

// How long, and how many, of those that are gone are remembered.
constexpr absl::Duration kRemembered = absl::Minutes(10);
constexpr size_t kMaxRemembered = 100;

}  // namespace

Membership::Membership(Context* context, MembershipListener* listener,
                       std::function<std::string()> report)
    : context_(context),
      listener_(listener),
      report_(std::move(report)),
      first_incarnation_(context->incarnation),
      timer_(context->loop->CreateTimer([this] { Beat(); })) {}

void Membership::Join(absl::AnyInvocable<void()> done) {
  joined_ = std::move(done);
  Beat();
}

bool Membership::IsAlive(const std::string& incarnation) const {
  return incarnation == context_->incarnation || others_.contains(incarnation);
}

void Membership::Restart() {
  const absl::Duration now = context_->loop->MonotonicNow();
  for (auto& [incarnation, watched] : others_) watched.still_since = now;
}

std::vector<SeenInstance> Membership::Seen() const {
  const absl::Duration now = context_->loop->MonotonicNow();
  absl::btree_map<std::string, SeenInstance> all;
  for (const auto& [incarnation, gone] : gone_) {
    if (now - gone.at > kRemembered) continue;
    all[incarnation] = {incarnation, gone.state, gone.moved_at};
  }
  for (const auto& [incarnation, watched] : others_) {
    all[incarnation] = {incarnation,
                        watched.has_moved ? InstanceState::kAlive : InstanceState::kUnknown,
                        watched.moved_at};
  }
  all[context_->incarnation] = {context_->incarnation, InstanceState::kAlive, now};
  std::vector<SeenInstance> seen;
  for (auto& [incarnation, one] : all) seen.push_back(std::move(one));
  return seen;
}

void Membership::NoteGone(const std::string& incarnation, InstanceState state) {
  const absl::Duration now = context_->loop->MonotonicNow();
  absl::erase_if(gone_, [now](const auto& gone) { return now - gone.second.at > kRemembered; });
  if (gone_.size() >= kMaxRemembered) return;
  const auto watched = others_.find(incarnation);
  gone_.try_emplace(incarnation,
                    Gone{state, watched == others_.end() ? now : watched->second.moved_at, now});
}

void Membership::Beat() {
  if (beating_ || leaving_) return;
  beating_ = true;
  again_ = false;
  context_->store->Heartbeat({context_->incarnation, report_()},
                             lifetime_.Guard([this, sent_at = context_->loop->MonotonicNow()](
                                                 absl::StatusOr<HeartbeatResult> result) {
                               beating_ = false;
                               OnBeat(sent_at, std::move(result));
                             }));
}

void Membership::OnBeat(absl::Duration sent_at, absl::StatusOr<HeartbeatResult> result) {
  if (leaving_) return;
  timer_->Arm(context_->options->heartbeat_interval);
  // While our own traffic fails, nobody's silence proves anything.
  if (!result.ok()) return Restart();
  const std::vector<InstanceRecord>& instances = result->instances;
  context_->store_clock.Set(result->store_time, context_->loop->MonotonicNow());
  if (!CheckSelf(instances)) return Beat();

  ++looks_;
  // We slept, and so may all have if the machine did: what was seen before proves nothing.
  const BrokerOptions& options = *context_->options;
  const absl::Duration longest_gap =
      std::max(options.dead_after / 2, 3 * options.heartbeat_interval);
  if (sent_at - std::exchange(last_sent_at_, sent_at) > longest_gap) Restart();
  std::vector<std::string> reports;
  absl::flat_hash_set<std::string> present;
  for (const InstanceRecord& instance : instances) {
    if (instance.left) continue;
    present.insert(instance.incarnation);
    reports.push_back(instance.report);
    if (instance.incarnation != context_->incarnation) Judge(instance, sent_at);
  }
  std::vector<std::string> gone;
  for (const InstanceRecord& instance : instances) {
    if (instance.left) NoteGone(instance.incarnation, InstanceState::kLeft);
  }
  for (const auto& [incarnation, watched] : others_) {
    if (!present.contains(incarnation)) gone.push_back(incarnation);
  }
  for (const std::string& incarnation : gone) {
    // Another instance was first to judge it, or to see that it had left: of the two, the heartbeat
    // stands still for long before the one, and not before the other.
    const bool stood_still =
        sent_at - others_.at(incarnation).still_since > context_->options->dead_after / 2;
    NoteGone(incarnation, stood_still ? InstanceState::kDead : InstanceState::kLeft);
    others_.erase(incarnation);
    listener_->OnInstanceGone(incarnation);
  }
  for (const InstanceRecord& instance : instances) {
    // What it left pending is found by name, so the record has served its purpose.
    if (instance.left)
      context_->store->ForgetInstance(instance.incarnation, [](const absl::Status&) {});
  }
  context_->store->SetAudience(!others_.empty());
  listener_->OnReports(reports);
  if (joined_ != nullptr) std::exchange(joined_, nullptr)();
  if (again_) Beat();
}

bool Membership::CheckSelf(const std::vector<InstanceRecord>& instances) {
  for (const InstanceRecord& instance : instances) {
    if (instance.incarnation != context_->incarnation) continue;
    if (instance.counter > own_counter_ && !instance.left) {
      own_counter_ = instance.counter;
      return true;
    }
  }
  const std::string old = context_->incarnation;
  context_->incarnation = absl::StrCat(first_incarnation_, ".", ++incarnations_);
  own_counter_ = 0;
  // Our late heartbeat has brought the old name back.
  context_->store->Leave(old, [](const absl::Status&) {});
  listener_->OnJudged(old);
  return false;
}

void Membership::Judge(const InstanceRecord& instance, absl::Duration sent_at) {
  const absl::Duration now = context_->loop->MonotonicNow();
  const auto [place, fresh] =
      others_.try_emplace(instance.incarnation, Watched{instance.counter, now, now});
  Watched& watched = place->second;
  if (fresh) return;
  if (instance.counter != watched.counter) {
    watched = {instance.counter, now, now, true};
    return;
  }
  // The store has looked no earlier than this heartbeat was sent. Its answer may have waited for us
  // for long, and says nothing about that time.
  if (sent_at - watched.still_since < context_->options->dead_after) return;
  const std::string incarnation = instance.incarnation;
  NoteGone(incarnation, InstanceState::kDead);
  others_.erase(place);
  context_->events->OnInstanceDead(incarnation);
  context_->store->ForgetInstance(incarnation, [](const absl::Status&) {});
  listener_->OnInstanceGone(incarnation);
}

void Membership::Leave(absl::AnyInvocable<void(absl::Status)> done) {
  leaving_ = true;
  timer_->Disarm();
  context_->store->Leave(context_->incarnation, std::move(done));
}

}  // namespace eventbus
