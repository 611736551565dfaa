#include "server/loop/socket_set.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// Two connected sockets. What comes to the near one is left there.
class Pair {
 public:
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  ~Pair() {
    close(ends_[0]);
    CloseFarEnd();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  int near() const { return ends_[0]; }
  void SendFromFarEnd() { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void CloseFarEnd() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

class SocketSetTest : public ::testing::Test {
 protected:
  std::unique_ptr<SocketWatcher> Watch(const Pair& pair, const std::string& name) {
    return set_.Watch(pair.near(), [this, name](Network::Readiness ready) {
      heard_.push_back(
          absl::StrCat(name, ready.readable ? " readable" : "", ready.writable ? " writable" : ""));
    });
  }
  std::vector<std::string> Serve() {
    const bool served = set_.Serve();
    EXPECT_EQ(served, !heard_.empty());
    return std::exchange(heard_, {});
  }

  SocketSet set_;
  Pair a_;
  Pair b_;
  std::vector<std::string> heard_;
};

TEST_F(SocketSetTest, SaysWhatWasWatchedForAndIsThere) {
  const std::unique_ptr<SocketWatcher> a = Watch(a_, "a");
  const std::unique_ptr<SocketWatcher> b = Watch(b_, "b");
  a_.SendFromFarEnd();
  EXPECT_THAT(Serve(), ElementsAre());
  a->Watch(true, false);
  b->Watch(true, true);
  EXPECT_THAT(Serve(), UnorderedElementsAre("a readable", "b writable"));
  a->Watch(true, true);
  b->Watch(true, false);
  EXPECT_THAT(Serve(), ElementsAre("a readable writable"));
  a->Watch(false, false);
  EXPECT_THAT(Serve(), ElementsAre());
  a->Watch(false, true);
  EXPECT_THAT(Serve(), ElementsAre("a writable"));
}

TEST_F(SocketSetTest, AConnectionThatHasEndedCanBeReadAndWritten) {
  const std::unique_ptr<SocketWatcher> a = Watch(a_, "a");
  a->Watch(true, false);
  a_.CloseFarEnd();
  EXPECT_THAT(Serve(), ElementsAre("a readable writable"));
}

TEST_F(SocketSetTest, NothingIsHeardOfASocketThatIsNotWatchedAnyMore) {
  std::unique_ptr<SocketWatcher> a = Watch(a_, "a");
  a->Watch(true, false);
  a_.SendFromFarEnd();
  a.reset();
  EXPECT_THAT(Serve(), ElementsAre());
  EXPECT_TRUE(set_.empty());
}

TEST_F(SocketSetTest, AWatcherMayGoInItsOwnCallAndInAnOthers) {
  std::unique_ptr<SocketWatcher> a;
  std::unique_ptr<SocketWatcher> b;
  int calls = 0;
  const auto both_go = [&](Network::Readiness) {
    ++calls;
    a.reset();
    b.reset();
  };
  a = set_.Watch(a_.near(), both_go);
  b = set_.Watch(b_.near(), both_go);
  a->Watch(true, false);
  b->Watch(true, false);
  a_.SendFromFarEnd();
  b_.SendFromFarEnd();
  EXPECT_TRUE(set_.Serve());
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(set_.empty());
}

TEST_F(SocketSetTest, ExpectsSomethingAsLongAsOneOfThemDoes) {
  std::unique_ptr<SocketWatcher> a = Watch(a_, "a");
  const std::unique_ptr<SocketWatcher> b = Watch(b_, "b");
  EXPECT_FALSE(set_.expecting());
  a->Expect(true);
  a->Expect(true);
  b->Expect(true);
  b->Expect(false);
  EXPECT_TRUE(set_.expecting());
  a.reset();
  EXPECT_FALSE(set_.expecting());
}

}  // namespace
}  // namespace eventbus
