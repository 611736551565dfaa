#include "server/broker/core.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr int kSweepTicks = 20;
// However many streams and groups there are, a sweep asks no more at a time: it is there for what
// should not have been missed, and a round may take longer.
constexpr size_t kMostSweptPerTick = 25;
// What a drain waits for the store beyond its deadline.
constexpr absl::Duration kDrainGrace = absl::Seconds(2);

absl::Status GroupChangedError(absl::string_view group) {
  return MakeError(absl::StatusCode::kAborted, Reason::kGroupChanged,
                   absl::StrCat("group \"", group, "\" was deleted or changed; open again"),
                   {{"group", std::string(group)}});
}

}  // namespace

absl::Status Broker::Core::DrainingError(absl::string_view what) {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kDraining,
                   absl::StrCat("this instance stops: ", what, "; connect again"));
}

Broker::Core::Core(Loop* loop, StreamStore* store, BrokerEvents* events, BrokerOptions options)
    : options_(std::move(options)),
      random_(options_.seed),
      waiting_values_(options_.waiting_value_bytes),
      meter_(loop->MonotonicNow()),
      context_{.loop = loop,
               .store = store,
               .events = events,
               .options = &options_,
               .incarnation = options_.incarnation,
               .random = &random_,
               .waiting_values = &waiting_values_,
               .meter = &meter_},
      policies_(options_),
      registry_(&context_, this),
      publisher_(&context_, &registry_, &policies_, &room_,
                 [this](absl::string_view stream) { OnAppended(stream); }),
      delayed_mover_(
          &context_, &registry_, &policies_,
          [this](absl::string_view stream) { OnStreamAdvanced(stream); },
          [this](const std::string& stream, absl::AnyInvocable<void(absl::Status)> done) {
            publisher_.Bear(stream, std::move(done));
          }),
      delayed_list_(&context_),
      reader_(&context_),
      membership_(&context_, this, [this] { return expiry_.Report(GroupsInUse()); }),
      retention_(&context_, &registry_, &policies_, &room_),
      expiry_(&context_, &registry_),
      editor_(&context_, &registry_),
      opener_(&context_, &registry_, &editor_),
      dead_letters_(&context_, &registry_, &editor_,
                    [this](absl::string_view stream) { OnStreamAdvanced(stream); }),
      reporter_(&context_, [this] { return Report(); }),
      directory_(&context_, &membership_, [this] { return Report(); }),
      group_admin_(&context_, &registry_, &directory_),
      pulls_(
          &context_, &registry_,
          [this](OpenRequest request, SubscriberSink* sink) {
            return Open(std::move(request), sink);
          },
          [this](SubscriptionId id) { Close(id, CallEnd::kInPeace); }),
      stream_admin_(&context_, &registry_, &policies_, &room_),
      recent_events_(&context_, &registry_),
      event_history_(&context_, &registry_, this),
      sessions_(
          &context_,
          [this](const Session& session) { EndMember(session.member(), session.abruptly()); }),
      sweep_timer_(loop->CreateTimer([this] { SweepTick(); })),
      drain_timer_(loop->CreateTimer([this] {
        for (const auto& [name, group] : groups_) {
          group->CloseMembers(DrainingError("the time to settle is over"));
        }
      })),
      give_up_timer_(loop->CreateTimer([this] { FinishDrain(); })) {
  publisher_.set_on_delayed(
      [this](const std::string& stream, absl::Time due, absl::Time store_time, uint64_t waiting) {
        delayed_mover_.NoteDelayed(stream, due, store_time, waiting);
      });
  store->SetListener(this);
}

Broker::Core::~Core() { context_.store->SetListener(nullptr); }

// ---- Starting ----

void Broker::Core::Start(absl::AnyInvocable<void(absl::Status)> done) {
  on_started_ = std::move(done);
  membership_.Join(lifetime_.Guard([this] {
    registry_.Refresh();
    registry_.WhenReady(lifetime_.Guard([this] { OnJoined(); }));
  }));
}

