#include "server/broker/outgoing.h"

#include <utility>
#include <vector>

#include "server/broker/event_identity.h"

namespace eventbus {
namespace {

// Of one call to the store.
constexpr EntryBounds kOfDelayed = {.max_events = 1'000, .max_bytes = uint64_t{1} << 20};

int64_t EarliestExpiry(const CommandPart& part) {
  int64_t earliest = 0;
  if (part.command().expires_ms.empty()) return earliest;
  for (uint32_t i = part.first; i < part.first + part.count; ++i) {
    earliest = EarlierExpiry(earliest, part.command().expiry(i));
  }
  return earliest;
}

}  // namespace

bool WaitingParts::SmallerThan(uint64_t bytes) const {
  uint64_t found = 0;
  for (size_t i = first_; i < parts_.size() && found < bytes; ++i) {
    found += parts_[i].end() - parts_[i].begin();
  }
  return found < bytes;
}

Outgoing TakeEntry(const EntryBounds& of_entry, WaitingParts* waiting) {
  const bool delayed = waiting->front().delayed();
  const EntryBounds& bounds = delayed ? kOfDelayed : of_entry;
  Outgoing outgoing;
  if (waiting->size() == 1 && waiting->front().count <= bounds.max_events) {
    // The rest is for those that have to be split or put together.
    outgoing.value = waiting->front().frames();
    if (outgoing.value.size() <= bounds.max_bytes) {
      outgoing.events = waiting->front().count;
      outgoing.expires_ms = EarliestExpiry(waiting->front());
      outgoing.parts.push_back(waiting->front());
      waiting->pop_front();
      return outgoing;
    }
  }
  uint64_t bytes = 0;
  while (!waiting->empty() && outgoing.events < bounds.max_events) {
    CommandPart& part = waiting->front();
    if (part.delayed() != delayed) break;
    if (part.command().atomic) {
      if (!outgoing.parts.empty()) break;
      outgoing.events = part.count;
      outgoing.parts.push_back(part);
      waiting->pop_front();
      break;
    }
    const std::vector<PublishItem>& items = part.command().items;
    uint32_t taken = 0;
    while (taken < part.count && outgoing.events + taken < bounds.max_events) {
      const PublishItem& item = items[part.first + taken];
      const uint64_t size = item.end - item.begin;
      if (outgoing.events + taken > 0 && bytes + size > bounds.max_bytes) break;
      bytes += size;
      ++taken;
    }
    if (taken == 0) break;
    outgoing.parts.push_back(CommandPart{part.accepted, part.first, taken});
    outgoing.events += taken;
    part.first += taken;
    part.count -= taken;
    if (part.count > 0) break;
    waiting->pop_front();
  }
  for (const CommandPart& part : outgoing.parts) {
    outgoing.expires_ms = EarlierExpiry(outgoing.expires_ms, EarliestExpiry(part));
  }
  if (outgoing.parts.size() == 1) {
    outgoing.value = outgoing.parts.front().frames();
    return outgoing;
  }
  std::string joined;
  joined.reserve(bytes);
  for (const CommandPart& part : outgoing.parts) {
    const Bytes piece = part.frames();
    joined.append(piece.data(), piece.size());
  }
  outgoing.value = Bytes::FromString(std::move(joined));
  return outgoing;
}

bool MayBeDuplicate(const Outgoing& outgoing) {
  for (const CommandPart& part : outgoing.parts) {
    for (uint32_t i = part.first; i < part.first + part.count; ++i) {
      if (part.command().items[i].id_given) return true;
    }
  }
  return false;
}

AppendOnceRequest OnceRequestOf(absl::string_view stream, const Outgoing& outgoing,
                                absl::Duration window) {
  AppendOnceRequest request;
  request.stream = std::string(stream);
  request.value = outgoing.value;
  request.window = window;
  request.events.reserve(outgoing.events);
  const bool remembers = window > absl::ZeroDuration();
  for (const CommandPart& part : outgoing.parts) {
    for (uint32_t i = part.first; i < part.first + part.count; ++i) {
      const PublishItem& item = part.command().items[i];
      OnceEvent& event = request.events.emplace_back();
      event.size = item.end - item.begin;
      if (remembers && item.id_given) event.key = EventKey(part.command().frame(i));
      event.delay = part.command().delay;
      event.expires_ms = part.command().expiry(i);
    }
  }
  return request;
}

}  // namespace eventbus
