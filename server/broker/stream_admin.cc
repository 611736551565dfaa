#include "server/broker/stream_admin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"
#include "server/broker/entry_time.h"
#include "server/broker/fan_out.h"
#include "server/broker/pattern.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr size_t kStreamsAtOnce = 32;
// Of which the rate is reckoned.
constexpr uint32_t kLatestEntries = 100;
constexpr uint64_t kLatestBytes = uint64_t{256} << 10;
// By then, births that had begun before a deletion are over.
constexpr absl::Duration kLookAgainAfter = absl::Seconds(3);

}  // namespace

absl::Status StreamNotFoundError(absl::string_view stream) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kStreamNotFound,
                   absl::StrCat("there is no stream \"", stream, "\""),
                   {{"stream", std::string(stream)}});
}

double RateOf(const std::vector<std::pair<EntryId, uint64_t>>& latest, bool all, absl::Time now) {
  constexpr absl::Duration kWindow = absl::Minutes(1);
  uint64_t events = 0;
  absl::Duration span = kWindow;
  for (const auto& [id, count] : latest) {
    if (now - TimeOf(id) > kWindow) return static_cast<double>(events) / 60;
    events += count;
    span = now - TimeOf(id);
  }
  // Older ones of this minute were not looked at: it is about as it was since the last that was.
  if (all) span = kWindow;
  return static_cast<double>(events) / absl::ToDoubleSeconds(std::max(span, absl::Milliseconds(1)));
}

StreamAdmin::StreamAdmin(const Context* context, Registry* registry, const StreamPolicies* policies,
                         StreamRoom* room)
    : context_(context),
      registry_(registry),
      policies_(policies),
      room_(room),
      timer_(context->loop->CreateTimer([this] { LookAgain(); })) {}

// ---- List ----

void StreamAdmin::List(StreamQuery query, Done<StreamPage> done) {
  absl::StatusOr<PatternSet> patterns = PatternSet::Parse(query.patterns);
  if (!patterns.ok()) return done(patterns.status());
  registry_->Renew(
      lifetime_.Guard([this, patterns = *std::move(patterns), page = std::move(query.page),
                       done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        auto result = std::make_shared<StreamPage>();
        const auto& types = registry_->types();
        for (auto next = types.upper_bound(page.after); next != types.end(); ++next) {
          if (!patterns.empty() && !patterns.Matches(next->first)) continue;
          if (result->streams.size() >= page.size) {
            result->next = result->streams.back().type.stream;
            break;
          }
          result->streams.emplace_back().type = next->second;
        }
        FanOut(
            result->streams.size(), kStreamsAtOnce,
            [this, result](size_t i, FanOutDone one_done) {
              Describe(&result->streams[i],
                       [result, one_done = std::move(one_done)](absl::Status described) mutable {
                         one_done(std::move(described));
                       });
            },
            [result, done = std::move(done)](const absl::Status& described) mutable {
              if (!described.ok()) return done(described);
              done(std::move(*result));
            });
      }));
}

void StreamAdmin::Describe(StreamView* view, absl::AnyInvocable<void(absl::Status)> done) {
  const std::string& stream = view->type.stream;
  view->policy = policies_->For(stream);
  for (const auto& [name, group] : registry_->groups()) {
    if (group.patterns.Matches(stream)) ++view->groups;
  }
  context_->store->GetStreamInfo(
      stream, lifetime_.Guard([this, view, done = std::move(done)](
                                  const absl::StatusOr<StreamInfo>& info) mutable {
        // Registered, and not born yet.
        if (info.status().code() == absl::StatusCode::kNotFound) return done(absl::OkStatus());
        if (!info.ok()) return done(info.status());
        view->info = *info;
        if (info->entries > 0) view->first = Position{info->first, 0};
        if (info->last != EntryId::Min()) view->last = Position{info->last, 0};
        if (info->entries == 0) return done(absl::OkStatus());
        context_->store->ReadRange(
            {.stream = view->type.stream,
             .max_entries = kLatestEntries,
             .max_bytes = kLatestBytes,
             .newest_first = true},
            lifetime_.Guard([view, done = std::move(done)](
                                const absl::StatusOr<std::vector<Entry>>& entries) mutable {
              if (!entries.ok()) return done(entries.status());
              std::vector<std::pair<EntryId, uint64_t>> latest;
              for (const Entry& entry : *entries) {
                latest.emplace_back(entry.id, CountEvents(entry.value.view()).value_or(0));
              }
              if (!latest.empty() && latest.front().second > 0) {
                view->last = Position{latest.front().first,
                                      static_cast<uint32_t>(latest.front().second - 1)};
              }
              view->events_per_second =
                  RateOf(latest, latest.size() >= view->info.entries, view->info.store_time);
              done(absl::OkStatus());
            }));
      }));
}

