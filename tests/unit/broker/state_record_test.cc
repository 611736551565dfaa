#include "server/broker/state_record.h"

#include <random>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(StateRecordTest, EncodesAsDocumented) {
  StateRecord record;
  record.events.resize(10);
  record.events[1].settled = true;
  record.events[9].settled = true;
  record.events[3] = {false, 2, 1, 300, {"why", ""}};
  record.first_delivered_ms = 7;
  EXPECT_EQ(record.Encode(),
            std::string("\x02\x0a\x02\x02\x07\x04\x02\x01\xac\x02\x02\x03why\x00\x00", 17));
}

TEST(StateRecordTest, SaysHowMuchMailWasRead) {
  StateRecord record;
  record.events.resize(2);
  record.events[0].settled = true;
  record.first_delivered_ms = 7;
  record.mail_read = 300;
  EXPECT_EQ(record.Encode(), std::string("\x03\x02\x01\x07\xac\x02\x00", 7));
  const auto decoded = StateRecord::Decode(record.Encode());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, record);
}

TEST(StateRecordTest, DecodesWhatItEncodes) {
  std::mt19937 random(7);
  for (int round = 0; round < 1000; ++round) {
    StateRecord record;
    record.events.resize(random() % 130);
    if (random() % 2 == 0) record.mail_read = random();
    for (auto& event : record.events) {
      event.settled = random() % 2 == 0;
      if (event.settled || random() % 3 == 0) continue;
      event = {false, static_cast<uint32_t>(random() % 300), static_cast<uint32_t>(random() % 3),
               random(), std::vector<std::string>(random() % 11, std::string(random() % 20, 'r'))};
    }
    const auto decoded = StateRecord::Decode(record.Encode());
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, record);
  }
}

TEST(StateRecordTest, RefusesEveryTruncationAndAnUnknownVersion) {
  StateRecord record;
  record.events.resize(9);
  record.events[8] = {false, 1, 2, 3, {"reason"}};
  const std::string whole = record.Encode();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(StateRecord::Decode(whole.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(StateRecord::Decode("\x01" + whole.substr(1)).ok());
  EXPECT_FALSE(StateRecord::Decode(whole + "x").ok());
}

TEST(StateRecordTest, SurvivesArbitraryBytes) {
  std::mt19937 random(8);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (!bytes.empty()) bytes[0] = round % 2 == 0 ? 2 : 3;
    (void)StateRecord::Decode(bytes);
  }
}

}  // namespace
}  // namespace eventbus
