#ifndef EVENTBUS_SERVER_BROKER_PUBLISH_COMMAND_H_
#define EVENTBUS_SERVER_BROKER_PUBLISH_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/store/bytes.h"
#include "server/store/delayed.h"
#include "server/store/entry.h"

namespace eventbus {

// One event within PublishCommand::framed.
struct PublishItem {
  // Where its frame (tag, length, event) lies.
  uint32_t begin = 0;
  uint32_t end = 0;
  // Where its type's text lies.
  uint32_t type_begin = 0;
  uint32_t type_size = 0;
  // The id is the publisher's: it may come again. One that was filled in cannot.
  bool id_given = false;
};

// What became of consecutive events of a command.
struct PublishedRun {
  // Indexes of the first event and how many follow it with the same fate.
  uint32_t first = 0;
  uint32_t count = 0;
  // OK: in `stream`, the first at `position`, the following ones counting on in its index.
  absl::Status status;
  std::string stream;
  Position position;
  // They were there already.
  bool duplicate = false;
  // Of delayed events, one for each: what they can be cancelled by (ScheduleId). They have no
  // position yet.
  std::vector<std::string> schedule_ids;
};

// The runs are in order and cover every event.
using PublishOutcome = std::vector<PublishedRun>;

// Checked events on their way from a call to the store. Made by rpc on its threads, then given to
// Broker::Publish.
struct PublishCommand {
  // Frames of `repeated Event events = 1`, back to back in the order of the request.
  Bytes framed;
  std::vector<PublishItem> items;
  // Of each event: when it expires, in Unix ms; 0: never. Empty: none of them does.
  std::vector<int64_t> expires_ms;
  // When all of them are to be delivered. Absent: at once.
  std::optional<DeliveryDelay> delay;
  // All of them are stored, or none. REQUIRES: they are of one type.
  bool atomic = false;
  // Answered once, on the loop.
  absl::AnyInvocable<void(PublishOutcome)> done;

  absl::string_view frame(size_t index) const {
    return framed.view().substr(items[index].begin, items[index].end - items[index].begin);
  }
  int64_t expiry(size_t index) const { return expires_ms.empty() ? 0 : expires_ms[index]; }
  absl::string_view type(size_t index) const {
    return framed.view().substr(items[index].type_begin, items[index].type_size);
  }
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_PUBLISH_COMMAND_H_
