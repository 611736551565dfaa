#include "server/broker/group_event_reader.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/broker/dead_letter.h"
#include "server/broker/state_record.h"

namespace eventbus {
namespace {

constexpr uint32_t kLettersPerRead = 500;
// Of a group on a stream that are looked at for one event.
constexpr size_t kMaxLetters = 20'000;
// Redriven events that are looked at for one; few groups have as many.
constexpr uint32_t kMaxRedriven = 2'000;
constexpr uint64_t kMaxRedrivenBytes = uint64_t{4} << 20;

}  // namespace

// One group and event. Keeps itself until it has answered, or the reader is gone.
class GroupEventReader::Look : public std::enable_shared_from_this<Look> {
 public:
  Look(GroupEventReader* reader, KnownGroup group, TypeRecord type, Position event, Done done)
      : reader_(*reader),
        store_(*reader->context_->store),
        group_(std::move(group)),
        type_(std::move(type)),
        event_(event),
        done_(std::move(done)) {}

  void Run() {
    findings_.began_behind = WhereItBegan(group_, type_, event_);
    Follow(type_.stream, group_.KeyOn(type_.stream), event_, &findings_.own, [this] {
      ReadLetters({event_.entry.ms, 0});
    });
  }

 private:
  using Next = absl::AnyInvocable<void()>;

  // A callback that goes on if all is well, or there is nothing.
  template <typename T>
  auto Then(absl::AnyInvocable<void(T)> next) {
    return reader_.lifetime_.Guard(
        [self = shared_from_this(), next = std::move(next)](absl::StatusOr<T> result) mutable {
          if (absl::IsNotFound(result.status())) return next(T());
          if (!result.ok()) return self->done_(result.status());
          next(*std::move(result));
        });
  }

  // ---- Read, pending, written down ----

  void Follow(const std::string& stream, const GroupKey& key, Position event, EventTrail* trail,
              Next next) {
    trail->here = reader_.witness_->HeldHere(group_.record.name, stream, event);
    store_.GetGroupInfo(
        {stream, key},
        Then<GroupInfo>([=, this, next = std::move(next)](const GroupInfo& info) mutable {
          trail->read = info.last_read >= event.entry;
          if (!trail->read || trail->here.has_value()) return next();
          FollowPending(stream, key, event, trail, std::move(next));
        }));
  }
  void FollowPending(const std::string& stream, const GroupKey& key, Position event,
                     EventTrail* trail, Next next) {
    ReadPendingRequest request;
    request.stream = stream;
    request.group = key;
    request.after = event.entry.Previous();
    request.max_entries = 1;
    store_.ReadPending(
        std::move(request),
        Then<std::vector<PendingEntry>>(
            [=, this, next = std::move(next)](const std::vector<PendingEntry>& pending) mutable {
              if (pending.empty() || pending.front().id != event.entry) return next();
              const PendingEntry& found = pending.front();
              trail->pending = EventTrail::Pending{found.consumer, found.times_delivered,
                                                   reader_.witness_->IsAlive(found.consumer)};
              FollowRecord(stream, key, event, trail, std::move(next));
            }));
  }
  void FollowRecord(const std::string& stream, const GroupKey& key, Position event,
                    EventTrail* trail, Next next) {
    store_.ReadStates(
        stream, key, {event.entry},
        Then<std::vector<EntryState>>(
            [=, next = std::move(next)](const std::vector<EntryState>& states) mutable {
              if (states.empty()) return next();
              const absl::StatusOr<StateRecord> record = StateRecord::Decode(states.front().record);
              if (record.ok() && event.index < record->events.size()) {
                trail->record = record->events[event.index];
              }
              next();
            }));
  }

  // ---- Dead letters, and what was redriven ----

  void ReadLetters(EntryId from) {
    store_.ReadLetters(
        {type_.stream, group_.record.name, from, kLettersPerRead},
        Then<std::vector<StoredLetter>>(
            [this](const std::vector<StoredLetter>& letters) { OnLetters(letters); }));
  }
  void OnLetters(const std::vector<StoredLetter>& letters) {
    for (const StoredLetter& letter : letters) {
      absl::StatusOr<DeadLetterDetails> details = DeadLetterDetails::FromJson(letter.details);
      if (!details.ok() || details->position != event_) continue;
      findings_.letter = *std::move(details);
      return Finish();
    }
    letters_ += letters.size();
    if (letters.size() < kLettersPerRead) return ReadRedriven();
    if (letters_ >= kMaxLetters) {
      findings_.letters_cut = true;
      return ReadRedriven();
    }
    ReadLetters(letters.back().id.Next());
  }
  void ReadRedriven() {
    ReadRangeRequest request;
    request.stream = SideStreamOf(type_.stream, group_.record.name);
    request.max_entries = kMaxRedriven;
    request.max_bytes = kMaxRedrivenBytes;
    request.newest_first = true;
    store_.ReadRange(std::move(request),
                     Then<std::vector<Entry>>(
                         [this](const std::vector<Entry>& entries) { OnRedriven(entries); }));
  }
  void OnRedriven(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      const absl::StatusOr<DeadLetterDetails> details = DeadLetterDetails::FromJson(entry.note);
      if (!details.ok() || details->position != event_) continue;
      findings_.redriven.emplace();
      return Follow(SideStreamOf(type_.stream, group_.record.name), SideGroupOf(group_.record.name),
                    Position{entry.id, 0}, &*findings_.redriven, [this] { Finish(); });
    }
    Finish();
  }

  void Finish() { done_(EventStateOf(findings_, reader_.context_->StoreNow())); }

  GroupEventReader& reader_;
  StreamStore& store_;
  const KnownGroup group_;
  const TypeRecord type_;
  const Position event_;
  Done done_;
  EventFindings findings_;
  size_t letters_ = 0;
};

void GroupEventReader::Read(KnownGroup group, TypeRecord type, Position event, Done done) {
  std::make_shared<Look>(this, std::move(group), std::move(type), event, std::move(done))->Run();
}

}  // namespace eventbus
