// State records: what has become of the events of an entry that fare differently.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Is(EntryId id, absl::string_view record) {
  return absl::StrCat(id.ToString(), "=", record);
}

TEST_P(StoreConformanceTest, AStateIsWrittenForWhatIsPendingForTheConsumerOnly) {
  CreateStreamWithGroup();
  const EntryId mine = Append("a");
  const EntryId yours = Append("b");
  const EntryId unread = Append("c");
  ReadGroup("me", 1);
  ReadGroup("you", 1);
  EXPECT_EQ(WriteStates("me", {{mine, "1"}, {yours, "2"}, {unread, "3"}}), 1u);
  EXPECT_THAT(ReadStates({mine, yours, unread}), ElementsAre(Is(mine, "1")));
  EXPECT_EQ(WriteStates("nobody", {{mine, "4"}}), 0u);
  EXPECT_THAT(ReadStates({mine}), ElementsAre(Is(mine, "1")));
}

TEST_P(StoreConformanceTest, AStateIsReplacedAndKeptByteForByte) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("me");
  const std::string binary("\0\x01\xff\r\n", 5);
  EXPECT_EQ(WriteStates("me", {{id, "first"}}), 1u);
  EXPECT_EQ(WriteStates("me", {{id, binary}}), 1u);
  EXPECT_THAT(ReadStates({id}), ElementsAre(Is(id, binary)));
}

TEST_P(StoreConformanceTest, AnAckEndsTheStateToo) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("me");
  WriteStates("me", {{id, "record"}});
  EXPECT_EQ(Ack({id}), 1u);
  EXPECT_THAT(ReadStates({id}), IsEmpty());
  EXPECT_EQ(WriteStates("me", {{id, "late"}}), 0u);
  EXPECT_THAT(ReadStates({id}), IsEmpty());
}

TEST_P(StoreConformanceTest, AClaimerGetsTheStateWithTheEntryAndItStays) {
  CreateStreamWithGroup();
  const EntryId with = Append("a");
  Append("b");
  ReadGroup("dead");
  WriteStates("dead", {{with, "record"}});
  const ClaimResult claimed = Claim("dead", "me");
  ASSERT_EQ(claimed.entries.size(), 2u);
  EXPECT_EQ(claimed.entries[0].record, "record");
  EXPECT_EQ(claimed.entries[1].record, "");
  EXPECT_THAT(ReadStates({with}), ElementsAre(Is(with, "record")));
}

TEST_P(StoreConformanceTest, AfterAClaimTheOldOwnerCannotWriteTheState) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("frozen");
  Claim("frozen", "me");
  EXPECT_EQ(WriteStates("frozen", {{id, "late"}}), 0u);
  EXPECT_EQ(WriteStates("me", {{id, "mine"}}), 1u);
  EXPECT_THAT(ReadStates({id}), ElementsAre(Is(id, "mine")));
}

TEST_P(StoreConformanceTest, AReleaseWritesTheStatesThatItBrings) {
  CreateStreamWithGroup();
  const EntryId a = Append("a");
  const EntryId b = Append("b");
  ReadGroup("me");
  Release("me", {a, b}, {{a, "record"}});
  EXPECT_THAT(ReadStates({a, b}), ElementsAre(Is(a, "record")));
  const ClaimResult claimed = Claim(kReleasedConsumer, "you");
  ASSERT_EQ(claimed.entries.size(), 2u);
  EXPECT_EQ(claimed.entries[0].record, "record");
  EXPECT_EQ(claimed.entries[1].record, "");
}

}  // namespace
}  // namespace eventbus
