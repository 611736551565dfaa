// Events that are dropped undelivered once their time is over.
#include "server/broker/event_expiry.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/entry_reader.h"
#include "server/broker/event_writer.h"
#include "server/broker/wire.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// An event as the door leaves it.
std::string FrameOf(absl::string_view type, absl::string_view id, int64_t expires_ms) {
  std::string event;
  AppendLengthDelimitedField(1, id, &event);
  if (expires_ms != 0) event += EncodeExpiry(expires_ms);
  AppendLengthDelimitedField(4, type, &event);
  std::string frame;
  AppendLengthDelimitedField(1, event, &frame);
  return frame;
}

struct Counts final : BrokerEvents {
  void OnExpired(uint64_t events) override { expired += events; }
  uint64_t expired = 0;
};

class EventExpiryTest : public ::testing::Test {
 protected:
  // Publishes events (id, lifetime; zero: no end) together.
  void Publish(const std::vector<std::pair<std::string, absl::Duration>>& events) {
    std::vector<std::pair<std::string, std::string>> named;
    for (const auto& [id, ttl] : events) named.emplace_back("job", id);
    bool answered = false;
    bus_.instance().process().Post([&] {
      PublishCommand command = CommandOf(named, [&](const PublishOutcome& outcome) {
        EXPECT_TRUE(outcome[0].status.ok());
        answered = true;
      });
      std::string framed;
      for (size_t i = 0; i < events.size(); ++i) {
        const auto& [id, ttl] = events[i];
        const int64_t expires_ms =
            ttl == absl::ZeroDuration() ? 0 : absl::ToUnixMillis(bus_.world().Now() + ttl);
        PublishItem& item = command.items[i];
        item.begin = static_cast<uint32_t>(framed.size());
        framed += FrameOf("job", id, expires_ms);
        item.end = static_cast<uint32_t>(framed.size());
        item.type_begin = item.end - item.type_size;
        command.expires_ms.push_back(expires_ms);
      }
      command.framed = Bytes::FromString(std::move(framed));
      bus_.instance().broker().Publish(std::move(command));
    });
    bus_.world().RunUntil([&] { return answered; }, absl::Seconds(30));
  }

  Counts counts_;
  TestBus bus_{{}, &counts_};
};

TEST(ExpiryOfTest, ReadsTheAttribute) {
  EXPECT_EQ(ExpiryOf(FrameOf("a", "1", 1'234'567)), 1'234'567);
  EXPECT_EQ(ExpiryOf(FrameOf("a", "1", 0)), 0);
  EXPECT_EQ(ExpiryOf("nonsense"), 0);
}

TEST_F(EventExpiryTest, WhoComesInTimeGetsIt) {
  RecordingSink& member = bus_.Join("g", {"job"});
  RecordingSink& tail = bus_.Tail({"job"});
  Publish({{"1", absl::Seconds(10)}});
  bus_.Run();
  EXPECT_THAT(member.ids(), ElementsAre("1"));
  EXPECT_THAT(tail.ids(), ElementsAre("1"));
  EXPECT_EQ(counts_.expired, 0U);
}

TEST_F(EventExpiryTest, WhoComesLateGetsOnlyTheOthers) {
  bus_.Close(bus_.Join("g", {"job"}));
  Publish({{"1", absl::Seconds(10)}, {"2", absl::ZeroDuration()}, {"3", absl::Hours(1)}});
  bus_.Run(absl::Seconds(11));
  RecordingSink& member = bus_.Join("g", {"job"});
  RecordingSink& tail = bus_.Tail({"job"}, StartEarliest{});
  EXPECT_THAT(member.ids(), ElementsAre("2", "3"));
  EXPECT_THAT(tail.ids(), ElementsAre("2", "3"));
  EXPECT_EQ(counts_.expired, 1U);
}

TEST_F(EventExpiryTest, WithinASharedEntryTheOthersGoOn) {
  bus_.WarmUp("job");
  bus_.Close(bus_.Join("g", {"job"}));
  Publish({{"1", absl::Seconds(10)},
           {"2", absl::ZeroDuration()},
           {"3", absl::Seconds(10)},
           {"4", absl::ZeroDuration()}});
  bus_.Run(absl::Seconds(11));
  RecordingSink& member = bus_.Join("g", {"job"});
  EXPECT_THAT(member.ids(), ElementsAre("2", "4"));
  bus_.AckAll(member);
  bus_.Run(absl::Seconds(2));
  EXPECT_EQ(bus_.instance().broker().Counts().in_flight_events, 0U);
  // Nothing is left pending of the entry.
  EXPECT_THAT(*bus_.store().ReadPending({.stream = "job", .group = {"g", 1}}), IsEmpty());
}

TEST_F(EventExpiryTest, WhatWaitsForRoomExpiresToo) {
  OpenRequest request;
  request.group = "g";
  request.patterns = {"job"};
  request.flow.max_in_flight = 1;
  RecordingSink& member = bus_.Open(request);
  Publish({{"1", absl::ZeroDuration()}, {"2", absl::Seconds(10)}, {"3", absl::ZeroDuration()}});
  bus_.Run(absl::Seconds(11));
  EXPECT_THAT(member.ids(), ElementsAre("1"));
  bus_.AckAll(member);
  bus_.Run();
  EXPECT_THAT(member.ids(), ElementsAre("1", "3"));
  bus_.AckAll(member);
  bus_.Run(absl::Seconds(2));
  EXPECT_THAT(*bus_.store().ReadPending({.stream = "job", .group = {"g", 1}}), IsEmpty());
}

TEST_F(EventExpiryTest, WhatIsInFlightCanStillBeSettled) {
  RecordingSink& member = bus_.Join("g", {"job"});
  Publish({{"1", absl::Seconds(2)}});
  bus_.Run(absl::Seconds(5));
  bus_.Settle(member, {.acks = {{1, 1}}, .confirm = 1});
  ASSERT_EQ(member.settled.size(), 1U);
  EXPECT_THAT(member.settled[0].unknown, IsEmpty());
}

}  // namespace
}  // namespace eventbus
