#ifndef EVENTBUS_SERVER_BROKER_OUTGOING_H_
#define EVENTBUS_SERVER_BROKER_OUTGOING_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/publish_command.h"
#include "server/store/bytes.h"
#include "server/store/stream_store.h"

// How commands of publishers become requests to the store. Loop thread only.
namespace eventbus {

// A command and what is known of its fate. Owned by Publisher until the fate of all its events is
// known.
struct AcceptedCommand {
  PublishCommand command;
  PublishOutcome outcome;
  // Events whose fate is not known yet.
  size_t open = 0;
  absl::Duration received_at;
  // Its place among the publisher's.
  std::list<AcceptedCommand>::iterator place;
};

// Consecutive events of a command for one stream. Of no use once their fate is known.
struct CommandPart {
  AcceptedCommand* accepted = nullptr;
  uint32_t first = 0;
  uint32_t count = 0;

  const PublishCommand& command() const { return accepted->command; }
  bool delayed() const { return command().delay.has_value(); }
  // Where its frames are, among those of the command.
  uint32_t begin() const { return command().items[first].begin; }
  uint32_t end() const { return command().items[first + count - 1].end; }
  Bytes frames() const { return command().framed.Slice(begin(), end() - begin()); }
};

// Parts that wait for their entry, in their order. Keeps the memory of a few.
class WaitingParts {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const { return parts_.size() - first_; }
  // How many they are of, or are the rest of. Those of one come one behind the other.
  size_t commands() const { return commands_; }
  // Whether their frames together have fewer bytes.
  bool SmallerThan(uint64_t bytes) const;
  CommandPart& front() { return parts_[first_]; }
  void push_back(const CommandPart& part) {
    if (empty() || parts_.back().accepted != part.accepted) ++commands_;
    parts_.push_back(part);
  }
  void pop_front() {
    const AcceptedCommand* const accepted = front().accepted;
    ++first_;
    if (empty() || front().accepted != accepted) --commands_;
    if (!empty()) return;
    parts_.clear();
    if (parts_.capacity() > kMostKept) parts_.shrink_to_fit();
    first_ = 0;
  }

 private:
  static constexpr size_t kMostKept = 64;

  std::vector<CommandPart> parts_;
  // Those before it have left.
  size_t first_ = 0;
  size_t commands_ = 0;
};

// An entry to be appended, and whose events it has.
struct Outgoing {
  Bytes value;
  uint32_t events = 0;
  // Of how many commands it has the last that goes into this stream. Set by who takes it.
  uint32_t commands = 0;
  // When the first of its events expires, in Unix ms; 0: never.
  int64_t expires_ms = 0;
  absl::InlinedVector<CommandPart, 1> parts;

  // All of its events are to be delivered later, or none.
  bool delayed() const { return parts.front().delayed(); }
};

struct EntryBounds {
  uint32_t max_events = 1;
  // A single event may be larger.
  uint64_t max_bytes = 0;
};

// Takes events off the front of `waiting`, as many as fit into an entry, at least one. Delayed ones
// and others do not come together, and the former, which do not share an entry, by bounds of their
// own. An atomic part comes whole and alone, whatever the bounds.
Outgoing TakeEntry(const EntryBounds& bounds, WaitingParts* waiting);

// Whether a publisher may publish any of the events again in such a way that it can be recognised:
// with an id of its own.
bool MayBeDuplicate(const Outgoing& outgoing);

AppendOnceRequest OnceRequestOf(absl::string_view stream, const Outgoing& outgoing,
                                absl::Duration window);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_OUTGOING_H_
