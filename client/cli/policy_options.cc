#include "client/cli/policy_options.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/cli/admin_options.h"
#include "client/cli/filter_option.h"
#include "client/cli/start_option.h"
#include "client/cpp/src/convert.h"

namespace eventbus::cli {
namespace {

// How a field of the message is reached.
using DurationField = google::protobuf::Duration* (v1::GroupPolicy::*)();
template <typename Value>
using Setter = void (v1::GroupPolicy::*)(Value);

void AddDuration(CLI::App& command, v1::GroupPolicy* policy, const std::string& name,
                 DurationField field, const std::string& help) {
  AddTextOption(
      command, name, "DURATION",
      [policy, field](const std::string& text) {
        const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
        if (duration.ok()) *(policy->*field)() = client::ToProto(*duration);
        return duration.status();
      },
      help);
}

template <typename Value>
void AddNumber(CLI::App& command, v1::GroupPolicy* policy, const std::string& name,
               Setter<Value> set, const std::string& help) {
  command
      .add_option_function<Value>(
          name, [policy, set](const Value& value) { (policy->*set)(value); }, help)
      ->type_name("N");
}

absl::Status ReadDelays(const std::string& text, v1::GroupPolicy* policy) {
  policy->clear_retry_delays();
  for (const absl::string_view one : absl::StrSplit(text, ',')) {
    const absl::StatusOr<absl::Duration> delay = ParseDuration(one);
    if (!delay.ok()) return delay.status();
    *policy->add_retry_delays() = client::ToProto(*delay);
  }
  return absl::OkStatus();
}

}  // namespace

void AddPolicyOptions(CLI::App& command, v1::GroupPolicy* policy) {
  using Policy = v1::GroupPolicy;
  AddNumber<uint32_t>(command, policy, "--max-retries", &Policy::set_max_retries,
                      "Retries before an event becomes a dead letter");
  AddDuration(command, policy, "--retry-delay", &Policy::mutable_retry_delay,
              "Before the first retry");
  AddNumber<double>(command, policy, "--retry-multiplier", &Policy::set_retry_multiplier,
                    "How many times longer each further retry waits");
  AddNumber<double>(command, policy, "--retry-jitter", &Policy::set_retry_jitter,
                    "Random share of a delay, 0 to 1");
  AddDuration(command, policy, "--max-retry-delay", &Policy::mutable_max_retry_delay,
              "Longest delay of a retry");
  AddTextOption(
      command, "--retry-delays", "DURATION,...",
      [policy](const std::string& text) { return ReadDelays(text, policy); },
      "The delays one by one, in place of the four above");
  AddDuration(command, policy, "--ack-deadline", &Policy::mutable_ack_deadline,
              "How long a delivery may go unsettled");
  command.add_flag_function(
      "--dead-letter,!--no-dead-letter",
      [policy](int64_t count) { policy->set_dead_letter(count > 0); },
      "Keep what is given up as dead letters, or drop it");
  AddNumber<uint32_t>(command, policy, "--max-crashes", &Policy::set_max_crashes,
                      "Dead-letter what was in flight at so many broken streams; 0: off");
  AddDuration(command, policy, "--inactive-expiry", &Policy::mutable_inactive_expiry,
              "Delete the group once nobody has been connected for so long");
  AddTextsOption(
      command, "--filter", "CONDITION",
      [policy](const std::vector<std::string>& conditions) {
        return ReadFilter(conditions, policy->mutable_filter());
      },
      "Only events with this attribute: NAME=VALUE, NAME^=PREFIX, NAME$=SUFFIX; can be given "
      "again");
}

}  // namespace eventbus::cli
