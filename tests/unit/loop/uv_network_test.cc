#include "server/loop/uv_network.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/loop/uv_loop.h"

namespace eventbus {
namespace {

using ::testing::Contains;

class UvNetworkTest : public testing::Test {
 protected:
  // Runs the loop until the task that is under way calls Done, or for much longer than it takes.
  void RunUntilDone() {
    const std::unique_ptr<Timer> patience = loop_.CreateTimer([this] {
      ADD_FAILURE() << "it never happened";
      loop_.Stop();
    });
    patience->Arm(absl::Seconds(20));
    loop_.Run();
  }
  void Done() { loop_.Stop(); }

  UvLoop loop_;
  UvNetwork network_{&loop_};
};

TEST_F(UvNetworkTest, ANumericAddressIsItself) {
  std::vector<std::string> found;
  network_.Resolve("127.0.0.1", [&](absl::StatusOr<std::vector<std::string>> addresses) {
    ASSERT_TRUE(addresses.ok()) << addresses.status();
    found = *std::move(addresses);
    Done();
  });
  EXPECT_TRUE(found.empty()) << "answered before the call returned";
  RunUntilDone();
  EXPECT_THAT(found, Contains("127.0.0.1"));
}

TEST_F(UvNetworkTest, ANameThatDoesNotExistIsSaidSo) {
  absl::Status status;
  network_.Resolve("no-such-host.invalid",
                   [&](const absl::StatusOr<std::vector<std::string>>& addresses) {
                     status = addresses.status();
                     Done();
                   });
  RunUntilDone();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), "no-such-host.invalid")) << status;
}

TEST_F(UvNetworkTest, NothingIsAnsweredAfterTheNetworkIsGone) {
  bool answered = false;
  {
    UvNetwork other(&loop_);
    other.Resolve("127.0.0.1",
                  [&](const absl::StatusOr<std::vector<std::string>>&) { answered = true; });
  }
  network_.Resolve("127.0.0.1", [&](const absl::StatusOr<std::vector<std::string>>&) { Done(); });
  RunUntilDone();
  EXPECT_FALSE(answered);
}

TEST_F(UvNetworkTest, ASocketIsWatchedForWhatWasAskedFor) {
  std::array<int, 2> sockets{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets.data()), 0);
  std::vector<std::string> heard;
  std::unique_ptr<SocketWatcher> watcher;
  watcher = network_.WatchSocket(sockets[0], [&](Network::Readiness readiness) {
    if (readiness.writable) {
      heard.emplace_back("writable");
      watcher->Watch(true, false);
      ASSERT_EQ(write(sockets[1], "x", 1), 1);
      return;
    }
    ASSERT_TRUE(readiness.readable);
    heard.emplace_back("readable");
    watcher.reset();  // In its own callback.
    Done();
  });
  watcher->Watch(false, true);
  RunUntilDone();
  EXPECT_THAT(heard, testing::ElementsAre("writable", "readable"));
  close(sockets[0]);
  close(sockets[1]);
}

}  // namespace
}  // namespace eventbus
