#include "server/rpc/standard/health_service.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "server/rpc/errors.h"
#include "server/rpc/message_slices.h"
#include "server/rpc/request_bytes.h"

namespace eventbus {
namespace {

using Request = grpc::health::v1::HealthCheckRequest;
using Response = grpc::health::v1::HealthCheckResponse;

std::set<std::string> WithTheWhole(std::vector<std::string> services) {
  std::set<std::string> names(services.begin(), services.end());
  names.insert("");
  return names;
}

}  // namespace

// One call that is told of every change, the state at its beginning included. Owns itself.
class HealthService::Watch final : public StreamReactor {
 public:
  Watch(HealthService* health, CallContext* context, const grpc::ByteBuffer& bytes)
      : StreamReactor(context), health_(health) {
    const RequestBytes whole(bytes);
    Request request;
    absl::MutexLock lock(&health_->mutex_);
    if (!request.ParseFromArray(whole.view().data(), static_cast<int>(whole.view().size()))) {
      End(MalformedRequest("not a valid grpc.health.v1.HealthCheckRequest"));
      return;
    }
    known_ = health_->Knows(request.service());
    health_->watches_.insert(this);
    Advance();
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&health_->mutex_);
    writing_ = false;
    // Otherwise the call is broken, and OnCancel ends it.
    if (ok) Advance();
  }
  void OnCancel() override {
    absl::MutexLock lock(&health_->mutex_);
    End(absl::CancelledError("the client ended the call"));
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&health_->mutex_);
      health_->watches_.erase(this);
    }
    delete this;
  }

  // With the mutex of the service held. Does what can be done now.
  void Advance() {
    if (writing_ || ended_) return;
    const Response::ServingStatus now = Now();
    if (told_ != now) {
      told_ = now;
      Response response;
      response.set_status(now);
      outgoing_ = BufferOf(response);
      writing_ = true;
      StartWrite(&outgoing_);
    } else if (health_->draining_) {
      End(absl::UnavailableError("the server stops: connect again"));
    }
  }

 private:
  Response::ServingStatus Now() const {
    if (!known_) return Response::SERVICE_UNKNOWN;
    return health_->serving_ ? Response::SERVING : Response::NOT_SERVING;
  }
  void End(const absl::Status& status) {
    if (std::exchange(ended_, true)) return;
    Finish(ToGrpcStatus(status));
  }

  HealthService* const health_;
  // Guarded by the mutex of the service.
  bool known_ = false;
  bool writing_ = false;
  bool ended_ = false;
  std::optional<Response::ServingStatus> told_;
  grpc::ByteBuffer outgoing_;
};

HealthService::HealthService(std::vector<std::string> services)
    : services_(WithTheWhole(std::move(services))) {}

HealthService::~HealthService() = default;

void HealthService::AddTo(CallRouter* router) {
  router->AddParsed<Request, Response>(
      "grpc.health.v1.Health/Check",
      [this](CallContext* context, const Request* request, Response* response) {
        UnaryReactor* const reactor = context->DefaultReactor();
        if (Knows(request->service())) {
          absl::MutexLock lock(&mutex_);
          response->set_status(serving_ ? Response::SERVING : Response::NOT_SERVING);
          reactor->Finish(grpc::Status::OK);
        } else {
          reactor->Finish(
              grpc::Status(grpc::StatusCode::NOT_FOUND,
                           absl::StrCat("there is no service ", request->service(), " here")));
        }
        return reactor;
      });
  router->Add(
      "grpc.health.v1.Health/Watch",
      CallRouter::ServerStream([this](CallContext* context, const grpc::ByteBuffer* request) {
        return new Watch(this, context, *request);
      }));
}

void HealthService::SetServing(bool serving) {
  absl::MutexLock lock(&mutex_);
  serving_ = serving;
  for (Watch* watch : watches_) watch->Advance();
}

void HealthService::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  for (Watch* watch : watches_) watch->Advance();
}

}  // namespace eventbus
