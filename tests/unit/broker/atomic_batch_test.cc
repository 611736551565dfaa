// Batches of which all is stored or nothing.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::SizeIs;

using Events = std::vector<std::pair<std::string, std::string>>;

Events Many(int count, const std::string& prefix = "") {
  Events events;
  for (int i = 0; i < count; ++i) events.emplace_back("job", prefix + std::to_string(i));
  return events;
}

PublishCommand Atomic(const Events& events, absl::AnyInvocable<void(PublishOutcome)> done) {
  PublishCommand command = CommandOf(events, std::move(done));
  command.atomic = true;
  return command;
}

PublishOutcome PublishAtomic(TestBus& bus, const Events& events) {
  PublishOutcome outcome;
  bus.instance().process().Post([&] {
    bus.instance().broker().Publish(
        Atomic(events, [&](PublishOutcome known) { outcome = std::move(known); }));
  });
  bus.world().RunUntil([&] { return !outcome.empty(); }, absl::Seconds(30));
  return outcome;
}

TEST(AtomicBatchTest, IsOneEntryHoweverQuietTheStreamAndWhateverTheBounds) {
  BrokerOptions options;
  options.stream_policy.max_events_per_entry = 10;
  options.max_entry_bytes = 100;
  TestBus bus(options);
  const PublishOutcome outcome = PublishAtomic(bus, Many(1000));
  ASSERT_THAT(outcome, SizeIs(1));
  EXPECT_TRUE(outcome[0].status.ok());
  EXPECT_EQ(outcome[0].count, 1000U);
  EXPECT_EQ(outcome[0].position.index, 0U);
  EXPECT_EQ(bus.store().GetStreamInfo("job")->entries, 1U);
}

TEST(AtomicBatchTest, SharesItsEntryWithNothing) {
  TestBus bus;
  bus.WarmUp("job");
  const uint64_t before = bus.store().GetStreamInfo("job")->entries;
  std::vector<Position> positions;
  bus.instance().process().Post([&] {
    const auto note = [&](const PublishOutcome& outcome) {
      positions.push_back(outcome[0].position);
    };
    bus.instance().broker().Publish(CommandOf(Many(3), note));
    bus.instance().broker().Publish(Atomic(Many(3), note));
    bus.instance().broker().Publish(Atomic(Many(3), note));
    bus.instance().broker().Publish(CommandOf(Many(3), note));
  });
  bus.Run();
  EXPECT_EQ(bus.store().GetStreamInfo("job")->entries - before, 4U);
  ASSERT_THAT(positions, SizeIs(4));
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(positions[i].index, 0U);
  for (size_t i = 1; i < 4; ++i) EXPECT_LT(positions[i - 1], positions[i]);
}

TEST(AtomicBatchTest, OfAFailureNothingIsStored) {
  TestBus bus;
  RecordingSink& member = bus.Join("g", {"job"});
  bus.Publish("job", "first").IgnoreError();
  bus.instance().store().FailNext(StoreCall::kAppend, StoreFault::kNotDone);
  const PublishOutcome outcome = PublishAtomic(bus, Many(200));
  ASSERT_THAT(outcome, SizeIs(1));
  EXPECT_EQ(ReasonOf(outcome[0].status), Reason::kNotStored);
  bus.Run();
  EXPECT_THAT(member.ids(), SizeIs(1));
}

TEST(AtomicBatchTest, TheFirstOfAType) {
  TestBus bus;
  RecordingSink& member = bus.Join("g", {"job"});
  PublishAtomic(bus, Many(200));
  bus.Run();
  EXPECT_THAT(member.ids(), SizeIs(200));
  EXPECT_EQ(bus.store().GetStreamInfo("job")->entries, 1U);
}

TEST(AtomicBatchTest, WithADuplicateWindowWhatIsThereIsNotStoredAgain) {
  BrokerOptions options;
  options.stream_policy.duplicate_window = absl::Minutes(1);
  TestBus bus(options);
  RecordingSink& member = bus.Join("g", {"job"});
  PublishAtomic(bus, Many(3));
  const PublishOutcome again = PublishAtomic(bus, Many(3));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_TRUE(again[0].duplicate);
  // In part: then what is missing is stored, all together.
  const PublishOutcome more = PublishAtomic(bus, Many(5));
  ASSERT_THAT(more, SizeIs(2));
  EXPECT_TRUE(more[0].duplicate);
  EXPECT_FALSE(more[1].duplicate);
  EXPECT_EQ(more[1].count, 2U);
  bus.Run();
  EXPECT_THAT(member.ids(), SizeIs(5));
  EXPECT_EQ(bus.store().GetStreamInfo("job")->entries, 2U);
}

}  // namespace
}  // namespace eventbus
