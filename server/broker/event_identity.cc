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

EventIdentity IdentityOf(absl::string_view frame) {
  EntryReader entry(frame);
  FramedEvent event;
  EventIdentity identity;
  if (!entry.Next(&event)) return identity;
  WireReader reader(event.event);
  uint32_t number;
  WireType wire_type;
  while (!reader.AtEnd() && reader.ReadTag(&number, &wire_type)) {
    const bool wanted = number == kId || number == kSource;
    if (!wanted || wire_type != WireType::kLengthDelimited) {
      if (!reader.SkipValue(number, wire_type)) break;
      continue;
    }
    if (!reader.ReadLengthDelimited(number == kId ? &identity.id : &identity.source)) break;
  }
  return identity;
}

std::string EventKey(absl::string_view frame) {
  const EventIdentity identity = IdentityOf(frame);
  return absl::StrCat(identity.id.size(), ":", identity.id, identity.source);
}

}  // namespace eventbus