void Broker::Core::OnJoined() {
  started_ = true;
  started_at_ = context_.StoreNow();
  reporter_.Start();
  retention_.Start();
  sweep_timer_->Arm(options_.sweep_interval / kSweepTicks);
  publisher_.Begin();
  delayed_mover_.Start();
  for (const SubscriptionId id : std::exchange(early_opens_, {})) BeginOpen(id);
  if (on_started_ != nullptr) std::exchange(on_started_, nullptr)(absl::OkStatus());
}

absl::Status Broker::Core::Ready() const {
  if (draining_) return DrainingError("it takes no more work");
  if (!store_problem_.ok()) return store_problem_;
  return started_ ? absl::OkStatus() : absl::UnavailableError("the store has not answered yet");
}

// ---- Publishing ----

void Broker::Core::Publish(PublishCommand command) { publisher_.Publish(std::move(command)); }

void Broker::Core::OnAppended(absl::string_view stream) {
  reader_.NoteAppend();
  // Most types have few who listen on this instance, and often nobody.
  const Interested& interested = InterestedIn(stream);
  if (interested.empty() && interested.is_known) return;
  OnStreamAdvanced(stream);
}

void Broker::Core::OnStreamAdvanced(absl::string_view stream) {
  if (advanced_.empty()) {
    context_.loop->Defer(lifetime_.Guard([this] { NotifyAdvanced(); }));
  }
  advanced_.emplace(stream);
}

void Broker::Core::NotifyAdvanced() {
  for (const std::string& stream : std::exchange(advanced_, {})) {
    // Whatever kept its birth from being heard of: it is there.
    if (!IsSideStream(stream) && !registry_.HasType(stream)) registry_.Refresh();
    const Interested& interested = InterestedIn(stream);
    for (Group* group : interested.groups) group->OnStreamAdvanced(stream);
    for (Tail* tail : interested.tails) tail->OnStreamAdvanced(stream);
  }
}

const Broker::Core::Interested& Broker::Core::InterestedIn(absl::string_view stream) {
  const auto [place, fresh] = interested_.try_emplace(stream);
  if (fresh) {
    place->second.is_known = registry_.HasType(stream);
    for (const auto& [name, group] : groups_) {
      if (group->Wants(stream)) place->second.groups.push_back(group.get());
    }
    for (const auto& [id, tail] : tails_) {
      if (!IsSideStream(stream) && tail->Wants(stream)) place->second.tails.push_back(tail.get());
    }
  }
  return place->second;
}

// ---- Groups coming and going ----

void Broker::Core::OnTypeKnown(const TypeRecord& type) {
  interested_.clear();
  for (const auto& [name, group] : groups_) group->OnTypeKnown(type);
  for (const auto& [id, tail] : tails_) tail->OnTypeKnown(type);
}

void Broker::Core::OnTypeGone(const std::string& stream) {
  interested_.clear();
  room_.Forget(stream);
  for (const auto& [name, group] : groups_) group->OnTypeGone(stream);
}

void Broker::Core::OnGroupKnown(const KnownGroup& known) {
  const auto found = groups_.find(known.record.name);
  if (found == groups_.end()) return;
  const GroupRecord& mine = found->second->known().record;
  if (mine.stamp != known.record.stamp) return RetireGroup(known.record.name);
  interested_.clear();
  found->second->Update(known);
}

void Broker::Core::OnGroupGone(const std::string& name) { RetireGroup(name); }

void Broker::Core::RetireGroup(const std::string& name) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return;
  retired_.push_back(std::move(found->second));
  groups_.erase(found);
  interested_.clear();
  retired_.back()->CloseMembers(GroupChangedError(name));
}

void Broker::Core::OnGroupIdle(Group* group) {
  context_.loop->Defer(lifetime_.Guard([this, group] { RemoveGroup(group); }));
}

