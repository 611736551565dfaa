// The part of Group for its streams: which it has, that it is there on them, and what is heard of
// them.
#include <algorithm>
#include <optional>
#include <utility>

#include "server/broker/group.h"
#include "server/broker/group_placer.h"

namespace eventbus {
namespace {

constexpr absl::Duration kEnsureRetry = absl::Milliseconds(500);

}  // namespace

void Group::Attach(const TypeRecord& type, bool ensure) {
  if (streams_.contains(type.stream)) return;
  auto attached = std::make_unique<Attached>();
  Attached* const raw = attached.get();
  attached->stream = std::make_unique<GroupStream>(
      context_, &known_.definition.policy, known_.KeyOn(type.stream), type.stream, type.stream,
      known_.StartOn(type), [this, raw] { StreamChanged(raw); });
  streams_.emplace(type.stream, std::move(attached));
  if (ensure) {
    ensuring_.emplace(type.stream, type);
    Ensure(type);
  } else {
    raw->stream->NoteAdvanced();
  }
}

void Group::Detach(const std::string& stream, absl::string_view why) {
  const auto found = streams_.find(stream);
  Attached* const attached = found->second.get();
  for (const auto& [id, member] : members_) {
    TellTaken(*member, member->TakeAwayOf(attached->stream.get()), why);
  }
  if (attached->stream->owns()) {
    context_->store->ReleaseLease(stream, attached->stream->group(), context_->incarnation,
                                  [](const absl::Status&) {});
  }
  EndStall(stream, *attached);
  attached->stream->DropAll();
  ensuring_.erase(stream);
  std::erase(changed_, attached);
  std::erase(ready_queue_, attached);
  std::erase(fetch_queue_, attached);
  std::erase(fetching_, attached);
  std::erase(unsaved_, attached);
  streams_.erase(found);
}

void Group::AttachSideStreams() {
  for (const std::string& origin : known_.definition.redriven_streams) {
    const std::string side = SideStreamOf(origin, known_.record.name);
    if (streams_.contains(side)) continue;
    auto attached = std::make_unique<Attached>();
    Attached* const raw = attached.get();
    // The redriving creates it, with the group on it.
    attached->stream = std::make_unique<GroupStream>(
        context_, &known_.definition.policy, SideGroupOf(known_.record.name), side, origin,
        StreamStart{EntryId::Min(), {}}, [this, raw] { StreamChanged(raw); });
    streams_.emplace(side, std::move(attached));
    raw->stream->NoteClaimable(kReleasedConsumer);
    raw->stream->NoteAdvanced();
  }
}

bool Group::Wants(absl::string_view stream) const {
  return IsSideStream(stream) ? streams_.contains(stream) : known_.patterns.Matches(stream);
}

void Group::Update(KnownGroup known) {
  const bool was_paused = paused();
  const absl::Duration deadline = known_.definition.policy.ack_deadline;
  known_ = std::move(known);
  if (known_.definition.policy.ack_deadline < deadline) {
    // Deadlines that were given before come after those that are given now.
    for (const auto& [id, member] : members_) member->KeepDeadlines();
  }
  std::vector<std::string> leaving;
  for (const auto& [stream, attached] : streams_) {
    if (IsSideStream(stream)) continue;
    if (!known_.patterns.Matches(stream) || attached->stream->group() != known_.KeyOn(stream)) {
      leaving.push_back(stream);
    }
  }
  for (const std::string& stream : leaving) {
    Detach(stream, "the group was sought to another place, or its patterns were changed");
  }
  for (const auto& [stream, type] : registry_->types()) {
    if (known_.patterns.Matches(stream)) Attach(type, /*ensure=*/true);
  }
  AttachSideStreams();
  if (paused()) {
    pause_timer_->Disarm();
    const absl::Time until = known_.definition.paused_until;
    if (until != absl::InfiniteFuture()) pause_timer_->Arm(until - context_->StoreNow());
    // What is put together for members was delivered before.
    if (!was_paused) {
      for (const auto& [id, member] : members_) member->SendAll();
    }
  }
  Schedule();
}

bool Group::paused() const { return context_->StoreNow() < known_.definition.paused_until; }

void Group::Ensure(const TypeRecord& type) {
  const GroupKey key = known_.KeyOn(type.stream);
  PlaceGroup(*context_, *registry_, lifetime_, known_, type,
             lifetime_.Guard([this, type, key](const absl::Status& status) {
               // It has left the stream meanwhile, or is another generation there.
               if (key == known_.KeyOn(type.stream)) OnEnsured(type, status);
             }));
}

void Group::OnEnsured(const TypeRecord& type, const absl::Status& status) {
  if (!status.ok()) {
    if (!ensure_timer_->armed()) ensure_timer_->Arm(kEnsureRetry);
    return;
  }
  if (ensuring_.erase(type.stream) == 0) return;
  // Others may have left something for whoever comes.
  streams_.at(type.stream)->stream->NoteClaimable(kReleasedConsumer);
  if (ensuring_.empty()) OpenWaiting();
}

void Group::OnTypeKnown(const TypeRecord& type) {
  if (!known_.patterns.Matches(type.stream)) return;
  const auto found = streams_.find(type.stream);
  if (found != streams_.end()) return found->second->stream->NoteAdvanced();
  // Its birth has created the group there if it knew of the group; if not, the group has to.
  Attach(type, /*ensure=*/type.stamp < known_.record.stamp);
}

void Group::OnStreamAdvanced(absl::string_view stream) {
  const auto found = streams_.find(stream);
  if (found != streams_.end()) found->second->stream->NoteAdvanced();
}

void Group::OnEntriesReleased(absl::string_view stream) {
  const auto found = streams_.find(stream);
  // Who owns the stream has gathered what others gave back before.
  if (found == streams_.end() || found->second->stream->owns()) return;
  found->second->stream->NoteClaimable(kReleasedConsumer);
}

void Group::OnInstanceGone(const std::string& incarnation) {
  for (const auto& [name, attached] : streams_) attached->stream->NoteClaimable(incarnation);
}

void Group::Recheck() {
  for (const auto& [name, attached] : streams_) {
    attached->stream->NoteLostAnswer();
    attached->stream->NoteAdvanced();
    attached->stream->NoteClaimable(kReleasedConsumer);
    ReadMail(name, attached->stream->HeldIds());
    // What is on its way here may have got mail since.
    if (attached->stream->fetching()) attached->mail_missed = true;
  }
}

void Group::Sweep(const std::string& stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  if (members_.empty()) return EndStall(stream, *found->second);
  const GroupKey key = found->second->stream->group();
  found->second->stream->NoteAdvanced();
  if (found->second->mail_missed && !found->second->stream->fetching()) {
    found->second->mail_missed = false;
    ReadMail(stream, found->second->stream->HeldIds());
  }
  // Nobody else reads a side stream: what was settled of it may go.
  if (IsSideStream(stream)) {
    context_->store->Trim({.stream = stream, .settled_by = {key}},
                          [](const absl::StatusOr<TrimResult>&) {});
  }
  context_->store->ListConsumers(
      stream, key,
      lifetime_.Guard([this, stream](const absl::StatusOr<std::vector<ConsumerInfo>>& consumers) {
        if (consumers.ok()) CheckConsumers(stream, *consumers);
      }));
  context_->store->GetGroupInfo(
      {stream, key}, lifetime_.Guard([this, stream](const absl::StatusOr<GroupInfo>& info) {
        const auto now = streams_.find(stream);
        if (now == streams_.end() || !info.ok()) return;
        now->second->unread_events = info->unread_events;
        LookForStall(stream, *now->second);
      }));
}

void Group::LookForStall(const std::string& stream, Attached& attached) {
  const GroupStream& at = *attached.stream;
  const bool room = std::any_of(members_.begin(), members_.end(), [](const auto& member) {
    return member.second->opened() && !member.second->one_shot() && member.second->HasRoom();
  });
  // In an ordered group one that is slow holds up the others of its key, and in time all.
  const bool may = !at.ordered() || (at.owns() && !at.holds_any());
  const bool could = context_->store_up && !draining_ && !paused() && room && may &&
                     (attached.unread_events > 0 || at.has_ready());
  if (!could) return EndStall(stream, attached);
  const std::optional<StallWatch::Change> change =
      attached.stall.Look(context_->loop->MonotonicNow(), /*could=*/true, at.last_progress(),
                          context_->options->stalled_after);
  if (!change.has_value()) return;
  if (change->stalled) {
    const bool retries = retrying() >= context_->options->max_waiting_events;
    context_->events->OnStalled(
        known_.record.name, stream, attached.unread_events + at.ready_events(), change->lasted,
        retries ? "too many of its events wait for their retries (limits.max_retrying)"
                : "no cause is known; look for errors of the store");
  } else {
    context_->events->OnStallEnded(known_.record.name, stream, change->lasted);
  }
}

void Group::EndStall(const std::string& stream, Attached& attached) {
  const std::optional<StallWatch::Change> change =
      attached.stall.Look(context_->loop->MonotonicNow(), /*could=*/false,
                          attached.stream->last_progress(), context_->options->stalled_after);
  if (change.has_value()) {
    context_->events->OnStallEnded(known_.record.name, stream, change->lasted);
  }
}

bool Group::stalled() const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [](const auto& attached) { return attached.second->stall.stalled(); });
}

