#ifndef EVENTBUS_SERVER_BROKER_GROUP_STATE_H_
#define EVENTBUS_SERVER_BROKER_GROUP_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/store/entry.h"
#include "server/store/stream_store.h"

// Where a group stands, for operators: meaning and units as in eventbus.v1.GroupState. Pure.
namespace eventbus {

struct GroupState {
  uint64_t lag = 0;
  bool lag_estimated = false;
  uint64_t pending = 0;
  uint64_t retrying = 0;
  uint64_t dead_letters = 0;
  uint64_t lost_events = 0;
  // Infinite future: everything is settled.
  absl::Time oldest_unsettled = absl::InfiniteFuture();
  uint32_t subscribers = 0;
  double acked_per_second = 0;

  // Of several streams together.
  void Add(const GroupState& other);
};

struct GroupStreamState {
  std::string stream;
  std::optional<Position> delivered;
  std::optional<Position> unsettled;
  GroupState state;
};

// What the store knows of a group on one stream.
struct GroupFindings {
  GroupInfo info;
  // State records of pending entries.
  std::vector<EntryState> states;
  // Of what is redriven for the group alone.
  GroupInfo side_info;
  uint64_t letters = 0;
  // How many events the last entry has that was read. 0: not known any more.
  uint32_t last_read_events = 0;
};

// `now`: by the store's clock.
GroupStreamState StateOf(std::string stream, const GroupFindings& findings, absl::Time now);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_STATE_H_
