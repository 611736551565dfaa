#include "eventbus/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/src/backoff.h"
#include "client/cpp/src/connection.h"
#include "client/cpp/src/convert.h"
#include "client/cpp/src/health.h"
#include "client/cpp/src/publisher_core.h"
#include "client/cpp/src/status.h"
#include "client/cpp/src/subscription_core.h"
#include "eventbus/v1/broker.grpc.pb.h"

namespace eventbus::client {
namespace {

template <typename Request>
void FillOptions(const PublishOptions& options, Request& request) {
  if (options.deliver_after) {
    *request.mutable_options()->mutable_deliver_after() = ToProto(*options.deliver_after);
  }
  if (options.deliver_at) {
    *request.mutable_options()->mutable_deliver_at() = ToProto(*options.deliver_at);
  }
  if (options.ttl) *request.mutable_options()->mutable_ttl() = ToProto(*options.ttl);
  if (options.expected_position) request.set_expected_position(*options.expected_position);
}

bool MayTryAgain(const absl::Status& status, const PublishOptions& options) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return options.retry_unknown_outcome || GetErrorReason(status) == v1::ERROR_REASON_NOT_STORED;
    case absl::StatusCode::kResourceExhausted:
      return GetErrorReason(status) == v1::ERROR_REASON_PUBLISH_QUEUE_FULL;
    default:
      return false;
  }
}

// Calls until it succeeds, may not be tried again, or the time is up. `call` gets a fresh context.
template <typename Call>
absl::Status WithRetries(const PublishOptions& options, Call call) {
  const absl::Time deadline = absl::Now() + options.timeout;
  Backoff backoff;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    absl::Status status = FromGrpc(call(context));
    if (status.ok() || !MayTryAgain(status, options)) return status;
    const absl::Duration delay =
        std::max(backoff.Next(), GetRetryDelay(status).value_or(absl::ZeroDuration()));
    if (absl::Now() + delay >= deadline) return status;
    absl::SleepFor(delay);
  }
}

}  // namespace

Client::Client(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

absl::StatusOr<Client> Client::Connect(const std::string& address, ConnectOptions options) {
  if (absl::Status checked = CheckServiceName(options.service); !checked.ok()) return checked;
  if (options.client_id.empty()) options.client_id = options.service;
  const absl::Duration timeout = options.connect_timeout;
  const absl::Time deadline = absl::Now() + timeout;
  auto connection = std::make_shared<Connection>(address, std::move(options));
  Backoff backoff;
  while (true) {
    // A server that answers anything at all is there, serving or not.
    bool answered = false;
    const absl::Duration left = std::max(deadline - absl::Now(), absl::Seconds(1));
    const absl::Status status =
        ::eventbus::client::CheckHealth(connection->channel(), left, &answered);
    if (status.ok() || answered) return Client(std::move(connection));
    const absl::Duration delay = backoff.Next();
    if (absl::Now() + delay >= deadline) {
      return absl::UnavailableError(
          absl::StrCat("no broker answers at ", address, ": ", status.message()));
    }
    absl::SleepFor(delay);
  }
}

absl::StatusOr<Published> Client::Publish(Event event, const PublishOptions& options) {
  v1::PublishRequest request;
  *request.mutable_event() = std::move(event);
  if (request.event().id().empty()) request.mutable_event()->set_id(NewEventId());
  FillOptions(options, request);
  v1::PublishResponse response;
  const absl::Status status = WithRetries(options, [&](grpc::ClientContext& context) {
    return v1::EventBus::NewStub(connection_->channel())->Publish(&context, request, &response);
  });
  if (!status.ok()) return status;
  return ToPublished(response.published());
}

absl::StatusOr<std::vector<absl::StatusOr<Published>>> Client::PublishBatch(
    std::vector<Event> events, const PublishOptions& options) {
  v1::PublishBatchRequest request;
  const size_t count = events.size();
  for (Event& event : events) {
    if (event.id().empty()) event.set_id(NewEventId());
    *request.add_events() = std::move(event);
  }
  request.set_atomic(options.atomic);
  FillOptions(options, request);
  v1::PublishBatchResponse response;
  const absl::Status status = WithRetries(options, [&](grpc::ClientContext& context) {
    return v1::EventBus::NewStub(connection_->channel())
        ->PublishBatch(&context, request, &response);
  });
  if (!status.ok()) return status;
  if (static_cast<size_t>(response.results_size()) != count) {
    return absl::InternalError(absl::StrCat("the broker answered ", response.results_size(),
                                            " results for ", count, " events"));
  }
  std::vector<absl::StatusOr<Published>> results;
  results.reserve(count);
  for (const v1::PublishBatchResponse::Result& result : response.results()) {
    if (result.has_error()) {
      results.emplace_back(FromEventError(result.error()));
    } else {
      results.emplace_back(ToPublished(result.published()));
    }
  }
  return results;
}

std::unique_ptr<Publisher> Client::NewPublisher(PublisherOptions options) {
  return std::unique_ptr<Publisher>(
      new Publisher(std::make_shared<Publisher::Core>(connection_, std::move(options))));
}

absl::StatusOr<std::unique_ptr<Subscription>> Client::Subscribe(std::vector<std::string> patterns,
                                                                Handler handler,
                                                                SubscribeOptions options) {
  auto spec = SubscriptionSpec::ForGroup(*connection_, std::move(patterns), std::move(options));
  if (!spec.ok()) return spec.status();
  auto core =
      std::make_shared<Subscription::Core>(connection_, *std::move(spec), std::move(handler));
  std::unique_ptr<Subscription> subscription(new Subscription(core));
  if (absl::Status opened = core->Open(); !opened.ok()) return opened;
  return subscription;
}

absl::StatusOr<std::unique_ptr<Subscription>> Client::Tail(std::vector<std::string> patterns,
                                                           TailHandler handler,
                                                           TailOptions options) {
  auto spec = SubscriptionSpec::ForTail(*connection_, std::move(patterns), std::move(options));
  auto core = std::make_shared<Subscription::Core>(
      connection_, std::move(spec), [handler = std::move(handler)](const Delivery& delivery) {
        handler(delivery);
        return Settle::Ack();
      });
  std::unique_ptr<Subscription> subscription(new Subscription(core));
  if (absl::Status opened = core->Open(); !opened.ok()) return opened;
  return subscription;
}

absl::Status Client::CheckHealth(absl::Duration timeout) {
  return ::eventbus::client::CheckHealth(connection_->channel(), timeout);
}

}  // namespace eventbus::client
