// MemoryStore: appending what is not there yet.
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/store/memory/memory_store.h"

namespace eventbus {

absl::StatusOr<AppendOnceResult> MemoryStore::AppendOnce(PeerId from, AppendOnceRequest request) {
  const absl::StatusOr<Stream*> found = FindStream(request.stream);
  if (!found.ok()) return found.status();
  Stream& stream = **found;
  const absl::Time now = clock_();
  stream.seen.ForgetOld(now);

  AppendOnceResult result;
  result.events.resize(request.events.size());
  // Of the new events, by key: the index that each will have.
  absl::flat_hash_map<absl::string_view, uint32_t> fresh;
  std::string kept;
  uint32_t count = 0;
  size_t offset = 0;
  for (size_t i = 0; i < request.events.size(); ++i) {
    const OnceEvent& event = request.events[i];
    OnceOutcome& outcome = result.events[i];
    const absl::string_view frame = request.value.view().substr(offset, event.size);
    offset += event.size;
    if (!event.key.empty()) {
      const Position* const seen = stream.seen.Find(event.key, now, request.window);
      if (seen != nullptr) {
        outcome = {*seen, true};
        continue;
      }
      const auto [twin, is_first] = fresh.emplace(event.key, count);
      if (!is_first) {
        outcome = {Position{EntryId(), twin->second}, true};
        continue;
      }
    }
    outcome.position.index = count++;
    kept.append(frame.data(), frame.size());
  }
  if (count == 0) return result;

  AppendRequest append{request.stream, request.value, count};
  if (count < request.events.size()) append.value = Bytes::FromString(std::move(kept));
  const absl::StatusOr<EntryId> id = Append(from, std::move(append));
  if (!id.ok()) return id.status();
  for (size_t i = 0; i < request.events.size(); ++i) {
    OnceOutcome& outcome = result.events[i];
    if (outcome.position.entry != EntryId()) continue;
    outcome.position.entry = *id;
    if (!request.events[i].key.empty() && !outcome.duplicate) {
      stream.seen.Note(request.events[i].key, outcome.position);
    }
  }
  return result;
}

}  // namespace eventbus
