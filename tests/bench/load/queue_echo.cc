#include "tests/bench/load/queue_echo.h"

#include "tests/bench/load/completions.h"

namespace eventbus::bench {
namespace {

// One call: waits for one, reads its message, answers with it, and goes.
class Call final : public Tag {
 public:
  Call(grpc::AsyncGenericService* service, grpc::ServerCompletionQueue* queue)
      : service_(service), queue_(queue), stream_(&context_) {
    service_->RequestCall(&context_, &stream_, queue_, queue_, this);
  }

  void Done(bool ok) override {
    if (!ok || step_ == Step::kAnswering) {
      delete this;
      return;
    }
    if (step_ == Step::kWaiting) {
      step_ = Step::kReading;
      new Call(service_, queue_);
      stream_.Read(&message_, this);
      return;
    }
    step_ = Step::kAnswering;
    stream_.WriteAndFinish(message_, grpc::WriteOptions(), grpc::Status::OK, this);
  }

 private:
  enum class Step { kWaiting, kReading, kAnswering };

  grpc::AsyncGenericService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  grpc::ByteBuffer message_;
  Step step_ = Step::kWaiting;
};

}  // namespace

QueueEcho::QueueEcho(grpc::ServerBuilder* builder) {
  builder->RegisterAsyncGenericService(&service_);
  queue_ = builder->AddCompletionQueue();
}

void QueueEcho::Run() {
  new Call(&service_, queue_.get());
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<Tag*>(tag)->Done(ok);
}

void QueueEcho::Stop() { queue_->Shutdown(); }

}  // namespace eventbus::bench
