// The latest events of many streams together, newest first.
#include "server/broker/recent_events.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/event_identity.h"
#include "server/broker/stream_admin.h"
#include "tests/support/test_bus.h"
#include "tests/unit/broker/ask.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

class RecentEventsTest : public testing::Test {
 protected:
  RecentPage List(const RecentQuery& query = {}) {
    const auto page = Ask<RecentPage>(bus, [&](Broker& broker, auto done) {
      broker.recent_events().List(query, std::move(done));
    });
    EXPECT_TRUE(page.ok()) << page.status();
    return page.value_or(RecentPage());
  }
  static std::vector<std::string> IdsIn(const RecentPage& page) {
    std::vector<std::string> ids;
    for (const RecordedEvent& event : page.events) {
      ids.emplace_back(IdentityOf(event.frame.view()).id);
    }
    return ids;
  }
  // All pages of this size.
  std::vector<std::string> Walk(RecentQuery query) {
    std::vector<std::string> ids;
    for (int pages = 0; pages < 1'000; ++pages) {
      const RecentPage page = List(query);
      const std::vector<std::string> more = IdsIn(page);
      ids.insert(ids.end(), more.begin(), more.end());
      if (!page.more) return ids;
      query.after = RecentPlace{page.events.back().stream, page.events.back().position};
    }
    ADD_FAILURE() << "no end of pages";
    return ids;
  }
  void Publish(const std::string& type, const std::string& id) {
    ASSERT_TRUE(bus.Publish(type, id).ok());
    bus.Run(absl::Milliseconds(10));
  }

  TestBus bus;
};

TEST_F(RecentEventsTest, WhereNothingIsThereIsNothing) {
  const RecentPage page = List();
  EXPECT_THAT(page.events, IsEmpty());
  EXPECT_FALSE(page.more);
}

TEST_F(RecentEventsTest, EventsOfAllStreamsComeNewestFirst) {
  Publish("a", "1");
  Publish("b", "2");
  Publish("a", "3");
  Publish("c", "4");
  const RecentPage page = List();
  EXPECT_THAT(IdsIn(page), ElementsAre("4", "3", "2", "1"));
  EXPECT_EQ(page.events[1].stream, "a");
  EXPECT_FALSE(page.more);
}

TEST_F(RecentEventsTest, PatternsAndATimeNarrowIt) {
  Publish("job.a", "1");
  Publish("job.b", "2");
  const absl::Time since = bus.world().Now();
  Publish("job.a", "3");
  Publish("mail", "4");
  EXPECT_THAT(IdsIn(List({.patterns = {"job.*"}})), ElementsAre("3", "2", "1"));
  EXPECT_THAT(IdsIn(List({.since = since})), ElementsAre("4", "3"));
  EXPECT_THAT(IdsIn(List({.patterns = {"job.*"}, .since = since})), ElementsAre("3"));
}

TEST_F(RecentEventsTest, AFilterNarrowsIt) {
  Publish("job", "a1");
  Publish("job", "b1");
  Publish("mail", "a2");
  Publish("job", "b2");
  RecentQuery query;
  query.filter.conditions = {{"id", AttributeCondition::Match::kPrefix, "a"}};
  EXPECT_THAT(IdsIn(List(query)), ElementsAre("a2", "a1"));
  query.max_events = 1;
  EXPECT_THAT(Walk(query), ElementsAre("a2", "a1"));
}

TEST_F(RecentEventsTest, EventsOfAnEntryComeLastFirst) {
  bus.WarmUp("job");
  const absl::Time since = bus.world().Now() + absl::Milliseconds(1);
  bus.Run(absl::Milliseconds(2));
  bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}});
  EXPECT_THAT(IdsIn(List({.since = since})), ElementsAre("3", "2", "1"));
  EXPECT_THAT(Walk({.since = since, .max_events = 2}), ElementsAre("3", "2", "1"));
}

TEST_F(RecentEventsTest, PagesTogetherAreTheWhole) {
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    const std::string id = absl::StrCat(i);
    // Several in the same millisecond, on different streams.
    ASSERT_TRUE(bus.Publish(absl::StrCat("job.", i % 7), id).ok());
    if (i % 5 == 0) bus.Run(absl::Milliseconds(3));
  }
  const std::vector<std::string> whole = IdsIn(List({.max_events = 1'000}));
  ASSERT_EQ(whole.size(), 200U);
  for (const uint32_t size : {1U, 3U, 64U}) {
    EXPECT_THAT(Walk({.max_events = size}), ElementsAreArray(whole)) << size;
  }
}

TEST_F(RecentEventsTest, APageIsBoundedByBytesAndHasOneEventAtLeast) {
  for (const char* id : {"1", "2", "3"}) Publish("job", id);
  const RecentPage page = List({.max_bytes = 1});
  EXPECT_THAT(IdsIn(page), ElementsAre("3"));
  EXPECT_TRUE(page.more);
  EXPECT_THAT(Walk({.max_bytes = 1}), ElementsAre("3", "2", "1"));
}

TEST_F(RecentEventsTest, APurgedStreamHasNone) {
  Publish("job", "1");
  Publish("mail", "2");
  const auto purged = Ask<PurgeResult>(bus, [](Broker& broker, auto done) {
    broker.streams().Purge({.stream = "job"}, std::move(done));
  });
  ASSERT_TRUE(purged.ok());
  EXPECT_THAT(IdsIn(List()), ElementsAre("2"));
}

TEST_F(RecentEventsTest, NobodyIsWaitedForInVain) {
  Publish("job", "1");
  const auto page = Ask<RecentPage>(bus, [](Broker& broker, auto done) {
    broker.recent_events().List({.cancelled = [] { return true; }}, std::move(done));
  });
  EXPECT_EQ(page.status().code(), absl::StatusCode::kCancelled);
}

TEST(RecentPlace, IsReadAsItWasWritten) {
  const RecentPlace place = {"order.placed", Position{{1'700'000'000'000, 3}, 7}};
  EXPECT_EQ(place.ToString(), "1700000000000-3-7@order.placed");
  const absl::StatusOr<RecentPlace> read = RecentPlace::Parse(place.ToString());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->stream, place.stream);
  EXPECT_EQ(read->position, place.position);
  for (const char* text : {"", "@", "1-2-3", "1-2-3@", "x@order"}) {
    EXPECT_FALSE(RecentPlace::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace eventbus
