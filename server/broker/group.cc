#include "server/broker/group.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/delivery_ranges.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr absl::Duration kSaveTick = absl::Milliseconds(300);
// What the next subscriber, and the dead letter, are told.
constexpr char kDeadlineReason[] = "not settled before the ack deadline";
constexpr DeliveryRange kAllDeliveries = {1, std::numeric_limits<uint64_t>::max()};

absl::Status DrainingError() {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kDraining,
                   "this instance stops; connect again");
}

}  // namespace

Group::Group(const Context* context, const Registry* registry, GroupHost* host, KnownGroup known)
    : context_(context),
      registry_(registry),
      host_(host),
      known_(std::move(known)),
      acked_rate_(absl::Minutes(1), context->loop->MonotonicNow()),
      ensure_timer_(context->loop->CreateTimer([this] {
        // A copy: an answer may change the map.
        const auto missing = ensuring_;
        for (const auto& [stream, type] : missing) Ensure(type);
      })),
      save_timer_(context->loop->CreateTimer([this] {
        for (Attached* attached : std::exchange(unsaved_, {})) {
          attached->in_unsaved = false;
          StreamChanged(attached);
        }
      })),
      deadline_timer_(context->loop->CreateTimer([this] { CheckDeadlines(); })),
      pause_timer_(context->loop->CreateTimer([this] { Schedule(); })) {
  for (const auto& [stream, type] : registry->types()) {
    if (known_.patterns.Matches(stream)) Attach(type, /*ensure=*/true);
  }
  AttachSideStreams();
  const absl::Time until = known_.definition.paused_until;
  if (paused() && until != absl::InfiniteFuture()) {
    pause_timer_->Arm(until - context_->StoreNow());
  }
}

// ---- Members ----

void Group::AddMember(SubscriptionId id, const OpenRequest& request, SubscriberSink* sink,
                      bool created) {
  const bool first = NobodyTakesMore();
  members_.emplace(id, std::make_unique<Member>(context_, id, request, sink));
  reported_idle_ = false;
  OpenedInfo info;
  info.subscription_id = absl::StrCat(context_->incarnation, "/", id);
  info.instance_id = context_->incarnation;
  info.group = known_.record.name;
  info.group_created = created;
  info.definition = known_.definition;
  info.flow = request.flow;
  info.batch = request.batch;
  opening_.push_back({id, std::move(info)});
  if ((first || request.one_shot) && ensuring_.empty()) {
    // What was given back when the last member left. And who looks only once looks at all.
    for (const auto& [name, attached] : streams_) {
      attached->stream->NoteClaimable(kReleasedConsumer);
      attached->stream->NoteAdvanced();
    }
  }
  if (ensuring_.empty()) {
    context_->loop->Defer(lifetime_.Guard([this] { OpenWaiting(); }));
  }
}

void Group::OpenWaiting() {
  if (!LeasesKnown()) return;
  for (const Opening& opening : std::exchange(opening_, {})) {
    const auto member = members_.find(opening.id);
    if (member == members_.end()) continue;
    member->second->set_opened();
    OpenedInfo info = opening.info;
    info.standing_by = StandsBy();
    member->second->sink()->OnOpened(info);
  }
  Schedule();
}

void Group::RemoveMember(SubscriptionId id, bool abruptly) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  Member& member = *found->second;
  std::vector<Member::TakenRun> taken = member.TakeAway(kAllDeliveries);
  if (abruptly && known_.definition.policy.max_crashes > 0) {
    for (auto run = taken.rbegin(); run != taken.rend(); ++run) {
      run->stream->Crash(run->run, member.client_id());
    }
  } else {
    PutBack(std::move(taken), DeliveryInput::kDisconnect);
  }
  context_->events->OnSubscriberClosed(known_.record.name, member.client_id(), member.peer());
  members_.erase(found);
  Schedule();
}

void Group::CloseMember(SubscriptionId id, const absl::Status& why) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  SubscriberSink* const sink = found->second->sink();
  RemoveMember(id, /*abruptly=*/false);
  sink->OnClosed(why);
  host_->OnMemberClosed(id);
}

void Group::CloseMembers(const absl::Status& why) {
  std::vector<SubscriptionId> ids;
  for (const auto& [id, member] : members_) ids.push_back(id);
  for (const SubscriptionId id : ids) CloseMember(id, why);
  Schedule();
}

void Group::SetFlow(SubscriptionId id, FlowLimits flow) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  found->second->set_flow(flow);
  Schedule();
}

uint64_t Group::in_flight_bytes() const {
  uint64_t sum = 0;
  for (const auto& [id, member] : members_) sum += member->in_flight_bytes();
  return sum;
}

uint64_t Group::in_flight() const {
  uint64_t sum = 0;
  for (const auto& [id, member] : members_) sum += member->in_flight();
  return sum;
}

uint64_t Group::retrying() const {
  uint64_t sum = 0;
  for (const auto& [name, attached] : streams_) sum += attached->stream->waiting_events();
  return sum;
}

// ---- The turn ----

