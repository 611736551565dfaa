#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_SENTINELS_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_SENTINELS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/loop/loop.h"
#include "server/loop/network.h"
#include "server/store/redis/redis_address.h"
#include "server/store/redis/redis_client.h"

namespace eventbus {

// RedisSentinels asks Sentinels which server is the master: all of them at once, each over a short
// connection of its own. Of their answers the one with the highest configuration epoch counts: the
// others have not heard of the last failover yet. It asks when somebody wants to connect, and every
// second to notice that the master is another one, also where the old one only hangs.
//
// What the Sentinels say may be out of date all the same; whoever connects looks at the server's
// role.
//
// Owned by RedisStore. Loop thread only.
class RedisSentinels final : public RedisLocator {
 public:
  // `options`: of a connection to the master. `on_moved` is told where it is, whenever that has
  // changed. May be destroyed in its calls.
  RedisSentinels(Loop* loop, Network* network, RedisClientOptions options,
                 absl::AnyInvocable<void(const RedisPlace&)> on_moved);
  ~RedisSentinels() override;
  RedisSentinels(const RedisSentinels&) = delete;
  RedisSentinels& operator=(const RedisSentinels&) = delete;

  // UNAVAILABLE: none of them knows.
  void Locate(absl::AnyInvocable<void(absl::StatusOr<RedisPlace>)> done) override;

 private:
  // What one Sentinel says.
  struct Word {
    RedisPlace master;
    uint64_t epoch = 0;
  };
  // The asking of one.
  class Question;

  void AskAll();
  void OnWord(const absl::StatusOr<Word>& word);
  void EndRound();

  Loop* const loop_;
  Network* const network_;
  const RedisClientOptions options_;
  absl::AnyInvocable<void(const RedisPlace&)> on_moved_;

  // This round: who is asked, how many have not answered, the best word and the last problem.
  std::vector<std::unique_ptr<Question>> questions_;
  size_t open_ = 0;
  std::optional<Word> best_;
  absl::Status problem_;

  // Who waits for this round, and who came when it had begun and waits for the next.
  std::vector<absl::AnyInvocable<void(absl::StatusOr<RedisPlace>)>> waiting_;
  std::vector<absl::AnyInvocable<void(absl::StatusOr<RedisPlace>)>> late_;
  std::optional<RedisPlace> master_;
  std::unique_ptr<Timer> poll_timer_;
  // False once this object is gone; calls find out by it.
  const std::shared_ptr<bool> alive_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_SENTINELS_H_
