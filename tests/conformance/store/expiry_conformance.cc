// When the first event of an entry expires comes back with it, however it is read.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> ExpiriesOf(const std::vector<Entry>& entries) {
  std::vector<int64_t> expiries;
  for (const Entry& entry : entries) expiries.push_back(entry.expires_ms);
  return expiries;
}

TEST_P(StoreConformanceTest, AnEntrysExpiryComesBackWithIt) {
  CreateStreamWithGroup();
  for (const auto& [events, expires_ms] : {std::pair<uint32_t, int64_t>{1, 0}, {1, 77}, {3, 78}}) {
    AppendRequest request = EntryOf(kStream, "value", events);
    request.expires_ms = expires_ms;
    EXPECT_TRUE(Await<EntryId>([&](auto done) { a_->Append(request, std::move(done)); }).ok());
  }
  EXPECT_THAT(ExpiriesOf(ReadRange({.stream = kStream})), ElementsAre(0, 77, 78));
  const auto read = TryReadGroup(*a_, {kStream, group_, "dead", 100});
  EXPECT_THAT(ExpiriesOf(read->entries), ElementsAre(0, 77, 78));
  std::vector<int64_t> claimed;
  for (const ClaimedEntry& entry : Claim("dead", "me").entries) {
    claimed.push_back(entry.entry.expires_ms);
  }
  EXPECT_THAT(claimed, ElementsAre(0, 77, 78));
  EXPECT_EQ(Info().events, 5U);
  EXPECT_EQ(Trim({.max_events = 4}).events, 1U);
  EXPECT_EQ(Trim({.max_events = 3}).events, 1U);
}

TEST_P(StoreConformanceTest, TheEarliestExpiryOfWhatIsAppendedOnceCounts) {
  CreateStream();
  AppendOnceRequest request = OnceRequestOf({{"a", "A"}, {"b", "B"}, {"c", "C"}});
  request.events[0].expires_ms = 500;
  request.events[2].expires_ms = 90;
  ASSERT_TRUE(TryAppendOnce(*a_, request).ok());
  // What is left out does not count.
  AppendOnceRequest again = OnceRequestOf({{"c", "C"}, {"d", "D"}});
  again.events[0].expires_ms = 90;
  again.events[1].expires_ms = 700;
  ASSERT_TRUE(TryAppendOnce(*a_, again).ok());
  EXPECT_THAT(ExpiriesOf(ReadRange({.stream = kStream})), ElementsAre(90, 700));
  EXPECT_EQ(Info().events, 4U);
}

TEST_P(StoreConformanceTest, ADelayedEventKeepsItsExpiry) {
  CreateStream();
  AppendOnceRequest request = DelayRequestOf({{"a", DeliveryDelay{}}, {"b", DeliveryDelay{}}});
  request.events[0].expires_ms = 500;
  ASSERT_TRUE(TryAppendOnce(*a_, request).ok());
  EXPECT_EQ(ListDelayed({.stream = kStream})[0].expires_ms, 500);
  MoveDue();
  EXPECT_THAT(ExpiriesOf(ReadRange({.stream = kStream})), ElementsAre(500, 0));
}

}  // namespace
}  // namespace eventbus
