#ifndef EVENTBUS_TESTS_BENCH_LOAD_BIDI_STREAM_H_
#define EVENTBUS_TESTS_BENCH_LOAD_BIDI_STREAM_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"
#include "tests/bench/load/completions.h"

namespace eventbus::bench {

// A bidirectional call on a Completions: always reading, one write at a time. Derive from it. What
// ends the call before it was cancelled is a failure of the run.
//
// Cancel it, and drain the Completions, before it is destroyed.
template <typename Request, typename Response>
class BidiStream {
 public:
  using Call = grpc::ClientAsyncReaderWriter<Request, Response>;

  virtual ~BidiStream() = default;
  BidiStream(const BidiStream&) = delete;
  BidiStream& operator=(const BidiStream&) = delete;

  void Cancel() {
    cancelled_ = true;
    context_.TryCancel();
  }

 protected:
  BidiStream(std::string name, Completions* completions)
      : name_(std::move(name)), completions_(completions) {}

  grpc::ClientContext* context() { return &context_; }
  Completions* completions() { return completions_; }

  void Start(std::unique_ptr<Call> call) {
    call_ = std::move(call);
    call_->StartCall(&started_);
  }
  // Only when writing() is false. The message may go when this returns.
  void Write(const Request& request) {
    writing_ = true;
    call_->Write(request, &written_);
  }
  // Also before the call has begun.
  bool writing() const { return writing_; }

  // Where the next message is to be read into.
  virtual Response* NextResponse() = 0;
  virtual void OnMessage(const Response& response) = 0;
  // The call stands, or a write is over.
  virtual void OnWritable() = 0;

 private:
  void OnStarted(bool ok) {
    if (!ok) return Broken();
    Read();
    writing_ = false;
    OnWritable();
  }
  void OnRead(bool ok) {
    if (!ok) return Broken();
    OnMessage(*response_);
    Read();
  }
  void OnWritten(bool ok) {
    if (!ok) return Broken();
    writing_ = false;
    OnWritable();
  }
  void OnFinished(bool /*ok*/) {
    if (cancelled_) return;
    completions_->Fail(absl::Status(static_cast<absl::StatusCode>(status_.error_code()),
                                    absl::StrCat(name_, " ended: ", status_.error_message())));
  }
  void Read() {
    response_ = NextResponse();
    call_->Read(response_, &read_);
  }
  // Once, whatever operations fail: asks what the matter is.
  void Broken() {
    if (broken_) return;
    broken_ = true;
    call_->Finish(&status_, &finished_);
  }

  const std::string name_;
  Completions* const completions_;
  grpc::ClientContext context_;
  std::unique_ptr<Call> call_;
  Response* response_ = nullptr;
  grpc::Status status_;
  bool writing_ = true;
  bool broken_ = false;
  bool cancelled_ = false;
  MethodTag<BidiStream> started_{this, &BidiStream::OnStarted};
  MethodTag<BidiStream> read_{this, &BidiStream::OnRead};
  MethodTag<BidiStream> written_{this, &BidiStream::OnWritten};
  MethodTag<BidiStream> finished_{this, &BidiStream::OnFinished};
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_BIDI_STREAM_H_
