#ifndef EVENTBUS_SERVER_RPC_TRACE_CONTEXT_H_
#define EVENTBUS_SERVER_RPC_TRACE_CONTEXT_H_

#include "absl/strings/string_view.h"
#include "server/rpc/call/call_context.h"

namespace eventbus {

// The W3C trace context of a call, from its metadata. The views live as long as the call's context.
struct TraceContext {
  // Empty if there is none, or none that is valid: the standard has those ignored.
  absl::string_view traceparent;
  absl::string_view tracestate;
};

TraceContext TraceContextOf(const CallContext& context);

// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may have more behind that. Lower case only, as the
// standard demands.
bool IsTraceparent(absl::string_view text);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_TRACE_CONTEXT_H_
