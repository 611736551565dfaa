#ifndef EVENTBUS_TESTS_SIMULATION_HISTORY_WRITER_H_
#define EVENTBUS_TESTS_SIMULATION_HISTORY_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/checker.h"

// For tests of the checker.
namespace eventbus::simulation {

inline Position At(uint64_t ms, uint32_t index = 0) { return {{ms, 0}, index}; }

// HistoryWriter makes up a history, one step a tenth of a second.
class HistoryWriter {
 public:
  HistoryWriter& Then(Observation what) {
    history_.push_back({now_, std::move(what)});
    now_ += absl::Milliseconds(100);
    return *this;
  }
  HistoryWriter& Wait(absl::Duration time) {
    now_ += time;
    return *this;
  }

  HistoryWriter& Publish(uint64_t request, std::vector<std::string> data,
                         std::string type = "job") {
    PublishSent sent{request, "one", {}};
    for (const std::string& one : data) sent.events.push_back({"id-" + one, type, one});
    return Then(std::move(sent));
  }
  HistoryWriter& Stored(uint64_t request, std::vector<Position> positions,
                        std::string stream = "job") {
    PublishAnswered answered{request, {}};
    for (const Position& position : positions) {
      answered.answers.push_back({PublishFate::kStored, stream, position});
    }
    return Then(std::move(answered));
  }
  HistoryWriter& Refused(uint64_t request) {
    return Then(PublishAnswered{request, {{PublishFate::kNotStored, "", {}}}});
  }

