#include "server/daemon/daemon.h"

#include <unistd.h>

#include <array>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/broker/broker.h"
#include "server/broker/uuid.h"
#include "server/daemon/broker_observer.h"
#include "server/daemon/options.h"
#include "server/daemon/readiness.h"
#include "server/daemon/sampler.h"
#include "server/loop/uv_loop.h"
#include "server/loop/uv_network.h"
#include "server/observe/build_info.h"
#include "server/observe/http_endpoint.h"
#include "server/observe/metrics.h"
#include "server/rpc/rpc_server.h"
#include "server/store/memory/memory_store.h"
#include "server/store/memory/memory_store_connection.h"
#include "server/store/redis/redis_address.h"
#include "server/store/redis/redis_store.h"
#include "server/store/redis/redis_tls.h"

namespace eventbus {
namespace {

// Starting need not wait for the store, but where it answers at once, the first health check had
// better see it.
constexpr absl::Duration kStartPatience = absl::Seconds(2);
// For calls that are still open once the broker has let go of everything.
constexpr absl::Duration kShutdownPatience = absl::Seconds(1);

std::string HostName() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return host.data();
}

// "host-0190163d-8694-739b-aea5-966c26f8ad91".
std::string NewIncarnation(const std::string& host) {
  const UuidText uuid = FormatUuid(UuidV7Generator().Next(absl::Now()));
  return absl::StrCat(host.empty() ? "instance" : host, "-", uuid.view());
}

}  // namespace

