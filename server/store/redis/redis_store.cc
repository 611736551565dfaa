#include "server/store/redis/redis_store.h"

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// What this version writes, and the oldest that it reads (docs/redis.md).
constexpr uint64_t kLayout = 1;
constexpr uint64_t kOldestLayout = 1;
constexpr absl::Duration kMemoryInterval = absl::Seconds(1);

RedisServerInfo InfoIn(const RedisReply& reply) { return RedisServerInfo::Parse(reply.text()); }

}  // namespace

RedisStore::RedisStore(Loop* loop, Network* network, Logger log, RedisStoreOptions options)
    : loop_(loop),
      log_(std::move(log)),
      options_(std::move(options)),
      keys_(options_.prefix),
      sender_(absl::StrCat(absl::Hex(absl::Uniform<uint64_t>(absl::BitGen()), absl::kZeroPad16))),
      memory_timer_(loop->CreateTimer([this] { WatchMemory(); })),
      self_(std::make_shared<RedisStore*>(this)),
      sentinels_(MakeSentinels(network)),
      client_(loop, network, this, ClientOptions("eventbusd")),
      signals_(
          loop, network, ClientOptions("eventbusd-signals"), keys_.Signals(),
          [this](const RedisSignal& signal) { OnSignal(signal); },
          [this] {
            if (listener_ != nullptr) listener_->OnSignalsMissed();
          }) {
  if (options_.min_replicas > 0) {
    writer_ =
        std::make_unique<RedisReplicatedWriter>(loop, network, ClientOptions("eventbusd-writes"),
                                                options_.min_replicas, options_.replica_timeout);
    writer_->Start();
  }
  client_.Start();
}

RedisStore::~RedisStore() { *self_ = nullptr; }

RedisClientOptions RedisStore::ClientOptions(std::string name) const {
  RedisClientOptions client;
  client.address = options_.address;
  client.locator = sentinels_.get();
  client.tls = options_.tls;
  client.name = std::move(name);
  client.connect_timeout = options_.connect_timeout;
  client.reply_timeout = options_.reply_timeout;
  return client;
}

std::unique_ptr<RedisSentinels> RedisStore::MakeSentinels(Network* network) {
  if (options_.address.sentinels.empty()) return nullptr;
  RedisClientOptions options;
  options.address = options_.address;
  options.name = "eventbusd-sentinel";
  options.connect_timeout = options_.connect_timeout;
  return std::make_unique<RedisSentinels>(
      loop_, network, std::move(options),
      [this](const RedisPlace& place) { OnMasterMoved(place); });
}

void RedisStore::OnMasterMoved(const RedisPlace& place) {
  log_.Warning("the master of Redis is another one now", {{"address", place.ToString()}});
  // What is told of a lost connection may destroy the store.
  const std::shared_ptr<RedisStore*> self = self_;
  client_.MovedTo(place);
  if (*self != nullptr) signals_.MovedTo(place);
  if (*self != nullptr && writer_ != nullptr) writer_->MovedTo(place);
}

// ---- The connection ----

void RedisStore::OnPrepare() {
  struct Findings {
    absl::Status status;
    RedisServerInfo server;
  };
  auto findings = std::make_shared<Findings>();
  client_.SendPreparing(RedisCommand("INFO"),
                        [this, findings](const absl::StatusOr<RedisReply>& reply) {
                          findings->status = reply.status();
                          if (!reply.ok()) return;
                          findings->server = InfoIn(*reply);
                          findings->status = CheckServer(findings->server, options_.allow_eviction);
                        });
  for (size_t i = 0; i < kRedisScripts; ++i) {
    const absl::string_view source = SourceOf(static_cast<RedisScript>(i));
    client_.SendPreparing(std::move(RedisCommand("SCRIPT", source.size()).Add("LOAD").Add(source)),
                          [this, findings, i](const absl::StatusOr<RedisReply>& reply) {
                            if (reply.ok()) hashes_[i] = std::string(reply->text());
                            findings->status.Update(reply.status());
                          });
  }
  client_.SendPreparing(
      std::move(RedisCommand("EVAL")
                    .Add(SourceOf(RedisScript::kOpenBus))
                    .Add("2")
                    .Add(keys_.Meta())
                    .Add(keys_.Signals())
                    .Add(kLayout)
                    .Add(kOldestLayout)),
      [this, findings](const absl::StatusOr<RedisReply>& reply) {
        // What was found first says most: after it, the rest may just follow from it.
        findings->status.Update(reply.status());
        if (findings->status.ok() && !opened_) {
          const absl::StatusOr<EntryId> last = ReadEntryId(*reply);
          findings->status = last.status();
          if (last.ok()) {
            opened_ = true;
            signals_.Start(*last);
          }
        }
        if (findings->status.ok()) {
          nearly_full_ = NearlyFull(findings->server);
          server_ = findings->server;
          log_.Info("connected to Redis",
                    {{"address", client_.Peer()},
                     {"server", findings->server.server},
                     {"version", findings->server.version},
                     {"append_only_file", findings->server.append_only_file}});
          if (!findings->server.append_only_file) {
            log_.Warning(
                "Redis keeps no append-only file: it forgets confirmed events when it "
                "stops; set appendonly yes",
                {{"address", client_.Peer()}});
          }
        }
        client_.Prepared(findings->status);
      });
}

