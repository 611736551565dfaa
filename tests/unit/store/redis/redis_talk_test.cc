// RedisClient with a server at the other end of a real socket, whose words are the test's; in
// virtual time, and told by the test when the socket is ready.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/redis/redis_client.h"
#include "server/store/stream_store.h"
#include "tests/support/virtual_world.h"
#include "tests/unit/store/redis/server_end.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kFar = absl::Milliseconds(1);

// Knows what is watched; the test says when it is ready.
class ManualNetwork final : public Network {
 public:
  std::unique_ptr<SocketWatcher> WatchSocket(
      int /*socket*/, absl::AnyInvocable<void(Readiness)> on_ready) override {
    on_ready_ = std::move(on_ready);
    return std::make_unique<Watcher>(this);
  }
  void Resolve(const std::string& /*host*/, Resolved /*done*/) override {}

  bool expecting() const { return expecting_; }
  // Whatever of the two is watched for has come.
  void Ready(Readiness readiness) {
    readiness.readable = readiness.readable && watched_.readable;
    readiness.writable = readiness.writable && watched_.writable;
    if (readiness.readable || readiness.writable) on_ready_(readiness);
  }

 private:
  class Watcher final : public SocketWatcher {
   public:
    explicit Watcher(ManualNetwork* network) : network_(network) {}
    ~Watcher() override {
      network_->watched_ = Readiness();
      network_->expecting_ = false;
    }
    void Watch(bool readable, bool writable) override {
      network_->watched_ = {.readable = readable, .writable = writable};
    }
    void Expect(bool soon) override { network_->expecting_ = soon; }

   private:
    ManualNetwork* const network_;
  };

  Readiness watched_;
  bool expecting_ = false;
  absl::AnyInvocable<void(Readiness)> on_ready_;
};

class RedisTalkTest : public ::testing::Test, public RedisClient::Listener {
 protected:
  RedisTalkTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "redis-talk-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ + "/redis";
    std::memcpy(address.sun_path, path.data(), path.size());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    Connect({});
  }
  ~RedisTalkTest() override {
    client_.reset();
    close(listener_);
    std::filesystem::remove_all(folder_);
  }

  // In place of the connection before. `way`: what an answer takes.
  void Connect(RedisClientOptions options, absl::Duration way = absl::ZeroDuration()) {
    options.address = *RedisAddress::Parse(absl::StrCat("unix://", folder_, "/redis"));
    client_ = std::make_unique<RedisClient>(&process_, &network_, this, std::move(options));
    client_->Start();
    Accept(way);
  }
  void Accept(absl::Duration way) {
    network_.Ready({.writable = true});
    const int accepted = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    EXPECT_GE(accepted, 0);
    server_.Take(accepted);
    // It has given its name.
    world_.RunReady();
    EXPECT_THAT(ServerReceives(), HasSubstr("SETNAME"));
    world_.Advance(way);
    ServerSends("+OK\r\n");
    EXPECT_TRUE(client_->up());
  }

  void ServerSends(absl::string_view bytes) {
    server_.Send(bytes);
    network_.Ready({.readable = true});
  }
  std::string ServerReceives() { return server_.Receive(); }
  void ServerCloses() {
    server_.Close();
    network_.Ready({.readable = true});
  }

  void Append(const std::string& name, size_t size) {
    client_->SendForId(std::move(RedisCommand("XADD").Add(std::string(size, 'x'))),
                       [this, name](const absl::StatusOr<EntryId>& id) {
                         std::string what = id.ok() ? id->ToString() : "not done";
                         if (!id.ok() && absl::IsNotFound(id.status())) what = "no stream";
                         if (!id.ok() && IsOutcomeUnknown(id.status())) what = "unknown";
                         answers_.push_back(absl::StrCat(name, ": ", what));
                       });
  }

  VirtualWorld world_;
  VirtualProcess& process_ = world_.CreateProcess("a");
  ManualNetwork network_;
  std::string folder_;
  int listener_ = -1;
  ServerEnd server_;
  std::vector<std::string> answers_;
  int downs_ = 0;
  std::unique_ptr<RedisClient> client_;

 private:
  void OnPrepare() override { client_->Prepared(absl::OkStatus()); }
  void OnUp() override {}
  void OnDown(const absl::Status& /*why*/) override { ++downs_; }
};

TEST_F(RedisTalkTest, CommandsOfATurnAreWrittenAtItsEnd) {
  Append("a", 100);
  Append("b", 100);
  EXPECT_EQ(ServerReceives(), "");
  world_.RunReady();
  const std::string one =
      absl::StrCat("*2\r\n$4\r\nXADD\r\n$100\r\n", std::string(100, 'x'), "\r\n");
  EXPECT_EQ(ServerReceives(), one + one);
}

