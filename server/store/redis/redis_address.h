#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_ADDRESS_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_ADDRESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// One end of a TCP connection.
struct RedisPlace {
  std::string host;
  int port = 6379;

  // "127.0.0.1:6379", "[::1]:6379".
  std::string ToString() const;
  friend bool operator==(const RedisPlace&, const RedisPlace&) = default;
};

// Where a Redis is and as whom to speak to it.
//
//   redis://[[user]:password@]host[:port][/database]
//   rediss://[[user]:password@]host[:port][/database]
//   redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/database][?sentinel_password=…]
//   unix://[[user]:password@]/path/to/socket[?db=database]
//
// User and passwords are percent-encoded where they have special characters.
struct RedisAddress {
  // Its host is empty where there are a Unix socket or sentinels.
  RedisPlace place;
  bool tls = false;
  // Empty for TCP.
  std::string socket_path;
  // Who knows which server is the master, and by which name they know it. Empty: not asked.
  std::vector<RedisPlace> sentinels;
  std::string master_name;
  // Empty: the sentinels need none.
  std::string sentinel_password;
  // Empty: the default user.
  std::string user;
  // Empty: none is needed.
  std::string password;
  int database = 0;

  // INVALID_ARGUMENT: not of these forms. The message never holds a password.
  static absl::StatusOr<RedisAddress> Parse(absl::string_view url);

  // For people: "127.0.0.1:6379/0", "tls:cache:6379/0", "unix:/run/redis.sock/0",
  // "sentinel:a:26379,b:26379/main/0". No secrets.
  std::string ToString() const;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_ADDRESS_H_
