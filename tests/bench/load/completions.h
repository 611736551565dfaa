#ifndef EVENTBUS_TESTS_BENCH_LOAD_COMPLETIONS_H_
#define EVENTBUS_TESTS_BENCH_LOAD_COMPLETIONS_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/completion_queue.h"

namespace eventbus::bench {

// What a completion queue hands back when an operation is over.
class Tag {
 public:
  virtual ~Tag() = default;
  virtual void Done(bool ok) = 0;
};

// A tag that calls a method of its owner.
template <typename Owner>
class MethodTag final : public Tag {
 public:
  using Method = void (Owner::*)(bool ok);
  MethodTag(Owner* owner, Method method) : owner_(owner), method_(method) {}
  void Done(bool ok) override { (owner_->*method_)(ok); }

 private:
  Owner* const owner_;
  const Method method_;
};

// One completion queue and the one thread that works on it: of gRPC's C++ clients the one that
// spends the least on each operation.
class Completions {
 public:
  Completions() = default;
  ~Completions() { Drain(); }
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  grpc::CompletionQueue* queue() { return &queue_; }
  // Makes RunUntil return this. The first failure counts.
  void Fail(absl::Status why);

  // Works until `done`, the first failure, or the deadline.
  absl::Status RunUntil(absl::FunctionRef<bool()> done, absl::Time deadline);
  // Waits until nothing is under way any more, for calls that have all been cancelled. After that
  // they may be destroyed; nothing can be started any more.
  void Drain();

 private:
  grpc::CompletionQueue queue_;
  absl::Status failure_;
  bool drained_ = false;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_COMPLETIONS_H_
