#include "server/broker/recent_events.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/broker/entry_reader.h"
#include "server/broker/entry_time.h"
#include "server/broker/fan_out.h"
#include "server/broker/pattern.h"

namespace eventbus {
namespace {

constexpr size_t kStreamsAtOnce = 32;
// Read of a stream at a time: at least one entry.
constexpr uint32_t kEntriesPerRead = 32;
constexpr uint64_t kBytesPerRead = uint64_t{64} << 10;
// Kept of what was read. What comes last is dropped, and read again when it is its turn.
constexpr uint64_t kMaxKeptBytes = uint64_t{8} << 20;

// The last entry of the stream that may have events behind the place.
EntryId LastBehind(const std::optional<RecentPlace>& place, const std::string& stream) {
  if (!place.has_value()) return EntryId::Max();
  const EntryId entry = place->position.entry;
  if (stream > place->stream) return entry;
  if (stream == place->stream && place->position.index > 0) return entry;
  return entry.Previous();
}

}  // namespace

std::string RecentPlace::ToString() const { return absl::StrCat(position.ToString(), "@", stream); }

absl::StatusOr<RecentPlace> RecentPlace::Parse(absl::string_view text) {
  const size_t at = text.find('@');
  if (at == absl::string_view::npos || at + 1 == text.size()) {
    return absl::InvalidArgumentError("is not of this broker");
  }
  absl::StatusOr<Position> position = Position::Parse(text.substr(0, at));
  if (!position.ok()) return position.status();
  return RecentPlace{std::string(text.substr(at + 1)), *position};
}

// One call. Keeps itself until it has answered, or RecentEvents is gone.
class RecentEvents::Listing : public std::enable_shared_from_this<Listing> {
 public:
  Listing(RecentEvents* owner, RecentQuery query, Done done)
      : owner_(*owner), query_(std::move(query)), done_(std::move(done)) {}

  void Run(const std::vector<std::string>& streams) {
    FanOut(
        streams.size(), kStreamsAtOnce,
        [self = shared_from_this(), streams](size_t i, FanOutDone done) {
          self->AskHowFar(streams[i], std::move(done));
        },
        [self = shared_from_this()](const absl::Status& status) {
          if (!status.ok()) return self->Finish(status);
          self->Step();
        });
  }

 private:
  // A stream's next entry: what is known of it orders the streams.
  struct Turn {
    EntryId entry;
    std::string stream;

    // Newest first.
    friend bool operator<(const Turn& a, const Turn& b) {
      return a.entry != b.entry ? a.entry > b.entry : a.stream < b.stream;
    }
  };
  // The next entries, newest first. None: not read yet, and the turn is an upper bound.
  using Entries = std::deque<Entry>;

  void AskHowFar(const std::string& stream, FanOutDone done) {
    owner_.context_->store->GetStreamInfo(
        stream, owner_.lifetime_.Guard([self = shared_from_this(), stream, done = std::move(done)](
                                           const absl::StatusOr<StreamInfo>& info) mutable {
          if (info.ok() && info->entries > 0) self->Queue(stream, info->last, {});
          // Registered, and not born yet.
          done(absl::IsNotFound(info.status()) ? absl::OkStatus() : info.status());
        }));
  }

  // The stream's next entry is at most `bound`, or the first one of `entries`.
  void Queue(const std::string& stream, EntryId bound, Entries entries) {
    if (entries.empty()) {
      bound = std::min(bound, LastBehind(query_.after, stream));
      if (bound < FirstSince(query_.since) || bound == EntryId::Min()) return;
    } else {
      bound = entries.front().id;
    }
    for (const Entry& entry : entries) kept_bytes_ += entry.value.size();
    queue_.emplace(Turn{bound, stream}, std::move(entries));
  }

  // Takes events as long as they are there, then reads more.
  void Step() {
    if (query_.cancelled != nullptr && query_.cancelled()) {
      return Finish(absl::CancelledError("nobody waits for the answer any more"));
    }
    while (!queue_.empty()) {
      const auto next = queue_.begin();
      if (next->second.empty()) return Read();
      if (!Take(next->first.stream, next->second.front())) {
        page_.more = true;
        break;
      }
      Entries entries = std::move(next->second);
      const std::string stream = next->first.stream;
      const EntryId taken = next->first.entry;
      queue_.erase(next);
      for (const Entry& entry : entries) kept_bytes_ -= entry.value.size();
      entries.pop_front();
      Queue(stream, taken.Previous(), std::move(entries));
    }
    Finish(absl::OkStatus());
  }

