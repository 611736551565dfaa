#include "server/broker/publisher.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

// Of the frames of an append. Of a larger one the command around them costs the store little.
constexpr uint64_t kSmallAppend = uint64_t{16} << 10;

// The status that a publisher gets for a failed append.
absl::Status PublishError(const absl::Status& status, absl::string_view stream,
                          absl::Duration duplicate_window) {
  if (IsOutcomeUnknown(status)) {
    const std::string advice =
        duplicate_window > absl::ZeroDuration()
            ? absl::StrCat("; publish again with the same id, which is recognised for ",
                           absl::FormatDuration(duplicate_window))
            : "; publish again with the same id if a duplicate is acceptable";
    return MakeError(absl::StatusCode::kUnavailable, Reason::kOutcomeUnknown,
                     absl::StrCat("outcome unknown: ", status.message(), advice),
                     {{"stream", std::string(stream)}});
  }
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    return MakeError(absl::StatusCode::kResourceExhausted, Reason::kStoreFull,
                     absl::StrCat("not stored: ", status.message()));
  }
  return MakeError(absl::StatusCode::kUnavailable, Reason::kNotStored,
                   absl::StrCat("not stored: ", status.message()),
                   {{"stream", std::string(stream)}});
}

PublishOutcome AllFailed(const PublishCommand& command, const absl::Status& status) {
  PublishedRun run;
  run.count = static_cast<uint32_t>(command.items.size());
  run.status = status;
  return {std::move(run)};
}

}  // namespace

Publisher::Publisher(const Context* context, Registry* registry, const StreamPolicies* policies,
                     StreamRoom* room, std::function<void(absl::string_view)> on_advanced)
    : context_(context),
      registry_(registry),
      policies_(policies),
      room_(room),
      on_advanced_(std::move(on_advanced)) {}

void Publisher::Publish(PublishCommand command) {
  const size_t events = command.items.size();
  const BrokerOptions& options = *context_->options;
  absl::Status refusal = refusal_;
  if (refusal.ok() && !begun_) refusal = away_;
  // An empty queue takes anything, or an oversized command could never be stored.
  if (refusal.ok() && queued_events_ > 0 &&
      (queued_events_ + events > options.publish_queue_events ||
       queued_bytes_ + command.framed.size() > options.publish_queue_bytes)) {
    const bool by_events = queued_events_ + events > options.publish_queue_events;
    refusal = MakeError(
        absl::StatusCode::kResourceExhausted, Reason::kPublishQueueFull,
        absl::StrCat("the queue in front of the store is full: ", queued_events_, " events, ",
                     queued_bytes_, " bytes; slow down and publish again"),
        {{"limit",
          absl::StrCat(by_events ? options.publish_queue_events : options.publish_queue_bytes)},
         {"setting", by_events ? "publish.queue_events" : "publish.queue_bytes"}});
  }
  if (!refusal.ok() || events == 0) {
    if (events > 0) context_->events->OnPublishFailed(events, refusal);
    return command.done(events == 0 ? PublishOutcome() : AllFailed(command, refusal));
  }
  queued_events_ += events;
  queued_bytes_ += command.framed.size();
  const auto accepted = commands_.emplace(commands_.end());
  accepted->place = accepted;
  accepted->command = std::move(command);
  accepted->open = events;
  accepted->received_at = context_->loop->MonotonicNow();
  absl::InlinedVector<CommandPart, 4> parts;
  uint32_t first = 0;
  for (uint32_t i = 1; i <= events; ++i) {
    if (i < events && accepted->command.type(i) == accepted->command.type(first)) continue;
    parts.push_back(CommandPart{&*accepted, first, i - first});
    first = i;
  }
  // One answer for each, unless it is split.
  accepted->outcome.reserve(parts.size());
  for (const CommandPart& part : parts) {
    Enqueue(LaneFor(accepted->command.type(part.first)), part);
  }
}

Publisher::Lane& Publisher::LaneFor(absl::string_view stream) {
  const auto found = lanes_.find(stream);
  if (found != lanes_.end()) return *found->second;
  auto lane = std::make_unique<Lane>();
  lane->stream = std::string(stream);
  lane->exists = registry_->HasType(stream);
  lane->policy = policies_->For(stream);
  return *lanes_.emplace(lane->stream, std::move(lane)).first->second;
}

