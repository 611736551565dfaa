// RedisTls where hiredis comes without its TLS library.
#include "server/store/redis/redis_tls.h"

namespace eventbus {

absl::StatusOr<std::shared_ptr<const RedisTls>> RedisTls::Load(const RedisTlsOptions&) {
  return absl::UnimplementedError(
      "rediss:// (Redis over TLS) is not in this build: the hiredis that it was built with has no "
      "TLS library (Debian 12's has none, Debian 13's has: libhiredis with hiredis_ssl). Use "
      "redis://, through a TLS tunnel where the network is not trusted");
}

}  // namespace eventbus
