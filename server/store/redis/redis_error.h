#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_ERROR_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// What an error reply of Redis means in StreamStore's terms. An error reply is an answer: the
// command had no effect. ("-OOM command not allowed …" is RESOURCE_EXHAUSTED, "-NOGROUP …" is
// NOT_FOUND, and so on; what is not known is UNAVAILABLE with Redis' own words.)
absl::Status StatusFromRedisError(absl::string_view error);

// Whether after this error the connection is of no use: the server is not what it was, such as a
// master that has become a replica, or no longer knows who we are.
bool EndsConnection(absl::string_view error);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_ERROR_H_
