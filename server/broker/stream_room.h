#ifndef EVENTBUS_SERVER_BROKER_STREAM_ROOM_H_
#define EVENTBUS_SERVER_BROKER_STREAM_ROOM_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/broker/broker_options.h"
#include "server/store/stream_store.h"

namespace eventbus {

// StreamRoom knows how full the streams are whose publishes are refused when they are full: as
// retention has seen them last, and what this instance has published since. What other instances
// have published since is not counted, so a stream may go beyond its bound by what they publish
// between two looks.
//
// Owned by the broker. Loop thread only.
class StreamRoom {
 public:
  // What retention has seen.
  void Saw(const std::string& stream, const StreamInfo& info) {
    sizes_[stream] = {info.events, info.bytes};
  }
  void Forget(const std::string& stream) { sizes_.erase(stream); }

  // Takes room for that much, or RESOURCE_EXHAUSTED (kStreamFull), naming limit and setting.
  absl::Status Take(absl::string_view stream, const StreamPolicy& policy, uint64_t events,
                    uint64_t bytes);

 private:
  struct Size {
    uint64_t events = 0;
    uint64_t bytes = 0;
  };

  absl::flat_hash_map<std::string, Size> sizes_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_STREAM_ROOM_H_