uint64_t Group::unread_events() const {
  uint64_t sum = 0;
  for (const auto& [name, attached] : streams_) sum += attached->unread_events;
  return sum;
}

void Group::CheckConsumers(const std::string& stream, const std::vector<ConsumerInfo>& consumers) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  Attached& attached = *found->second;
  if (attached.stream->ordered() && !attached.stream->owns()) return CheckOwner(stream, attached);
  absl::btree_map<std::string, uint64_t> suspects;
  for (const ConsumerInfo& consumer : consumers) {
    if (consumer.pending == 0) continue;
    if (consumer.name == context_->incarnation) {
      // A read over a connection that we gave up may have been served late.
      if (attached.stream->MissesSome(consumer.pending)) attached.stream->NoteLostAnswer();
    } else if (consumer.name == kReleasedConsumer) {
      attached.stream->NoteClaimable(consumer.name);
    } else if (!host_->IsAlive(consumer.name)) {
      // One that has just started may not be known yet: it is taken for gone only if it is still
      // unknown after a heartbeat that was sent since.
      const auto before = attached.suspects.find(consumer.name);
      const uint64_t since = before == attached.suspects.end() ? host_->Looks() : before->second;
      if (host_->Looks() >= since + 2) attached.stream->NoteClaimable(consumer.name);
      suspects.emplace(consumer.name, since);
    }
  }
  attached.suspects = std::move(suspects);
}

std::vector<std::string> Group::streams() const {
  std::vector<std::string> names;
  names.reserve(streams_.size());
  for (const auto& [name, attached] : streams_) names.push_back(name);
  return names;
}

}  // namespace eventbus
