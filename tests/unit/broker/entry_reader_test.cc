#include "server/broker/entry_reader.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/event_bytes.h"

namespace eventbus {
namespace {

using testing::ElementsAre;
using namespace std::string_literals;

std::string Entry(const std::vector<std::string>& events) {
  EventBytes entry;
  for (const std::string& event : events) entry.Field(1, event);
  return entry.bytes();
}

TEST(EntryReaderTest, FindsEachEventAndItsFrame) {
  const std::string large(300, 'x');
  const std::string entry = Entry({"one", "", large});
  EntryReader reader(entry);
  FramedEvent event;
  ASSERT_TRUE(reader.Next(&event));
  EXPECT_EQ(event.event, "one");
  EXPECT_EQ(event.framed, "\x0a\x03one");
  ASSERT_TRUE(reader.Next(&event));
  EXPECT_EQ(event.event, "");
  EXPECT_EQ(event.framed, absl::string_view("\x0a\x00", 2));
  ASSERT_TRUE(reader.Next(&event));
  EXPECT_EQ(event.event, large);
  EXPECT_EQ(event.framed.size(), 303u);
  EXPECT_FALSE(reader.Next(&event));
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.status().ok());
}

TEST(EntryReaderTest, OffsetsCutAnEntryIntoRanges) {
  const std::string entry = Entry({"one", "two", "three"});
  std::vector<uint32_t> offsets = {99};
  ASSERT_TRUE(IndexEvents(entry, &offsets).ok());
  EXPECT_THAT(offsets, ElementsAre(0, 5, 10, 17));
  EXPECT_EQ(entry.substr(offsets[1], offsets[3] - offsets[1]), Entry({"two", "three"}));
  EXPECT_EQ(*CountEvents(entry), 3u);
}

TEST(EntryReaderTest, CorruptEntriesAreRefusedWithTheOffset) {
  const std::string good = Entry({"one"});
  for (const std::string& tail : {"\x0a"s, "\x0a\x05x"s, "\x12\x00"s, "\x08\x01"s, "\x00"s,
                                  "\x0a\xff\xff\xff\xff\xff\x01"s, "\x8a\x00\x00"s, "x"s}) {
    const std::string entry = good + tail;
    std::vector<uint32_t> offsets;
    EXPECT_EQ(CountEvents(entry).status().code(), absl::StatusCode::kDataLoss);
    const absl::Status status = IndexEvents(entry, &offsets);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(status.message().find("malformed at offset 5"), absl::string_view::npos) << status;
    EXPECT_TRUE(offsets.empty());
  }
}

TEST(EntryReaderTest, AnEmptyValueIsNoEntry) {
  std::vector<uint32_t> offsets;
  EXPECT_EQ(CountEvents("").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(IndexEvents("", &offsets).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace eventbus