void Group::Schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  context_->loop->Defer(lifetime_.Guard([this] { RunTurn(); }));
}

void Group::StreamChanged(Attached* attached) {
  changed_.push_back(attached);
  Schedule();
}

void Group::RunTurn() {
  scheduled_ = false;
  const std::vector<Attached*> changed = std::exchange(changed_, {});
  for (Attached* attached : changed) {
    if (attached->stream->ordered()) TendLease(*attached);
    if (attached->stream->has_ready() && !attached->in_ready_queue) {
      attached->in_ready_queue = true;
      ready_queue_.push_back(attached);
    }
    if (attached->stream->WantsToFetch() && !attached->in_fetch_queue) {
      attached->in_fetch_queue = true;
      fetch_queue_.push_back(attached);
    }
  }
  if (!opening_.empty() && ensuring_.empty()) OpenWaiting();
  if (!NobodyTakesMore() && !draining_ && !paused()) {
    Dispatch();
    Fetch();
  }
  TendOneShots();
  for (Attached* attached : changed) {
    attached->stream->Flush();
    if (!attached->stream->has_unsaved() || attached->in_unsaved) continue;
    attached->in_unsaved = true;
    unsaved_.push_back(attached);
  }
  if (!unsaved_.empty() && !save_timer_->armed()) save_timer_->Arm(kSaveTick);
  if (NobodyTakesMore() || draining_) LeaveStreams();
}

void Group::Dispatch() {
  if (ready_queue_.empty()) return;
  const auto less_room = [](const Member* a, const Member* b) {
    return a->RoomEvents() < b->RoomEvents();
  };
  std::vector<Member*> heap;
  for (const auto& [id, member] : members_) {
    if (member->opened() && member->HasRoom()) heap.push_back(member.get());
  }
  std::make_heap(heap.begin(), heap.end(), less_room);
  const absl::Duration deadline =
      context_->loop->MonotonicNow() + known_.definition.policy.ack_deadline;
  std::vector<Member*> served;
  while (!heap.empty() && !ready_queue_.empty()) {
    Attached* const attached = ready_queue_.front();
    ready_queue_.pop_front();
    GroupStream& stream = *attached->stream;
    stream.DropExpiredReady();
    if (!stream.has_ready()) {
      attached->in_ready_queue = false;
      continue;
    }
    std::pop_heap(heap.begin(), heap.end(), less_room);
    Member* const member = heap.back();
    EntryRun run = stream.NextReady();
    run.count = member->Fitting(run);
    if (run.count == 0) {
      // It has room for events, but not for this one's bytes: what it has need not wait for more.
      member->SendAll();
      heap.pop_back();
      ready_queue_.push_front(attached);
      continue;
    }
    stream.TakeReady(run.count);
    member->Take(&stream, run, deadline);
    served.push_back(member);
    if (member->HasRoom()) {
      std::push_heap(heap.begin(), heap.end(), less_room);
    } else {
      heap.pop_back();
    }
    ready_queue_.push_back(attached);
  }
  // In an order that does not depend on addresses, so that a simulation repeats.
  std::sort(served.begin(), served.end(),
            [](const Member* a, const Member* b) { return a->id() < b->id(); });
  served.erase(std::unique(served.begin(), served.end()), served.end());
  for (Member* member : served) member->SendDue();
  if (!served.empty()) ArmDeadline(deadline);
}

void Group::ArmDeadline(absl::Duration deadline) {
  if (deadline_timer_->armed() && deadline_at_ <= deadline) return;
  deadline_at_ = deadline;
  deadline_timer_->Arm(std::max(deadline - context_->loop->MonotonicNow(), absl::ZeroDuration()));
}

void Group::CheckDeadlines() {
  const absl::Duration now = context_->loop->MonotonicNow();
  const absl::Duration renewed = now + known_.definition.policy.ack_deadline;
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [id, member] : members_) {
    const std::vector<Member::TakenRun> expired = member->TakeExpired(now, renewed);
    next = std::min(next, member->NextDeadline());
    if (expired.empty()) continue;
    uint64_t events = 0;
    for (const Member::TakenRun& run : expired) {
      events += run.run.count;
      member->RememberLost(run);
    }
    // First, while the entries are surely there.
    TellLost(*member, expired, LostReason::kDeadline,
             "not settled before the ack deadline; it counts as failed and is tried again");
    member->meter().Failed(events);
    context_->events->OnDeadlinePassed(events);
    Fail(expired, {DeadLetterCause::kDeadline, {}, kDeadlineReason, member->client_id()}, nullptr);
  }
  if (next < absl::InfiniteDuration()) ArmDeadline(next);
  Schedule();
}

