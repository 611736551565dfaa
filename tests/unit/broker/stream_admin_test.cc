// What operators ask about streams, and do to them.
#include "server/broker/stream_admin.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"
#include "tests/unit/broker/ask.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Extent = PurgeCommand::Extent;

class StreamAdminTest : public testing::Test {
 protected:
  StreamPage List(StreamQuery query = {}, size_t instance = 0) {
    const auto page = Ask<StreamPage>(
        bus, [&](Broker& broker, auto done) { broker.streams().List(query, std::move(done)); },
        instance);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.value_or(StreamPage());
  }
  static std::vector<std::string> NamesIn(const StreamPage& page) {
    std::vector<std::string> names;
    for (const StreamView& view : page.streams) names.push_back(view.type.stream);
    return names;
  }
  absl::StatusOr<PurgeResult> Purge(PurgeCommand command, size_t instance = 0) {
    return Ask<PurgeResult>(
        bus, [&](Broker& broker, auto done) { broker.streams().Purge(command, std::move(done)); },
        instance);
  }
  void Publish(const std::string& type, int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(bus.Publish(type, std::to_string(i)).ok());
  }
  // How many events the stream keeps.
  uint64_t Kept(const std::string& stream) {
    const auto info = bus.store().GetStreamInfo(stream);
    return info.ok() ? info->events : 0;
  }
  RecordingSink& JoinWithRoom(const std::string& group, uint32_t room) {
    OpenRequest request;
    request.group = group;
    request.patterns = {"job.*"};
    request.flow.max_in_flight = room;
    return bus.Open(request);
  }

  TestBus bus;
};

TEST_F(StreamAdminTest, StreamsAreListedByNameInPages) {
  for (const char* type : {"b", "a.y", "a.x"}) Publish(type, 1);
  EXPECT_THAT(NamesIn(List()), ElementsAre("a.x", "a.y", "b"));
  EXPECT_THAT(NamesIn(List({.patterns = {"a.*"}})), ElementsAre("a.x", "a.y"));
  const StreamPage first = List({.page = {2, ""}});
  EXPECT_THAT(NamesIn(first), ElementsAre("a.x", "a.y"));
  EXPECT_EQ(first.next, "a.y");
  const StreamPage second = List({.page = {2, first.next}});
  EXPECT_THAT(NamesIn(second), ElementsAre("b"));
  EXPECT_EQ(second.next, "");
}

TEST_F(StreamAdminTest, AStreamIsDescribed) {
  bus.Join("one", {"job.*"});
  bus.Join("two", {"*"});
  bus.Join("other", {"mail"});
  const absl::Time before = bus.world().Now();
  Publish("job.a", 3);
  const auto last = bus.Publish("job.a", "last");
  const StreamPage page = List({.patterns = {"job.a"}});
  ASSERT_EQ(page.streams.size(), 1U);
  const StreamView& view = page.streams[0];
  EXPECT_GE(view.type.born, before);
  EXPECT_EQ(view.info.events, 4U);
  EXPECT_GT(view.info.bytes, 0U);
  EXPECT_TRUE(view.info.exact);
  EXPECT_LT(*view.first, *view.last);
  EXPECT_EQ(*view.last, *last);
  EXPECT_EQ(view.groups, 2U);
  EXPECT_GT(view.events_per_second, 0);
  EXPECT_EQ(view.policy.ttl, absl::Hours(24));
}

TEST_F(StreamAdminTest, AnEmptiedStreamKeepsItsEnd) {
  Publish("job.a", 3);
  const Position last = *List().streams[0].last;
  ASSERT_TRUE(Purge({"job.a"}).ok());
  const StreamView view = List().streams[0];
  EXPECT_EQ(view.info.events, 0U);
  EXPECT_FALSE(view.first.has_value());
  EXPECT_EQ(view.last->entry, last.entry);
  EXPECT_EQ(view.events_per_second, 0);
}

