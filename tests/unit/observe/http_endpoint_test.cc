#include "server/observe/http_endpoint.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpEndpointTest : public testing::Test {
 protected:
  void SetUp() override {
    auto endpoint = Start("127.0.0.1:0");
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    endpoint_ = *std::move(endpoint);
  }

  absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(const std::string& address) {
    return HttpEndpoint::Start({.address = address,
                                .metrics = [] { return std::string("some_metric 1\n"); },
                                .readiness =
                                    [this] {
                                      return ready_ ? absl::OkStatus()
                                                    : absl::UnavailableError("the store is away");
                                    }});
  }

  // Sends `bytes` and answers all that comes back until the server closes.
  std::string Exchange(const std::string& bytes) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(endpoint_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
      char buffer[4096];
      ssize_t length = 0;
      while ((length = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
        answer.append(buffer, static_cast<std::size_t>(length));
      }
    }
    close(fd);
    return answer;
  }

  std::string Request(const std::string& method, const std::string& path) {
    return Exchange(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: bus\r\n\r\n"));
  }

  std::atomic<bool> ready_{true};
  std::unique_ptr<HttpEndpoint> endpoint_;
};

TEST_F(HttpEndpointTest, MetricsAreServedInPrometheusFormat) {
  const std::string answer = Request("GET", "/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nsome_metric 1\n"));
}

TEST_F(HttpEndpointTest, AHeadRequestGetsNoBody) {
  const std::string answer = Request("HEAD", "/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 14\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("some_metric")));
}

TEST_F(HttpEndpointTest, ReadinessFollowsTheCallbackAndHealthDoesNot) {
  EXPECT_THAT(Request("GET", "/readyz"), StartsWith("HTTP/1.1 200 "));
  ready_ = false;
  const std::string answer = Request("GET", "/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, EndsWith("not ready: the store is away\n"));
  EXPECT_THAT(Request("GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpEndpointTest, NothingElseIsThere) {
  EXPECT_THAT(Request("GET", "/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Request("GET", "/metrics/../../etc/passwd"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Request("POST", "/metrics"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Request("DELETE", "/healthz"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(HttpEndpointTest, GarbageDoesNotStopIt) {
  Exchange(std::string("\0\xff\x01 garbage\r\n\r\n", 15));
  EXPECT_THAT(Request("GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpEndpointTest, ATakenPortIsNamed) {
  const std::string address = absl::StrCat("127.0.0.1:", endpoint_->port());
  const auto second = Start(address);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("cannot listen on metrics.address " + address));
}

TEST_F(HttpEndpointTest, AnAddressWithoutAPortIsRefused) {
  for (const char* address : {"", "127.0.0.1", ":9464", "127.0.0.1:http"}) {
    EXPECT_EQ(Start(address).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

TEST_F(HttpEndpointTest, ThePortIsFreeOnceItIsGone) {
  const std::string address = absl::StrCat("127.0.0.1:", endpoint_->port());
  endpoint_.reset();
  EXPECT_TRUE(Start(address).ok());
}

}  // namespace
}  // namespace eventbus
