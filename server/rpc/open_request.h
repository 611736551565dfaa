#ifndef EVENTBUS_SERVER_RPC_OPEN_REQUEST_H_
#define EVENTBUS_SERVER_RPC_OPEN_REQUEST_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "eventbus/v1/broker.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/broker/subscription.h"
#include "server/rpc/rpc_options.h"

namespace eventbus {

// A subscriber's wishes, checked: what goes to the broker, and what stays with the call.
struct SubscriberRequest {
  OpenRequest open;
  absl::Duration heartbeat;
  bool answers_pings = false;
};

// Which RPC a SubscribeOpen came with.
enum class SubscriberCallKind { kSubscribe, kReceive };

// Checks `open` against the contract and fills in the defaults. Errors name the field, as in
// `open.group.patterns[1]`; fields that this version does not implement are UNIMPLEMENTED. `peer`
// is left for the caller to set. Pure; any thread.
absl::StatusOr<SubscriberRequest> ReadSubscribeOpen(const v1::SubscribeOpen& open,
                                                    SubscriberCallKind kind,
                                                    const RpcOptions& options);

// At most 100 valid patterns. Errors name the field below `path`.
absl::Status ReadPatterns(absl::string_view path,
                          const google::protobuf::RepeatedPtrField<std::string>& patterns,
                          std::vector<std::string>* result);

// Errors name the field below `path`. Nothing set: latest.
absl::Status ReadStartPosition(absl::string_view path, const v1::StartPosition& start,
                               StartPosition* result);

absl::Status ReadGroupSubscription(absl::string_view path, const v1::GroupSubscription& group,
                                   OpenRequest* request);

absl::Status ReadClientId(absl::string_view path, const std::string& client_id,
                          OpenRequest* request);

// Changes the limits that `limits` sets. Errors name the field below `path`.
absl::Status ReadFlowLimits(absl::string_view path, const v1::FlowLimits& limits,
                            const RpcOptions& options, FlowLimits* result);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_OPEN_REQUEST_H_
