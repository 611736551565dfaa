#include "server/broker/stream_room.h"

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"

namespace eventbus {

absl::Status StreamRoom::Take(absl::string_view stream, const StreamPolicy& policy, uint64_t events,
                              uint64_t bytes) {
  Size& size = sizes_[std::string(stream)];
  const bool many = policy.max_events > 0 && size.events + events > policy.max_events;
  const bool large = policy.max_bytes > 0 && size.bytes + bytes > policy.max_bytes;
  if (!many && !large) {
    size.events += events;
    size.bytes += bytes;
    return absl::OkStatus();
  }
  const uint64_t limit = many ? policy.max_events : policy.max_bytes;
  return MakeError(absl::StatusCode::kResourceExhausted, Reason::kStreamFull,
                   absl::StrCat("not stored: the stream of type \"", stream, "\" is full (",
                                size.events, " events, ", size.bytes, " bytes); its limit is ",
                                limit, many ? " events" : " bytes"),
                   {{"stream", std::string(stream)},
                    {"limit", absl::StrCat(limit)},
                    {"setting", many ? "retention.max_events" : "retention.max_bytes"}});
}

}  // namespace eventbus
