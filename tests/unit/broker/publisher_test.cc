// What becomes of what is published.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/event_rate.h"
#include "server/broker/gathering.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::SizeIs;

using Events = std::vector<std::pair<std::string, std::string>>;

Events Many(int count, const std::string& type = "job") {
  Events events;
  for (int i = 0; i < count; ++i) events.emplace_back(type, std::to_string(i));
  return events;
}

uint64_t EntriesIn(TestBus& bus, const std::string& stream) {
  return bus.store().GetStreamInfo(stream)->entries;
}

TEST(PublisherTest, PositionsGoUp) {
  TestBus bus;
  const auto first = bus.Publish("job", "1");
  const auto second = bus.Publish("job", "2");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_LT(*first, *second);
}

TEST(PublisherTest, AnswersForEveryEventInOrderAcrossTypes) {
  TestBus bus;
  const PublishOutcome outcome = bus.PublishAll({{"a", "1"}, {"b", "2"}, {"b", "3"}, {"a", "4"}});
  uint32_t next = 0;
  for (const PublishedRun& run : outcome) {
    EXPECT_TRUE(run.status.ok());
    EXPECT_EQ(run.first, next);
    next += run.count;
  }
  EXPECT_EQ(next, 4U);
}

TEST(PublisherTest, ABatchOfAQuietStreamIsStoredSinglySoThatItCanBeShared) {
  TestBus bus;
  bus.PublishAll(Many(100));
  EXPECT_EQ(EntriesIn(bus, "job"), 100U);
}

TEST(PublisherTest, ABusyStreamSharesEntries) {
  TestBus bus;
  bus.PublishAll(Many(5000));
  const uint64_t before = EntriesIn(bus, "job");
  bus.PublishAll(Many(1000));
  EXPECT_LE(EntriesIn(bus, "job") - before, 20U);
  EXPECT_GE(EntriesIn(bus, "job") - before, 10U);  // At most 100 in one.
}

TEST(PublisherTest, AnEntryStaysBelowItsBytes) {
  BrokerOptions options;
  options.max_entry_bytes = 100;
  TestBus bus(options);
  bus.PublishAll(Many(5000));
  const uint64_t before = EntriesIn(bus, "job");
  bus.PublishAll(Many(100));
  EXPECT_THAT(EntriesIn(bus, "job") - before, Ge(10U));  // About 11 bytes an event.
}

TEST(PublisherTest, EventsOfOneTurnAndOneStreamShareEntriesInTheirOrder) {
  TestBus bus;
  bus.PublishAll(Many(5000));
  const uint64_t before = EntriesIn(bus, "job");
  int answered = 0;
  bus.instance().process().Post([&] {
    for (int i = 0; i < 10; ++i) {
      bus.instance().broker().Publish(
          CommandOf({{"job", std::to_string(i)}}, [&, i](const PublishOutcome& outcome) {
            EXPECT_TRUE(outcome[0].status.ok());
            EXPECT_EQ(outcome[0].position.index, static_cast<uint32_t>(i));
            ++answered;
          }));
    }
  });
  bus.Run();
  EXPECT_EQ(answered, 10);
  EXPECT_EQ(EntriesIn(bus, "job") - before, 1U);
}

TEST(PublisherTest, WhatIsPublishedWhileItsStreamIsBeingBornStaysInOrder) {
  TestBus bus;
  TestInstance& instance = bus.instance();
  instance.store().DelayNext(StoreCall::kRegisterType, absl::Milliseconds(300));
  std::vector<Position> positions(2);
  for (size_t i = 0; i < positions.size(); ++i) {
    instance.process().Post([&, i] {
      instance.broker().Publish(CommandOf({{"job", absl::StrCat(i)}}, [&, i](const auto& outcome) {
        EXPECT_TRUE(outcome[0].status.ok()) << outcome[0].status;
        positions[i] = outcome[0].position;
      }));
    });
    bus.Run(absl::Milliseconds(50));
  }
  bus.Run(absl::Seconds(1));
  EXPECT_LT(Position(), positions[0]);
  EXPECT_LT(positions[0], positions[1]);
}