// Members are in order of dependency; Stop takes them down from the last to the first.
class Daemon::Parts {
 public:
  Parts(const Config& config, Logger log)
      : config_(config),
        log_(std::move(log)),
        observer_(&metrics_, log_,
                  [this](bool up, const absl::Status& why) { OnStoreState(up, why); }) {}
  ~Parts() { Stop(); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  absl::Status Start();
  void Drain();
  int port() const { return server_->port(); }
  int metrics_port() const { return http_ == nullptr ? 0 : http_->port(); }
  absl::Status Ready() const { return readiness_.Get(); }

 private:
  absl::Status StartPorts();
  void Stop();
  // Runs `task` on the loop and waits for it.
  void OnLoop(absl::AnyInvocable<void()> task);
  // Loop only.
  void BuildStore();
  void BuildBroker(std::shared_ptr<absl::Notification> started);
  void OnStoreState(bool up, const absl::Status& why);
  void UpdateReadiness();
  void Sample();

  const Config config_;
  RedisStoreOptions redis_options_;
  const Logger log_;
  Metrics metrics_;
  Readiness readiness_;
  BrokerObserver observer_;

  UvLoop loop_;
  UvNetwork network_{&loop_};
  std::thread loop_thread_;
  // The loop's: made, used and destroyed there. One of the first two is null.
  std::unique_ptr<MemoryStore> memory_;
  RedisStore* redis_ = nullptr;
  std::unique_ptr<StreamStore> store_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Sampler> sampler_;
  bool draining_ = false;
  // Told what health checks hear, once there is a port.
  RpcServer* serving_ = nullptr;

  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<HttpEndpoint> http_;
};

absl::Status Daemon::Parts::Start() {
  if (config_.store.kind == StoreKind::kRedis) {
    absl::StatusOr<RedisAddress> address = RedisAddress::Parse(config_.store.redis.url);
    if (!address.ok()) return address.status();
    redis_options_ = RedisStoreOptionsFrom(config_, *std::move(address));
    if (redis_options_.address.tls) {
      const RedisStoreConfig& redis = config_.store.redis;
      absl::StatusOr<std::shared_ptr<const RedisTls>> tls =
          RedisTls::Load({redis.ca_file, redis.cert_file, redis.key_file});
      if (!tls.ok()) return tls.status();
      redis_options_.tls = *std::move(tls);
    }
  }
  loop_thread_ = std::thread([this] { loop_.Run(); });
  // Shared, for the store may answer after we have stopped waiting.
  const auto started = std::make_shared<absl::Notification>();
  OnLoop([this, started] { BuildBroker(started); });
  absl::Status status = StartPorts();
  if (!status.ok()) return status;
  started->WaitForNotificationWithTimeout(kStartPatience);
  OnLoop([this, &status] {
    // What only an operator can mend is said now; a store that is merely away may come.
    if (redis_ != nullptr) status = redis_->refusal();
    serving_ = server_.get();
    UpdateReadiness();
  });
  return status;
}

void Daemon::Parts::OnLoop(absl::AnyInvocable<void()> task) {
  absl::Notification done;
  loop_.Post([&task, &done] {
    task();
    done.Notify();
  });
  done.WaitForNotification();
}

void Daemon::Parts::BuildStore() {
  if (config_.store.kind == StoreKind::kRedis) {
    auto redis = std::make_unique<RedisStore>(&loop_, &network_, log_, redis_options_);
    redis_ = redis.get();
    store_ = std::move(redis);
    return;
  }
  memory_ = std::make_unique<MemoryStore>(MemoryStoreOptionsFrom(config_),
                                          [this] { return loop_.WallNow(); });
  store_ = std::make_unique<MemoryStoreConnection>(memory_.get(), &loop_);
}

void Daemon::Parts::BuildBroker(std::shared_ptr<absl::Notification> started) {
  BuildStore();
  BrokerOptions options = BrokerOptionsFrom(config_);
  options.host = HostName();
  options.version = std::string(GetBuildInfo().version);
  options.incarnation = NewIncarnation(options.host);
  options.seed = std::random_device()();
  log_.Info("starting",
            {{"instance", options.incarnation},
             {"store", redis_ != nullptr ? redis_options_.address.ToString() : "memory"}});
  broker_ = std::make_unique<Broker>(&loop_, store_.get(), &observer_, std::move(options));
  metrics_.store_up.Set(1);
  sampler_ = std::make_unique<Sampler>(&loop_, &metrics_, [this] { Sample(); });
  broker_->Start([this, started = std::move(started)](const absl::Status& status) {
    if (!status.ok()) log_.Error("the broker could not start", {{"why", status}});
    UpdateReadiness();
    started->Notify();
  });
}

absl::Status Daemon::Parts::StartPorts() {
  absl::StatusOr<std::unique_ptr<RpcServer>> server =
      RpcServer::Start(RpcOptionsFrom(config_), &loop_, broker_.get(), &metrics_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  if (config_.metrics.address.empty()) return absl::OkStatus();
  HttpEndpoint::Options options;
  options.address = config_.metrics.address;
  options.metrics = [this] { return metrics_.TextFormat(); };
  options.readiness = [this] { return readiness_.Get(); };
  absl::StatusOr<std::unique_ptr<HttpEndpoint>> http = HttpEndpoint::Start(std::move(options));
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  return absl::OkStatus();
}

void Daemon::Parts::OnStoreState(bool /*up*/, const absl::Status& /*why*/) {
  // The broker may be in the middle of finding out: what it says of itself is settled in a later
  // task.
  loop_.Post([this] { UpdateReadiness(); });
}

void Daemon::Parts::UpdateReadiness() {
  absl::Status status = absl::UnavailableError("the server is stopping");
  if (!draining_)
    status = broker_ == nullptr ? absl::UnavailableError("starting") : broker_->Ready();
  if (status.ok() && redis_ != nullptr) status = redis_->ReadyToWrite();
  if (serving_ != nullptr) serving_->SetServing(status.ok());
  readiness_.Set(std::move(status));
}

void Daemon::Parts::Sample() {
  // Not everything that it depends on is told.
  UpdateReadiness();
  const BrokerCounts counts = broker_->Counts();
  metrics_.groups.Set(static_cast<int64_t>(counts.groups));
  metrics_.streams.Set(static_cast<int64_t>(counts.streams));
  metrics_.retrying_events.Set(static_cast<int64_t>(counts.retrying_events));
  metrics_.in_flight_events.Set(static_cast<int64_t>(counts.in_flight_events));
  metrics_.stalled_groups.Set(static_cast<int64_t>(counts.stalled_groups));
  metrics_.unread_events.Set(static_cast<int64_t>(counts.unread_events));
  metrics_.in_flight_bytes.Set(static_cast<int64_t>(counts.in_flight_bytes));
  metrics_.publish_queue_events.Set(static_cast<int64_t>(counts.publish_queue_events));
  metrics_.delayed_events.Set(static_cast<int64_t>(counts.delayed_events));
  metrics_.publish_queue_bytes.Set(static_cast<int64_t>(counts.publish_queue_bytes));
  if (redis_ != nullptr) {
    const RedisServerInfo& server = redis_->server();
    metrics_.redis_risks[RedisRisk::kEviction].Set(
        !server.eviction_policy.empty() && server.eviction_policy != "noeviction" ? 1 : 0);
    metrics_.redis_risks[RedisRisk::kNoAppendOnlyFile].Set(
        !server.version.empty() && !server.append_only_file ? 1 : 0);
  }
  if (memory_ == nullptr) return;
  metrics_.stored_events.Set(static_cast<int64_t>(memory_->events()));
  metrics_.stored_bytes.Set(static_cast<int64_t>(memory_->bytes()));
}

void Daemon::Parts::Drain() {
  log_.Info("draining", {{"timeout", config_.drain.timeout}});
  const absl::Time deadline = absl::Now() + config_.drain.timeout;
  server_->DrainCalls();
  absl::Notification drained;
  loop_.Post([this, deadline, &drained] {
    draining_ = true;
    UpdateReadiness();
    broker_->Drain(deadline, [&drained] { drained.Notify(); });
  });
  drained.WaitForNotification();
  server_->Shutdown(absl::Now() + kShutdownPatience);
  log_.Info("drained");
}

void Daemon::Parts::Stop() {
  http_.reset();
  if (server_ != nullptr) server_->Shutdown(absl::Now());
  if (loop_thread_.joinable()) {
    OnLoop([this] {
      serving_ = nullptr;
      sampler_.reset();
      broker_.reset();
      redis_ = nullptr;
      store_.reset();
      memory_.reset();
    });
    loop_.Stop();
    loop_thread_.join();
  }
  server_.reset();
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() = default;

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const Config& config, Logger log) {
  auto parts = std::make_unique<Parts>(config, std::move(log));
  if (absl::Status status = parts->Start(); !status.ok()) return status;
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

int Daemon::port() const { return parts_->port(); }

int Daemon::metrics_port() const { return parts_->metrics_port(); }

absl::Status Daemon::Ready() const { return parts_->Ready(); }

void Daemon::Drain() { parts_->Drain(); }

}  // namespace eventbus