TEST(RateOfTest, IsOfTheLastMinute) {
  const absl::Time now = absl::FromUnixSeconds(1'000);
  const auto ago = [&](absl::Duration time) {
    return EntryId{static_cast<uint64_t>(absl::ToUnixMillis(now - time)), 0};
  };
  EXPECT_EQ(RateOf({}, true, now), 0);
  EXPECT_DOUBLE_EQ(RateOf({{ago(absl::Seconds(1)), 60}}, true, now), 1);
  // What is older does not count.
  EXPECT_DOUBLE_EQ(RateOf({{ago(absl::Seconds(1)), 60}, {ago(absl::Seconds(61)), 999}}, false, now),
                   1);
  // Where not all of the minute was looked at, it is as it was where it was.
  EXPECT_DOUBLE_EQ(RateOf({{ago(absl::Seconds(1)), 60}, {ago(absl::Seconds(2)), 60}}, false, now),
                   60);
  EXPECT_GT(RateOf({{ago(absl::ZeroDuration()), 60}}, false, now), 0);
}

TEST_F(StreamAdminTest, APurgeRemovesWhatIsThereAndSaysWhatWasNotSettled) {
  RecordingSink& sink = JoinWithRoom("work", 4);
  JoinWithRoom("idle", 1);
  Publish("job.a", 10);
  bus.Settle(sink, {.acks = {{1, 3}}});
  const auto purged = Purge({"job.a"});
  ASSERT_TRUE(purged.ok()) << purged.status();
  EXPECT_EQ(purged->events, 10U);
  EXPECT_THAT(purged->unsettled, ElementsAre(Pair("idle", 10U), Pair("work", 7U)));
  EXPECT_EQ(Kept("job.a"), 0U);
  // The stream and its groups stay.
  RecordingSink& other = bus.Join("idle", {});
  ASSERT_TRUE(bus.Publish("job.a", "after").ok());
  bus.AckAll(sink);
  EXPECT_EQ(sink.ids().back(), "after");
  EXPECT_EQ(other.ids().back(), "after");
}

TEST_F(StreamAdminTest, APurgeMayEndAtAPositionOrATime) {
  Publish("job.a", 3);
  bus.Run(absl::Seconds(10));
  const absl::Time middle = bus.world().Now();
  const auto fourth = bus.Publish("job.a", "4");
  const auto fifth = bus.Publish("job.a", "5");
  PurgeCommand before_time{"job.a", Extent::kBefore};
  before_time.before = {static_cast<uint64_t>(absl::ToUnixMillis(middle)), 0};
  EXPECT_EQ(Purge(before_time)->events, 3U);
  PurgeCommand before_fifth{"job.a", Extent::kBefore, fifth->entry};
  EXPECT_EQ(Purge(before_fifth)->events, 1U);
  EXPECT_EQ(Kept("job.a"), 1U);
  EXPECT_EQ(Purge(before_fifth)->events, 0U);
  ASSERT_TRUE(fourth.ok());
}

TEST_F(StreamAdminTest, ADryRunRemovesNothing) {
  JoinWithRoom("work", 2);
  Publish("job.a", 5);
  for (const Extent extent : {Extent::kAll, Extent::kStream}) {
    const auto counted = Purge({.stream = "job.a", .extent = extent, .dry_run = true});
    ASSERT_TRUE(counted.ok()) << counted.status();
    EXPECT_EQ(counted->events, 5U);
    EXPECT_THAT(counted->unsettled, ElementsAre(Pair("work", 5U)));
  }
  EXPECT_EQ(Kept("job.a"), 5U);
  EXPECT_THAT(NamesIn(List()), ElementsAre("job.a"));
}

TEST_F(StreamAdminTest, AStreamThatIsNotThereIsSaidSo) {
  const auto purged = Purge({"none"});
  EXPECT_EQ(purged.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(purged.status()), Reason::kStreamNotFound);
}

TEST_F(StreamAdminTest, ADeletedStreamIsGoneOnAllInstancesAndMakesRoom) {
  const size_t other = bus.AddInstance();
  RecordingSink& here = JoinWithRoom("work", 2);
  RecordingSink& there = bus.Join("work", {}, other);
  Publish("job.a", 8);
  const auto deleted = Purge({"job.a", Extent::kStream});
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->events, 8U);
  bus.Run(absl::Seconds(10));
  EXPECT_FALSE(bus.store().GetStreamInfo("job.a").ok());
  EXPECT_THAT(NamesIn(List({}, 0)), IsEmpty());
  EXPECT_THAT(NamesIn(List({}, other)), IsEmpty());
  // What was in flight is lost, and nothing waits for it.
  for (RecordingSink* sink : {&here, &there}) {
    EXPECT_FALSE(sink->lost.empty());
    EXPECT_FALSE(sink->closed.has_value());
  }
  EXPECT_EQ(Purge({"job.a", Extent::kStream}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(StreamAdminTest, TheNextEventOfItsTypeMakesItAnewForEveryGroup) {
  const size_t other = bus.AddInstance();
  RecordingSink& here = bus.Join("a", {"job.*"});
  RecordingSink& there = bus.Join("b", {"job.*"}, other);
  RecordingSink& tail = bus.Tail({"job.*"});
  Publish("job.a", 2);
  bus.AckAll(here);
  bus.AckAll(there);
  ASSERT_TRUE(Purge({"job.a", Extent::kStream}).ok());
  bus.Run(absl::Seconds(10));
  ASSERT_TRUE(bus.Publish("job.a", "anew").ok());
  ASSERT_TRUE(bus.Publish("job.a", "again").ok());
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(here.ids(), ElementsAre("0", "1", "anew", "again"));
  EXPECT_THAT(there.ids(), ElementsAre("0", "1", "anew", "again"));
  EXPECT_THAT(tail.ids(), ElementsAre("0", "1", "anew", "again"));
  EXPECT_EQ(List().streams.size(), 1U);
}

TEST_F(StreamAdminTest, AStreamThatIsBornWhileItIsDeletedIsRegisteredAgain) {
  bus.Join("work", {"job.*"});
  Publish("job.a", 1);
  // A birth on another instance that had registered its type before, and creates the stream after.
  bus.instance().store().DelayNext(StoreCall::kUnregisterType, absl::Milliseconds(50));
  ASSERT_TRUE(Purge({"job.a", Extent::kStream}).ok());
  CreateStreamRequest birth{
      "job.a",
      {{"work", 1}},
      AppendRequest{"job.a", Bytes::FromString(FramedTestEvent("job.a", "x"))}};
  ASSERT_TRUE(bus.store().CreateStream(0, std::move(birth)).ok());
  bus.Run(absl::Seconds(5));
  EXPECT_THAT(NamesIn(List()), ElementsAre("job.a"));
  RecordingSink& sink = bus.Join("work", {});
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(Kept("job.a"), 1U);
  ASSERT_TRUE(sink.opened.has_value());
}

TEST_F(StreamAdminTest, ADeletionThatFailsHalfWayCanBeRepeated) {
  Publish("job.a", 1);
  bus.instance().store().FailNext(StoreCall::kUnregisterType, StoreFault::kNotDone);
  EXPECT_EQ(Purge({"job.a", Extent::kStream}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Purge({"job.a", Extent::kStream}).ok());
  EXPECT_THAT(NamesIn(List()), IsEmpty());
}

}  // namespace
}  // namespace eventbus
