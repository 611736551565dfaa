#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_ADDRESS_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// Where a Redis is and as whom to speak to it.
//
//   redis://[[user]:password@]host[:port][/database]
//   unix://[[user]:password@]/path/to/socket[?db=database]
//
// User and password are percent-encoded where they have special characters.
struct RedisAddress {
  // Empty for a Unix socket.
  std::string host;
  int port = 6379;
  // Empty for TCP.
  std::string socket_path;
  // Empty: the default user.
  std::string user;
  // Empty: none is needed.
  std::string password;
  int database = 0;

  // INVALID_ARGUMENT: not of these forms. UNIMPLEMENTED: a form that this version does not speak
  // (rediss://, redis+sentinel://). The message never holds the password.
  static absl::StatusOr<RedisAddress> Parse(absl::string_view url);

  // For people: "127.0.0.1:6379/0", "unix:/run/redis.sock/0". No secrets.
  std::string ToString() const;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_ADDRESS_H_
