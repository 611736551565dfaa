// MemoryStore: appending what is not there yet, and keeping what is to be delivered later.
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/store/memory/memory_store.h"

namespace eventbus {
namespace {

absl::Time DueTime(const DeliveryDelay& delay, absl::Time now) {
  const absl::Time due = delay.at == absl::InfinitePast() ? now + delay.after : delay.at;
  return absl::FromUnixMillis(absl::ToUnixMillis(due));
}

}  // namespace

absl::StatusOr<AppendOnceResult> MemoryStore::AppendOnce(PeerId from, AppendOnceRequest request) {
  const absl::StatusOr<Stream*> found = FindStream(request.stream);
  if (!found.ok()) return found.status();
  Stream& stream = **found;
  const absl::Time now = clock_();
  const bool remembers = request.window > absl::ZeroDuration();
  if (remembers) stream.seen.ForgetOld(now);

  AppendOnceResult result;
  result.store_time = now;
  result.events.resize(request.events.size());
  // Of the new events, by key: which of the request it is.
  absl::flat_hash_map<absl::string_view, size_t> fresh;
  std::vector<size_t> twins(request.events.size());
  std::string kept;
  std::vector<DelayedEvent> delayed;
  uint64_t delayed_charge = 0;
  uint32_t count = 0;
  int64_t expires_ms = 0;
  size_t offset = 0;
  for (size_t i = 0; i < request.events.size(); ++i) {
    const OnceEvent& event = request.events[i];
    OnceOutcome& outcome = result.events[i];
    const absl::string_view frame = request.value.view().substr(offset, event.size);
    offset += event.size;
    twins[i] = i;
    if (remembers && !event.key.empty()) {
      const SeenPlace* const seen = stream.seen.Find(event.key, now, request.window);
      if (seen != nullptr) {
        outcome.position = seen->position;
        outcome.delayed_id = seen->delayed_id;
        outcome.duplicate = true;
        continue;
      }
      const auto [twin, is_first] = fresh.emplace(event.key, i);
      if (!is_first) {
        outcome.duplicate = true;
        twins[i] = twin->second;
        continue;
      }
    }
    if (event.delay.has_value()) {
      outcome.due = DueTime(*event.delay, now);
      delayed.push_back(
          {"", outcome.due, now, Bytes::FromString(std::string(frame)), event.expires_ms});
      delayed_charge += event.size + MemoryDelayed::kEventOverhead;
      continue;
    }
    outcome.position.index = count++;
    expires_ms = EarlierExpiry(expires_ms, event.expires_ms);
    kept.append(frame.data(), frame.size());
  }

  if (!delayed.empty()) {
    absl::Status fits = CheckDelayedFit(delayed_charge, delayed.size());
    if (!fits.ok()) return fits;
  }
  if (count > 0) {
    AppendRequest append{request.stream, request.value, count, expires_ms};
    if (count < request.events.size()) append.value = Bytes::FromString(std::move(kept));
    const absl::StatusOr<EntryId> id = Append(from, std::move(append));
    if (!id.ok()) return id.status();
    for (OnceOutcome& outcome : result.events) {
      if (!outcome.duplicate && outcome.due == absl::InfinitePast()) outcome.position.entry = *id;
    }
  }
  if (!delayed.empty()) {
    const DelayedInfo before = stream.delayed.Info();
    const uint64_t charge_before = stream.delayed.charge();
    auto next = delayed.begin();
    for (OnceOutcome& outcome : result.events) {
      if (outcome.due == absl::InfinitePast()) continue;
      outcome.delayed_id = stream.delayed.Add(std::move(*next++), now).id;
    }
    NoteDelayed(stream, before, charge_before);
    StayWithinBounds(from);
    result.waiting = stream.delayed.Info().waiting;
  }
  for (size_t i = 0; i < request.events.size(); ++i) {
    OnceOutcome& outcome = result.events[i];
    if (twins[i] != i) {
      outcome.position = result.events[twins[i]].position;
      outcome.delayed_id = result.events[twins[i]].delayed_id;
    } else if (remembers && !outcome.duplicate && !request.events[i].key.empty()) {
      stream.seen.Note(request.events[i].key, {now, outcome.position, outcome.delayed_id});
    }
  }
  return result;
}

}  // namespace eventbus
