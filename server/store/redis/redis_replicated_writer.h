#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_REPLICATED_WRITER_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_REPLICATED_WRITER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/loop/loop.h"
#include "server/loop/network.h"
#include "server/store/redis/redis_client.h"
#include "server/store/redis/redis_command.h"
#include "server/store/redis/redis_reply.h"

namespace eventbus {

// RedisReplicatedWriter sends writes and tells when enough replicas have them. It has a connection
// of its own, since WAIT holds up whatever comes after it on the same one.
//
// A WAIT follows the writes of a turn, in the same write to the socket. While one is under way, the
// next waits for its answer and then does for all that was written meanwhile: under load, one WAIT
// confirms many writes.
//
// Owned by RedisStore. Loop thread only.
class RedisReplicatedWriter final : private RedisClient::Listener {
 public:
  using Confirmation = absl::AnyInvocable<void(const absl::Status&)>;

  // `replicas`: how many must have a write, at least 1, and `timeout` how long they may take.
  RedisReplicatedWriter(Loop* loop, Network* network, RedisClientOptions options, uint64_t replicas,
                        absl::Duration timeout);
  ~RedisReplicatedWriter() override;
  RedisReplicatedWriter(const RedisReplicatedWriter&) = delete;
  RedisReplicatedWriter& operator=(const RedisReplicatedWriter&) = delete;

  // As in RedisClient.
  void Start() { client_.Start(); }
  void MovedTo(const RedisPlace& place) { client_.MovedTo(place); }
  // Whether its connection can be used now; why not otherwise.
  const absl::Status& Ready() const { return problem_; }
  void Send(RedisCommand command, RedisClient::Answer answer);

  // To be called by the answer of a write that was done: OK once the replicas have it, and a status
  // of unknown outcome that says how many have it if they take too long or the connection is lost.
  void WhenReplicated(Confirmation done);

 private:
  // RedisClient::Listener
  void OnPrepare() override;
  void OnUp() override { problem_ = absl::OkStatus(); }
  void OnDown(const absl::Status& why) override;

  void WaitAtEndOfTurn();
  void Wait();
  void OnWaited(const absl::StatusOr<RedisReply>& reply);
  void Confirm(const absl::Status& status);

  Loop* const loop_;
  const uint64_t replicas_;
  const absl::Duration timeout_;
  absl::Status problem_ = absl::UnavailableError("there is no connection for writes yet");
  // Written after the last WAIT.
  bool unwaited_ = false;
  bool wait_deferred_ = false;
  bool wait_under_way_ = false;
  // Written and answered, and not confirmed. Answers come in order, so when that of a WAIT comes,
  // these are the writes before it, and none after it.
  std::vector<Confirmation> written_;
  // Ends with this object; what is deferred finds out by it.
  const std::shared_ptr<RedisReplicatedWriter*> self_;
  RedisClient client_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_REPLICATED_WRITER_H_
