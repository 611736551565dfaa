#include "server/rpc/pull_request.h"

#include <functional>
#include <string>
#include <utility>
#include <variant>

#include "gtest/gtest.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

v1::PullRequest Request() {
  v1::PullRequest request;
  request.mutable_group()->set_name("work");
  return request;
}

TEST(PullRequestTest, ANamedGroupIsEnough) {
  const absl::StatusOr<PullCommand> command = ReadPullRequest(Request());
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->open.group, "work");
  EXPECT_TRUE(command->open.patterns.empty());
  EXPECT_EQ(command->open.flow.max_in_flight, 100u);
  EXPECT_EQ(command->open.flow.max_in_flight_bytes, uint64_t{3} << 20);
  EXPECT_EQ(command->wait, absl::ZeroDuration());
  EXPECT_TRUE(command->attempt_id.empty());
}

TEST(PullRequestTest, EverythingThatIsSetIsTaken) {
  v1::PullRequest request = Request();
  request.mutable_group()->add_patterns("job.*");
  request.mutable_group()->mutable_policy()->set_max_retries(9);
  request.mutable_start()->mutable_earliest();
  request.set_max_events(1000);
  request.set_max_bytes(5);
  request.mutable_wait()->set_seconds(60);
  request.set_attempt_id("a");
  request.set_client_id("cron");
  const absl::StatusOr<PullCommand> command = ReadPullRequest(request);
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->open.patterns, std::vector<std::string>{"job.*"});
  EXPECT_EQ(command->open.policy.max_retries, 9u);
  EXPECT_TRUE(std::holds_alternative<StartEarliest>(command->open.start));
  EXPECT_EQ(command->open.flow.max_in_flight, 1000u);
  EXPECT_EQ(command->open.flow.max_in_flight_bytes, 5u);
  EXPECT_EQ(command->wait, absl::Minutes(1));
  EXPECT_EQ(command->attempt_id, "a");
  EXPECT_EQ(command->open.client_id, "cron");
}

TEST(PullRequestTest, BadFieldsAreNamed) {
  const std::pair<std::string, std::function<void(v1::PullRequest&)>> cases[] = {
      {"group.name", [](auto& request) { request.clear_group(); }},
      {"group.name",
       [](auto& request) {
         request.mutable_group()->clear_name();
         request.mutable_group()->set_ephemeral(true);
         request.mutable_group()->add_patterns("a");
       }},
      {"group.name", [](auto& request) { request.mutable_group()->set_name("a b"); }},
      {"group.patterns[0]", [](auto& request) { request.mutable_group()->add_patterns("a..b"); }},
      {"group.policy.max_retries",
       [](auto& request) { request.mutable_group()->mutable_policy()->set_max_retries(1001); }},
      {"group.policy.filter.conditions",
       [](auto& request) { request.mutable_group()->mutable_policy()->mutable_filter(); }},
      {"start.time", [](auto& request) { request.mutable_start()->mutable_time()->set_nanos(-1); }},
      {"max_events", [](auto& request) { request.set_max_events(1001); }},
      {"max_bytes", [](auto& request) { request.set_max_bytes((3 << 20) + 1); }},
      {"wait", [](auto& request) { request.mutable_wait()->set_seconds(61); }},
      {"wait", [](auto& request) { request.mutable_wait()->set_seconds(-1); }},
      {"attempt_id", [](auto& request) { request.set_attempt_id(std::string(256, 'a')); }},
      {"client_id", [](auto& request) { request.set_client_id(std::string(256, 'a')); }},
  };
  for (const auto& [field, spoil] : cases) {
    v1::PullRequest request = Request();
    spoil(request);
    const absl::Status status = ReadPullRequest(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_EQ(FieldOf(status), field);
  }
}

}  // namespace
}  // namespace eventbus
