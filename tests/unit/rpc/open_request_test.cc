#include "server/rpc/open_request.h"

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

using Kind = SubscriberCallKind;
using Change = std::function<void(v1::SubscribeOpen&)>;

v1::SubscribeOpen Group() {
  v1::SubscribeOpen open;
  open.mutable_group()->set_name("analytics");
  open.mutable_group()->add_patterns("order.*");
  return open;
}

v1::SubscribeOpen Tail() {
  v1::SubscribeOpen open;
  open.mutable_tail()->add_patterns("*");
  return open;
}

absl::StatusOr<SubscriberRequest> Read(const v1::SubscribeOpen& open,
                                       Kind kind = Kind::kSubscribe) {
  return ReadSubscribeOpen(open, kind, RpcOptions());
}

TEST(OpenRequestTest, GroupGetsTheDefaults) {
  const absl::StatusOr<SubscriberRequest> request = Read(Group());
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_FALSE(request->open.tail);
  EXPECT_EQ(request->open.group, "analytics");
  EXPECT_EQ(request->open.patterns, std::vector<std::string>{"order.*"});
  EXPECT_TRUE(std::holds_alternative<StartLatest>(request->open.start));
  EXPECT_EQ(request->open.flow.max_in_flight, 1000u);
  EXPECT_EQ(request->open.flow.max_in_flight_bytes, uint64_t{16} << 20);
  EXPECT_FALSE(request->open.tokens);
  EXPECT_EQ(request->heartbeat, absl::Seconds(15));
  EXPECT_FALSE(request->open.policy.max_retries.has_value());
}

TEST(OpenRequestTest, EverythingThatIsSetIsTaken) {
  v1::SubscribeOpen open = Group();
  open.mutable_group()->set_ephemeral(true);
  open.mutable_group()->set_revision(4);
  v1::GroupPolicy& policy = *open.mutable_group()->mutable_policy();
  policy.set_max_retries(7);
  policy.mutable_retry_delay()->set_nanos(5'000'000);
  policy.add_retry_delays()->set_seconds(2);
  policy.set_dead_letter(false);
  policy.mutable_inactive_expiry()->set_seconds(60);
  (*open.mutable_start()->mutable_after()->mutable_positions())["order.created"] = "1000-2-3";
  open.mutable_start()->mutable_after()->mutable_others_from()->set_seconds(9);
  open.mutable_flow()->set_max_in_flight(5);
  open.mutable_batch()->set_batch_size(10);
  open.mutable_batch()->mutable_batch_timeout()->set_seconds(1);
  open.set_client_id("me");
  (*open.mutable_client_properties())["version"] = "1";
  open.mutable_heartbeat()->set_seconds(3);
  open.set_answers_pings(true);
  const absl::StatusOr<SubscriberRequest> request = Read(open);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_TRUE(request->open.ephemeral);
  EXPECT_EQ(request->open.revision, 4u);
  EXPECT_EQ(request->open.policy.max_retries, 7u);
  EXPECT_EQ(request->open.policy.retry_delay, absl::Milliseconds(5));
  EXPECT_EQ(request->open.policy.retry_delays, std::vector<absl::Duration>{absl::Seconds(2)});
  EXPECT_EQ(request->open.policy.dead_letter, false);
  EXPECT_EQ(request->open.policy.inactive_expiry, absl::Minutes(1));
  const auto& after = std::get<StartAfterPositions>(request->open.start);
  EXPECT_EQ(after.positions.at("order.created"), (Position{{1000, 2}, 3}));
  EXPECT_EQ(after.others_from, absl::FromUnixSeconds(9));
  EXPECT_EQ(request->open.flow.max_in_flight, 5u);
  EXPECT_EQ(request->open.batch.size, 10u);
  EXPECT_EQ(request->open.batch.timeout, absl::Seconds(1));
  EXPECT_EQ(request->open.client_id, "me");
  EXPECT_EQ(request->open.client_properties.at("version"), "1");
  EXPECT_EQ(request->heartbeat, absl::Seconds(3));
  EXPECT_TRUE(request->answers_pings);
}

TEST(OpenRequestTest, EphemeralGroupNeedsNoName) {
  v1::SubscribeOpen open = Group();
  open.mutable_group()->clear_name();
  EXPECT_EQ(FieldOf(Read(open).status()), "open.group.name");
  open.mutable_group()->set_ephemeral(true);
  EXPECT_TRUE(Read(open).ok());
  open.mutable_group()->clear_patterns();
  EXPECT_EQ(FieldOf(Read(open).status()), "open.group.patterns");
}

TEST(OpenRequestTest, ReceiveHasTokensAndNeitherSessionNorPings) {
  EXPECT_TRUE(Read(Group(), Kind::kReceive)->open.tokens);
  v1::SubscribeOpen pings = Group();
  pings.set_answers_pings(true);
  EXPECT_EQ(FieldOf(Read(pings, Kind::kReceive).status()), "open.answers_pings");
  v1::SubscribeOpen session = Group();
  session.mutable_session();
  EXPECT_EQ(FieldOf(Read(session, Kind::kReceive).status()), "open.session");
}

