#ifndef EVENTBUS_SERVER_BROKER_RECORDED_EVENT_H_
#define EVENTBUS_SERVER_BROKER_RECORDED_EVENT_H_

#include <string>

#include "server/store/bytes.h"
#include "server/store/entry.h"

namespace eventbus {

// An event and where it is kept. Value type.
struct RecordedEvent {
  std::string stream;
  Position position;
  // Its frame, as `repeated Event events = 1` has it.
  Bytes frame;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RECORDED_EVENT_H_
