#include "server/rpc/group_policy.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/broker/reason.h"
#include "server/rpc/attribute_filter.h"
#include "server/rpc/errors.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

constexpr uint32_t kMaxRetries = 1000;
constexpr int kMaxRetryDelays = 100;
constexpr double kMaxMultiplier = 10;
constexpr absl::Duration kMaxDelay = absl::Hours(7 * 24);
constexpr absl::Duration kMaxAckDeadline = absl::Hours(12);
constexpr absl::Duration kMaxInactiveExpiry = absl::Hours(30 * 24);

// Reads the fields one after the other; after the first error the others do nothing.
class PolicyReader {
 public:
  PolicyReader(absl::string_view path, const v1::GroupPolicy& policy)
      : path_(path), policy_(policy) {}

  absl::StatusOr<GroupPolicyChange> Read() {
    CheckImplemented();
    if (policy_.has_ordered()) change_.ordered = policy_.ordered();
    if (policy_.has_dead_letter()) change_.dead_letter = policy_.dead_letter();
    if (policy_.has_max_crashes()) change_.max_crashes = policy_.max_crashes();
    if (policy_.has_max_retries()) ReadMaxRetries();
    if (policy_.has_retry_multiplier()) {
      ReadNumber("retry_multiplier", policy_.retry_multiplier(), 1, kMaxMultiplier,
                 &change_.retry_multiplier);
    }
    if (policy_.has_retry_jitter()) {
      ReadNumber("retry_jitter", policy_.retry_jitter(), 0, 1, &change_.retry_jitter);
    }
    if (policy_.has_retry_delay()) {
      ReadDelay("retry_delay", policy_.retry_delay(), absl::ZeroDuration(), kMaxDelay,
                &change_.retry_delay);
    }
    if (policy_.has_max_retry_delay()) {
      ReadDelay("max_retry_delay", policy_.max_retry_delay(), absl::ZeroDuration(), kMaxDelay,
                &change_.max_retry_delay);
    }
    if (policy_.has_ack_deadline()) {
      ReadDelay("ack_deadline", policy_.ack_deadline(), absl::Seconds(1), kMaxAckDeadline,
                &change_.ack_deadline);
    }
    if (policy_.has_inactive_expiry()) {
      ReadDelay("inactive_expiry", policy_.inactive_expiry(), absl::Seconds(1), kMaxInactiveExpiry,
                &change_.inactive_expiry);
    }
    if (policy_.retry_delays_size() > 0) ReadRetryDelays();
    if (policy_.has_filter()) ReadFilter();
    if (!status_.ok()) return status_;
    return std::move(change_);
  }

 private:
  std::string Path(absl::string_view field) const { return absl::StrCat(path_, ".", field); }

  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  void CheckImplemented() {
    if (policy_.has_dead_letter_type()) Fail(UnimplementedField(Path("dead_letter_type")));
    if (policy_.max_in_flight() != 0) Fail(UnimplementedField(Path("max_in_flight")));
  }

  void ReadMaxRetries() {
    change_.max_retries = policy_.max_retries();
    if (policy_.max_retries() <= kMaxRetries) return;
    Fail(InvalidField(Path("max_retries"), absl::StrCat("is ", policy_.max_retries(),
                                                        ", must be from 0 to ", kMaxRetries)));
  }

  void ReadNumber(absl::string_view field, double value, double min, double max,
                  std::optional<double>* result) {
    *result = value;
    // Also false for NaN.
    if (value >= min && value <= max) return;
    Fail(
        InvalidField(Path(field), absl::StrCat("is ", value, ", must be from ", min, " to ", max)));
  }

  void ReadDelay(absl::string_view field, const google::protobuf::Duration& duration,
                 absl::Duration min, absl::Duration max, std::optional<absl::Duration>* result) {
    absl::Duration value;
    Fail(ReadDuration(Path(field), duration, min, max, &value));
    *result = value;
  }

  void ReadFilter() {
    absl::StatusOr<AttributeFilter> filter = ReadAttributeFilter(Path("filter"), policy_.filter());
    if (!filter.ok()) return Fail(filter.status());
    change_.filter = *std::move(filter);
  }

  void ReadRetryDelays() {
    if (policy_.retry_delays_size() > kMaxRetryDelays) {
      Fail(InvalidField(Path("retry_delays"),
                        absl::StrCat("has ", policy_.retry_delays_size(), " delays, at most ",
                                     kMaxRetryDelays, " are allowed")));
      return;
    }
    std::vector<absl::Duration> delays;
    for (int i = 0; i < policy_.retry_delays_size(); ++i) {
      Fail(ReadDuration(Path(absl::StrCat("retry_delays[", i, "]")), policy_.retry_delays(i),
                        absl::ZeroDuration(), kMaxDelay, &delays.emplace_back()));
    }
    change_.retry_delays = std::move(delays);
  }

  const absl::string_view path_;
  const v1::GroupPolicy& policy_;
  GroupPolicyChange change_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<GroupPolicyChange> ReadGroupPolicy(absl::string_view path,
                                                  const v1::GroupPolicy& policy) {
  return PolicyReader(path, policy).Read();
}

v1::GroupPolicy WriteGroupPolicy(const GroupPolicy& policy) {
  v1::GroupPolicy written;
  written.set_ordered(policy.ordered);
  written.set_max_retries(policy.max_retries);
  *written.mutable_retry_delay() = WriteDuration(policy.retry_delay);
  written.set_retry_multiplier(policy.retry_multiplier);
  written.set_retry_jitter(policy.retry_jitter);
  *written.mutable_max_retry_delay() = WriteDuration(policy.max_retry_delay);
  for (absl::Duration delay : policy.retry_delays) {
    *written.add_retry_delays() = WriteDuration(delay);
  }
  *written.mutable_ack_deadline() = WriteDuration(policy.ack_deadline);
  written.set_dead_letter(policy.dead_letter);
  written.set_max_crashes(policy.max_crashes);
  written.set_max_in_flight(0);
  // A durable group has none.
  if (policy.inactive_expiry != absl::InfiniteDuration()) {
    *written.mutable_inactive_expiry() = WriteDuration(policy.inactive_expiry);
  }
  if (!policy.filter.empty()) *written.mutable_filter() = WriteAttributeFilter(policy.filter);
  return written;
}

}  // namespace eventbus
