#ifndef EVENTBUS_SERVER_RPC_CALL_CALL_CONTEXT_H_
#define EVENTBUS_SERVER_RPC_CALL_CALL_CONTEXT_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

// What a served call looks like to the code that serves it. The shape is that of gRPC's callback
// API: operations are begun, on any thread, and a reactor is told when they have ended. That API
// itself is not used, because it polls with at least two threads that hand the polling to each
// other with every event (docs/decisions.md, "Speed").
namespace eventbus {

class CallContext;

// Served by one of the queues (call_queues.h), on whose thread all On… functions are called, one at
// a time.
class StreamReactor {
 public:
  explicit StreamReactor(CallContext* context) : context_(context) {}
  virtual ~StreamReactor() = default;
  StreamReactor(const StreamReactor&) = delete;
  StreamReactor& operator=(const StreamReactor&) = delete;

  // A message is there; or, with `ok` false, none will come: the client has half-closed, or is
  // gone, and then IsCancelled says so by now.
  virtual void OnReadDone(bool /*ok*/) {}
  // With `ok` false the call is broken.
  virtual void OnWriteDone(bool /*ok*/) {}
  // The client has cancelled the call, or is gone. At most once.
  virtual void OnCancel() {}
  // Nothing else will be called. The context is gone afterwards. Only after Finish.
  virtual void OnDone() = 0;

 protected:
  // Any thread. One read and one write at a time; what they are given stays until they are done.
  void StartRead(grpc::ByteBuffer* message);
  void StartWrite(const grpc::ByteBuffer* message);
  // Once, and nothing may be started after it.
  void Finish(const grpc::Status& status);

 private:
  CallContext* const context_;
};

// A unary call: its response is in place before Finish.
class UnaryReactor {
 public:
  explicit UnaryReactor(CallContext* context) : context_(context) {}
  virtual ~UnaryReactor() = default;
  UnaryReactor(const UnaryReactor&) = delete;
  UnaryReactor& operator=(const UnaryReactor&) = delete;

  // Once; any thread. The response is sent if the status is OK.
  void Finish(const grpc::Status& status);

  // As for StreamReactor.
  virtual void OnCancel() {}
  virtual void OnDone() {}

 private:
  CallContext* const context_;
};

// What is kept as long as a call, and gives its response.
class UnaryMessages {
 public:
  virtual ~UnaryMessages() = default;
  virtual grpc::ByteBuffer Encode() const = 0;
};

// One call, as its handler sees it. Any thread; there until OnDone has returned, or, for unary
// calls without a reactor of their own, until Finish has been called.
class CallContext {
 public:
  CallContext() : default_reactor_(this) {}
  virtual ~CallContext() = default;
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  // The address of the client, as in "ipv4:127.0.0.1:50000".
  virtual std::string Peer() const = 0;
  // What the client has sent under this key, or nothing. Valid as long as the call. On the queue's
  // thread only.
  virtual absl::string_view Metadata(absl::string_view key) const = 0;
  virtual bool IsCancelled() const = 0;
  virtual void TryCancel() = 0;

  // For unary calls that need not hear of anything.
  UnaryReactor* DefaultReactor() { return &default_reactor_; }
  // For unary calls: what gives the response, in place of the buffer that the handler was given.
  void Keep(std::unique_ptr<UnaryMessages> messages) { messages_ = std::move(messages); }

 protected:
  friend class StreamReactor;
  friend class UnaryReactor;
  virtual void StartRead(grpc::ByteBuffer* message) = 0;
  virtual void StartWrite(const grpc::ByteBuffer* message) = 0;
  virtual void Finish(const grpc::Status& status) = 0;
  virtual void FinishUnary(const grpc::Status& status) = 0;

  const UnaryMessages* messages() const { return messages_.get(); }

 private:
  UnaryReactor default_reactor_;
  std::unique_ptr<UnaryMessages> messages_;
};

inline void StreamReactor::StartRead(grpc::ByteBuffer* message) { context_->StartRead(message); }
inline void StreamReactor::StartWrite(const grpc::ByteBuffer* message) {
  context_->StartWrite(message);
}
inline void StreamReactor::Finish(const grpc::Status& status) { context_->Finish(status); }
inline void UnaryReactor::Finish(const grpc::Status& status) { context_->FinishUnary(status); }

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_CALL_CONTEXT_H_
