#include "server/broker/shared_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"

namespace eventbus {

void SharedReader::ReadAfter(const std::string& stream, EntryId after, Done done) {
  const Key key(stream, after);
  const auto found = under_way_.find(key);
  if (found != under_way_.end()) {
    UnderWay& read = found->second;
    const bool in_time = !read.sent && read.appends == appends_;
    (in_time ? read.waiting : read.late).push_back(std::move(done));
    return;
  }
  std::vector<Done> waiting;
  waiting.push_back(std::move(done));
  Read(key, std::move(waiting));
}

void SharedReader::Read(const Key& key, std::vector<Done> waiting) {
  UnderWay& read = under_way_[key];
  read.waiting = std::move(waiting);
  read.appends = appends_;
  context_->store->ReadRange(
      {key.first, key.second.Next(), EntryId::Max(), kMaxEntries, kMaxBytes},
      lifetime_.Guard([this, key](absl::StatusOr<std::vector<Entry>> entries) {
        OnRead(key, std::move(entries));
      }));
  // What is called during one turn leaves when it ends.
  context_->loop->Defer(lifetime_.Guard([this, key] {
    const auto found = under_way_.find(key);
    if (found != under_way_.end()) found->second.sent = true;
  }));
}

void SharedReader::OnRead(const Key& key, absl::StatusOr<std::vector<Entry>> entries) {
  const absl::StatusOr<EntryPage> page =
      entries.ok() ? absl::StatusOr<EntryPage>(Index(key.first, *std::move(entries)))
                   : entries.status();
  auto node = under_way_.extract(key);
  UnderWay& read = node.mapped();
  const bool found = page.ok() && !(*page)->empty();
  if (!found && !read.late.empty()) {
    Read(key, std::move(read.late));
  } else {
    for (Done& late : read.late) read.waiting.push_back(std::move(late));
  }
  for (Done& waiting : read.waiting) waiting(page);
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