void Broker::Core::RemoveGroup(Group* group) {
  std::erase_if(retired_, [group](const auto& retired) { return retired.get() == group; });
  for (const auto& [name, candidate] : groups_) {
    if (candidate.get() != group) continue;
    // Somebody may have come meanwhile.
    if (group->members() > 0) return;
    interested_.clear();
    groups_.erase(name);
    break;
  }
  CheckDrained();
}

bool Broker::Core::IsAlive(const std::string& incarnation) const {
  return membership_.IsAlive(incarnation);
}

uint64_t Broker::Core::Looks() const { return membership_.looks(); }

// ---- What the store tells ----

void Broker::Core::OnEntriesReleased(absl::string_view stream, const GroupKey& key) {
  const auto group = groups_.find(key.name);
  if (group != groups_.end()) group->second->OnEntriesReleased(stream);
}

void Broker::Core::OnLeaseWanted(const LeaseWish& wish) {
  if (wish.owner != context_.incarnation) return;
  const auto group = groups_.find(wish.group.name);
  if (group != groups_.end()) return group->second->OnLeaseWanted(wish);
  // Perhaps a server that has forgotten that it was given back.
  context_.store->ReleaseLease(wish.stream, wish.group, context_.incarnation,
                               [](const absl::Status&) {});
}

void Broker::Core::OnMail(const MailNotice& notice) {
  if (notice.consumer != context_.incarnation) return;
  const auto group = groups_.find(notice.group.name);
  if (group != groups_.end()) return group->second->OnMail(notice);
  context_.store->DropMail(notice.stream, notice.group, notice.consumer, {notice.id});
}

void Broker::Core::OnRegistryChanged() { registry_.Refresh(); }

void Broker::Core::OnInstancesChanged() { membership_.LookNow(); }

void Broker::Core::OnSignalsMissed() { Recheck(); }

void Broker::Core::OnStoreUp() {
  context_.store_up = true;
  store_problem_ = absl::OkStatus();
  context_.events->OnStoreState(true, absl::OkStatus());
  publisher_.SetAway(absl::OkStatus());
  membership_.Restart();
  Recheck();
}

void Broker::Core::OnStoreDown(const absl::Status& why) {
  context_.store_up = false;
  store_problem_ = MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                             absl::StrCat("the store cannot be reached: ", why.message()));
  context_.events->OnStoreState(false, why);
  publisher_.SetAway(why);
}

void Broker::Core::Recheck() {
  registry_.Refresh();
  delayed_mover_.Recheck();
  for (const auto& [name, group] : groups_) group->Recheck();
  for (const auto& [id, tail] : tails_) tail->Recheck();
}

void Broker::Core::OnDropped(absl::string_view stream, const TrimResult& dropped) {
  context_.events->OnDropped(stream, "store_full", dropped);
}

void Broker::Core::OnInstanceGone(const std::string& incarnation) {
  for (const auto& [name, group] : groups_) group->OnInstanceGone(incarnation);
}

void Broker::Core::OnJudged(const std::string& old_incarnation) {
  for (const auto& [name, group] : groups_) {
    group->LoseAll();
    group->OnInstanceGone(old_incarnation);
  }
}

void Broker::Core::OnReports(const std::vector<std::string>& reports) {
  expiry_.OnReports(reports);
}

std::vector<std::string> Broker::Core::GroupsInUse() const {
  std::vector<std::string> names;
  for (const auto& [name, group] : groups_) {
    if (group->members() > 0) names.push_back(name);
  }
  return names;
}

