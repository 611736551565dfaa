#include "server/store/memory/memory_letters.h"

#include <algorithm>

namespace eventbus {

uint64_t MemoryLetters::Add(const std::string& stream, const std::string& group,
                            std::vector<NewLetter> letters, const LetterBounds& bounds,
                            absl::Time now) {
  if (letters.empty()) return 0;
  Box& box = boxes_[{stream, group}];
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(now), 0));
  for (NewLetter& letter : letters) {
    box.last = ms > box.last.ms ? EntryId{ms, 0} : box.last.Next();
    // A copy: a slice would keep the whole entry.
    box.letters.push_back(
        {box.last, Bytes::FromString(std::string(letter.event.view())), std::move(letter.details)});
  }
  const int64_t oldest_ms =
      bounds.ttl == absl::InfiniteDuration() ? 0 : absl::ToUnixMillis(now - bounds.ttl);
  const EntryId oldest{static_cast<uint64_t>(std::max<int64_t>(oldest_ms, 0)), 0};
  uint64_t dropped = 0;
  while (box.letters.front().id < oldest ||
         (bounds.max_letters > 0 && box.letters.size() > bounds.max_letters)) {
    box.letters.pop_front();
    ++dropped;
  }
  return dropped;
}

std::vector<StoredLetter> MemoryLetters::Read(const ReadLettersRequest& request) const {
  std::vector<StoredLetter> found;
  const auto box = boxes_.find({request.stream, request.group});
  if (box == boxes_.end()) return found;
  for (const StoredLetter& letter : box->second.letters) {
    if (letter.id < request.from) continue;
    if (found.size() == request.max_letters) break;
    found.push_back(letter);
  }
  return found;
}

uint64_t MemoryLetters::Count(const std::string& stream, const std::string& group) const {
  const auto box = boxes_.find({stream, group});
  return box == boxes_.end() ? 0 : box->second.letters.size();
}

std::vector<StoredLetter> MemoryLetters::Take(const std::string& stream, const std::string& group,
                                              const std::vector<EntryId>& ids) {
  std::vector<StoredLetter> taken;
  const auto box = boxes_.find({stream, group});
  if (box == boxes_.end()) return taken;
  std::deque<StoredLetter>& letters = box->second.letters;
  for (const EntryId id : ids) {
    const auto place = std::lower_bound(
        letters.begin(), letters.end(), id,
        [](const StoredLetter& letter, EntryId other) { return letter.id < other; });
    if (place == letters.end() || place->id != id) continue;
    taken.push_back(std::move(*place));
    letters.erase(place);
  }
  return taken;
}

void MemoryLetters::Drop(const std::string& stream, const std::string& group) {
  boxes_.erase({stream, group});
}

}  // namespace eventbus
