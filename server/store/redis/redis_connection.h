#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_CONNECTION_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/loop/loop.h"
#include "server/loop/network.h"
#include "server/store/redis/redis_reply.h"
#include "server/store/redis/redis_tls.h"

struct redisAsyncContext;

namespace eventbus {

// RedisConnection is one connection to one Redis, from connecting to its end: hiredis' asynchronous
// API on our loop. What is sent during a turn of the loop is written in one system call at the
// turn's end, or in a few where it is much. It has no deadlines and does not come back; RedisClient
// gives it both.
//
// Owned by RedisClient. Loop thread only.
class RedisConnection {
 public:
  // What the connection tells its owner. Each call may destroy the connection, and is then the
  // last.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnConnected() = 0;
    // One for each command sent, in their order.
    virtual void OnReply(RedisReply reply) = 0;
    // It could not be established, or has broken. The last call; what was sent and has no reply yet
    // gets none.
    virtual void OnClosed(const absl::Status& why) = 0;
  };

  // Under TLS, and with whom.
  struct Tls {
    // Null: without.
    std::shared_ptr<const RedisTls> tls;
    std::string host;
  };

  // Begins to connect. `host` is a numeric address.
  static std::unique_ptr<RedisConnection> Connect(Loop* loop, Network* network, Owner* owner,
                                                  const std::string& host, int port,
                                                  const Tls& tls);
  static std::unique_ptr<RedisConnection> ConnectUnix(Loop* loop, Network* network, Owner* owner,
                                                      const std::string& path);

  // Closes it at once, without a call to its owner.
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // Takes a whole command as it goes over the wire (RedisCommand::Wire). Harmless after OnClosed.
  void Send(absl::string_view wire);
  // Whether replies are due that mostly come at once. Harmless after OnClosed.
  void Expect(bool soon);

 private:
  // hiredis' way to our loop.
  class Hooks;

  RedisConnection(Loop* loop, Network* network, Owner* owner);
  void Adopt(redisAsyncContext* context, const Tls& tls);
  // The connection will not be; told in a later task.
  void FailLater(const char* why);
  // Closes it without a word to the owner.
  void Abandon();
  void Closed(const char* why);

  static void OnConnect(const redisAsyncContext* context, int status);
  static void OnDisconnect(const redisAsyncContext* context, int status);
  static void OnReplyOf(redisAsyncContext* context, void* reply, void* unused);

  Loop* const loop_;
  Network* const network_;
  Owner* const owner_;
  // hiredis'; null once it has ended.
  redisAsyncContext* context_ = nullptr;
  // The context's; null when that is.
  Hooks* hooks_ = nullptr;
  // Null without TLS.
  std::unique_ptr<RedisTls::Session> session_;
  // Ends with this object; what is deferred finds out by it.
  const std::shared_ptr<RedisConnection*> self_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_CONNECTION_H_
