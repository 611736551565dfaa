#ifndef EVENTBUS_SERVER_BROKER_CONTEXT_H_
#define EVENTBUS_SERVER_BROKER_CONTEXT_H_

#include <string>

#include "server/broker/broker_events.h"
#include "server/broker/broker_options.h"
#include "server/loop/loop.h"
#include "server/store/stream_store.h"

namespace eventbus {

// What the parts of one broker work with. Owned by the broker; outlives its parts.
struct Context {
  Loop* loop;
  StreamStore* store;
  BrokerEvents* events;
  const BrokerOptions* options;
  // Under which name this instance takes entries. Changes when others have judged it dead
  // meanwhile.
  std::string incarnation;
  // Nothing is asked of a store that is known to be unreachable.
  bool store_up = true;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_CONTEXT_H_
