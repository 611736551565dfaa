#include "server/broker/event_finder.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"
#include "server/broker/entry_time.h"
#include "server/broker/event_identity.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr uint32_t kEntriesPerRead = 500;
constexpr uint64_t kBytesPerRead = uint64_t{1} << 20;

absl::Status EventNotFoundError(const std::string& stream) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kStreamNotFound,
                   absl::StrCat("there is no such event in the stream \"", stream, "\""),
                   {{"stream", stream}});
}

}  // namespace

void EventFinder::FindAt(std::string stream, Position position, Done done) {
  ReadRangeRequest request;
  request.stream = stream;
  request.from = position.entry;
  request.to = position.entry;
  request.max_entries = 1;
  context_->store->ReadRange(
      std::move(request),
      lifetime_.Guard([stream = std::move(stream), position, done = std::move(done)](
                          const absl::StatusOr<std::vector<Entry>>& entries) mutable {
        if (!entries.ok() && !absl::IsNotFound(entries.status())) return done(entries.status());
        std::vector<uint32_t> offsets;
        const bool found = entries.ok() && !entries->empty() &&
                           IndexEvents(entries->front().value.view(), &offsets).ok() &&
                           size_t{position.index} + 1 < offsets.size();
        if (!found) return done(EventNotFoundError(stream));
        const uint32_t begin = offsets[position.index];
        const uint32_t end = offsets[position.index + 1];
        done(FoundEvent{
            {std::move(stream), position, entries->front().value.Slice(begin, end - begin)}});
      }));
}

// Reads from the last entry to the first. Keeps itself until it has answered, or the finder is
// gone.
class EventFinder::Scan : public std::enable_shared_from_this<Scan> {
 public:
  Scan(EventFinder* finder, EventName name, Done done)
      : finder_(*finder),
        name_(std::move(name)),
        from_(FirstSince(name_.since)),
        to_(FirstSince(name_.until).Previous()),
        done_(std::move(done)) {}

  void Step() {
    if (name_.cancelled != nullptr && name_.cancelled()) {
      return done_(absl::CancelledError("nobody waits for the answer any more"));
    }
    if (to_ < from_) return Finish();
    ReadRangeRequest request;
    // Today a stream has the name of its type.
    request.stream = name_.type;
    request.from = from_;
    request.to = to_;
    request.max_entries = kEntriesPerRead;
    request.max_bytes = kBytesPerRead;
    request.newest_first = true;
    finder_.context_->store->ReadRange(
        std::move(request),
        finder_.lifetime_.Guard(
            [self = shared_from_this()](const absl::StatusOr<std::vector<Entry>>& entries) {
              self->OnRead(entries);
            }));
  }

 private:
  void OnRead(const absl::StatusOr<std::vector<Entry>>& entries) {
    if (absl::IsNotFound(entries.status())) return Finish();
    if (!entries.ok()) return done_(entries.status());
    if (entries->empty()) return Finish();
    for (const Entry& entry : *entries) LookInto(entry);
    const EntryId last = entries->back().id;
    if (last == EntryId::Min()) return Finish();
    to_ = last.Previous();
    Step();
  }
  void LookInto(const Entry& entry) {
    std::vector<uint32_t> offsets;
    // What somebody else wrote to the store is nobody's event.
    if (!IndexEvents(entry.value.view(), &offsets).ok()) return;
    for (size_t i = offsets.size() - 1; i-- > 0;) {
      const Bytes frame = entry.value.Slice(offsets[i], offsets[i + 1] - offsets[i]);
      const EventIdentity identity = IdentityOf(frame.view());
      if (identity.id != name_.id) continue;
      if (!name_.source.empty() && identity.source != name_.source) continue;
      if (found_.has_value()) {
        ++found_->further_matches;
        continue;
      }
      found_ = FoundEvent{{name_.type, Position{entry.id, static_cast<uint32_t>(i)}, frame}};
    }
  }
  void Finish() {
    if (!found_.has_value()) return done_(EventNotFoundError(name_.type));
    done_(*std::move(found_));
  }

  EventFinder& finder_;
  const EventName name_;
  const EntryId from_;
  EntryId to_;
  Done done_;
  std::optional<FoundEvent> found_;
};

void EventFinder::FindNamed(EventName name, Done done) {
  std::make_shared<Scan>(this, std::move(name), std::move(done))->Step();
}

}  // namespace eventbus