void Publisher::Enqueue(Lane& lane, const CommandPart& part) {
  if (lane.policy.when_full == WhenStreamFull::kRefuse) {
    const absl::Status room =
        room_->Take(lane.stream, lane.policy, part.count, part.frames().size());
    if (!room.ok()) return Settle(part, room, lane.stream, Position());
  }
  lane.waiting.push_back(part);
  TakeTurn(lane);
}

void Publisher::TakeTurn(Lane& lane) {
  if (lane.in_turn) return;
  lane.in_turn = true;
  if (turn_.empty()) context_->loop->Defer(lifetime_.Guard([this] { EndTurn(); }));
  turn_.push_back(&lane);
}

void Publisher::SetAway(const absl::Status& why) {
  away_ = why.ok()
              ? why
              : MakeError(absl::StatusCode::kUnavailable, Reason::kNotStored,
                          absl::StrCat("not stored: the store cannot be reached: ", why.message()));
  if (!begun_ && !away_.ok()) FailWaiting(away_);
}

void Publisher::Refuse(absl::Status refusal) {
  refusal_ = std::move(refusal);
  // Nothing sends them any more.
  if (!begun_) FailWaiting(refusal_);
}

void Publisher::FailWaiting(const absl::Status& error) {
  for (Lane* lane : std::exchange(turn_, {})) {
    lane->in_turn = false;
    Fail(lane->stream, std::exchange(lane->waiting, {}), error);
  }
}

void Publisher::Fail(absl::string_view stream, WaitingParts parts, const absl::Status& error) {
  for (; !parts.empty(); parts.pop_front()) Settle(parts.front(), error, stream, Position());
}

void Publisher::Begin() {
  begun_ = true;
  EndTurn();
}

void Publisher::EndTurn() {
  if (!begun_) return;
  const absl::Duration now = context_->loop->MonotonicNow();
  for (Lane* lane : std::exchange(turn_, {})) {
    lane->in_turn = false;
    Send(*lane, now);
  }
}

bool Publisher::WaitsForMore(Lane& lane, absl::Duration now) {
  if (!context_->store->IsNear()) return false;
  if (!lane.waiting.SmallerThan(kSmallAppend)) return false;
  if (lane.appends_under_way > 0 && appends_under_way_ >= context_->options->busy_appends) {
    return true;
  }
  return Gathers(lane, now);
}

bool Publisher::Gathers(Lane& lane, absl::Duration now) {
  if (!lane.gathering.WaitsForMore(lane.waiting.commands(), lane.sent,
                                   context_->options->gathered_commands, now)) {
    return false;
  }
  if (!lane.gathers_since.has_value()) lane.gathers_since = now;
  const absl::Duration left = *lane.gathers_since + Gathering::kLongest - now;
  if (left <= absl::ZeroDuration()) {
    lane.gathering.WaitedInVain(lane.waiting.commands(), lane.sent);
    return false;
  }
  if (lane.in_gathering) return true;
  if (gathering_.empty() &&
      !context_->loop->Linger(left, lifetime_.Guard([this] { EndGathering(); }))) {
    return false;
  }
  lane.in_gathering = true;
  gathering_.push_back(&lane);
  return true;
}

void Publisher::EndGathering() {
  const absl::Duration now = context_->loop->MonotonicNow();
  for (Lane* const lane : std::exchange(gathering_, {})) {
    lane->in_gathering = false;
    // Unless it has left already, or has begun again and does not end yet.
    if (lane->gathers_since.has_value()) Send(*lane, now);
  }
}

void Publisher::Send(Lane& lane, absl::Duration now) {
  if (lane.being_born || (lane.waiting.empty() && lane.returned.empty())) return;
  if (!lane.returned.empty() || !lane.exists) {
    // What was appended after the stream vanished comes back too; then all begin anew in their
    // order.
    if (lane.appends_under_way == 0) BeginBirth(lane);
    return;
  }
  if (!lane.proven && lane.appends_under_way > 0) return;
  if (WaitsForMore(lane, now)) return;
  lane.gathers_since.reset();
  const double share =
      lane.rate.PerSecond(now) * absl::ToDoubleSeconds(context_->options->entry_time);
  const EntryBounds bounds = {
      static_cast<uint32_t>(
          std::clamp(share, 1.0, static_cast<double>(lane.policy.max_events_per_entry))),
      context_->options->max_entry_bytes};
  uint64_t events = 0;
  while (!lane.waiting.empty()) {
    const size_t commands = lane.waiting.commands();
    Outgoing outgoing = TakeEntry(bounds, &lane.waiting);
    outgoing.commands = static_cast<uint32_t>(commands - lane.waiting.commands());
    if (!outgoing.delayed()) events += outgoing.events;
    Append(lane, std::move(outgoing));
    if (!lane.proven) break;
  }
  lane.rate.Add(events, now);
}

