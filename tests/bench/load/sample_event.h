#ifndef EVENTBUS_TESTS_BENCH_LOAD_SAMPLE_EVENT_H_
#define EVENTBUS_TESTS_BENCH_LOAD_SAMPLE_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "eventbus/v1/event.pb.h"

namespace eventbus::bench {

// What the events of a run look like. They are complete (id, source, spec_version, time), as a
// client library sends them, so the broker fills in nothing.
struct EventShape {
  // Of the whole encoded event; 0: as data_bytes says.
  size_t event_bytes = 256;
  // Of the data, where event_bytes is 0.
  size_t data_bytes = 0;
  // Leave out what the broker would fill in.
  bool bare = false;
};

// The type of number `index`: `bench.type0000`.
std::string TypeName(size_t index);

// Fills an empty event.
void FillEvent(const EventShape& shape, absl::string_view type, uint64_t number, v1::Event* event);
// How many bytes of data an event of this shape has.
size_t DataBytes(const EventShape& shape, absl::string_view type);

// An event in the wire format. Its data is at its end.
std::string EncodeEvent(const EventShape& shape, absl::string_view type, uint64_t number);
// The same `count` times, numbered, as the elements of `repeated Event events = 1`.
std::string EncodeEvents(const EventShape& shape, absl::string_view type, size_t count);

// The last bytes of the data are a time, for whoever measures latency.
inline constexpr size_t kStampBytes = sizeof(int64_t);

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_SAMPLE_EVENT_H_
