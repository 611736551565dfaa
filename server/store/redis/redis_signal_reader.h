#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_SIGNAL_READER_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_SIGNAL_READER_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "server/store/entry.h"
#include "server/store/redis/redis_client.h"
#include "server/store/redis/redis_signals.h"

namespace eventbus {

// RedisSignalReader follows the signal stream by position, on a connection of its own: the only one
// of an instance that blocks, however many groups and subscribers there are. Nothing is lost over a
// broken connection, unlike with Pub/Sub; only who falls behind by the whole length of the stream
// misses something, and learns that it did.
//
// Owned by RedisStore. Loop thread only.
class RedisSignalReader final : private RedisClient::Listener {
 public:
  // `on_missed`: look at everything. Both may destroy the reader.
  RedisSignalReader(Loop* loop, Network* network, RedisClientOptions options, std::string key,
                    absl::AnyInvocable<void(const RedisSignal&)> on_signal,
                    absl::AnyInvocable<void()> on_missed);
  ~RedisSignalReader() override { *alive_ = false; }
  RedisSignalReader(const RedisSignalReader&) = delete;
  RedisSignalReader& operator=(const RedisSignalReader&) = delete;

  // Follows from what comes after `position` on. Once.
  void Start(EntryId position);
  // As in RedisClient.
  void MovedTo(const RedisPlace& place) { client_.MovedTo(place); }

 private:
  // RedisClient::Listener
  void OnPrepare() override;
  void OnUp() override;
  void OnDown(const absl::Status&) override {}

  void Read();
  void OnRead(RedisReply reply);
  void CheckForGap(EntryId behind);

  const std::string key_;
  absl::AnyInvocable<void(const RedisSignal&)> on_signal_;
  absl::AnyInvocable<void()> on_missed_;
  EntryId position_;
  bool was_up_ = false;
  const std::shared_ptr<bool> alive_;
  RedisClient client_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_SIGNAL_READER_H_
