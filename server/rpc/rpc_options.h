#ifndef EVENTBUS_SERVER_RPC_RPC_OPTIONS_H_
#define EVENTBUS_SERVER_RPC_RPC_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace eventbus {

// No message of ours is larger: the stock clients of gRPC refuse 4 MiB.
inline constexpr uint64_t kMaxServerMessageBytes = uint64_t{3584} << 10;

// What rpc/ is told by the daemon's configuration. Constant while the server runs; any thread.
struct RpcOptions {
  // host:port; port 0 takes a free one.
  std::string address = "127.0.0.1:0";

  // The `source` of events that come without one.
  std::string default_source = "eventbus";
  // Unacknowledged messages and bytes of one PublishStream.
  uint32_t publish_window_messages = 32;
  uint64_t publish_window_bytes = uint64_t{8} << 20;

  uint64_t max_event_bytes = uint64_t{1} << 20;
  uint64_t max_batch_events = 1'000;
  uint64_t max_batch_bytes = uint64_t{3} << 20;

  // In-flight limits of a subscriber that asks for none, and the most it may ask for.
  uint32_t default_max_in_flight = 1'000;
  uint64_t default_max_in_flight_bytes = uint64_t{16} << 20;
  uint32_t max_in_flight = 100'000;
  uint64_t max_in_flight_bytes = uint64_t{256} << 20;

  // Of a subscriber that asks for no other.
  absl::Duration heartbeat = absl::Seconds(15);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_RPC_OPTIONS_H_