void Publisher::Append(Lane& lane, Outgoing&& outgoing) {
  ++lane.appends_under_way;
  ++appends_under_way_;
  lane.sent += outgoing.commands;
  const bool remembers =
      lane.policy.duplicate_window > absl::ZeroDuration() && MayBeDuplicate(outgoing);
  if (outgoing.delayed() || remembers) {
    return AppendOnce(lane, std::move(outgoing));
  }
  AppendPlain(lane, std::move(outgoing));
}

void Publisher::AppendPlain(Lane& lane, Outgoing&& outgoing) {
  AppendRequest request{lane.stream, outgoing.value, outgoing.events, outgoing.expires_ms};
  context_->store->Append(std::move(request),
                          lifetime_.Guard([this, &lane, outgoing = std::move(outgoing)](
                                              const absl::StatusOr<EntryId>& id) mutable {
                            OnAppended(lane, std::move(outgoing), id);
                          }));
  // Who waits for it asks for it with the same write, and has it a round trip earlier.
  if (context_->store->ReadsFollowAppends()) on_advanced_(lane.stream);
}

void Publisher::OnAppended(Lane& lane, Outgoing&& outgoing, const absl::StatusOr<EntryId>& id) {
  if (!id.ok()) return OnAppendFailed(lane, std::move(outgoing), id.status());
  lane.proven = true;
  uint32_t index = 0;
  for (const CommandPart& part : outgoing.parts) {
    Settle(part, absl::OkStatus(), lane.stream, Position{*id, index});
    index += part.count;
  }
  if (!context_->store->ReadsFollowAppends()) on_advanced_(lane.stream);
  OnAppendEnded(lane, outgoing.commands);
}

void Publisher::OnAppendFailed(Lane& lane, Outgoing&& outgoing, const absl::Status& status) {
  const uint32_t commands = outgoing.commands;
  if (status.code() == absl::StatusCode::kNotFound) {
    lane.exists = false;
    lane.proven = false;
    lane.returned.push_back(std::move(outgoing));
  } else {
    // One that is refused, or times out, would hold up all that wait, one after the other.
    lane.proven = true;
    const absl::Status error = PublishError(status, lane.stream, lane.policy.duplicate_window);
    for (const CommandPart& part : outgoing.parts) Settle(part, error, lane.stream, Position());
  }
  OnAppendEnded(lane, commands);
}

void Publisher::OnAppendEnded(Lane& lane, uint32_t commands) {
  --appends_under_way_;
  lane.sent -= commands;
  if (--lane.appends_under_way > 0) return;
  if (!lane.returned.empty()) return Send(lane, context_->loop->MonotonicNow());
  // What has waited for it.
  if (!lane.waiting.empty()) TakeTurn(lane);
}

void Publisher::BeginBirth(Lane& lane) {
  lane.being_born = true;
  context_->store->RegisterType(
      lane.stream, context_->options->max_types,
      lifetime_.Guard([this, &lane](absl::StatusOr<TypeRegistration> registration) {
        OnTypeRegistered(lane, std::move(registration));
      }));
}

void Publisher::OnTypeRegistered(Lane& lane, absl::StatusOr<TypeRegistration> registration) {
  if (!registration.ok()) {
    if (registration.status().code() != absl::StatusCode::kResourceExhausted) {
      return EndBirth(lane, registration.status());
    }
    return EndBirth(
        lane, MakeError(absl::StatusCode::kResourceExhausted, Reason::kTooManyTypes,
                        absl::StrCat("type \"", lane.stream,
                                     "\" is new, and as many types exist as "
                                     "limits.max_types allows; put what varies into attributes"),
                        {{"limit", absl::StrCat(context_->options->max_types)},
                         {"setting", "limits.max_types"}}));
  }
  if (registration->created) context_->events->OnTypeCreated(lane.stream);
  for (const GroupRecord& group : registration->groups) registry_->NoteGroup(group);
  CreateStreamRequest request;
  request.stream = lane.stream;
  for (const GroupRecord& record : registration->groups) {
    const KnownGroup* group = registry_->FindGroup(record.name);
    if (group != nullptr && group->patterns.Matches(lane.stream)) {
      request.groups.push_back(group->KeyOn(request.stream));
    }
  }
  context_->store->CreateStream(
      std::move(request), lifetime_.Guard([this, &lane, type = registration->type](
                                              const absl::StatusOr<CreateStreamResult>& result) {
        if (result.ok()) registry_->NoteType(type);
        EndBirth(lane, result.status());
      }));
}