void Broker::Core::SweepTick() {
  sweep_timer_->Arm(options_.sweep_interval / kSweepTicks);
  if (!context_.store_up) return;
  if (sweep_round_.empty()) {
    for (const auto& [name, group] : groups_) {
      for (std::string& stream : group->streams()) {
        sweep_round_.emplace_back(name, std::move(stream));
      }
    }
    // Tails, each stream once for all of them.
    for (const auto& [stream, type] : registry_.types()) {
      if (!tails_.empty() && !InterestedIn(stream).tails.empty()) {
        sweep_round_.emplace_back("", stream);
      }
    }
    sweep_per_tick_ = std::min(sweep_round_.size() / kSweepTicks + 1, kMostSweptPerTick);
  }
  for (size_t i = 0; i < sweep_per_tick_ && !sweep_round_.empty(); ++i) {
    const auto [name, stream] = std::move(sweep_round_.front());
    sweep_round_.pop_front();
    if (name.empty()) {
      for (Tail* tail : InterestedIn(stream).tails) tail->OnStreamAdvanced(stream);
      continue;
    }
    const auto group = groups_.find(name);
    if (group != groups_.end()) group->second->Sweep(stream);
  }
}

// ---- Stopping ----

void Broker::Core::Drain(absl::Time deadline, absl::AnyInvocable<void()> done) {
  draining_ = true;
  for (const Session* session : sessions_.Detached()) {
    EndMember(session->member(), session->abruptly());
  }
  if (started_) reporter_.TellLast();
  on_drained_ = std::move(done);
  const absl::Duration left = deadline - context_.loop->WallNow();
  drain_timer_->Arm(left);
  give_up_timer_->Arm(std::max(left, absl::ZeroDuration()) + kDrainGrace);
  retention_.Stop();
  delayed_mover_.Stop();
  sweep_timer_->Disarm();
  publisher_.Refuse(MakeError(absl::StatusCode::kUnavailable, Reason::kDraining,
                              "not stored: this instance stops; publish to another one"));
  std::vector<SubscriptionId> opening;
  for (const auto& [id, open] : opening_) opening.push_back(id);
  for (const SubscriptionId id : opening) {
    RefuseOpen(id, DrainingError("it takes no more subscribers"));
  }
  constexpr absl::string_view kMessage =
      "this instance stops; settle what you hold and connect again";
  for (const auto& [id, tail] : tails_) tail->Drain(deadline, kMessage);
  for (const auto& [name, group] : groups_) group->Drain(deadline, kMessage);
  publisher_.WhenIdle(lifetime_.Guard([this] { CheckDrained(); }));
  // Tails hold nothing: they may go at once.
  context_.loop->Defer(lifetime_.Guard([this] { EndTails(); }));
}

void Broker::Core::EndTails() {
  for (auto& [id, tail] : std::exchange(tails_, {})) {
    context_.events->OnSubscriberClosed("", tail->request().client_id, tail->request().peer);
    tail->sink()->OnClosed(DrainingError("this stream ends"));
  }
  interested_.clear();
  CheckDrained();
}

void Broker::Core::CheckDrained() {
  if (!draining_ || on_drained_ == nullptr) return;
  if (!groups_.empty() || !retired_.empty() || !tails_.empty()) return;
  if (publisher_.queued_events() > 0) return;
  membership_.Leave(lifetime_.Guard([this](const absl::Status&) { FinishDrain(); }));
}

void Broker::Core::FinishDrain() {
  drain_timer_->Disarm();
  give_up_timer_->Disarm();
  if (on_drained_ != nullptr) std::exchange(on_drained_, nullptr)();
}

BrokerCounts Broker::Core::Counts() const {
  BrokerCounts counts;
  counts.streams = registry_.types().size();
  counts.groups = registry_.groups().size();
  counts.group_subscribers = members_.size();
  counts.tails = tails_.size();
  for (const auto& [name, group] : groups_) {
    counts.in_flight_events += group->in_flight();
    counts.in_flight_bytes += group->in_flight_bytes();
    counts.retrying_events += group->retrying();
    counts.unread_events += group->unread_events();
    if (group->stalled()) ++counts.stalled_groups;
  }
  counts.publish_queue_events = publisher_.queued_events();
  counts.publish_queue_bytes = publisher_.queued_bytes();
  counts.delayed_events = delayed_mover_.waiting();
  return counts;
}

}  // namespace eventbus
