#include "server/broker/event_identity.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

// Field numbers of eventbus.v1.Event.
constexpr uint32_t kId = 1;
constexpr uint32_t kSource = 2;

}  // namespace

std::string EventKey(absl::string_view frame) {
  EntryReader entry(frame);
  FramedEvent event;
  absl::string_view id;
  absl::string_view source;
  if (entry.Next(&event)) {
    WireReader reader(event.event);
    uint32_t number;
    WireType wire_type;
    while (!reader.AtEnd() && reader.ReadTag(&number, &wire_type)) {
      const bool wanted = number == kId || number == kSource;
      if (!wanted || wire_type != WireType::kLengthDelimited) {
        if (!reader.SkipValue(number, wire_type)) break;
        continue;
      }
      if (!reader.ReadLengthDelimited(number == kId ? &id : &source)) break;
    }
  }
  return absl::StrCat(id.size(), ":", id, source);
}

}  // namespace eventbus
