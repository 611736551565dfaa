#include "server/broker/ordering_key.h"

#include <cstdint>

#include "server/broker/entry_reader.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

// Field numbers of eventbus.v1.Event.
constexpr uint32_t kSource = 2;
constexpr uint32_t kAttributes = 5;
// Of an element of a map.
constexpr uint32_t kName = 1;
constexpr uint32_t kValue = 2;
// Of CloudEventAttributeValue.
constexpr uint32_t kString = 3;

constexpr absl::string_view kPartitionKey = "partitionkey";

// Calls found(number, bytes) for each field of the message that has a length.
template <typename Found>
void ForEachField(absl::string_view message, Found found) {
  WireReader reader(message);
  uint32_t number;
  WireType wire_type;
  while (!reader.AtEnd() && reader.ReadTag(&number, &wire_type)) {
    if (wire_type != WireType::kLengthDelimited) {
      if (!reader.SkipValue(number, wire_type)) return;
      continue;
    }
    absl::string_view bytes;
    if (!reader.ReadLengthDelimited(&bytes)) return;
    found(number, bytes);
  }
}

}  // namespace

absl::string_view OrderingKeyOf(absl::string_view frame, absl::string_view default_source) {
  EntryReader entry(frame);
  FramedEvent event;
  if (!entry.Next(&event)) return {};
  absl::string_view source;
  absl::string_view partition_key;
  ForEachField(event.event, [&](uint32_t number, absl::string_view bytes) {
    if (number == kSource) source = bytes;
    if (number != kAttributes) return;
    absl::string_view name;
    absl::string_view value;
    ForEachField(bytes, [&](uint32_t part, absl::string_view text) {
      if (part == kName) name = text;
      if (part == kValue) value = text;
    });
    if (name != kPartitionKey) return;
    ForEachField(value, [&](uint32_t kind, absl::string_view text) {
      if (kind == kString) partition_key = text;
    });
  });
  if (!partition_key.empty()) return partition_key;
  return source == default_source ? absl::string_view() : source;
}

}  // namespace eventbus
