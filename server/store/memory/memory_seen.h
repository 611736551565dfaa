#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_SEEN_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_SEEN_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/entry.h"

namespace eventbus {

// MemorySeen is what a stream remembers of the events it has taken lately: for each key, where its
// event is. Bounded by the window that was asked for last, and by kMostRememberedKeys. Owned by
// MemoryStore; one thread.
class MemorySeen {
 public:
  // Where the event with this key is, if it was stored within the window. Null: it was not.
  const Position* Find(absl::string_view key, absl::Time now, absl::Duration window);
  void Note(const std::string& key, Position position);
  // Forgets what no window holds any more.
  void ForgetOld(absl::Time now);

 private:
  struct Noted {
    std::string key;
    Position position;
  };
  bool Within(const Position& position, absl::Time now) const;
  void ForgetOldest();

  absl::Duration window_;
  absl::flat_hash_map<std::string, Position> positions_;
  // Oldest first. A key that was stored again after its window is here twice.
  std::deque<Noted> order_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_SEEN_H_
