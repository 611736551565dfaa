#ifndef EVENTBUS_CLIENT_H_
#define EVENTBUS_CLIENT_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "eventbus/delivery.h"
#include "eventbus/errors.h"
#include "eventbus/event.h"
#include "eventbus/publisher.h"
#include "eventbus/subscription.h"

namespace grpc {
class ChannelCredentials;
}  // namespace grpc

namespace eventbus::client {

class Connection;

struct ConnectOptions {
  // Names the durable groups of Subscribe: all processes of one service share them. 1 to 100 of
  // `A-Z a-z 0-9 _ . : -`. Empty: subscriptions are ephemeral groups of this client.
  std::string service;
  // Name of this client for logs and statistics. Default: the service.
  std::string client_id;
  // Shown to operators: version, host, pod. At most 32.
  std::map<std::string, std::string> client_properties;
  // Null: no TLS.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // How long Connect tries. Zero: once.
  absl::Duration connect_timeout = absl::Seconds(5);
};

struct PublishOptions {
  // Bounds the call, retries included.
  absl::Duration timeout = absl::Seconds(10);
  // Publish again, under the same id, also when the first try may have been stored
  // (OUTCOME_UNKNOWN, a broken connection). False: only when it was certainly not stored.
  bool retry_unknown_outcome = true;
  // Deliver this long after the broker received it, or at this time (a time in the past is now).
  // At most one of them, at most a year ahead.
  std::optional<absl::Duration> deliver_after;
  std::optional<absl::Time> deliver_at;
  // Drop it undelivered after this long; a delayed one, this long after it was due.
  std::optional<absl::Duration> ttl;
  // Store only if the last event of the stream has this position ("": only if the stream is empty).
  // Of a batch: needs `atomic`.
  std::optional<std::string> expected_position;
  // Of a batch: store all or none.
  bool atomic = false;
};

// Client is a connection to the broker. Cheap to copy: copies share the connection, which lives as
// long as any of them, their publishers and subscriptions. All methods may be called from any
// thread. Calls that the broker answers with UNIMPLEMENTED are never tried again.
//
// Example:
//   absl::StatusOr<Client> client = Client::Connect("127.0.0.1:9463", {.service = "billing"});
//   if (!client.ok()) return client.status();
//   auto published = client->Publish(MakeJsonEvent("order.completed.v1", R"({"order":17})"));
//   if (!published.ok()) return published.status();
//   auto subscription = client->Subscribe({"order.*"}, [](const Delivery& delivery) {
//     std::cout << delivery.event().type() << "\n";
//     return absl::OkStatus();
//   });
class Client {
 public:
  // `address` as gRPC has it: `host:port`, `dns:///host:port`, `unix:/path`. UNAVAILABLE if no
  // broker answers within `connect_timeout`.
  static absl::StatusOr<Client> Connect(const std::string& address, ConnectOptions options = {});

  // Publishes one event and returns when the broker has stored it. Makes `id` if that is empty.
  absl::StatusOr<Published> Publish(Event event, const PublishOptions& options = {});

  // Publishes up to 1,000 events and 3 MiB. An error: nothing was stored, or nothing is known.
  // Otherwise one result per event, in order: streams can fail apart.
  absl::StatusOr<std::vector<absl::StatusOr<Published>>> PublishBatch(
      std::vector<Event> events, const PublishOptions& options = {});

  // The fast path for many events.
  std::unique_ptr<Publisher> NewPublisher(PublisherOptions options = {});

  // Hands each event of the types that match the patterns to `handler`, and settles it by what that
  // returns. Returns once the subscription stands: what is published from then on is seen.
  //
  // With a service: a durable group `<service>/<patterns>`, shared by all its processes, so that
  // one of them handles each event. A second subscription to the same patterns on one client would
  // split the events with the first: it is refused with ALREADY_EXISTS unless it names a `group` of
  // its own. Without a service and a `group`: an ephemeral group of its own, so every process sees
  // every event.
  //
  // A server that cannot nack or reject yet ends the stream with UNIMPLEMENTED. The subscription
  // then opens a new one, and from there on gives failed deliveries back after the nack's delay (1
  // s by default) instead: they come again, without end and at no cost in attempts.
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(std::vector<std::string> patterns,
                                                          Handler handler,
                                                          SubscribeOptions options = {});

  // Shows each event, in order of its stream, without a group and without a trace. After a broken
  // connection it goes on behind the last event that `handler` saw.
  absl::StatusOr<std::unique_ptr<Subscription>> Tail(std::vector<std::string> patterns,
                                                     TailHandler handler, TailOptions options = {});

  // Asks grpc.health.v1. OK: serving. UNAVAILABLE: not serving, or nobody answers.
  absl::Status CheckHealth(absl::Duration timeout = absl::Seconds(5));

 private:
  explicit Client(std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> connection_;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_H_
