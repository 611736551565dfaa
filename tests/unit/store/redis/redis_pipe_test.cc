// What goes over a socket to Redis and comes from it, whatever pieces it comes in.
#include "server/store/redis/redis_pipe.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/store/redis/server_end.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RedisPipeTest : public ::testing::Test {
 protected:
  RedisPipeTest() {
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    ours_ = ends[0];
    server_.Take(ends[1]);
    pipe_ = std::make_unique<RedisPipe>(ours_);
  }
  ~RedisPipeTest() override { close(ours_); }

  void ServerSends(absl::string_view bytes) { server_.Send(bytes); }
  std::string ServerReceives() { return server_.Receive(); }
  void ServerCloses() { server_.Close(); }

  absl::Status Read() {
    return pipe_->Read([this](RedisReply reply) {
      replies_.push_back(Words(reply));
      return true;
    });
  }
  static std::string Words(RedisReply reply) {
    if (reply.is_nil()) return "nil";
    if (reply.is_integer()) return absl::StrCat(reply.number());
    if (reply.is_error()) return absl::StrCat("error ", reply.text());
    if (!reply.is_array()) return absl::StrCat("'", reply.text(), "'");
    std::string words = "[";
    for (size_t i = 0; i < reply.size(); ++i) absl::StrAppend(&words, Words(reply[i]), ",");
    return words + "]";
  }

  int ours_ = -1;
  ServerEnd server_;
  std::unique_ptr<RedisPipe> pipe_;
  std::vector<std::string> replies_;
};

constexpr char kReplies[] =
    "$15\r\n1700000000000-0\r\n"
    "$15\r\n1700000000000-1\r\n"
    "$2\r\n\r\n\r\n"
    "$-1\r\n"
    "$15\r\n1700000000000-2\r\n"
    "*2\r\n$15\r\n1700000000000-3\r\n:7\r\n"
    "$0\r\n\r\n"
    "$3\r\nabc\r\n"
    "-ERR no\r\n"
    "+OK\r\n"
    "$15\r\n1700000000000-4\r\n";

auto AreTheReplies() {
  return ElementsAre("'1700000000000-0'", "'1700000000000-1'", "'\r\n'", "nil", "'1700000000000-2'",
                     "['1700000000000-3',7,]", "''", "'abc'", "error ERR no", "'OK'",
                     "'1700000000000-4'");
}

TEST_F(RedisPipeTest, RepliesAreTheSameInWhateverTwoPiecesTheyCome) {
  const absl::string_view all(kReplies, sizeof(kReplies) - 1);
  for (size_t cut = 0; cut <= all.size(); ++cut) {
    replies_.clear();
    ServerSends(all.substr(0, cut));
    ASSERT_TRUE(Read().ok());
    ServerSends(all.substr(cut));
    ASSERT_TRUE(Read().ok());
    ASSERT_THAT(replies_, AreTheReplies()) << "cut at " << cut;
  }
}

TEST_F(RedisPipeTest, RepliesComeAsSoonAsTheyAreWholeByteByByte) {
  const absl::string_view all(kReplies, sizeof(kReplies) - 1);
  size_t whole = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    ServerSends(all.substr(i, 1));
    ASSERT_TRUE(Read().ok());
    if (i + 1 == absl::string_view("$15\r\n1700000000000-0\r\n").size()) whole = replies_.size();
  }
  EXPECT_EQ(whole, 1u);
  EXPECT_THAT(replies_, AreTheReplies());
}

TEST_F(RedisPipeTest, RepliesMayBeLargerThanWhatIsReadAtOnce) {
  const std::string value(150'000, 'x');
  ServerSends(absl::StrCat("*1\r\n$150000\r\n", value, "\r\n$15\r\n1700000000000-9\r\n"));
  while (replies_.size() < 2) ASSERT_TRUE(Read().ok());
  EXPECT_THAT(replies_, ElementsAre(absl::StrCat("['", value, "',]"), "'1700000000000-9'"));
}

TEST_F(RedisPipeTest, ItMayGoAwayWithAReply) {
  // A short string, what the reader makes of anything else, and both with more behind them.
  for (const absl::string_view wire : {"$15\r\n1700000000000-0\r\n$15\r\n1700000000000-1\r\n",
                                       ":1\r\n:2\r\n$15\r\n1700000000000-1\r\n"}) {
    pipe_ = std::make_unique<RedisPipe>(ours_);
    ServerSends(wire);
    int replies = 0;
    EXPECT_TRUE(pipe_
                    ->Read([&](RedisReply) {
                      ++replies;
                      pipe_.reset();
                      return false;
                    })
                    .ok());
    EXPECT_EQ(replies, 1);
  }
}

TEST_F(RedisPipeTest, TellsWhenTheServerHasClosedAndWhenItSpeaksAnotherLanguage) {
  ServerSends("HTTP/1.1 400 Bad Request\r\n");
  const absl::Status nonsense = Read();
  EXPECT_EQ(nonsense.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(nonsense.message()), ::testing::HasSubstr("Protocol error"));
  EXPECT_THAT(replies_, IsEmpty());

  pipe_ = std::make_unique<RedisPipe>(ours_);
  ServerSends("$15\r\n1700000000000-0\r\n");
  ServerCloses();
  EXPECT_TRUE(Read().ok());
  EXPECT_THAT(replies_, ElementsAre("'1700000000000-0'"));
  EXPECT_EQ(Read().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RedisPipeTest, WhatTheSocketDoesNotTakeIsWrittenLaterInOrder) {
  std::string all;
  // More than sockets take.
  for (int i = 0; i < 100'000; ++i) {
    const std::string command = absl::StrCat("*1\r\n$4\r\n", 1000 + i % 9000, "\r\n", i, "\n");
    pipe_->Add(command);
    all += command;
  }
  EXPECT_EQ(pipe_->unsent_bytes(), all.size());
  ASSERT_TRUE(pipe_->Write().ok());
  ASSERT_GT(pipe_->unsent_bytes(), 0u);
  std::string received;
  while (pipe_->unsent_bytes() > 0) {
    received += ServerReceives();
    ASSERT_TRUE(pipe_->Write().ok());
  }
  received += ServerReceives();
  EXPECT_EQ(received, all);
}

TEST_F(RedisPipeTest, OnceItCannotWriteItNeverCan) {
  ServerCloses();
  pipe_->Add("*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(pipe_->Write().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(pipe_->Write().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace eventbus
