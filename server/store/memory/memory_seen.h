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

// Where an event is that was seen: in the log, or among the delayed ones since `stored`.
struct SeenPlace {
  absl::Time stored;
  Position position;
  std::string delayed_id;

  friend bool operator==(const SeenPlace&, const SeenPlace&) = default;
};

// MemorySeen is what a stream remembers of the events it has taken lately: for each key, where its
// event is. Bounded by the window that was asked for last, and by kMostRememberedKeys. Owned by
// MemoryStore; one thread.
class MemorySeen {
 public:
  // Where the event with this key is, if it was stored within the window. Null: it was not.
  const SeenPlace* Find(absl::string_view key, absl::Time now, absl::Duration window);
  void Note(const std::string& key, SeenPlace place);
  // Forgets what no window holds any more.
  void ForgetOld(absl::Time now);

 private:
  struct Noted {
    std::string key;
    SeenPlace place;
  };
  bool Within(const SeenPlace& place, absl::Time now) const { return now - place.stored < window_; }
  void ForgetOldest();

  absl::Duration window_;
  absl::flat_hash_map<std::string, SeenPlace> places_;
  // Oldest first. A key that was stored again after its window is here twice.
  std::deque<Noted> order_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_SEEN_H_