  HistoryWriter& Open(SubscriptionNumber number, std::string instance = "one",
                      uint32_t max_in_flight = 10, uint32_t batch_size = 0) {
    Then(OpenSent{number,
                  std::move(instance),
                  false,
                  "work",
                  false,
                  {"job"},
                  false,
                  max_in_flight,
                  batch_size});
    return Then(Opened{number, number == 1});
  }
  HistoryWriter& OpenTail(SubscriptionNumber number) {
    Then(OpenSent{number, "one", true, "", false, {"job"}, false, 10, 0});
    return Then(Opened{number, false});
  }
  HistoryWriter& Get(SubscriptionNumber number, uint64_t delivery, std::vector<std::string> data,
                     Position position, uint32_t times = 1) {
    return Then(Delivered{number, {RunOf(delivery, data, position, times)}});
  }
  static SeenRun RunOf(uint64_t delivery, const std::vector<std::string>& data, Position position,
                       uint32_t times = 1, std::string type = "job") {
    SeenRun run{delivery, type, position, delivery == 0 ? 0U : 1U, times, {}};
    if (delivery == 0) run.times_delivered = 0;
    for (const std::string& one : data) run.events.push_back({"id-" + one, type, one});
    return run;
  }
  // A subscription of a group with this policy.
  HistoryWriter& OpenWith(const GroupPolicy& policy, SubscriptionNumber number,
                          std::string instance = "one") {
    OpenSent open{number, std::move(instance), false, "work", false, {"job"}, false, 10, 0};
    open.policy = policy;
    Then(std::move(open));
    return Then(Opened{number, number == 1});
  }
  HistoryWriter& OpenTailWith(const AttributeFilter& filter, SubscriptionNumber number) {
    OpenSent open{number, "one", true, "", false, {"job"}, false, 10, 0};
    open.filter = filter;
    Then(std::move(open));
    return Then(Opened{number, false});
  }
  // The event "a" again, as this attempt.
  HistoryWriter& Retry(SubscriptionNumber number, uint64_t delivery, uint32_t attempt,
                       std::string reason, uint32_t times = 0) {
    SeenRun run = RunOf(delivery, {"a"}, At(1), times == 0 ? attempt : times);
    run.attempt = attempt;
    run.last_reason = std::move(reason);
    return Then(Delivered{number, {std::move(run)}});
  }
  HistoryWriter& Nack(SubscriptionNumber number, uint64_t delivery, uint64_t confirm = 0,
                      std::string reason = "why") {
    SettleSent sent{number, {}};
    sent.command.nacks = {{{{delivery, delivery}}, std::nullopt, std::move(reason)}};
    sent.command.confirm = confirm;
    return Then(std::move(sent));
  }
  HistoryWriter& Reject(SubscriptionNumber number, uint64_t delivery, uint64_t confirm = 0) {
    SettleSent sent{number, {}};
    sent.command.rejects = {{{{delivery, delivery}}, "bad"}};
    sent.command.confirm = confirm;
    return Then(std::move(sent));
  }
  HistoryWriter& Extend(SubscriptionNumber number, uint64_t delivery, absl::Duration deadline,
                        uint64_t confirm = 0) {
    SettleSent sent{number, {}};
    sent.command.extensions = {{{{delivery, delivery}}, deadline}};
    sent.command.confirm = confirm;
    return Then(std::move(sent));
  }
  // Of the group that Open opens, on the instance "one".
  HistoryWriter& Pause(uint64_t change, absl::Duration time = absl::InfiniteDuration()) {
    return Then(GroupChangeSent{change, "one", "work", GroupChangeKind::kPause, time});
  }
  HistoryWriter& Resume(uint64_t change) {
    return Then(GroupChangeSent{change, "one", "work", GroupChangeKind::kResume});
  }
  // To what was stored at this time, or later; nullopt: to the end.
  HistoryWriter& Seek(uint64_t change, std::optional<uint64_t> from_ms = 0) {
    GroupChangeSent sent{change, "one", "work", GroupChangeKind::kSeek};
    sent.from_ms = from_ms;
    return Then(std::move(sent));
  }
  HistoryWriter& LoseByChange(SubscriptionNumber number, uint64_t delivery) {
    return Then(LeasesLost{number, {{delivery, delivery}}, LostReason::kGroupChanged});
  }
  // Of all letters, or of the events with this data.
  HistoryWriter& Redrive(uint64_t change, const std::vector<std::string>& data = {}) {
    GroupChangeSent sent{change, "one", "work", GroupChangeKind::kRedrive};
    for (const std::string& one : data) sent.letters.push_back({{}, one});
    return Then(std::move(sent));
  }
  // The event "a" as a dead letter that was redriven.
  HistoryWriter& GetRedriven(SubscriptionNumber number, uint64_t delivery, uint32_t attempt = 1) {
    SeenRun run = RunOf(delivery, {"a"}, At(1), attempt);
    run.attempt = attempt;
    if (attempt > 1) run.last_reason = "why";
    run.redriven = true;
    return Then(Delivered{number, {std::move(run)}});
  }
  HistoryWriter& Changed(uint64_t change, bool done = true) {
    return Then(GroupChangeAnswered{change, done});
  }
  HistoryWriter& Lose(SubscriptionNumber number, uint64_t delivery) {
    return Then(LeasesLost{number, {{delivery, delivery}}, LostReason::kDeadline});
  }
  // Of the event "a".
  HistoryWriter& Letter(DeadLetterCause cause, uint32_t attempts, std::string instance = "one",
                        uint32_t redriven = 0) {
    DeadLetterDetails details;
    details.redriven = redriven;
    details.position = At(1);
    details.cause = cause;
    details.attempts = attempts;
    details.instance = std::move(instance);
    return Then(LetterSeen{"work", "job", {"id-a", "job", "a"}, std::move(details)});
  }
  HistoryWriter& Ack(SubscriptionNumber number, DeliveryRange range, uint64_t confirm = 0) {
    return Then(SettleSent{number, {.acks = {range}, .confirm = confirm}});
  }
  HistoryWriter& Release(SubscriptionNumber number, DeliveryRange range, uint64_t confirm = 0) {
    return Then(SettleSent{number, {.releases = {range}, .confirm = confirm}});
  }
  HistoryWriter& Done(SubscriptionNumber number, DeliveryRange range, uint64_t confirm) {
    return Then(Settled{number, {confirm, {range}, {}, {}, {}}});
  }
  HistoryWriter& End(SubscriptionNumber number) { return Then(Ended{number, false, "broken"}); }

  // The rules that are violated, each once. Most histories end before all is settled, so that is no
  // matter unless they are said to be `complete`.
  std::vector<std::string> Violated(bool complete = false) {
    Wait(absl::Seconds(60)).Then(Fault{"", "the end", false});
    std::vector<std::string> rules;
    for (const Violation& violation : Check(history_, CheckOptions{}).violations) {
      if (!complete && violation.rule == rules::kNothingLost) continue;
      if (rules.empty() || rules.back() != violation.rule) rules.push_back(violation.rule);
    }
    return rules;
  }
  CheckReport Report() { return Check(history_, CheckOptions{}); }

 private:
  History history_;
  absl::Duration now_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_HISTORY_WRITER_H_