void Group::Fetch() {
  uint64_t room = 0;
  uint64_t room_bytes = 0;
  for (const auto& [id, member] : members_) {
    if (!member->opened() || !member->HasRoom()) continue;
    room += member->RoomEvents();
    room_bytes += member->RoomBytes();
  }
  uint64_t coming = 0;
  uint64_t coming_bytes = 0;
  const auto add = [&](const GroupStream& stream, uint64_t events) {
    coming += events;
    coming_bytes += events * stream.BytesPerEvent();
  };
  for (const Attached* attached : ready_queue_) {
    add(*attached->stream, attached->stream->ready_events());
  }
  std::erase_if(fetching_,
                [](const Attached* attached) { return attached->stream->expected_events() == 0; });
  for (const Attached* attached : fetching_) {
    add(*attached->stream, attached->stream->expected_events());
  }
  const bool only_retries = retrying() >= context_->options->max_waiting_events;
  std::vector<Attached*> skipped;
  // With nothing coming, one entry is fetched however large: one event always goes out.
  const auto has_room = [&] { return coming < room && (coming_bytes < room_bytes || coming == 0); };
  while (!fetch_queue_.empty() && has_room()) {
    Attached* const attached = fetch_queue_.front();
    fetch_queue_.pop_front();
    GroupStream& stream = *attached->stream;
    if (only_retries && !stream.WantsToReread() && !stream.lost_answer()) {
      skipped.push_back(attached);
      continue;
    }
    attached->in_fetch_queue = false;
    if (!stream.WantsToFetch()) continue;
    const uint64_t bytes = room_bytes > coming_bytes ? room_bytes - coming_bytes : 0;
    const uint64_t expected = stream.FetchMore(room - coming, bytes);
    add(stream, expected);
    if (expected > 0) fetching_.push_back(attached);
  }
  fetch_queue_.insert(fetch_queue_.begin(), skipped.begin(), skipped.end());
}

void Group::LeaveStreams() {
  bool idle = true;
  for (const auto& [name, attached] : streams_) {
    GroupStream& stream = *attached->stream;
    // What a lost answer left pending has to be found before it can be given back.
    if (stream.lost_answer()) stream.FetchMore(0, 0);
    stream.ReleaseIdle();
    stream.Flush();
    stream.GiveBackLease();
    idle = idle && stream.idle();
  }
  if (draining_) {
    std::vector<SubscriptionId> done;
    for (const auto& [id, member] : members_) {
      if (member->in_flight() == 0 && member->awaited_confirms == 0) done.push_back(id);
    }
    for (const SubscriptionId id : done) CloseMember(id, DrainingError());
  }
  if (!members_.empty() || !idle || reported_idle_) return;
  reported_idle_ = true;
  for (const auto& [name, attached] : streams_) EndStall(name, *attached);
  host_->OnGroupIdle(this);
}

void Group::Drain(absl::Time deadline, absl::string_view message) {
  draining_ = true;
  opening_.clear();
  for (const auto& [id, member] : members_) {
    if (member->opened()) member->sink()->OnDrain(deadline, message);
  }
  Schedule();
}

void Group::TellLost(const Member& member, const std::vector<Member::TakenRun>& lost,
                     LostReason reason, absl::string_view message) const {
  if (!member.tokens()) {
    std::vector<DeliveryRange> deliveries;
    for (const Member::TakenRun& run : lost) {
      AppendRange({run.first_delivery, run.first_delivery + run.run.count - 1}, &deliveries);
    }
    member.sink()->OnLost(deliveries, reason, message);
    return;
  }
  std::vector<DeliveryToken> tokens;
  for (const auto& [stream, run, first_delivery] : lost) {
    for (uint32_t i = run.first; i < run.first + run.count; ++i) {
      const EventDelivery& event = run.entry->events[i];
      tokens.push_back({.group = stream->group(),
                        .stream = *stream->shared_stream(),
                        .position = {run.entry->entry.id, i},
                        .attempt = event.attempt(),
                        .times_delivered = event.times_delivered});
    }
  }
  member.sink()->OnTokensLost(tokens, reason, message);
}

void Group::TellTaken(Member& member, const std::vector<Member::TakenRun>& taken,
                      absl::string_view why) {
  if (taken.empty()) return;
  // What is still put together for it goes out first: its numbers were given.
  member.SendAll();
  TellLost(member, taken, LostReason::kGroupChanged, why);
}

void Group::LoseAll() {
  for (const auto& [id, member] : members_) {
    const std::vector<Member::TakenRun> taken = member->TakeAway(kAllDeliveries);
    member->DropOutbox();
    std::vector<Member::TakenRun> lost;
    for (Member::TakenRun run : taken) {
      // What it was not told of yet, it cannot lose.
      if (run.first_delivery > member->last_delivery()) continue;
      const uint64_t told = member->last_delivery() - run.first_delivery + 1;
      run.run.count = static_cast<uint32_t>(std::min<uint64_t>(run.run.count, told));
      lost.push_back(run);
    }
    if (lost.empty()) continue;
    TellLost(*member, lost, LostReason::kTakenOver,
             "this instance lost touch with the store; another one took over");
  }
  ready_queue_.clear();
  fetch_queue_.clear();
  fetching_.clear();
  for (const auto& [name, attached] : streams_) {
    attached->in_ready_queue = false;
    attached->in_fetch_queue = false;
    attached->stream->DropAll();
  }
}

}  // namespace eventbus