// ---- Purge ----

void StreamAdmin::Purge(PurgeCommand command, Done<PurgeResult> done) {
  registry_->Renew(lifetime_.Guard([this, command = std::move(command),
                                    done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) return done(status);
    if (!registry_->HasType(command.stream)) return done(StreamNotFoundError(command.stream));
    Trim(std::move(command), std::move(done));
  }));
}

void StreamAdmin::Trim(PurgeCommand command, Done<PurgeResult> done) {
  TrimRequest request;
  request.stream = command.stream;
  const bool everything = command.extent != PurgeCommand::Extent::kBefore;
  request.min_id = everything ? EntryId::Max() : command.before;
  request.dry_run = command.dry_run;
  context_->store->Trim(
      std::move(request),
      lifetime_.Guard([this, command = std::move(command),
                       done = std::move(done)](const absl::StatusOr<TrimResult>& trimmed) mutable {
        const bool unborn = trimmed.status().code() == absl::StatusCode::kNotFound;
        if (!trimmed.ok() && !unborn) return done(trimmed.status());
        PurgeResult result;
        if (trimmed.ok()) {
          result.events = trimmed->events;
          for (const GroupLoss& loss : trimmed->losses) {
            result.unsettled[loss.group.name] += loss.events;
          }
        }
        if (command.dry_run) return done(std::move(result));
        room_->Forget(command.stream);
        if (result.events > 0) context_->events->OnDropped(command.stream, "purged", *trimmed);
        if (command.extent != PurgeCommand::Extent::kStream) return done(std::move(result));
        Delete(command.stream, std::move(result), std::move(done));
      }));
}

// The stream first: if forgetting its type fails, the call can be made again.
void StreamAdmin::Delete(const std::string& stream, PurgeResult counted, Done<PurgeResult> done) {
  std::vector<std::string> groups;
  for (const auto& [name, group] : registry_->groups()) groups.push_back(name);
  context_->store->DeleteStream(
      stream, std::move(groups),
      lifetime_.Guard([this, stream, counted = std::move(counted),
                       done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        Forget(stream, std::move(counted), std::move(done));
      }));
}

void StreamAdmin::Forget(const std::string& stream, PurgeResult counted, Done<PurgeResult> done) {
  context_->store->UnregisterType(
      stream, lifetime_.Guard([this, stream, counted = std::move(counted),
                               done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        context_->events->OnTypeDeleted(stream);
        registry_->NoteTypeGone(stream);
        deleted_.push_back({stream, context_->loop->MonotonicNow() + kLookAgainAfter});
        if (!timer_->armed()) timer_->Arm(kLookAgainAfter);
        done(std::move(counted));
      }));
}

void StreamAdmin::LookAgain() {
  const absl::Duration now = context_->loop->MonotonicNow();
  for (; !deleted_.empty() && deleted_.front().due <= now; deleted_.pop_front()) {
    const std::string stream = std::move(deleted_.front().stream);
    context_->store->GetStreamInfo(
        stream, lifetime_.Guard([this, stream](const absl::StatusOr<StreamInfo>& info) {
          if (info.ok()) Adopt(stream);
        }));
  }
  if (!deleted_.empty()) timer_->Arm(deleted_.front().due - now);
}

void StreamAdmin::Adopt(const std::string& stream) {
  context_->store->RegisterType(
      stream, context_->options->max_types,
      lifetime_.Guard([this](const absl::StatusOr<TypeRegistration>& registration) {
        if (registration.ok()) registry_->NoteType(registration->type);
      }));
}

}  // namespace eventbus
