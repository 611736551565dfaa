#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_CLIENT_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/loop/loop.h"
#include "server/loop/network.h"
#include "server/store/entry.h"
#include "server/store/redis/redis_address.h"
#include "server/store/redis/redis_command.h"
#include "server/store/redis/redis_connection.h"
#include "server/store/redis/redis_reply.h"
#include "server/store/redis/redis_tls.h"

namespace eventbus {

// Knows where a server that moves is at the moment of the call, or later. Answers once, in a later
// task.
class RedisLocator {
 public:
  virtual ~RedisLocator() = default;
  virtual void Locate(absl::AnyInvocable<void(absl::StatusOr<RedisPlace>)> done) = 0;
};

struct RedisClientOptions {
  RedisAddress address;
  // Null: the server is where `address` says. Asked at each attempt to connect, and once more
  // before the connection is used. Not owned.
  RedisLocator* locator = nullptr;
  // Null: without TLS.
  std::shared_ptr<const RedisTls> tls;
  // What CLIENT LIST shows.
  std::string name = "eventbusd";
  // For resolving, connecting and preparing together.
  absl::Duration connect_timeout = absl::Seconds(3);
  // A connection on which something is due and nothing has come for this long is given up.
  absl::Duration reply_timeout = absl::Seconds(5);
  // The first attempt after a connection was lost is made at once; then these, doubled each time,
  // each with a random part taken off.
  absl::Duration min_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Seconds(2);
  // Whether commands are mostly answered at once, and do not wait for anything. If so, and once one
  // was answered within this time, so that the server is not far away, answers are looked for
  // before a thread sleeps (SocketWatcher::Expect).
  bool answers_at_once = true;
  absl::Duration near = absl::Microseconds(300);
  // What may wait while a connection is being made.
  size_t max_waiting_bytes = size_t{256} << 20;
};

// RedisClient is a connection to Redis that comes back: it resolves, connects, authenticates, has
// its owner prepare the connection, and begins anew with backoff whenever it is lost. It never
// sends a command twice.
//
// What is sent while a connection is being made waits for it; what is sent while none is being made
// fails at once, as not done. What was sent over a connection that is lost has an unknown outcome.
//
// Owned by RedisStore. Loop thread only.
class RedisClient final : private RedisConnection::Owner {
 public:
  // Error replies are errors here (StatusFromRedisError). The reply is valid only during the call.
  using Answer = absl::AnyInvocable<void(absl::StatusOr<RedisReply>)>;
  using IdAnswer = absl::AnyInvocable<void(absl::StatusOr<EntryId>)>;

  // Calls may destroy the client.
  class Listener {
   public:
    virtual ~Listener() = default;
    // A new connection speaks for us; look at what is there (SendPreparing), then call Prepared.
    virtual void OnPrepare() = 0;
    // Prepared: what waited has been sent.
    virtual void OnUp() = 0;
    // Lost, or an attempt to connect has failed. What was under way has been answered.
    virtual void OnDown(const absl::Status& why) = 0;
  };

  // All must outlive it.
  RedisClient(Loop* loop, Network* network, Listener* listener, RedisClientOptions options);
  ~RedisClient() override;
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  void Start();
  bool up() const { return state_ == State::kUp; }
  // Whether a command of this connection was answered within RedisClientOptions::near.
  bool is_near() const { return is_near_; }
  // Gives up a connection, or an attempt at one, to any other place, and does not put off the next.
  void MovedTo(const RedisPlace& place);
  // For people: what it is or was last connected to.
  std::string Peer() const;

  // `answer` comes in a later task.
  void Send(RedisCommand command, Answer answer);
  // A command whose answer is the id of an entry, or nil, which is kNotFound. Like Send otherwise,
  // and cheaper: `answer` is kept as it is.
  void SendForId(RedisCommand command, IdAnswer answer);
  // A command that begins as another one did (RedisCommand::Arguments), in memory that one had.
  RedisCommand Begin(absl::string_view arguments, size_t count, size_t size_hint) {
    return RedisCommand(arguments, count, size_hint, std::exchange(spare_, {}));
  }
  // Like Send, between OnPrepare and Prepared; goes before what waits.
  void SendPreparing(RedisCommand command, Answer answer);
  // The connection may be used; or not, and then it is closed and tried again.
  void Prepared(const absl::Status& status);

 private:
  enum class State { kDown, kConnecting, kPreparing, kUp };
  // Who gets the answer of a command.
  class Due {
   public:
    explicit Due(Answer answer) : answer_(std::move(answer)) {}
    explicit Due(IdAnswer answer) : answer_(std::move(answer)) {}
    void Give(const absl::StatusOr<RedisReply>& reply);

   private:
    std::variant<Answer, IdAnswer> answer_;
  };
  struct Waiting {
    RedisCommand command;
    Due due;
  };

  // RedisConnection::Owner
  void OnConnected() override;
  void OnReply(RedisReply reply) override;
  void OnClosed(const absl::Status& why) override;

  void Attempt();
  bool IsConnecting(uint64_t attempt) const;
  void OnLocated(absl::StatusOr<RedisPlace> place);
  void OnResolved(absl::StatusOr<std::vector<std::string>> addresses);
  void Introduce();
  void BeginUp();
  // For the connection that is being made; if none is, `due` hears that it is not done.
  void Wait(RedisCommand command, Due due);
  // Writes the command whose answer is the last one due.
  void Write(RedisCommand command);
  // Whether what is due now will mostly come at once.
  bool Expects() const { return options_.answers_at_once && is_near_; }
  // Until the server is known to be near, one command after the other is timed.
  void BeginTiming();
  void EndTiming();
  // Gives up the connection, or the attempt at one.
  void Lose(const absl::Status& why);
  void Tick();
  absl::Status Named(const absl::Status& why) const;

  Loop* const loop_;
  Network* const network_;
  Listener* const listener_;
  const RedisClientOptions options_;

  State state_ = State::kDown;
  // Of this attempt. No host: not known yet, or a Unix socket.
  RedisPlace place_;
  std::unique_ptr<RedisConnection> connection_;
  // Answers due, in the order of their commands.
  std::deque<Due> due_;
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;
  // The memory of a command that has been sent.
  std::string spare_;
  absl::Status last_problem_;

  bool is_near_ = false;
  // When the timed command was written, and how many others are answered before it.
  std::optional<absl::Duration> timed_at_;
  size_t before_timed_ = 0;

  uint64_t attempts_ = 0;
  uint32_t failures_ = 0;
  // Ticks since something has come while something was due. Ticks rather than time: whoever was
  // frozen must not take its own sleep for the server's.
  uint32_t silent_ticks_ = 0;
  std::unique_ptr<Timer> tick_timer_;
  std::unique_ptr<Timer> connect_timer_;
  std::unique_ptr<Timer> retry_timer_;
  absl::BitGen random_;
  // Ends with this object; what is posted finds out by it.
  const std::shared_ptr<RedisClient*> self_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_CLIENT_H_
