#ifndef EVENTBUS_SERVER_BROKER_ENTRY_READER_H_
#define EVENTBUS_SERVER_BROKER_ENTRY_READER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Finds the events in an entry's value, which is the encoding of `repeated Event events = 1` and
// nothing else. Only the framing is looked at: what is inside of an event was checked at the door.
// A value that is not such an encoding (somebody else wrote to the store) is refused with
// DATA_LOSS, never trusted. Pure, for any thread.
namespace eventbus {

// One event in an entry: `framed` is tag, length and event, ready to be spliced into a delivery;
// `event` is the event alone. Both point into the entry.
struct FramedEvent {
  absl::string_view framed;
  absl::string_view event;
};

// Walks through an entry:
//
//   EntryReader reader(value);
//   FramedEvent event;
//   while (reader.Next(&event)) { … }
//   if (!reader.ok()) return reader.status();
class EntryReader {
 public:
  explicit EntryReader(absl::string_view entry) : entry_(entry) {}

  // False at the end, and at the first malformed byte.
  bool Next(FramedEvent* event);

  // False once malformed framing was met.
  bool ok() const { return !failed_; }
  // OK, or DATA_LOSS with the offset of what is malformed.
  absl::Status status() const;
  // Where the next event begins.
  size_t offset() const { return offset_; }

 private:
  absl::string_view entry_;
  size_t offset_ = 0;
  bool failed_ = false;
};

// How many events an entry holds; DATA_LOSS when it is malformed or holds none.
absl::StatusOr<size_t> CountEvents(absl::string_view entry);

// Fills `*offsets` with where each framed event begins, and the entry's size as the last element:
// the events [i, j) are the bytes [offsets[i], offsets[j]). What it held before is replaced, its
// memory used again. DATA_LOSS, and `*offsets` empty, when the entry is malformed, holds none, or
// is 4 GiB or larger.
absl::Status IndexEvents(absl::string_view entry, std::vector<uint32_t>* offsets);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_ENTRY_READER_H_
