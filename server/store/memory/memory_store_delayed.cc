// MemoryStore: delayed events.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/memory/memory_store.h"

namespace eventbus {

absl::Status MemoryStore::CheckDelayedFit(uint64_t charge, uint64_t events) const {
  // They cannot make room by going, so the log keeps half of the store.
  const bool too_many =
      options_.max_events > 0 && delayed_events_ + events > options_.max_events / 2;
  if (!too_many && (options_.max_bytes == 0 || delayed_bytes_ + charge <= options_.max_bytes / 2)) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("delayed events fill half of the store: ", delayed_events_, " events, ",
                   delayed_bytes_, " bytes"));
}

void MemoryStore::NoteDelayed(const Stream& stream, const DelayedInfo& before,
                              uint64_t charge_before) {
  const DelayedInfo now = stream.delayed.Info();
  delayed_events_ += now.waiting - before.waiting;
  events_ += now.waiting - before.waiting;
  delayed_bytes_ += stream.delayed.charge() - charge_before;
  bytes_ += stream.delayed.charge() - charge_before;
  if (now.next_due == before.next_due) return;
  if (before.next_due.has_value()) by_due_.erase({*before.next_due, stream.name});
  if (now.next_due.has_value()) by_due_.emplace(*now.next_due, stream.name);
}

absl::StatusOr<MoveDueResult> MemoryStore::MoveDue(PeerId from, const MoveDueRequest& request) {
  MoveDueResult result;
  result.store_time = clock_();
  const absl::StatusOr<Stream*> found = FindStream(request.stream);
  // Without a stream nothing is delayed on it.
  if (!found.ok()) return result;
  Stream& stream = **found;
  const DelayedInfo before = stream.delayed.Info();
  const uint64_t charge_before = stream.delayed.charge();
  const std::vector<DelayedEvent> due = stream.delayed.TakeDue(request, result.store_time);
  NoteDelayed(stream, before, charge_before);

  // Few at a time are shared out singly.
  const size_t per_entry =
      std::max<size_t>(1, std::min<size_t>(request.max_events_per_entry, due.size() / 10));
  std::string value;
  uint32_t count = 0;
  int64_t expires_ms = 0;
  const auto append = [&] {
    if (count == 0) return;
    AppendTo(stream,
             {request.stream, Bytes::FromString(std::exchange(value, {})), count,
              std::exchange(expires_ms, 0)},
             from);
    count = 0;
  };
  for (const DelayedEvent& event : due) {
    const size_t size = event.frame.size();
    if (count == per_entry || (count > 0 && value.size() + size > request.max_entry_bytes)) {
      append();
    }
    value.append(event.frame.data(), size);
    expires_ms = EarlierExpiry(expires_ms, event.expires_ms);
    ++count;
    ++result.events;
    result.bytes += size;
  }
  append();
  const DelayedInfo info = stream.delayed.Info();
  result.waiting = info.waiting;
  result.next_due = info.next_due;
  return result;
}

absl::StatusOr<ListDueResult> MemoryStore::ListDue(uint64_t max_streams) {
  ListDueResult result;
  result.store_time = clock_();
  for (const auto& [due, stream] : by_due_) {
    if (max_streams > 0 && result.streams.size() == max_streams) break;
    result.streams.push_back({stream, due});
  }
  return result;
}

absl::StatusOr<DelayedInfo> MemoryStore::GetDelayedInfo(const std::string& name) {
  const absl::StatusOr<Stream*> stream = FindStream(name);
  return stream.ok() ? (*stream)->delayed.Info() : DelayedInfo();
}

absl::StatusOr<std::vector<DelayedEvent>> MemoryStore::ListDelayed(
    const ListDelayedRequest& request) {
  const absl::StatusOr<Stream*> stream = FindStream(request.stream);
  if (!stream.ok()) return std::vector<DelayedEvent>();
  return (*stream)->delayed.List(request);
}

absl::StatusOr<DelayedEvent> MemoryStore::CancelDelayed(const std::string& name,
                                                        const std::string& id) {
  const absl::StatusOr<Stream*> found = FindStream(name);
  if (!found.ok()) return found.status();
  Stream& stream = **found;
  const DelayedInfo before = stream.delayed.Info();
  const uint64_t charge_before = stream.delayed.charge();
  absl::StatusOr<DelayedEvent> event = stream.delayed.Cancel(id);
  NoteDelayed(stream, before, charge_before);
  return event;
}

}  // namespace eventbus
