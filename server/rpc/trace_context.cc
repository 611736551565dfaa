#include "server/rpc/trace_context.h"

#include <algorithm>
#include <cstddef>

namespace eventbus {
namespace {

constexpr size_t kTraceparentBytes = 55;
constexpr size_t kMaxTraceparentBytes = 255;
// What the standard asks vendors to carry at least.
constexpr size_t kMaxTracestateBytes = 512;

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char character) {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f');
  });
}

}  // namespace

bool IsTraceparent(absl::string_view text) {
  if (text.size() < kTraceparentBytes || text.size() > kMaxTraceparentBytes) return false;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const absl::string_view version = text.substr(0, 2);
  if (version == "00" && text.size() != kTraceparentBytes) return false;
  return IsLowerHex(version) && version != "ff" && IsLowerHex(text.substr(3, 32)) &&
         IsLowerHex(text.substr(36, 16)) && IsLowerHex(text.substr(53, 2));
}

TraceContext TraceContextOf(const CallContext& context) {
  TraceContext trace;
  const absl::string_view traceparent = context.Metadata("traceparent");
  if (!IsTraceparent(traceparent)) return trace;
  trace.traceparent = traceparent;
  const absl::string_view tracestate = context.Metadata("tracestate");
  if (tracestate.size() <= kMaxTracestateBytes) trace.tracestate = tracestate;
  return trace;
}

}  // namespace eventbus
