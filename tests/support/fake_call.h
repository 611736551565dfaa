#ifndef EVENTBUS_TESTS_SUPPORT_FAKE_CALL_H_
#define EVENTBUS_TESTS_SUPPORT_FAKE_CALL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "server/rpc/call/call_context.h"

namespace eventbus {

// A unary call that nobody has made: remembers how it was finished.
class FakeCall final : public CallContext {
 public:
  std::string Peer() const override { return "fake"; }
  absl::string_view Metadata(absl::string_view /*key*/) const override { return {}; }
  bool IsCancelled() const override { return cancelled; }
  void TryCancel() override { cancelled = true; }

  bool cancelled = false;
  std::optional<grpc::Status> finished;

 protected:
  void StartRead(grpc::ByteBuffer* /*message*/) override {}
  void StartWrite(const grpc::ByteBuffer* /*message*/) override {}
  void Finish(const grpc::Status& status) override { finished = status; }
  void FinishUnary(const grpc::Status& status) override { finished = status; }
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_SUPPORT_FAKE_CALL_H_
