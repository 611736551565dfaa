#ifndef EVENTBUS_SERVER_RPC_ERRORS_H_
#define EVENTBUS_SERVER_RPC_ERRORS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "eventbus/v1/broker.pb.h"
#include "grpcpp/support/status.h"
#include "server/broker/field_violation.h"
#include "server/broker/reason.h"

// From the errors of the broker (absl::Status with a Reason) to those of the contract. Pure, for
// any thread.
namespace eventbus {

// Wrong fields that one answer names at most.
inline constexpr size_t kMaxFieldViolations = 100;

// INVALID_ARGUMENT naming fields of a request: the text has the first and how many more there are,
// the details have up to kMaxFieldViolations. `count` is how many there are in all. REQUIRES:
// `violations` is not empty.
absl::Status InvalidRequest(Reason reason, const std::vector<FieldViolation>& violations,
                            size_t count, const Metadata& metadata = {});

// INVALID_ARGUMENT of kMalformed.
absl::Status MalformedRequest(absl::string_view description);

// INVALID_ARGUMENT of kTooLarge, with the limit and the setting that raises it in text and
// metadata.
FieldViolation TooLargeViolation(absl::string_view field, absl::string_view what, uint64_t actual,
                                 uint64_t limit, absl::string_view setting);
Metadata TooLargeMetadata(uint64_t limit, absl::string_view setting);

// UNIMPLEMENTED: an RPC ("EventBus.Pull"), or a field of a request ("options.ttl").
absl::Status UnimplementedRpc(absl::string_view rpc);
absl::Status UnimplementedField(absl::string_view field);

// The status as a call ends with it: code, text, and as details google.rpc.BadRequest, ErrorInfo,
// and RetryInfo where waiting helps.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The same for one event of a call that goes on. `field` of it is relative to the event.
v1::EventError ToEventError(const absl::Status& status);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ERRORS_H_
