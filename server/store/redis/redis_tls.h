#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_TLS_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_TLS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct redisAsyncContext;

namespace eventbus {

struct RedisTlsOptions {
  // PEM files. Without authorities, those of the system; certificate and key both or none.
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
};

// RedisTls puts connections under TLS 1.2 or newer. The server's certificate has to come from one
// of the authorities and to be for the host (a name, or an address) that the address gives: hiredis
// alone would take any certificate of these authorities, so the session is made here.
//
// Shared by connections. Loop thread only, but for Load.
class RedisTls {
 public:
  // The TLS of one connection.
  class Session {
   public:
    virtual ~Session() = default;
    // Why the peer is not trusted; empty if that was not the problem.
    virtual std::string Distrust() const = 0;
  };

  // FAILED_PRECONDITION: a file cannot be used. UNIMPLEMENTED: this build has no TLS for Redis.
  static absl::StatusOr<std::shared_ptr<const RedisTls>> Load(const RedisTlsOptions& options);

  virtual ~RedisTls() = default;
  // Puts a connection that is being made to `host` under TLS.
  virtual absl::StatusOr<std::unique_ptr<Session>> Begin(redisAsyncContext* context,
                                                         const std::string& host) const = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_TLS_H_
