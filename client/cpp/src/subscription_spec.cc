#include "client/cpp/src/subscription_spec.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "client/cpp/src/convert.h"
#include "client/cpp/src/group_names.h"

namespace eventbus::client {

v1::StartPosition ToProto(const StartAt& start) {
  v1::StartPosition proto;
  const StartAt::Value& value = start.value();
  if (std::holds_alternative<StartAt::FromEarliest>(value)) {
    proto.mutable_earliest();
  } else if (const auto* time = std::get_if<absl::Time>(&value)) {
    *proto.mutable_time() = client::ToProto(*time);
  } else if (const auto* after = std::get_if<StartAt::AfterPositions>(&value)) {
    for (const auto& [stream, position] : after->positions) {
      (*proto.mutable_after()->mutable_positions())[stream] = position;
    }
    if (after->others_from != absl::InfinitePast()) {
      *proto.mutable_after()->mutable_others_from() = client::ToProto(after->others_from);
    }
  } else {
    proto.mutable_latest();
  }
  return proto;
}

namespace {

v1::GroupPolicy ToProto(const GroupPolicy& policy) {
  v1::GroupPolicy proto;
  if (policy.ordered) proto.set_ordered(*policy.ordered);
  if (policy.max_retries) proto.set_max_retries(*policy.max_retries);
  if (policy.retry_delay) *proto.mutable_retry_delay() = client::ToProto(*policy.retry_delay);
  if (policy.max_retry_delay) {
    *proto.mutable_max_retry_delay() = client::ToProto(*policy.max_retry_delay);
  }
  if (policy.ack_deadline) *proto.mutable_ack_deadline() = client::ToProto(*policy.ack_deadline);
  if (policy.dead_letter) proto.set_dead_letter(*policy.dead_letter);
  if (policy.inactive_expiry) {
    *proto.mutable_inactive_expiry() = client::ToProto(*policy.inactive_expiry);
  }
  return proto;
}

void FillIdentity(const Connection& connection, v1::SubscribeOpen& open) {
  open.set_client_id(connection.options().client_id);
  for (const auto& [key, value] : connection.options().client_properties) {
    (*open.mutable_client_properties())[key] = value;
  }
}

}  // namespace

absl::StatusOr<SubscriptionSpec> SubscriptionSpec::ForGroup(Connection& connection,
                                                            std::vector<std::string> patterns,
                                                            SubscribeOptions options) {
  SubscriptionSpec spec;
  // One set of patterns has one order, so that a group's definition compares equal.
  std::sort(patterns.begin(), patterns.end());
  const std::string& service = connection.options().service;
  std::string name = std::move(options.group);
  bool ephemeral = options.ephemeral;
  if (name.empty() && !ephemeral) {
    if (service.empty()) {
      ephemeral = true;
    } else {
      absl::StatusOr<std::string> made = DurableGroupName(service, patterns);
      if (!made.ok()) return made.status();
      name = *std::move(made);
    }
  }
  if (!name.empty()) {
    if (absl::Status taken = connection.groups().Take(name); !taken.ok()) return taken;
    spec.reserved_group = name;
  }
  v1::GroupSubscription& group = *spec.open.mutable_group();
  group.set_name(name);
  group.set_ephemeral(ephemeral);
  for (std::string& pattern : patterns) group.add_patterns(std::move(pattern));
  v1::GroupPolicy policy = ToProto(options.policy);
  if (policy.ByteSizeLong() > 0) *group.mutable_policy() = std::move(policy);
  group.set_update_group(options.policy.update);
  group.set_revision(options.policy.revision);

  *spec.open.mutable_start() = ToProto(options.start);
  if (options.max_in_flight > 0) {
    spec.open.mutable_flow()->set_max_in_flight(options.max_in_flight);
  }
  if (options.max_in_flight_bytes > 0) {
    spec.open.mutable_flow()->set_max_in_flight_bytes(options.max_in_flight_bytes);
  }
  if (options.batch_size > 0) spec.open.mutable_batch()->set_batch_size(options.batch_size);
  if (options.batch_timeout > absl::ZeroDuration()) {
    *spec.open.mutable_batch()->mutable_batch_timeout() = client::ToProto(options.batch_timeout);
  }
  spec.open.set_answers_pings(true);
  FillIdentity(connection, spec.open);
  spec.handler_threads = std::max(options.handler_threads, 1);
  spec.open_timeout = options.open_timeout;
  spec.on_open = std::move(options.on_open);
  spec.on_interruption = std::move(options.on_interruption);
  return spec;
}

SubscriptionSpec SubscriptionSpec::ForTail(const Connection& connection,
                                           std::vector<std::string> patterns, TailOptions options) {
  SubscriptionSpec spec;
  spec.tail = true;
  for (std::string& pattern : patterns) {
    spec.open.mutable_tail()->add_patterns(std::move(pattern));
  }
  *spec.open.mutable_start() = ToProto(options.start);
  // A tail that waits for its handler does not read, so it promises no pongs.
  FillIdentity(connection, spec.open);
  spec.max_waiting = std::max<uint32_t>(options.max_waiting, 1);
  spec.max_waiting_bytes = options.max_waiting_bytes;
  spec.open_timeout = options.open_timeout;
  spec.on_open = std::move(options.on_open);
  spec.on_interruption = std::move(options.on_interruption);
  return spec;
}

}  // namespace eventbus::client
