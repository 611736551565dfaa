#ifndef EVENTBUS_SERVER_RPC_ADMIN_CALL_H_
#define EVENTBUS_SERVER_RPC_ADMIN_CALL_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/broker/broker.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"
#include "server/rpc/unary_call.h"

// How a unary call of EventBusAdmin runs: its request is read and checked on gRPC's thread, its
// work is done by the broker on the loop, and it is answered once.
//
//   UnaryReactor* StartListGroups(const RpcContext& rpc,
//                                             CallContext* context,
//                                             const v1::ListGroupsRequest* request,
//                                             v1::ListGroupsResponse* response) {
//     return RunAdminCall<GroupPage>(
//         rpc, context, "ListGroups", ReadListGroups(*request),
//         [](Broker& broker, GroupQuery query, AdminDone<GroupPage> done) {
//           broker.groups().List(std::move(query), std::move(done));
//         },
//         [response](const GroupPage& page) { WriteGroups(page, response); });
//   }
namespace eventbus {

// What the broker's part answers with. Called once, on the loop; or destroyed, and then the call
// ends with UNAVAILABLE.
template <typename Result>
using AdminDone = absl::AnyInvocable<void(absl::StatusOr<Result>)>;

// A call that is to be answered. Moves; whoever has it last ends the call, if nobody has answered.
class PendingAdminCall {
 public:
  // `method` without the service, such as "ListGroups".
  PendingAdminCall(const RpcContext& rpc, CallContext* context, absl::string_view method);
  ~PendingAdminCall();
  PendingAdminCall(PendingAdminCall&& other) noexcept;
  PendingAdminCall& operator=(PendingAdminCall&&) = delete;

  UnaryReactor* reactor() const { return call_.reactor(); }
  // The response must be complete by now. REQUIRES: not called before.
  void Finish(const absl::Status& status);

 private:
  UnaryCall call_;
  bool open_ = true;
};

// Whether nobody waits for the call's answer any more. May be asked until it is answered: so long
// gRPC keeps the context.
std::function<bool()> CancelledIn(CallContext* context);

// What the store and the broker's parts fail with, as the contract has it: each error with a
// reason.
absl::Status AdminError(const absl::Status& status);

// `command`: the request as read, or what is wrong with it. `run`: on the loop, once the broker is
// able to work (it is not while it drains or the store is away). `write`: on the loop, puts the
// result into the response; not called after an error.
template <typename Result, typename Command, typename Run, typename Write>
UnaryReactor* RunAdminCall(const RpcContext& rpc, CallContext* context, absl::string_view method,
                           absl::StatusOr<Command> command, Run run, Write write) {
  PendingAdminCall call(rpc, context, method);
  UnaryReactor* const reactor = call.reactor();
  if (!command.ok()) {
    call.Finish(command.status());
    return reactor;
  }
  rpc.loop->Post([broker = rpc.broker, call = std::move(call), command = *std::move(command),
                  run = std::move(run), write = std::move(write)]() mutable {
    const absl::Status ready = broker->Ready();
    if (!ready.ok()) return call.Finish(AdminError(ready));
    run(*broker, std::move(command),
        AdminDone<Result>([call = std::move(call),
                           write = std::move(write)](absl::StatusOr<Result> result) mutable {
          if (!result.ok()) return call.Finish(AdminError(result.status()));
          write(*std::move(result));
          call.Finish(absl::OkStatus());
        }));
  });
  return reactor;
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_CALL_H_
