#ifndef EVENTBUS_CLIENT_CPP_SRC_BIDI_CALL_H_
#define EVENTBUS_CLIENT_CPP_SRC_BIDI_CALL_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/src/call_count.h"
#include "client/cpp/src/connection.h"
#include "client/cpp/src/scheduler.h"

namespace eventbus::client {

// BidiCall makes a bidirectional gRPC call safe to use from any thread: after the call is over,
// Read and Write refuse instead of touching a dead stream. Derive from it, make it by
// std::make_shared, bind it with the stub, and Run it. It keeps itself alive until OnFinished has
// returned, and ends on the connection's scheduler thread at the earliest.
//
// At most one read and one write may be under way. The messages stay with the caller, unchanged,
// until OnRead or OnWritten.
template <typename Request, typename Response>
class BidiCall : public grpc::ClientBidiReactor<Request, Response>,
                 public std::enable_shared_from_this<BidiCall<Request, Response>> {
 public:
  // Once, after binding. `connection` and `calls` stay with the call until it is destroyed.
  void Run(std::shared_ptr<Connection> connection, std::shared_ptr<CallCount> calls) {
    self_ = this->shared_from_this();
    connection_ = std::move(connection);
    calls_ = std::move(calls);
    calls_->Add();
    {
      absl::MutexLock lock(&hold_mutex_);
      if (!closed_) {
        this->AddHold();
        held_ = true;
      }
    }
    this->StartCall();
  }

  // False: the call is over, nothing was started.
  bool Read(Response* response) {
    if (!BeginOperation()) return false;
    this->StartRead(response);
    EndOperation();
    return true;
  }
  bool Write(const Request* request) {
    if (!BeginOperation()) return false;
    this->StartWrite(request);
    EndOperation();
    return true;
  }

  // Ends the call soon, also before Run. OnFinished comes, if it has not.
  void Cancel() {
    context_.TryCancel();
    Close();
  }

  grpc::ClientContext& context() { return context_; }

 protected:
  // The reactions, on threads of gRPC: never block in them. `ok` is false when the call is over.
  virtual void OnRead(bool ok) = 0;
  virtual void OnWritten(bool ok) = 0;
  // Last of all, once.
  virtual void OnFinished(const grpc::Status& status) = 0;

 private:
  void OnReadDone(bool ok) final {
    if (!ok) Close();
    OnRead(ok);
  }
  void OnWriteDone(bool ok) final { OnWritten(ok); }
  void OnDone(const grpc::Status& status) final {
    OnFinished(status);
    // A call may hold the last reference to its channel, and a channel that ends on a thread of
    // gRPC waits there for that very thread (and 1.51 then frees its queue twice). So calls end on
    // the thread of the scheduler.
    Scheduler& scheduler = connection_->scheduler();
    scheduler.After(absl::ZeroDuration(),
                    [self = std::move(self_), connection = std::move(connection_),
                     calls = std::move(calls_)]() mutable {
                      self.reset();
                      connection.reset();
                      calls->Remove();
                    });
  }

  bool BeginOperation() {
    absl::MutexLock lock(&hold_mutex_);
    if (closed_) return false;
    ++starting_;
    return true;
  }
  void EndOperation() {
    {
      absl::MutexLock lock(&hold_mutex_);
      --starting_;
      if (!TakeHold()) return;
    }
    this->RemoveHold();
  }
  void Close() {
    {
      absl::MutexLock lock(&hold_mutex_);
      closed_ = true;
      if (!TakeHold()) return;
    }
    this->RemoveHold();
  }
  // gRPC wants a hold for as long as operations may be started outside of reactions.
  bool TakeHold() ABSL_EXCLUSIVE_LOCKS_REQUIRED(hold_mutex_) {
    return closed_ && starting_ == 0 && std::exchange(held_, false);
  }

  grpc::ClientContext context_;
  std::shared_ptr<BidiCall> self_;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<CallCount> calls_;
  absl::Mutex hold_mutex_;
  bool closed_ ABSL_GUARDED_BY(hold_mutex_) = false;
  int starting_ ABSL_GUARDED_BY(hold_mutex_) = 0;
  bool held_ ABSL_GUARDED_BY(hold_mutex_) = false;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_BIDI_CALL_H_
