#ifndef EVENTBUS_SERVER_RPC_PUBLISH_ENVELOPE_H_
#define EVENTBUS_SERVER_RPC_PUBLISH_ENVELOPE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// What is around the events in a publishing message, read without parsing the events. The views
// point into the message.
struct PublishEnvelope {
  enum class Kind {
    kPublish,  // eventbus.v1.PublishRequest
    kBatch,    // eventbus.v1.PublishBatchRequest
    kStream,   // eventbus.v1.PublishStreamRequest
  };

  Kind kind = Kind::kPublish;
  // Each event without tag and length.
  std::vector<absl::string_view> events;
  // True if the events' fields, tags and lengths included, lie one right behind the other, each
  // written in the shortest form.
  bool back_to_back = false;
  // Only of PublishBatchRequest.
  bool atomic = false;
  // eventbus.v1.PublishOptions, encoded; not looked at (publish_options.h).
  absl::string_view options;
  // Only of PublishStreamRequest.
  uint64_t sequence = 0;
  bool return_results = false;

  // The path of an event in the request: `event`, or `events[3]`.
  std::string EventPath(size_t index) const;
};

// Reads `message` strictly: malformed encoding, a known field with a wrong wire type, or a singular
// field twice is INVALID_ARGUMENT (kMalformed). A field that is set and that this version does not
// implement is UNIMPLEMENTED. The events and the options themselves are not looked at, nor counted.
absl::Status ReadPublishEnvelope(PublishEnvelope::Kind kind, absl::string_view message,
                                 PublishEnvelope* envelope);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PUBLISH_ENVELOPE_H_
