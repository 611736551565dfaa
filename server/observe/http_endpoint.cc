#include "server/observe/http_endpoint.h"

#include <civetweb.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace eventbus {
namespace {

struct Response {
  int code = 200;
  const char* phrase = "OK";
  const char* content_type = "text/plain; charset=utf-8";
  std::string body;
};

void Send(mg_connection* connection, const Response& response, bool with_body) {
  std::string bytes = absl::StrCat("HTTP/1.1 ", response.code, " ", response.phrase,
                                   "\r\nContent-Type: ", response.content_type,
                                   "\r\nContent-Length: ", response.body.size(),
                                   "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  if (with_body) bytes += response.body;
  mg_write(connection, bytes.data(), bytes.size());
}

bool IsHostPort(absl::string_view address) {
  const std::size_t colon = address.rfind(':');
  int port = 0;
  return colon != absl::string_view::npos && colon > 0 &&
         absl::SimpleAtoi(address.substr(colon + 1), &port) && port >= 0 && port <= 65535;
}

// Connects to `address`, with `port` instead of its own, and hangs up. Whether it works is all one.
void Knock(absl::string_view address, int port) {
  absl::string_view host = address.substr(0, address.rfind(':'));
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(std::string(host).c_str(), absl::StrCat(port).c_str(), &hints, &found) != 0) {
    return;
  }
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    (void)connect(fd, one->ai_addr, one->ai_addrlen);
    close(fd);
  }
  freeaddrinfo(found);
}

}  // namespace

// The listening server and what its threads share.
class HttpEndpoint::Server {
 public:
  explicit Server(Options options) : options_(std::move(options)) { mg_init_library(0); }

  ~Server() {
    Stop();
    mg_exit_library();
  }

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  absl::Status Listen() {
    if (options_.address.front() == '[' && mg_check_feature(MG_FEATURES_IPV6) == 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on metrics.address ", options_.address,
                       ": this system's civetweb library is built without IPv6"));
    }
    mg_callbacks callbacks{};
    callbacks.begin_request = &Server::OnRequest;
    callbacks.log_message = &Server::OnMessage;
    // A peer that connects and says nothing holds a thread for as long as the timeout.
    const char* settings[] = {"listening_ports",
                              options_.address.c_str(),
                              "num_threads",
                              "4",
                              "request_timeout_ms",
                              "5000",
                              nullptr};
    mg_init_data init{};
    init.callbacks = &callbacks;
    init.user_data = this;
    init.configuration_options = settings;
    context_ = mg_start2(&init, nullptr);
    if (context_ == nullptr) {
      const std::lock_guard<std::mutex> lock(mutex_);
      return absl::UnavailableError(
          absl::StrCat("cannot listen on metrics.address ", options_.address, ": ",
                       first_message_.empty() ? "the HTTP server did not start" : first_message_));
    }
    mg_server_port port{};
    if (mg_get_server_ports(context_, 1, &port) < 1) {
      return absl::InternalError("the HTTP server does not tell its port");
    }
    port_ = port.port;
    return absl::OkStatus();
  }

  int port() const { return port_; }

 private:
  // mg_stop waits for a thread that sleeps in poll; before civetweb 1.16 nothing wakes it, and
  // stopping takes up to two seconds. A connection does wake it.
  void Stop() {
    if (context_ == nullptr) return;
    std::atomic<bool> stopped{false};
    std::thread stopping([this, &stopped] {
      mg_stop(context_);
      stopped = true;
    });
    while (!stopped) {
      Knock(options_.address, port_);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    stopping.join();
  }

  // Answers the request; a value above zero tells civetweb that it is done.
  static int OnRequest(mg_connection* connection) {
    const mg_request_info* request = mg_get_request_info(connection);
    const auto* server = static_cast<const Server*>(request->user_data);
    const absl::string_view method(request->request_method);
    const bool is_head = method == "HEAD";
    Response response;
    if (method != "GET" && !is_head) {
      response = {405, "Method Not Allowed"};
      response.body = "only GET and HEAD\n";
    } else {
      response = server->Answer(request->local_uri);
    }
    Send(connection, response, !is_head);
    return response.code;
  }

  // Keeps civetweb from writing to standard error, and what it says first for Listen's error.
  static int OnMessage(const mg_connection* connection, const char* message) {
    auto* server = static_cast<Server*>(mg_get_user_data(mg_get_context(connection)));
    if (server != nullptr) {
      const std::lock_guard<std::mutex> lock(server->mutex_);
      if (server->first_message_.empty()) server->first_message_ = message;
    }
    return 1;
  }

  Response Answer(absl::string_view path) const {
    Response response;
    if (path == "/metrics") {
      response.content_type = "text/plain; version=0.0.4; charset=utf-8";
      response.body = options_.metrics();
    } else if (path == "/healthz") {
      response.body = "ok\n";
    } else if (path == "/readyz") {
      const absl::Status readiness = options_.readiness();
      if (readiness.ok()) {
        response.body = "ready\n";
      } else {
        response = {503, "Service Unavailable"};
        response.body = absl::StrCat("not ready: ", readiness.message(), "\n");
      }
    } else {
      response = {404, "Not Found"};
      response.body = "here are /metrics, /healthz and /readyz\n";
    }
    return response;
  }

  const Options options_;
  mg_context* context_ = nullptr;
  int port_ = 0;
  std::mutex mutex_;
  std::string first_message_;  // Guarded by mutex_.
};

HttpEndpoint::HttpEndpoint(std::unique_ptr<Server> server) : server_(std::move(server)) {}

HttpEndpoint::~HttpEndpoint() = default;

int HttpEndpoint::port() const { return server_->port(); }

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(Options options) {
  if (!IsHostPort(options.address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("metrics.address: \"", options.address, "\" is not host:port"));
  }
  auto server = std::make_unique<Server>(std::move(options));
  const absl::Status listening = server->Listen();
  if (!listening.ok()) return listening;
  return std::unique_ptr<HttpEndpoint>(new HttpEndpoint(std::move(server)));
}

}  // namespace eventbus
