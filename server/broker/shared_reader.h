#ifndef EVENTBUS_SERVER_BROKER_SHARED_READER_H_
#define EVENTBUS_SERVER_BROKER_SHARED_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"

namespace eventbus {

// An entry and where its events begin (and the value's size).
struct IndexedEntry {
  Entry entry;
  std::vector<uint32_t> offsets;

  uint32_t size() const { return static_cast<uint32_t>(offsets.size() - 1); }
};

// A page of a stream, shared by all who asked for it.
using EntryPage = std::shared_ptr<const std::vector<IndexedEntry>>;

// SharedReader reads streams for tails. Tails that want to go on from the same place at the same
// time, as all live ones do, share one read. Who comes when the read has left already, or an append
// has been called for behind it, may know of entries that it was too early for: if it finds
// nothing, a second one is sent for them. Entries that cannot be read are left out of the page, and
// reported.
//
// Owned by the broker. Loop thread only.
class SharedReader {
 public:
  using Done = absl::AnyInvocable<void(const absl::StatusOr<EntryPage>&)>;
  // An empty page: nothing comes after `after` for now.
  static constexpr uint32_t kMaxEntries = 256;
  static constexpr uint64_t kMaxBytes = uint64_t{256} << 10;

  explicit SharedReader(const Context* context) : context_(context) {}

  // What is called for from now on is to find what this instance has appended by now.
  void NoteAppend() { ++appends_; }

  // Reads what comes after `after`. Callers guard `done`.
  void ReadAfter(const std::string& stream, EntryId after, Done done);

 private:
  using Key = std::pair<std::string, EntryId>;
  struct UnderWay {
    // The turn in which it was called for is over.
    bool sent = false;
    // Of this instance, before it was called for.
    uint64_t appends = 0;
    std::vector<Done> waiting;
    // Came when it was sent.
    std::vector<Done> late;
  };

  void Read(const Key& key, std::vector<Done> waiting);
  void OnRead(const Key& key, absl::StatusOr<std::vector<Entry>> entries);
  EntryPage Index(const std::string& stream, std::vector<Entry> entries) const;

  const Context* const context_;
  uint64_t appends_ = 0;
  absl::flat_hash_map<Key, UnderWay> under_way_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SHARED_READER_H_