TEST_F(RedisTalkTest, OfALongTurnTheServerHasTheFirstPartBeforeItEnds) {
  const std::string one =
      absl::StrCat("*2\r\n$4\r\nXADD\r\n$10000\r\n", std::string(10'000, 'x'), "\r\n");
  Append("a", 10'000);
  EXPECT_EQ(ServerReceives(), "");
  Append("b", 10'000);
  EXPECT_TRUE(ServerReceives() == one + one);
  Append("c", 10'000);
  EXPECT_EQ(ServerReceives(), "");
  world_.RunReady();
  EXPECT_TRUE(ServerReceives() == one);
}

TEST_F(RedisTalkTest, WhoWaitsForAnIdGetsIt) {
  Append("a", 1);
  Append("b", 1);
  Append("c", 1);
  world_.RunReady();
  ServerSends("$3\r\n7-1\r\n$-1\r\n-OOM no memory\r\n");
  EXPECT_THAT(answers_, ElementsAre("a: 7-1", "b: no stream", "c: not done"));
  EXPECT_TRUE(client_->up());
}

TEST_F(RedisTalkTest, WhoWaitsForAnIdOnAConnectionThatIsLostHearsThatTheOutcomeIsUnknown) {
  Append("a", 1);
  world_.RunReady();
  Append("b", 1);
  ServerCloses();
  // Whether or not a command of this turn has been written, nobody knows that it was not.
  EXPECT_THAT(answers_, ElementsAre("a: unknown", "b: unknown"));
  EXPECT_EQ(downs_, 1);
}

TEST_F(RedisTalkTest, AnswersAreExpectedAsLongAsOneIsDue) {
  EXPECT_FALSE(network_.expecting());
  Append("a", 1);
  Append("b", 1);
  EXPECT_TRUE(network_.expecting());
  world_.RunReady();
  ServerSends("$3\r\n7-1\r\n");
  EXPECT_TRUE(network_.expecting());
  ServerSends("$3\r\n7-2\r\n");
  EXPECT_FALSE(network_.expecting());
  Append("c", 1);
  world_.RunReady();
  ServerCloses();
  EXPECT_FALSE(network_.expecting());
}

TEST_F(RedisTalkTest, AnswersThatTakeTheirTimeAreNotExpected) {
  Connect({.answers_at_once = false});
  Append("a", 1);
  EXPECT_FALSE(network_.expecting());
}

TEST_F(RedisTalkTest, AnswersOfAServerThatIsFarAwayAreNotExpected) {
  Connect({}, kFar);
  for (int i = 0; i < 10; ++i) {
    Append("a", 1);
    Append("b", 1);
    world_.Advance(kFar);
    EXPECT_FALSE(network_.expecting());
    ServerSends("$3\r\n7-1\r\n");
    EXPECT_FALSE(network_.expecting());
    ServerSends("$3\r\n7-2\r\n");
  }
  EXPECT_FALSE(client_->is_near());
}

TEST_F(RedisTalkTest, OneAnswerThatComesSoonShowsThatTheServerIsNear) {
  Connect({}, kFar);
  Append("timed", 1);
  Append("not", 1);
  world_.Advance(kFar);
  Append("not", 1);
  ServerSends("$3\r\n7-1\r\n");
  // Answered as soon as it was sent, but nobody looked at the clock.
  ServerSends("$3\r\n7-2\r\n$3\r\n7-3\r\n");
  Append("timed", 1);
  Append("not", 1);
  EXPECT_FALSE(network_.expecting());
  world_.RunReady();
  ServerSends("$3\r\n7-4\r\n");
  EXPECT_TRUE(network_.expecting());
  EXPECT_TRUE(client_->is_near());
  ServerSends("$3\r\n7-5\r\n");
  // From now on it may be busy.
  for (int i = 0; i < 10; ++i) {
    Append("a", 1);
    EXPECT_TRUE(network_.expecting());
    world_.Advance(kFar);
    ServerSends("$3\r\n8-1\r\n");
  }
}

TEST_F(RedisTalkTest, TheNextServerMayBeFarAway) {
  ServerCloses();
  EXPECT_EQ(downs_, 1);
  world_.RunReady();
  Accept(kFar);
  Append("a", 1);
  EXPECT_FALSE(network_.expecting());
}

TEST_F(RedisTalkTest, AServerThatLeavesInTheMiddleOfATurnEndsTheConnectionAtTheTurnsEnd) {
  server_.Close();
  Append("a", 40'000);
  EXPECT_THAT(answers_, ElementsAre());
  world_.RunReady();
  EXPECT_THAT(answers_, ElementsAre("a: unknown"));
  EXPECT_EQ(downs_, 1);
}

}  // namespace
}  // namespace eventbus