// Two instances publish the first events of a type at once: this one has heard of the type, and the
// other creates the stream between two of its appends.
TEST(PublisherTest, AStreamThatAnotherInstanceCreatesMeanwhileKeepsTheOrder) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  ASSERT_TRUE(bus.Publish("job", "0").ok());
  bus.Run();
  Position last;
  bus.instance(other).store().FailNext(StoreCall::kAppend, StoreFault::kNoStream);
  bus.instance(other).process().Post([&] {
    bus.instance(other).broker().Publish(CommandOf(Many(10), [&](const PublishOutcome& outcome) {
      for (const PublishedRun& run : outcome) {
        ASSERT_TRUE(run.status.ok()) << run.status;
        EXPECT_LT(last, run.position);
        last = run.position;
      }
    }));
  });
  bus.Run();
  EXPECT_LT(Position(), last);
}

// The first append on an instance is made alone. If it fails, what waits behind it must not fail
// one after the other, each after its own timeout.
TEST(PublisherTest, ABatchThatBeginsWithAFailureEndsSoon) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  ASSERT_TRUE(bus.Publish("job", "0").ok());
  bus.Run();
  bus.instance(other).store().SetRates(StoreCall::kAppend, {.reply_lost = 1});
  size_t failed = 0;
  bus.instance(other).process().Post([&] {
    bus.instance(other).broker().Publish(CommandOf(Many(100), [&](const PublishOutcome& outcome) {
      for (const PublishedRun& run : outcome) failed += run.status.ok() ? 0 : run.count;
    }));
  });
  bus.Run(absl::Milliseconds(2'100));
  EXPECT_EQ(failed, 100U);
}

TEST(PublisherTest, TooManyTypesAreRefusedAndNothingIsStored) {
  BrokerOptions options;
  options.max_types = 1;
  TestBus bus(options);
  ASSERT_TRUE(bus.Publish("a", "1").ok());
  const auto refused = bus.Publish("b", "2");
  EXPECT_EQ(ReasonOf(refused.status()), Reason::kTooManyTypes);
  EXPECT_FALSE(bus.store().GetStreamInfo("b").ok());
}

TEST(PublisherTest, AFullQueueRefusesNamingTheSetting) {
  BrokerOptions options;
  options.publish_queue_events = 10;
  TestBus bus(options);
  std::vector<absl::Status> fates;
  bus.instance().process().Post([&] {
    for (int i = 0; i < 3; ++i) {
      bus.instance().broker().Publish(CommandOf(
          Many(6), [&](const PublishOutcome& outcome) { fates.push_back(outcome[0].status); }));
    }
  });
  bus.Run();
  ASSERT_THAT(fates, SizeIs(3));
  EXPECT_EQ(ReasonOf(fates[0]), Reason::kPublishQueueFull);
  EXPECT_EQ(ReasonOf(fates[1]), Reason::kPublishQueueFull);
  EXPECT_TRUE(fates[2].ok());
  EXPECT_EQ(bus.instance().broker().Counts().publish_queue_events, 0U);
}

// An append of a busy stream is under way, and what is published meanwhile.
class BusyStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    bus.WarmUp("job");
    before = EntriesIn(bus, "job");
  }
  static BrokerOptions BusyAtOnce() {
    BrokerOptions options;
    options.busy_appends = 1;
    return options;
  }
  static void BeginAppend(TestBus& at) {
    at.instance().store().DelayNext(StoreCall::kAppend, absl::Milliseconds(500));
  }
  void PublishLater(TestBus& at, const std::string& type, const std::string& id) {
    at.instance().process().Post([this, &at, type, id] {
      at.instance().broker().Publish(CommandOf({{type, id}}, [this](const PublishOutcome& outcome) {
        ASSERT_TRUE(outcome[0].status.ok()) << outcome[0].status;
        positions.push_back(outcome[0].position);
      }));
    });
    at.Run();
  }

  TestBus bus{BusyAtOnce()};
  uint64_t before = 0;
  std::vector<Position> positions;
};

TEST_F(BusyStoreTest, WhatIsSmallWaitsForTheAppendBeforeAndSharesAnEntry) {
  BeginAppend(bus);
  for (const char* id : {"1", "2", "3"}) PublishLater(bus, "job", id);
  EXPECT_EQ(EntriesIn(bus, "job") - before, 1U);
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(EntriesIn(bus, "job") - before, 2U);
  ASSERT_THAT(positions, SizeIs(3));
  EXPECT_LT(positions[0], positions[1]);
  EXPECT_LT(positions[1], positions[2]);
}

