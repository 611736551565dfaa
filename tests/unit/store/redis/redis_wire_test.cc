// Commands as they go over the wire, and replies as hiredis parses them.

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/redis/redis_command.h"
#include "server/store/redis/redis_keys.h"
#include "server/store/redis/redis_reply.h"
#include "server/store/redis/redis_signals.h"
#include "server/store/redis/redis_values.h"

namespace eventbus {
namespace {

// What hiredis makes of bytes from the wire.
class Parsed {
 public:
  explicit Parsed(absl::string_view wire) : reader_(redisReaderCreate(), &redisReaderFree) {
    redisReaderFeed(reader_.get(), wire.data(), wire.size());
    void* reply = nullptr;
    EXPECT_EQ(redisReaderGetReply(reader_.get(), &reply), REDIS_OK);
    reply_.reset(static_cast<redisReply*>(reply));
  }
  RedisReply operator*() const { return RedisReply(reply_.get()); }

 private:
  std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader_;
  struct Free {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  std::unique_ptr<redisReply, Free> reply_;
};

TEST(RedisCommandTest, IsAnArrayOfStringsWhateverIsInThem) {
  RedisCommand command("XADD");
  command.Add("key").Add(absl::string_view("\0\r\n", 3)).Add(uint64_t{12}).Add("");
  static constexpr char kWire[] =
      "*5\r\n$4\r\nXADD\r\n$3\r\nkey\r\n$3\r\n\0\r\n\r\n$2\r\n12\r\n$0\r\n\r\n";
  EXPECT_EQ(command.Wire(), absl::string_view(kWire, sizeof(kWire) - 1));
}

TEST(RedisCommandTest, MayHaveManyArgumentsAndBeAskedTwice) {
  RedisCommand command("XACK");
  for (int i = 0; i < 1500; ++i) command.Add("1-1");
  const std::string once(command.Wire());
  EXPECT_EQ(once.substr(0, 7), "*1501\r\n");
  EXPECT_EQ(command.Wire(), once);
  command.Add("2-2");
  EXPECT_EQ(command.Wire().substr(0, 7), "*1502\r\n");
}

TEST(RedisCommandTest, ArgumentsMayComeAsTheyAreOnTheWire) {
  RedisCommand command("XADD");
  command.Add("a:{b}:log").AddWire("$10\r\nNOMKSTREAM\r\n$1\r\n*\r\n", 2).Add(absl::string_view());
  EXPECT_EQ(command.Wire(),
            "*5\r\n$4\r\nXADD\r\n$9\r\na:{b}:log\r\n$10\r\nNOMKSTREAM\r\n$1\r\n*\r\n$0\r\n\r\n");
}

TEST(RedisCommandTest, ACommandMayBeginAsAnotherOneDid) {
  RedisCommand begin("XADD");
  begin.Add("a:{b}:log").Add("*");
  RedisCommand command(begin.Arguments(), 3, 5, std::string(1'000, 'x'));
  command.Add("1").Add("value");
  EXPECT_EQ(command.Wire(), begin.Add("1").Add("value").Wire());
}

TEST(RedisCommandTest, NothingIsLeftOfTheCommandWhoseMemoryItHas) {
  RedisCommand first("XADD");
  first.Add(std::string(1'000, 'x'));
  RedisCommand second("PING", 0, std::move(first).TakeBuffer());
  EXPECT_EQ(second.Wire(), "*1\r\n$4\r\nPING\r\n");
  // It may grow beyond that memory.
  second.Add(std::string(5'000, 'y'));
  EXPECT_EQ(second.Wire(),
            absl::StrCat("*2\r\n$4\r\nPING\r\n$5000\r\n", std::string(5'000, 'y'), "\r\n"));
}

TEST(RedisKeysTest, TheLogOfASideStreamIsThatOfItsTypeAndGroup) {
  const RedisKeys keys("bus");
  EXPECT_EQ(keys.Log("order.created"), "bus:{order.created}:log");
  EXPECT_EQ(keys.Log("order.created/side/mail"), "bus:{order.created}:side:mail");
}

TEST(RedisReplyTest, WhatAReplyIsNotItIsEmptyOf) {
  const Parsed nil("*-1\r\n");
  EXPECT_TRUE((*nil).is_nil());
  EXPECT_EQ((*nil).size(), 0u);
  EXPECT_TRUE((*nil)[3][2].is_nil());
  EXPECT_EQ((*nil)[3].text(), "");
  const Parsed number(":42\r\n");
  EXPECT_EQ((*number).number(), 42u);
  EXPECT_EQ((*number).text(), "");
  const Parsed text("$2\r\n17\r\n");
  EXPECT_EQ((*text).number(), 17u);
}

TEST(RedisValuesTest, EntriesOfAGroup) {
  const Parsed reply(
      "*1\r\n*2\r\n$3\r\nlog\r\n*2\r\n"
      "*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\n1\r\n$3\r\none\r\n"
      "*2\r\n$3\r\n5-2\r\n*4\r\n$1\r\n1\r\n$3\r\ntwo\r\n$1\r\nn\r\n$1\r\n2\r\n");
  const auto entries = ReadEntriesOfGroup(*reply);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[0].id, (EntryId{5, 1}));
  EXPECT_EQ((*entries)[0].value.view(), "one");
  EXPECT_EQ((*entries)[1].value.view(), "two");
}

TEST(RedisValuesTest, WhatSomebodyElseHasWrittenIsAnError) {
  const Parsed foreign("*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$5\r\nhello\r\n$3\r\none\r\n");
  EXPECT_EQ(ReadEntries(*foreign).status().code(), absl::StatusCode::kInternal);
  const Parsed no_id("*1\r\n*2\r\n$1\r\nx\r\n*2\r\n$1\r\n1\r\n$3\r\none\r\n");
  EXPECT_EQ(ReadEntries(*no_id).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReadGroupRecord("g", "1 2 x").status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReadGroupKey("nothing").status().code(), absl::StatusCode::kInternal);
}

TEST(RedisValuesTest, AGroupsRecordIsReadableAndItsNameMayHaveAnAt) {
  const auto record = ReadGroupRecord("g", "7 2 3 {\"patterns\": [\"a b\"]}");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->stamp, 7u);
  EXPECT_EQ(record->version, 2u);
  EXPECT_EQ(record->generation, 3u);
  EXPECT_EQ(record->definition, "{\"patterns\": [\"a b\"]}");
  const auto key = ReadGroupKey("mail@home@12");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->name, "mail@home");
  EXPECT_EQ(key->generation, 12u);
}

TEST(RedisSignalTest, IsReadAsItWasWritten) {
  RedisSignal signal;
  signal.from = "me";
  signal.advanced = {"a.b", "c"};
  signal.released = {{"a.b", {"mail/*", 3}}, {"c", {"mail/*", 3}}};
  RedisCommand written = signal.Write("signals", 100);
  // XADD key MAXLEN ~ 100 * and then the fields: as a reply, the fields are what follows.
  const Parsed command(written.Wire());
  ASSERT_EQ((*command).size(), 12u);
  std::string fields = "*6\r\n";
  for (size_t i = 6; i < (*command).size(); ++i) {
    const absl::string_view text = (*command)[i].text();
    absl::StrAppend(&fields, "$", text.size(), "\r\n", text, "\r\n");
  }
  const RedisSignal read = RedisSignal::Read(*Parsed(fields));
  EXPECT_EQ(read.from, signal.from);
  EXPECT_EQ(read.advanced, signal.advanced);
  EXPECT_EQ(read.released, signal.released);
  EXPECT_FALSE(read.registry_changed);
  EXPECT_FALSE(read.instances_changed);
}

TEST(RedisSignalTest, WhatIsNotUnderstoodIsLeftOut) {
  const Parsed fields(
      "*8\r\n$4\r\nfrom\r\n$3\r\nyou\r\n$6\r\nfuture\r\n$1\r\n1\r\n$8\r\nregistry\r\n$1\r\n1\r\n"
      "$8\r\nreleased\r\n$13\r\nno-separators\r\n");
  const RedisSignal read = RedisSignal::Read(*fields);
  EXPECT_EQ(read.from, "you");
  EXPECT_TRUE(read.registry_changed);
  EXPECT_TRUE(read.released.empty());
}

}  // namespace
}  // namespace eventbus
