#include "server/broker/shared_reader.h"

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"

namespace eventbus {

void SharedReader::ReadAfter(const std::string& stream, EntryId after, Done done) {
  const Key key(stream, after);
  const auto [place, first] = under_way_.try_emplace(key);
  place->second.push_back(std::move(done));
  if (!first) return;
  context_->store->ReadRange(
      {stream, after.Next(), EntryId::Max(), kMaxEntries, kMaxBytes},
      lifetime_.Guard([this, key](absl::StatusOr<std::vector<Entry>> entries) {
        const absl::StatusOr<EntryPage> page =
            entries.ok() ? absl::StatusOr<EntryPage>(Index(key.first, *std::move(entries)))
                         : entries.status();
        auto node = under_way_.extract(key);
        for (Done& waiting : node.mapped()) waiting(page);
      }));
}

EntryPage SharedReader::Index(const std::string& stream, std::vector<Entry> entries) const {
  auto page = std::make_shared<std::vector<IndexedEntry>>();
  page->reserve(entries.size());
  for (Entry& entry : entries) {
    IndexedEntry indexed;
    const absl::Status status = IndexEvents(entry.value.view(), &indexed.offsets);
    if (!status.ok()) {
      context_->events->OnTrouble(
          absl::StrCat("entry ", entry.id.ToString(), " of stream ", stream, " was skipped"),
          status);
      // Kept with no events, so that whoever reads goes on after it.
      indexed.offsets = {0};
    }
    indexed.entry = std::move(entry);
    page->push_back(std::move(indexed));
  }
  return page;
}

}  // namespace eventbus