TEST_F(BusyStoreTest, WhatIsLargeDoesNotWait) {
  BeginAppend(bus);
  PublishLater(bus, "job", "1");
  PublishLater(bus, "job", std::string(20'000, 'x'));
  EXPECT_EQ(EntriesIn(bus, "job") - before, 2U);
}

TEST_F(BusyStoreTest, OtherStreamsDoNotWait) {
  ASSERT_TRUE(bus.Publish("other", "0").ok());
  BeginAppend(bus);
  PublishLater(bus, "job", "1");
  PublishLater(bus, "other", "1");
  EXPECT_EQ(EntriesIn(bus, "other"), 2U);
}

TEST_F(BusyStoreTest, WhatHasWaitedIsStoredIfTheAppendBeforeFails) {
  bus.instance().store().FailNext(StoreCall::kAppend, StoreFault::kReplyLost);
  bus.instance().process().Post([this] {
    bus.instance().broker().Publish(CommandOf({{"job", "1"}}, [](const PublishOutcome& outcome) {
      EXPECT_EQ(ReasonOf(outcome[0].status), Reason::kOutcomeUnknown);
    }));
  });
  bus.Run();
  PublishLater(bus, "job", "2");
  EXPECT_THAT(positions, SizeIs(0));
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(positions, SizeIs(1));
}

TEST_F(BusyStoreTest, WhatHasWaitedIsStoredIfItsStreamIsDeletedMeanwhile) {
  BeginAppend(bus);
  for (const char* id : {"1", "2"}) PublishLater(bus, "job", id);
  FaultyStore& store = bus.instance().store();
  bus.instance().process().Post([&store] {
    store.UnregisterType("job", [](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
    store.DeleteStream("job", {}, [](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
  });
  bus.Run();
  EXPECT_FALSE(bus.store().GetStreamInfo("job").ok());

  bus.Run(absl::Seconds(1));
  ASSERT_THAT(positions, SizeIs(2));
  EXPECT_LT(positions[0], positions[1]);
  EXPECT_EQ(EntriesIn(bus, "job"), 1U);
}

TEST_F(BusyStoreTest, NothingWaitsIfTheStoreHasLittleToDo) {
  TestBus quiet;
  quiet.WarmUp("job");
  before = EntriesIn(quiet, "job");
  BeginAppend(quiet);
  for (const char* id : {"1", "2", "3"}) PublishLater(quiet, "job", id);
  EXPECT_EQ(EntriesIn(quiet, "job") - before, 3U);
}

TEST_F(BusyStoreTest, NothingWaitsForAStoreThatIsFarAway) {
  bus.instance().store().SetNear(false);
  BeginAppend(bus);
  for (const char* id : {"1", "2", "3"}) PublishLater(bus, "job", id);
  EXPECT_EQ(EntriesIn(bus, "job") - before, 3U);
}

// Eight commands were under way at once on a stream, and are answered.
class GatheringPublisherTest : public testing::Test {
 protected:
  void SetUp() override {
    bus.WarmUp("job");
    Begin(8);
    bus.Run(absl::Milliseconds(5));
    ASSERT_EQ(answered, 8);
    answered = 0;
    before = EntriesIn(bus, "job");
  }
  // Publishes so many, each by itself and all in one turn, and has time pass only as asked.
  void Begin(int count) {
    bus.instance().process().Post([this, count] {
      for (int i = 0; i < count; ++i) {
        bus.instance().broker().Publish(
            CommandOf({{"job", std::to_string(next++)}}, [this](const PublishOutcome& outcome) {
              ASSERT_TRUE(outcome[0].status.ok()) << outcome[0].status;
              EXPECT_LT(last, outcome[0].position);
              last = outcome[0].position;
              ++answered;
            }));
      }
    });
    bus.world().RunReady();
  }
  void Pass(absl::Duration time) { bus.world().Advance(time); }
  uint64_t Entries() { return EntriesIn(bus, "job") - before; }

  TestBus bus;
  uint64_t before = 0;
  int next = 0;
  int answered = 0;
  Position last;
};

TEST_F(GatheringPublisherTest, WhatComesSoonerThanMostOfThemWaitsAndSharesAnEntryInOrder) {
  for (const int count : {2, 2, 1}) Begin(count);
  Pass(absl::Microseconds(100));
  EXPECT_EQ(Entries(), 0U);
  // Three quarters of eight are there.
  Begin(1);
  Pass(absl::Milliseconds(5));
  EXPECT_EQ(Entries(), 1U);
  EXPECT_EQ(answered, 6);
}

TEST_F(GatheringPublisherTest, WhatWaitsInVainLeavesInTimeAndTheNextDoesNotWait) {
  Begin(2);
  Pass(Gathering::kLongest - absl::Microseconds(1));
  EXPECT_EQ(Entries(), 0U);
  Pass(absl::Microseconds(1));
  Pass(absl::Milliseconds(5));
  EXPECT_EQ(Entries(), 1U);
  EXPECT_EQ(answered, 2);
  Begin(1);
  EXPECT_EQ(Entries(), 2U);
}

TEST_F(GatheringPublisherTest, WhatBeginsToWaitWhileTimeRunsForOthersHasItsTimeToo) {
  Begin(2);
  Pass(absl::Microseconds(300));
  Begin(4);  // They leave.
  Pass(absl::Microseconds(100));
  EXPECT_EQ(Entries(), 1U);
  Begin(1);
  Pass(absl::Microseconds(400));  // The time of the first is over.
  EXPECT_EQ(Entries(), 1U);
  Pass(absl::Microseconds(200));
  Pass(absl::Milliseconds(5));
  EXPECT_EQ(Entries(), 2U);
  EXPECT_EQ(answered, 7);
}

TEST_F(GatheringPublisherTest, NothingWaitsWhereNoThreadWouldStayAwake) {
  bus.instance().process().SetHelped(false);
  Begin(1);
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(GatheringPublisherTest, NothingWaitsForAStoreThatIsFarAway) {
  bus.instance().store().SetNear(false);
  Begin(1);
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(GatheringPublisherTest, OneClientDoesNotWaitHoweverItsBatchesAreCut) {
  bus.Run(absl::Seconds(1));  // The eight are forgotten, and the stream is quiet.
  Events mixed;
  for (int i = 0; i < 40; ++i) mixed.emplace_back(i % 2 == 0 ? "job" : "other", std::to_string(i));
  bus.instance().process().Post([this, mixed] {
    bus.instance().broker().Publish(CommandOf(mixed, [](const auto&) {}));
    bus.instance().broker().Publish(CommandOf(Many(40), [](const auto&) {}));
  });
  bus.world().RunReady();
  const uint64_t then = Entries();
  Begin(1);
  EXPECT_EQ(Entries(), then + 1);
}

TEST_F(GatheringPublisherTest, OtherStreamsDoNotWait) {
  ASSERT_TRUE(bus.Publish("other", "1").ok());
  Begin(1);
  bus.instance().process().Post([this] {
    bus.instance().broker().Publish(CommandOf({{"other", "2"}}, [](const auto&) {}));
  });
  bus.world().RunReady();
  EXPECT_EQ(Entries(), 0U);
  EXPECT_EQ(EntriesIn(bus, "other"), 2U);
}

TEST_F(GatheringPublisherTest, WhatIsLargeDoesNotWait) {
  bus.instance().process().Post([this] {
    bus.instance().broker().Publish(
        CommandOf({{"job", std::string(20'000, 'x')}}, [this](const auto&) { ++answered; }));
  });
  bus.world().RunReady();
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(GatheringPublisherTest, WhatWaitsIsStoredIfItsStreamIsDeletedMeanwhile) {
  FaultyStore& store = bus.instance().store();
  bus.instance().process().Post([&store] {
    store.UnregisterType("job", [](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
    store.DeleteStream("job", {}, [](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
  });
  Begin(2);
  Pass(absl::Milliseconds(20));
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(EntriesIn(bus, "job"), 1U);
}

TEST_F(GatheringPublisherTest, ABrokerThatDrainsStoresWhatWaits) {
  Begin(2);
  bool drained = false;
  bus.instance().process().Post([&] {
    bus.instance().broker().Drain(bus.world().Now() + absl::Seconds(1), [&] { drained = true; });
  });
  Pass(absl::Milliseconds(20));
  EXPECT_EQ(answered, 2);
  EXPECT_TRUE(drained);
}

TEST(EventRateTest, ForgetsWithinSeconds) {
  EventRate rate;
  rate.Add(1000, absl::Seconds(1));
  EXPECT_NEAR(rate.PerSecond(absl::Seconds(1)), 2000, 1);
  EXPECT_LT(rate.PerSecond(absl::Seconds(6)), 1);
}

TEST(EventRateTest, FollowsASteadyRate) {
  EventRate rate;
  for (int ms = 1; ms <= 3000; ++ms) rate.Add(10, absl::Milliseconds(ms));
  EXPECT_NEAR(rate.PerSecond(absl::Milliseconds(3000)), 10'000, 500);
}

}  // namespace
}  // namespace eventbus
