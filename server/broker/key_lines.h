#ifndef EVENTBUS_SERVER_BROKER_KEY_LINES_H_
#define EVENTBUS_SERVER_BROKER_KEY_LINES_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "server/store/entry.h"

namespace eventbus {

// KeyLines keeps the events of an ordered group in line: of each ordering key only the first one
// may be delivered, until it is done with. Keys are hashes; two that share one stand in one line,
// which costs time and not order. Pure; one thread.
class KeyLines {
 public:
  struct Place {
    EntryId entry;
    uint32_t index = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };

  // The event is the last of its line. Answers whether it is the first as well.
  bool Add(uint64_t key, Place event);
  // The event is done with. Answers who is the first of its line now, if that has changed.
  // Harmless if it does not stand there.
  std::optional<Place> Remove(uint64_t key, Place event);
  bool IsFirst(uint64_t key, Place event) const;
  // Events that stand behind others.
  uint64_t waiting() const { return waiting_; }
  void Clear();

 private:
  struct Line {
    Place first;
    // Few keys have more than one event at a time.
    std::unique_ptr<std::deque<Place>> others;
  };
  absl::flat_hash_map<uint64_t, Line> lines_;
  uint64_t waiting_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_KEY_LINES_H_