void RedisStore::OnUp() {
  refusal_ = absl::OkStatus();
  memory_timer_->Arm(kMemoryInterval);
  if (!std::exchange(down_, false)) return;
  if (listener_ != nullptr) listener_->OnStoreUp();
}

void RedisStore::OnDown(const absl::Status& why) {
  memory_timer_->Disarm();
  refusal_ = why.code() == absl::StatusCode::kFailedPrecondition ? why : absl::OkStatus();
  if (std::exchange(down_, true)) return;
  if (listener_ != nullptr) listener_->OnStoreDown(why);
}

void RedisStore::WatchMemory() {
  Send(std::move(RedisCommand("INFO").Add("memory")),
       [this](const absl::StatusOr<RedisReply>& reply) {
         if (!reply.ok()) return;  // It begins anew with the next connection.
         const bool was = std::exchange(nearly_full_, NearlyFull(InfoIn(*reply)));
         if (nearly_full_ && !was) {
           log_.Warning(
               "Redis has used 90 % of its maxmemory; publishes are refused until there "
               "is room");
         }
         memory_timer_->Arm(kMemoryInterval);
       });
}

absl::Status RedisStore::CheckRoom() const {
  if (!nearly_full_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "Redis has used 90 % of its maxmemory; what is left is kept for settling");
}

void RedisStore::SendWrite(RedisCommand command, Answer answer) {
  if (writer_ == nullptr) return Send(std::move(command), std::move(answer));
  writer_->Send(std::move(command), std::move(answer));
}

void RedisStore::Run(void (RedisStore::*send)(RedisCommand, Answer), RedisScript script,
                     std::vector<std::string> keys, std::vector<std::string> arguments,
                     Answer answer) {
  const auto command = [&keys, &arguments](absl::string_view name, absl::string_view which) {
    RedisCommand text(name);
    text.Add(which).Add(uint64_t{keys.size()});
    for (const std::string& key : keys) text.Add(key);
    for (const std::string& argument : arguments) text.Add(argument);
    return text;
  };
  RedisCommand by_hash = command("EVALSHA", hashes_[static_cast<size_t>(script)]);
  (this->*send)(std::move(by_hash),
                [this, send, by_text = command("EVAL", SourceOf(script)),
                 answer = std::move(answer)](const absl::StatusOr<RedisReply>& reply) mutable {
                  // Somebody has flushed the scripts: nothing was done.
                  if (!reply.ok() && absl::StrContains(reply.status().message(), "NOSCRIPT")) {
                    return (this->*send)(std::move(by_text), std::move(answer));
                  }
                  answer(reply);
                });
}

// ---- Signals ----

RedisSignal& RedisStore::SignalIn(Outbox* outbox, void (RedisStore::*send)(RedisCommand, Answer)) {
  if (!std::exchange(outbox->scheduled, true)) {
    loop_->Defer([self = self_, outbox, send] {
      if (*self == nullptr) return;
      RedisSignal signal = std::exchange(*outbox, {}).signal;
      signal.from = (*self)->sender_;
      // Lost with its connection it does no harm: others look at everything from time to time.
      ((*self)->*send)(signal.Write((*self)->keys_.Signals(), (*self)->options_.max_signals),
                       [](const absl::StatusOr<RedisReply>&) {});
    });
  }
  return outbox->signal;
}

void RedisStore::OnSignal(const RedisSignal& signal) {
  if (signal.from != sender_) Tell(signal);
}

void RedisStore::Tell(const RedisSignal& signal) {
  // The listener may go away, or the store, at any of them.
  const std::shared_ptr<RedisStore*> self = self_;
  const auto listening = [&self] { return *self != nullptr && (*self)->listener_ != nullptr; };
  if (signal.registry_changed && listening()) listener_->OnRegistryChanged();
  for (const std::string& stream : signal.advanced) {
    if (listening()) listener_->OnStreamAdvanced(stream);
  }
  for (const auto& [stream, group] : signal.released) {
    if (listening()) listener_->OnEntriesReleased(stream, group);
  }
  for (const LeaseWish& wish : signal.wishes) {
    if (listening()) listener_->OnLeaseWanted(wish);
  }
  for (const MailNotice& notice : signal.mail) {
    if (listening()) listener_->OnMail(notice);
  }
  if (signal.look_at_everything && listening()) listener_->OnSignalsMissed();
  if (signal.instances_changed && listening()) listener_->OnInstancesChanged();
}

}  // namespace eventbus
