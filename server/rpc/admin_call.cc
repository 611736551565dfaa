#include "server/rpc/admin_call.h"

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"

namespace eventbus {

PendingAdminCall::PendingAdminCall(const RpcContext& rpc, CallContext* context,
                                   absl::string_view method)
    : call_(context, &rpc.metrics->Rpc(absl::StrCat("eventbus.v1.EventBusAdmin/", method))) {}

PendingAdminCall::PendingAdminCall(PendingAdminCall&& other) noexcept
    : call_(other.call_), open_(std::exchange(other.open_, false)) {}

PendingAdminCall::~PendingAdminCall() {
  if (!open_) return;
  Finish(MakeError(absl::StatusCode::kUnavailable, Reason::kDraining,
                   "the server stopped before it had answered; call again"));
}

void PendingAdminCall::Finish(const absl::Status& status) {
  open_ = false;
  call_.Finish(status);
}

std::function<bool()> CancelledIn(CallContext* context) {
  return [context] { return context->IsCancelled(); };
}

absl::Status AdminError(const absl::Status& status) {
  if (ReasonOf(status) != Reason::kUnspecified) return status;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, status.message());
    case absl::StatusCode::kResourceExhausted:
      return MakeError(absl::StatusCode::kResourceExhausted, Reason::kStoreFull, status.message());
    default:
      return MakeError(absl::StatusCode::kInternal, Reason::kInternal, status.message());
  }
}

}  // namespace eventbus
