#include "server/broker/delayed_list.h"

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

// Behind all ids, which are digits.
constexpr char kLastId[] = "~";

bool Before(const ListedDelayed& a, const ListedDelayed& b) {
  return std::tie(a.event.due, a.stream, a.event.id) < std::tie(b.event.due, b.stream, b.event.id);
}

absl::Status StoreError(const absl::Status& status) {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                   absl::StrCat("the store did not answer: ", status.message()));
}

}  // namespace

std::string DelayedCursor::ToString() const {
  return absl::StrCat(absl::ToUnixMillis(due), "~", id.ToString());
}

absl::StatusOr<DelayedCursor> DelayedCursor::Parse(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('~', 1));
  int64_t due_ms = 0;
  absl::StatusOr<ScheduleId> id = ScheduleId::Parse(parts.second);
  if (!id.ok() || !absl::SimpleAtoi(parts.first, &due_ms)) {
    return absl::InvalidArgumentError("not a token of a page of delayed events");
  }
  return DelayedCursor{absl::FromUnixMillis(due_ms), *std::move(id)};
}

// One List.
struct DelayedList::Progress {
  DelayedQuery query;
  PageCallback done;
  // Not asked yet.
  std::deque<DueStream> streams;
  DelayedPage page;

  // Puts in what a stream has, and drops what is too much for the page.
  void Add(const std::string& stream, std::vector<DelayedEvent> events) {
    for (DelayedEvent& event : events) page.events.push_back({stream, std::move(event)});
    std::sort(page.events.begin(), page.events.end(), &Before);
    if (page.events.size() <= query.max_events) return;
    page.events.resize(query.max_events);
    page.more = true;
  }

  // Whether no event of a stream on which nothing is due before can be on the page.
  bool FullBefore(absl::Time due) const {
    return page.events.size() == query.max_events && page.events.back().event.due < due;
  }

  void Finish() {
    uint64_t bytes = 0;
    for (size_t i = 0; i < page.events.size(); ++i) {
      bytes += page.events[i].event.frame.size();
      if (i == 0 || bytes <= query.max_bytes) continue;
      page.events.resize(i);
      page.more = true;
    }
    done(std::move(page));
  }
};

void DelayedList::List(DelayedQuery query, PageCallback done) {
  auto progress = std::make_shared<Progress>();
  progress->query = std::move(query);
  progress->done = std::move(done);
  context_->store->ListDue(
      /*max_streams=*/0, lifetime_.Guard([this, progress](absl::StatusOr<ListDueResult> due) {
        if (!due.ok()) return progress->done(StoreError(due.status()));
        const DelayedQuery& wanted = progress->query;
        for (DueStream& stream : due->streams) {
          if (stream.due >= wanted.due_before) break;
          if (wanted.patterns.has_value() && !wanted.patterns->Matches(stream.stream)) continue;
          progress->streams.push_back(std::move(stream));
        }
        AskNext(progress);
      }));
}

void DelayedList::AskNext(const std::shared_ptr<Progress>& progress) {
  if (progress->streams.empty()) return progress->Finish();
  const DueStream stream = std::move(progress->streams.front());
  progress->streams.pop_front();
  if (progress->FullBefore(stream.due)) {
    progress->page.more = true;
    return progress->Finish();
  }
  const DelayedQuery& query = progress->query;
  ListDelayedRequest request;
  request.stream = stream.stream;
  request.due_before = query.due_before;
  // One more than fits tells that there is more.
  request.max_events = query.max_events + 1;
  request.max_bytes = 2 * query.max_bytes;
  if (query.after.has_value()) {
    request.due_from = query.after->due;
    if (stream.stream == query.after->id.stream) request.after_id = query.after->id.id;
    if (stream.stream < query.after->id.stream) request.after_id = kLastId;
  }
  context_->store->ListDelayed(
      std::move(request), lifetime_.Guard([this, progress, name = stream.stream](
                                              absl::StatusOr<std::vector<DelayedEvent>> events) {
        if (!events.ok()) return progress->done(StoreError(events.status()));
        progress->Add(name, *std::move(events));
        AskNext(progress);
      }));
}

// By value, as it comes over from the call's thread.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void DelayedList::Cancel(ScheduleId id, CancelCallback done) {
  context_->store->CancelDelayed(
      id.stream, id.id,
      lifetime_.Guard([stream = id.stream,
                       done = std::move(done)](absl::StatusOr<DelayedEvent> event) mutable {
        if (event.ok()) return done(ListedDelayed{std::move(stream), *std::move(event)});
        if (event.status().code() != absl::StatusCode::kNotFound) {
          return done(StoreError(event.status()));
        }
        done(MakeError(absl::StatusCode::kNotFound, Reason::kStreamNotFound,
                       "schedule_id: no event waits under this id: it is delivered, cancelled, or "
                       "never was"));
      }));
}

}  // namespace eventbus
