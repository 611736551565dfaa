#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_GROUP_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_GROUP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "server/store/entry.h"
#include "server/store/stream_store.h"

namespace eventbus {

// MemoryGroup is one consumer group on one stream: how far it has read, and per consumer what is
// pending. It knows ids only; the entries are the stream's, and may be gone while they are still
// pending here. Owned by its MemoryStream; one thread.
class MemoryGroup {
 public:
  // What is pending of a consumer, by id. An entry is pending for one consumer at a time.
  struct Pending {
    uint64_t times_delivered = 1;
    std::string record;
    std::string mail;
    // Indexes of events whose letters are written.
    std::vector<uint32_t> buried;
  };
  using PendingList = absl::btree_map<EntryId, Pending>;

  // The group gets what comes after `cursor`.
  explicit MemoryGroup(EntryId cursor) : cursor_(cursor) {}

  EntryId cursor() const { return cursor_; }
  bool IsPending(EntryId id) const;

  // The consumer, which exists from then on.
  PendingList& Consumer(absl::string_view name);
  // Nullptr: no such consumer.
  PendingList* FindConsumer(absl::string_view name);
  // True: it is gone, or never was. False: something is pending for it.
  bool RemoveConsumer(absl::string_view name);
  std::vector<ConsumerInfo> ListConsumers() const;

  // The consumer has read the entry. REQUIRES: id > cursor().
  void Deliver(PendingList& consumer, EntryId id);
  // Nullptr: not pending.
  const Pending* FindPending(EntryId id) const;
  // Of one consumer, or of all if `consumer` is empty, in the order of their ids.
  std::vector<PendingEntry> ListPending(absl::string_view consumer, EntryId after,
                                        uint32_t max_entries) const;
  // The first entry that is not done with: pending, or not read yet.
  EntryId LowestUnsettled() const;
  // How many of `ids` were pending.
  uint64_t Ack(const std::vector<EntryId>& ids);
  // Writes the records of those that are pending for `consumer`, and says how many that were.
  uint64_t WriteStates(absl::string_view consumer, std::vector<EntryState> states);
  // Appends to the mail of the entry. Nullopt: it is not pending; else who has it, or, where the
  // mail would be too much, nobody.
  std::optional<std::string> LeaveMail(const Mail& mail);
  // The entry's letters that are not written yet become so. Nullopt: it is not pending for
  // `consumer`. An empty record acknowledges the entry.
  std::optional<std::vector<NewLetter>> Bury(absl::string_view consumer, BuriedEntry entry);
  // Moves those of `ids` that are pending for `consumer` to kReleasedConsumer, and says how many
  // that were.
  uint64_t Release(absl::string_view consumer, const std::vector<EntryId>& ids);

 private:
  EntryId cursor_;
  // A map whose elements stay where they are. Few: one per instance that reads or has read.
  std::map<std::string, PendingList, std::less<>> consumers_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_GROUP_H_
