#ifndef EVENTBUS_SERVER_BROKER_RECORDED_EVENT_H_
#define EVENTBUS_SERVER_BROKER_RECORDED_EVENT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "server/broker/entry_reader.h"
#include "server/store/bytes.h"
#include "server/store/entry.h"

namespace eventbus {

// An event and where it is kept. Value type.
struct RecordedEvent {
  std::string stream;
  Position position;
  // Its frame, as `repeated Event events = 1` has it.
  Bytes frame;

  // The encoding of the event alone, in `frame`; empty if that is malformed.
  absl::string_view Event() const {
    EntryReader reader(frame.view());
    FramedEvent event;
    return reader.Next(&event) ? event.event : absl::string_view();
  }
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RECORDED_EVENT_H_