TEST(OpenRequestTest, BadFieldsAreNamed) {
  const std::pair<std::string, Change> cases[] = {
      {"open.target", [](v1::SubscribeOpen& open) { open.clear_group(); }},
      {"open.group.name", [](v1::SubscribeOpen& open) { open.mutable_group()->set_name("a b"); }},
      {"open.group.patterns[1]",
       [](v1::SubscribeOpen& open) { open.mutable_group()->add_patterns("a..b"); }},
      {"open.group.patterns",
       [](v1::SubscribeOpen& open) {
         for (int i = 0; i < 100; ++i) open.mutable_group()->add_patterns("a");
       }},
      {"open.tail.patterns", [](v1::SubscribeOpen& open) { open.mutable_tail(); }},
      {"open.flow.max_in_flight",
       [](v1::SubscribeOpen& open) { open.mutable_flow()->set_max_in_flight(0); }},
      {"open.flow.max_in_flight",
       [](v1::SubscribeOpen& open) { open.mutable_flow()->set_max_in_flight(100'001); }},
      {"open.flow.max_in_flight_bytes",
       [](v1::SubscribeOpen& open) { open.mutable_flow()->set_max_in_flight_bytes(0); }},
      {"open.batch.batch_size",
       [](v1::SubscribeOpen& open) { open.mutable_batch()->set_batch_size(10'001); }},
      {"open.batch.batch_timeout",
       [](v1::SubscribeOpen& open) {
         open.mutable_batch()->mutable_batch_timeout()->set_seconds(61);
       }},
      {"open.client_id",
       [](v1::SubscribeOpen& open) { open.set_client_id(std::string(256, 'x')); }},
      {"open.client_properties",
       [](v1::SubscribeOpen& open) {
         for (int i = 0; i < 33; ++i) {
           (*open.mutable_client_properties())[std::to_string(i)] = "";
         }
       }},
      {"open.client_properties[\"k\"]",
       [](v1::SubscribeOpen& open) {
         (*open.mutable_client_properties())["k"] = std::string(256, 'x');
       }},
      {"open.heartbeat",
       [](v1::SubscribeOpen& open) { open.mutable_heartbeat()->set_nanos(999'999'999); }},
      {"open.heartbeat",
       [](v1::SubscribeOpen& open) { open.mutable_heartbeat()->set_seconds(3601); }},
      {"open.start.time",
       [](v1::SubscribeOpen& open) { open.mutable_start()->mutable_time()->set_nanos(-1); }},
      {"open.group.policy.max_retries",
       [](v1::SubscribeOpen& open) {
         open.mutable_group()->mutable_policy()->set_max_retries(1001);
       }},
      {"open.group.policy.retry_multiplier",
       [](v1::SubscribeOpen& open) {
         open.mutable_group()->mutable_policy()->set_retry_multiplier(0.5);
       }},
      {"open.group.policy.retry_delays[0]",
       [](v1::SubscribeOpen& open) {
         open.mutable_group()->mutable_policy()->add_retry_delays()->set_seconds(-1);
       }},
      {"open.group.policy.ack_deadline",
       [](v1::SubscribeOpen& open) {
         open.mutable_group()->mutable_policy()->mutable_ack_deadline();
       }},
  };
  for (const auto& [field, change] : cases) {
    v1::SubscribeOpen open = Group();
    change(open);
    const absl::Status status = Read(open).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field << ": " << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }
}

TEST(OpenRequestTest, BadPositionIsNamedByItsStream) {
  v1::SubscribeOpen open = Tail();
  (*open.mutable_start()->mutable_after()->mutable_positions())["a.b"] = "yesterday";
  const absl::Status status = Read(open).status();
  EXPECT_EQ(ReasonOf(status), Reason::kBadPosition);
  EXPECT_TRUE(absl::StartsWith(status.message(), "open.start.after.positions[a.b]: ")) << status;
}

TEST(OpenRequestTest, AFilterIsTakenOrNamedByItsPath) {
  v1::SubscribeOpen group = Group();
  v1::AttributeFilter& filter = *group.mutable_group()->mutable_policy()->mutable_filter();
  EXPECT_EQ(FieldOf(Read(group).status()), "open.group.policy.filter.conditions");
  filter.add_conditions()->set_attribute("source");
  EXPECT_EQ(FieldOf(Read(group).status()), "open.group.policy.filter.conditions[0].match");
  filter.mutable_conditions(0)->set_prefix("/eu/");
  const AttributeFilter expected = {{{"source", AttributeCondition::Match::kPrefix, "/eu/"}}};
  EXPECT_EQ(Read(group)->open.policy.filter, expected);

  v1::SubscribeOpen tail = Tail();
  tail.mutable_tail()->mutable_filter();
  EXPECT_EQ(FieldOf(Read(tail).status()), "open.tail.filter.conditions");
  *tail.mutable_tail()->mutable_filter() = filter;
  EXPECT_EQ(Read(tail)->open.filter, expected);
}

TEST(OpenRequestTest, WhatIsNotImplementedIsNamed) {
  const std::pair<std::string, Change> cases[] = {
      {"open.group.policy.dead_letter_type",
       [](v1::SubscribeOpen& open) {
         open.mutable_group()->mutable_policy()->set_dead_letter_type("dead");
       }},
      {"open.group.policy.max_in_flight",
       [](v1::SubscribeOpen& open) {
         open.mutable_group()->mutable_policy()->set_max_in_flight(1);
       }},
  };
  for (const auto& [field, change] : cases) {
    v1::SubscribeOpen open = Group();
    change(open);
    const absl::Status status = Read(open).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << field << ": " << status;
    EXPECT_TRUE(absl::StartsWith(status.message(), field + " is not implemented")) << status;
  }
}

}  // namespace
}  // namespace eventbus