  // Adds the entry's events to the page; false: it is full.
  bool Take(const std::string& stream, const Entry& entry) {
    std::vector<uint32_t> offsets;
    // What somebody else wrote to the store is nobody's event.
    if (!IndexEvents(entry.value.view(), &offsets).ok()) return true;
    auto index = static_cast<uint32_t>(offsets.size() - 1);
    const bool resumed = query_.after.has_value() && query_.after->stream == stream &&
                         query_.after->position.entry == entry.id;
    if (resumed) index = std::min(index, query_.after->position.index);
    while (index-- > 0) {
      const uint64_t size = offsets[index + 1] - offsets[index];
      RecordedEvent event{stream, Position{entry.id, index},
                          entry.value.Slice(offsets[index], size)};
      if (!query_.filter.empty() && !query_.filter.Matches(event.Event())) continue;
      bytes_ += size;
      const bool full = page_.events.size() >= query_.max_events || bytes_ > query_.max_bytes;
      if (full && !page_.events.empty()) return false;
      page_.events.push_back(std::move(event));
    }
    return true;
  }

  // Reads the streams whose turn it is, and those that may come right behind them.
  void Read() {
    auto turns = std::make_shared<std::vector<Turn>>();
    while (!queue_.empty() && queue_.begin()->second.empty() && turns->size() < kStreamsAtOnce) {
      turns->push_back(queue_.begin()->first);
      queue_.erase(queue_.begin());
    }
    FanOut(
        turns->size(), kStreamsAtOnce,
        [self = shared_from_this(), turns](size_t i, FanOutDone done) {
          self->ReadStream((*turns)[i], std::move(done));
        },
        [self = shared_from_this()](const absl::Status& status) {
          if (!status.ok()) return self->Finish(status);
          self->KeepLess();
          self->Step();
        });
  }
  void ReadStream(const Turn& turn, FanOutDone done) {
    ReadRangeRequest request;
    request.stream = turn.stream;
    request.from = FirstSince(query_.since);
    request.to = turn.entry;
    request.max_entries = kEntriesPerRead;
    request.max_bytes = kBytesPerRead;
    request.newest_first = true;
    owner_.context_->store->ReadRange(
        std::move(request),
        owner_.lifetime_.Guard(
            [self = shared_from_this(), stream = turn.stream,
             done = std::move(done)](absl::StatusOr<std::vector<Entry>> entries) mutable {
              // None: it is gone meanwhile, or what was there is.
              if (entries.ok() && !entries->empty()) {
                self->Queue(stream, EntryId::Max(),
                            Entries(std::make_move_iterator(entries->begin()),
                                    std::make_move_iterator(entries->end())));
              }
              done(absl::IsNotFound(entries.status()) ? absl::OkStatus() : entries.status());
            }));
  }
  // The first one stays.
  void KeepLess() {
    for (auto last = queue_.end(); kept_bytes_ > kMaxKeptBytes && last != queue_.begin();) {
      --last;
      if (last == queue_.begin()) return;
      for (const Entry& entry : last->second) kept_bytes_ -= entry.value.size();
      last->second.clear();
    }
  }

  void Finish(const absl::Status& status) {
    if (!status.ok()) return done_(status);
    done_(std::move(page_));
  }

  RecentEvents& owner_;
  const RecentQuery query_;
  Done done_;
  absl::btree_map<Turn, Entries> queue_;
  uint64_t kept_bytes_ = 0;
  RecentPage page_;
  uint64_t bytes_ = 0;
};

void RecentEvents::List(RecentQuery query, Done done) {
  absl::StatusOr<PatternSet> patterns = PatternSet::Parse(query.patterns);
  if (!patterns.ok()) return done(patterns.status());
  registry_->Renew(lifetime_.Guard([this, patterns = *std::move(patterns), query = std::move(query),
                                    done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) return done(status);
    std::vector<std::string> streams;
    for (const auto& [stream, type] : registry_->types()) {
      if (patterns.empty() || patterns.Matches(stream)) streams.push_back(stream);
    }
    std::make_shared<Listing>(this, std::move(query), std::move(done))->Run(streams);
  }));
}

}  // namespace eventbus
