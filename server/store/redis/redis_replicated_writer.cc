#include "server/store/redis/redis_replicated_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/redis/redis_server_info.h"
#include "server/store/stream_store.h"

namespace eventbus {
namespace {

// A connection with a WAIT on it is silent for that long without being lost.
RedisClientOptions WithPatience(RedisClientOptions options, absl::Duration more) {
  options.reply_timeout += more;
  options.answers_at_once = false;
  return options;
}

}  // namespace

RedisReplicatedWriter::RedisReplicatedWriter(Loop* loop, Network* network,
                                             RedisClientOptions options, uint64_t replicas,
                                             absl::Duration timeout)
    : loop_(loop),
      replicas_(replicas),
      timeout_(timeout),
      self_(std::make_shared<RedisReplicatedWriter*>(this)),
      client_(loop, network, this, WithPatience(std::move(options), timeout)) {}

RedisReplicatedWriter::~RedisReplicatedWriter() { *self_ = nullptr; }

void RedisReplicatedWriter::OnPrepare() {
  client_.SendPreparing(RedisCommand("INFO"), [this](const absl::StatusOr<RedisReply>& reply) {
    if (!reply.ok()) return client_.Prepared(reply.status());
    // Whether evicting is accepted, the connection for commands has decided.
    client_.Prepared(CheckServer(RedisServerInfo::Parse(reply->text()), /*allow_eviction=*/true));
  });
}

void RedisReplicatedWriter::OnDown(const absl::Status& why) {
  problem_ = absl::UnavailableError(
      absl::StrCat("the connection that waits for replicas: ", why.message()));
  unwaited_ = false;
  Confirm(OutcomeUnknownError(why.message()));
}

void RedisReplicatedWriter::Send(RedisCommand command, RedisClient::Answer answer) {
  client_.Send(std::move(command), std::move(answer));
  unwaited_ = true;
  WaitAtEndOfTurn();
}

void RedisReplicatedWriter::WhenReplicated(Confirmation done) {
  written_.push_back(std::move(done));
  // Its WAIT may have failed before it was sent.
  if (!wait_under_way_) WaitAtEndOfTurn();
}

void RedisReplicatedWriter::WaitAtEndOfTurn() {
  if (std::exchange(wait_deferred_, true)) return;
  loop_->Defer([self = self_] {
    if (*self != nullptr) (*self)->Wait();
  });
}

void RedisReplicatedWriter::Wait() {
  wait_deferred_ = false;
  if (wait_under_way_ || (!unwaited_ && written_.empty())) return;
  wait_under_way_ = true;
  unwaited_ = false;
  client_.Send(std::move(RedisCommand("WAIT").Add(replicas_).Add(
                   static_cast<uint64_t>(absl::ToInt64Milliseconds(timeout_)))),
               [this](const absl::StatusOr<RedisReply>& reply) { OnWaited(reply); });
}

void RedisReplicatedWriter::OnWaited(const absl::StatusOr<RedisReply>& reply) {
  wait_under_way_ = false;
  if (unwaited_) WaitAtEndOfTurn();
  if (!reply.ok()) return Confirm(OutcomeUnknownError(reply.status().message()));
  const uint64_t replicas = reply->number();
  if (replicas >= replicas_) return Confirm(absl::OkStatus());
  Confirm(OutcomeUnknownError(
      absl::StrCat("Redis has it, but only ", replicas, " of the ", replicas_,
                   " replicas that store.redis.min_replicas asks for had it within ",
                   absl::FormatDuration(timeout_), "; are they connected, and do they keep up?")));
}

void RedisReplicatedWriter::Confirm(const absl::Status& status) {
  const std::shared_ptr<RedisReplicatedWriter*> self = self_;
  for (Confirmation& done : std::exchange(written_, {})) {
    done(status);
    if (*self == nullptr) return;
  }
}

}  // namespace eventbus
