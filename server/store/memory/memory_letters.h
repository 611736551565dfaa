#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_LETTERS_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_LETTERS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/store/entry.h"
#include "server/store/stream_store.h"

namespace eventbus {

// MemoryLetters is the dead letters of all groups on all streams. Letters do not count towards the
// store's bounds: they have bounds of their own. Owned by MemoryStore; one thread.
class MemoryLetters {
 public:
  // Answers how many older letters the bounds have removed.
  uint64_t Add(const std::string& stream, const std::string& group, std::vector<NewLetter> letters,
               const LetterBounds& bounds, absl::Time now);
  std::vector<StoredLetter> Read(const ReadLettersRequest& request) const;
  uint64_t Count(const std::string& stream, const std::string& group) const;
  // Removes those that are there, and answers with them.
  std::vector<StoredLetter> Take(const std::string& stream, const std::string& group,
                                 const std::vector<EntryId>& ids);
  void Drop(const std::string& stream, const std::string& group);

 private:
  struct Box {
    EntryId last;
    std::deque<StoredLetter> letters;
  };
  using Key = std::pair<std::string, std::string>;

  std::map<Key, Box> boxes_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_LETTERS_H_
