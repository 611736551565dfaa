// The operators' HTTP port: /metrics, /healthz, /readyz.
#ifndef EVENTBUS_SERVER_OBSERVE_HTTP_ENDPOINT_H_
#define EVENTBUS_SERVER_OBSERVE_HTTP_ENDPOINT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace eventbus {

// Serves GET and HEAD of
//   /metrics  the text that `Options::metrics` returns,
//   /healthz  200 "ok" as long as the process can answer,
//   /readyz   200 "ready", or 503 and the message of the status that `Options::readiness` returned.
// Owned by the composition root. Serves from Start until it is destroyed, on a few threads of its
// own, which call the callbacks; the destructor waits for calls under way.
class HttpEndpoint {
 public:
  struct Options {
    // host:port. Port 0 takes a free one.
    std::string address;
    // Both are called on the endpoint's threads, possibly at once, and must not block.
    std::function<std::string()> metrics;
    std::function<absl::Status()> readiness;
  };

  // UNAVAILABLE, naming the address and the setting, if it cannot be listened on (taken, not an
  // address of this machine, no permission); INVALID_ARGUMENT if it is no host:port.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(Options options);

  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  // The port bound, also when port 0 was asked for.
  int port() const;

 private:
  class Server;
  explicit HttpEndpoint(std::unique_ptr<Server> server);

  std::unique_ptr<Server> server_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_HTTP_ENDPOINT_H_
