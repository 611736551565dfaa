// Where a group stands on a stream, by what the store knows.
#include "server/broker/group_state.h"

#include "gtest/gtest.h"
#include "server/broker/state_record.h"

namespace eventbus {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000);

StateRecord::EventState Settled() { return {.settled = true}; }
StateRecord::EventState Due(absl::Time time) {
  return {.failed_attempts = 1, .due_ms = static_cast<uint64_t>(absl::ToUnixMillis(time))};
}

GroupStreamState Of(const GroupFindings& findings) { return StateOf("s", findings, kNow); }

TEST(GroupStateTest, NothingIsKnownOfNothing) {
  const GroupStreamState state = Of({});
  EXPECT_EQ(state.stream, "s");
  EXPECT_FALSE(state.delivered.has_value());
  EXPECT_FALSE(state.unsettled.has_value());
  EXPECT_EQ(state.state.lag, 0U);
  EXPECT_FALSE(state.state.lag_estimated);
  EXPECT_EQ(state.state.oldest_unsettled, absl::InfiniteFuture());
}

TEST(GroupStateTest, LagAndLossesAreTheStores) {
  GroupFindings findings;
  findings.info.unread_events = 70;
  findings.info.exact = false;
  findings.info.lost_events = 3;
  findings.info.first_unread = {5'000, 0};
  findings.letters = 2;
  const GroupState state = Of(findings).state;
  EXPECT_EQ(state.lag, 70U);
  EXPECT_TRUE(state.lag_estimated);
  EXPECT_EQ(state.lost_events, 3U);
  EXPECT_EQ(state.dead_letters, 2U);
  EXPECT_EQ(state.oldest_unsettled, absl::FromUnixSeconds(5));
}

TEST(GroupStateTest, WhatIsSettledOfAnEntryIsNotPending) {
  GroupFindings findings;
  findings.info.pending_entries = 2;
  findings.info.pending_events = 6;
  findings.info.first_pending = {7'000, 1};
  findings.states = {{{7'000, 1}, StateRecord{{Settled(), Settled(), {}}}.Encode()},
                     {{8'000, 0}, StateRecord{{{}, Settled(), {}}}.Encode()}};
  const GroupStreamState state = Of(findings);
  EXPECT_EQ(state.state.pending, 3U);
  EXPECT_EQ(state.state.retrying, 0U);
  ASSERT_TRUE(state.unsettled.has_value());
  EXPECT_EQ(*state.unsettled, (Position{{7'000, 1}, 2}));
  EXPECT_EQ(state.state.oldest_unsettled, absl::FromUnixSeconds(7));
}

TEST(GroupStateTest, WhatWaitsForItsRetryIsRetryingUntilItIsDue) {
  GroupFindings findings;
  findings.info.pending_entries = 1;
  findings.info.pending_events = 3;
  findings.info.first_pending = {7'000, 0};
  findings.states = {{{7'000, 0},
                      StateRecord{{Due(kNow + absl::Seconds(1)), Due(kNow - absl::Seconds(1)),
                                   Due(kNow + absl::Seconds(9))}}
                          .Encode()}};
  EXPECT_EQ(Of(findings).state.retrying, 2U);
  EXPECT_EQ(Of(findings).state.pending, 3U);
}

TEST(GroupStateTest, EachPendingEntryHasSomethingUnsettled) {
  GroupFindings findings;
  findings.info.pending_entries = 5;
  findings.info.pending_events = 8;  // Estimated too low.
  for (uint64_t i = 0; i < 5; ++i) {
    findings.states.push_back({{i, 0}, StateRecord{{Settled(), Settled(), {}}}.Encode()});
  }
  EXPECT_EQ(Of(findings).state.pending, 5U);
}

TEST(GroupStateTest, WhatIsRedrivenCountsToo) {
  GroupFindings findings;
  findings.info.unread_events = 1;
  findings.info.pending_events = 2;
  findings.side_info.unread_events = 10;
  findings.side_info.pending_events = 20;
  findings.side_info.first_unread = {3'000, 0};
  EXPECT_EQ(Of(findings).state.lag, 11U);
  EXPECT_EQ(Of(findings).state.pending, 22U);
  EXPECT_EQ(Of(findings).state.oldest_unsettled, absl::FromUnixSeconds(3));
}

TEST(GroupStateTest, TheDeliveredPositionIsThatOfTheLastEventOfTheEntry) {
  GroupFindings findings;
  findings.info.last_read = {9'000, 2};
  findings.last_read_events = 4;
  EXPECT_EQ(Of(findings).delivered, (Position{{9'000, 2}, 3}));
  findings.last_read_events = 0;
  EXPECT_EQ(Of(findings).delivered, (Position{{9'000, 2}, 0}));
}

TEST(GroupStateTest, StreamsAddUp) {
  GroupState sum{.lag = 1, .oldest_unsettled = kNow};
  sum.Add(
      {.lag = 2, .lag_estimated = true, .pending = 3, .oldest_unsettled = kNow - absl::Hours(1)});
  EXPECT_EQ(sum.lag, 3U);
  EXPECT_TRUE(sum.lag_estimated);
  EXPECT_EQ(sum.pending, 3U);
  EXPECT_EQ(sum.oldest_unsettled, kNow - absl::Hours(1));
}

}  // namespace
}  // namespace eventbus
