#ifndef EVENTBUS_SERVER_RPC_DOOR_H_
#define EVENTBUS_SERVER_RPC_DOOR_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/broker/event_scanner.h"
#include "server/broker/event_writer.h"
#include "server/broker/publish_command.h"
#include "server/rpc/publish_envelope.h"
#include "server/rpc/publish_options.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/rpc_options.h"
#include "server/rpc/trace_context.h"

namespace eventbus {

// The ids of a command's events, as given or filled in, for the answer: where each one lies in
// bytes that they share, those of the events where it was given.
class EventIds {
 public:
  void Reserve(size_t ids) { places_.reserve(ids); }
  // The next one lies there, in the bytes that SetBytes is still to give.
  void Add(size_t begin, size_t size) {
    places_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(size)});
  }
  void SetBytes(Bytes bytes) { bytes_ = std::move(bytes); }

  size_t size() const { return places_.size(); }
  absl::string_view operator[](size_t index) const {
    return absl::string_view(bytes_.data() + places_[index].begin, places_[index].size);
  }

 private:
  struct Place {
    uint32_t begin;
    uint32_t size;
  };

  Bytes bytes_;
  std::vector<Place> places_;
};

// Events that may pass.
struct CheckedEvents {
  // Without `done`.
  PublishCommand command;
  // Empty unless asked for.
  EventIds ids;
};

// The door of the bus: the one place where events from outside are checked and completed. What goes
// in are the bytes of a publishing message, what comes out is a command that the broker can route
// without looking at any event again.
//
// Immutable; any thread. Each thread that uses a door makes UUIDs of its own.
//
//   Door door(options);
//   absl::StatusOr<CheckedEvents> events = door.Check(request, envelope, trace, /*want_ids=*/true);
class Door {
 public:
  explicit Door(const RpcOptions& options) : options_(options) {}

  // All events, or INVALID_ARGUMENT that names every bad one (kInvalidField), or the limit that is
  // exceeded (kTooLarge). `request` is what `envelope` was read from; `trace` becomes attributes of
  // events that have none.
  absl::StatusOr<CheckedEvents> Check(const RequestBytes& request, const PublishEnvelope& envelope,
                                      const TraceContext& trace, bool want_ids) const;

 private:
  absl::Status CheckSize(const RequestBytes& request, const PublishEnvelope& envelope) const;
  absl::Status CheckAtomic(const PublishEnvelope& envelope, const PublishCommand& command) const;

  const RpcOptions& options_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_DOOR_H_
