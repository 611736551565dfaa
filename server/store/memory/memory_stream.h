#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STREAM_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/bytes.h"
#include "server/store/entry.h"
#include "server/store/memory/memory_group.h"
#include "server/store/stream_store.h"

namespace eventbus {

// MemoryStream is one log with its consumer groups, as a Redis stream is: entries in the order of
// their ids, groups with a cursor and pending lists. Entries that are trimmed stay pending until
// they are acknowledged or claimed. Owned by MemoryStore, which checks names and bounds; one
// thread.
class MemoryStream {
 public:
  struct StoredEntry {
    EntryId id;
    Bytes value;
    uint32_t event_count = 1;
    std::string note;
    int64_t expires_ms = 0;
    // What it counts towards the store's bound: the memory it keeps.
    size_t charge = 0;
    // Its place among all entries of the store.
    uint64_t order = 0;
  };

  // `now`: the store's clock; the id does not go down if it did.
  EntryId Append(StoredEntry entry, absl::Time now);
  std::vector<Entry> ReadRange(const ReadRangeRequest& request) const;
  StreamInfo Info(absl::Time now) const;

  // How many entries, oldest first, the request asks to remove.
  size_t CountToTrim(const TrimRequest& request) const;
  // Removes that many; `charge` goes up by what they counted. REQUIRES: count <= entries().size().
  TrimResult RemoveOldest(size_t count, size_t* charge);
  // What RemoveOldest would answer.
  TrimResult CountOldest(size_t count) const;

  // Oldest first.
  const std::deque<StoredEntry>& entries() const { return entries_; }

  // Leaves a group that exists as it is. `after`: nullopt is the last entry.
  void CreateGroup(const GroupKey& key, std::optional<EntryId> after);
  void DestroyGroup(const GroupKey& key) { groups_.erase(key); }
  // Nullptr: no such group.
  MemoryGroup* FindGroup(const GroupKey& key);

  // All generations of a group, and what is known of its losses.
  // Up to this generation. False: there is a later one.
  bool RemoveGroup(absl::string_view name, uint64_t up_to_generation);

  uint64_t EventsAfter(EntryId id) const;
  // Max(): none.
  EntryId FirstAfter(EntryId id) const;
  // 0 if it is gone.
  uint64_t EventsOf(EntryId id) const;
  uint64_t LostBy(absl::string_view group) const;
  ReadGroupResult ReadGroup(MemoryGroup& group, const ReadGroupRequest& request) const;
  ClaimResult Claim(MemoryGroup& group, const ClaimRequest& request) const;

 private:
  using Iterator = std::deque<StoredEntry>::const_iterator;

  // The first entry with this id or a higher one.
  Iterator LowerBound(EntryId id) const;
  // Below this, all of these groups are done. Min() for no groups, or one that is not there.
  EntryId SettledBelow(const std::vector<GroupKey>& groups) const;
  std::vector<GroupLoss> CountLosses(size_t count) const;

  std::deque<StoredEntry> entries_;
  // Ever appended.
  EntryId last_;
  // Of the entries that are there.
  uint64_t events_ = 0;
  uint64_t bytes_ = 0;
  absl::btree_map<GroupKey, std::unique_ptr<MemoryGroup>> groups_;
  // By the groups' names.
  absl::btree_map<std::string, uint64_t> lost_events_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STREAM_H_