void Publisher::Bear(const std::string& stream, absl::AnyInvocable<void(absl::Status)> done) {
  Lane& lane = LaneFor(stream);
  lane.when_born.push_back(std::move(done));
  if (lane.being_born) return;
  lane.exists = false;
  BeginBirth(lane);
}

void Publisher::EndBirth(Lane& lane, const absl::Status& status) {
  lane.being_born = false;
  for (auto& done : std::exchange(lane.when_born, {})) done(status);
  std::vector<Outgoing> returned = std::exchange(lane.returned, {});
  if (status.ok()) {
    lane.exists = true;
    lane.proven = true;
    for (Outgoing& outgoing : returned) Append(lane, std::move(outgoing));
    return Send(lane, context_->loop->MonotonicNow());
  }
  // Nothing of it was appended, whatever became of the birth, so it is safe to publish again.
  const absl::Status error =
      ReasonOf(status) != Reason::kUnspecified
          ? status
          : MakeError(absl::StatusCode::kUnavailable, Reason::kNotStored,
                      absl::StrCat("not stored: the stream of type \"", lane.stream,
                                   "\" could not be created: ", status.message()));
  WaitingParts waiting = std::exchange(lane.waiting, {});
  lane.gathers_since.reset();
  for (const Outgoing& outgoing : returned) {
    for (const CommandPart& part : outgoing.parts) Settle(part, error, lane.stream, Position());
  }
  Fail(lane.stream, std::move(waiting), error);
}

void Publisher::Settle(const CommandPart& part, const absl::Status& status,
                       absl::string_view stream, Position position) {
  PublishedRun& run = AddRun(part);
  run.status = status;
  run.stream.assign(stream.data(), stream.size());
  run.position = position;
  FinishIfSettled(*part.accepted);
}

PublishedRun& Publisher::AddRun(const CommandPart& part) {
  PublishedRun& run = part.accepted->outcome.emplace_back();
  run.first = part.first;
  run.count = part.count;
  part.accepted->open -= part.count;
  return run;
}

void Publisher::FinishIfSettled(const AcceptedCommand& accepted) {
  if (accepted.open == 0) Finish(accepted.place);
}

void Publisher::Finish(std::list<AcceptedCommand>::iterator place) {
  std::list<AcceptedCommand> finished;
  finished.splice(finished.begin(), commands_, place);
  AcceptedCommand& accepted = finished.front();
  queued_events_ -= accepted.command.items.size();
  queued_bytes_ -= accepted.command.framed.size();
  const auto in_order = [](const PublishedRun& a, const PublishedRun& b) {
    return a.first < b.first;
  };
  // As they mostly come.
  if (!std::is_sorted(accepted.outcome.begin(), accepted.outcome.end(), in_order)) {
    std::sort(accepted.outcome.begin(), accepted.outcome.end(), in_order);
  }
  uint64_t stored = 0;
  uint64_t stored_bytes = 0;
  uint64_t duplicates = 0;
  for (const PublishedRun& run : accepted.outcome) {
    if (!run.status.ok()) {
      context_->events->OnPublishFailed(run.count, run.status);
      continue;
    }
    if (run.duplicate) {
      duplicates += run.count;
      continue;
    }
    stored += run.count;
    const std::vector<PublishItem>& items = accepted.command.items;
    stored_bytes += items[run.first + run.count - 1].end - items[run.first].begin;
  }
  if (stored > 0) {
    context_->meter->published.Add(context_->loop->MonotonicNow(), stored);
    context_->events->OnPublished(stored, stored_bytes,
                                  context_->loop->MonotonicNow() - accepted.received_at);
  }
  if (duplicates > 0) context_->events->OnDuplicates(duplicates);
  accepted.command.done(std::move(accepted.outcome));
  if (queued_events_ == 0) {
    for (auto& task : std::exchange(when_idle_, {})) task();
  }
}

void Publisher::WhenIdle(absl::AnyInvocable<void()> done) {
  if (queued_events_ == 0) return done();
  when_idle_.push_back(std::move(done));
}

}  // namespace eventbus
