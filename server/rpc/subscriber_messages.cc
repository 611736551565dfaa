#include "server/rpc/subscriber_messages.h"

#include <string>
#include <utility>

#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/rpc/group_policy.h"
#include "server/rpc/message_slices.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

static_assert(static_cast<int>(LostReason::kDeadline) == v1::LOST_REASON_DEADLINE);
static_assert(static_cast<int>(LostReason::kGroupChanged) == v1::LOST_REASON_GROUP_CHANGED);
static_assert(static_cast<int>(LostReason::kTakenOver) == v1::LOST_REASON_TAKEN_OVER);
static_assert(static_cast<int>(LostReason::kRetention) == v1::LOST_REASON_RETENTION);

void FillOpened(const OpenedInfo& info, absl::Duration heartbeat, v1::SubscribeOpened* opened) {
  opened->set_subscription_id(info.subscription_id);
  opened->set_instance_id(info.instance_id);
  opened->set_group(info.group);
  for (const std::string& pattern : info.definition.patterns) opened->add_patterns(pattern);
  if (!info.group.empty()) {
    *opened->mutable_policy() = WriteGroupPolicy(info.definition.policy);
    opened->set_revision(info.definition.revision);
  }
  opened->mutable_flow()->set_max_in_flight(info.flow.max_in_flight);
  opened->mutable_flow()->set_max_in_flight_bytes(info.flow.max_in_flight_bytes);
  opened->mutable_batch()->set_batch_size(info.batch.size);
  *opened->mutable_batch()->mutable_batch_timeout() = WriteDuration(info.batch.timeout);
  *opened->mutable_heartbeat() = WriteDuration(heartbeat);
  opened->set_group_created(info.group_created);
  opened->set_standing_by(info.standing_by);
  if (info.session_token.empty()) return;
  opened->set_session_token(info.session_token);
  opened->set_resumed(info.resumed);
  *opened->mutable_resume_window() = WriteDuration(info.resume_window);
}

void FillDrain(absl::Time deadline, absl::string_view message, v1::Drain* drain) {
  drain->set_reason(v1::DRAIN_REASON_SHUTDOWN);
  *drain->mutable_deadline() = WriteTimestamp(deadline);
  drain->set_message(std::string(message));
}

void AddRanges(absl::Span<const DeliveryRange> ranges,
               google::protobuf::RepeatedPtrField<v1::DeliveryRange>* out) {
  for (const DeliveryRange& range : ranges) {
    v1::DeliveryRange& added = *out->Add();
    added.set_first(range.first);
    added.set_last(range.last);
  }
}

// Far below kMaxServerMessageBytes; a range takes at most 24 bytes, a token with the longest names
// less than 1 KiB.
constexpr size_t kRangesPerMessage = 100'000;
constexpr size_t kTokenBytesPerMessage = size_t{1} << 20;

class OfSubscribe final : public SubscriberMessages {
 public:
  grpc::ByteBuffer Opened(const OpenedInfo& info, absl::Duration heartbeat) const override {
    v1::SubscribeResponse response;
    FillOpened(info, heartbeat, response.mutable_opened());
    return BufferOf(response);
  }

  grpc::ByteBuffer Ping(uint64_t number) const override {
    v1::SubscribeResponse response;
    response.mutable_ping()->set_number(number);
    return BufferOf(response);
  }

  grpc::ByteBuffer Drain(absl::Time deadline, absl::string_view message) const override {
    v1::SubscribeResponse response;
    FillDrain(deadline, message, response.mutable_drain());
    return BufferOf(response);
  }

  std::vector<grpc::ByteBuffer> Lost(const std::vector<DeliveryRange>& deliveries,
                                     LostReason reason, absl::string_view message) const override {
    std::vector<grpc::ByteBuffer> messages;
    for (size_t begin = 0; begin < deliveries.size(); begin += kRangesPerMessage) {
      v1::SubscribeResponse response;
      v1::LostLeases& lost = *response.mutable_lost();
      AddRanges(absl::MakeConstSpan(deliveries).subspan(begin, kRangesPerMessage),
                lost.mutable_deliveries());
      lost.set_reason(static_cast<v1::LostReason>(reason));
      lost.set_message(std::string(message));
      messages.push_back(BufferOf(response));
    }
    return messages;
  }

  std::optional<grpc::ByteBuffer> Pong(uint64_t number) const override {
    v1::SubscribeResponse response;
    response.mutable_pong()->set_number(number);
    return BufferOf(response);
  }

  std::optional<grpc::ByteBuffer> Settled(const SettledInfo& info) const override {
    v1::SubscribeResponse response;
    v1::Settled& settled = *response.mutable_settled();
    settled.set_confirm(info.confirm);
    AddRanges(info.done, settled.mutable_done());
    AddRanges(info.unknown, settled.mutable_unknown());
    AddRanges(info.too_late, settled.mutable_too_late());
    AddRanges(info.failed, settled.mutable_failed());
    return BufferOf(response);
  }
};

class OfReceive final : public SubscriberMessages {
 public:
  grpc::ByteBuffer Opened(const OpenedInfo& info, absl::Duration heartbeat) const override {
    v1::ReceiveResponse response;
    FillOpened(info, heartbeat, response.mutable_opened());
    return BufferOf(response);
  }

  grpc::ByteBuffer Ping(uint64_t number) const override {
    v1::ReceiveResponse response;
    response.mutable_ping()->set_number(number);
    return BufferOf(response);
  }

  grpc::ByteBuffer Drain(absl::Time deadline, absl::string_view message) const override {
    v1::ReceiveResponse response;
    FillDrain(deadline, message, response.mutable_drain());
    return BufferOf(response);
  }

  std::vector<grpc::ByteBuffer> TokensLost(const std::vector<DeliveryToken>& tokens,
                                           LostReason reason,
                                           absl::string_view message) const override {
    std::vector<grpc::ByteBuffer> messages;
    size_t next = 0;
    while (next < tokens.size()) {
      v1::ReceiveResponse response;
      v1::LostTokens& lost = *response.mutable_lost();
      lost.set_reason(static_cast<v1::LostReason>(reason));
      lost.set_message(std::string(message));
      for (size_t bytes = 0; next < tokens.size() && bytes < kTokenBytesPerMessage; ++next) {
        std::string token = tokens[next].Encode();
        bytes += token.size();
        lost.add_tokens(std::move(token));
      }
      messages.push_back(BufferOf(response));
    }
    return messages;
  }

  std::optional<grpc::ByteBuffer> Pong(uint64_t /*number*/) const override { return std::nullopt; }
  std::optional<grpc::ByteBuffer> Settled(const SettledInfo& /*info*/) const override {
    return std::nullopt;
  }
};

}  // namespace

std::vector<grpc::ByteBuffer> SubscriberMessages::Lost(const std::vector<DeliveryRange>&,
                                                       LostReason, absl::string_view) const {
  return {};
}

std::vector<grpc::ByteBuffer> SubscriberMessages::TokensLost(const std::vector<DeliveryToken>&,
                                                             LostReason, absl::string_view) const {
  return {};
}

const SubscriberMessages& SubscribeMessages() {
  static const OfSubscribe kMessages;
  return kMessages;
}

const SubscriberMessages& ReceiveMessages() {
  static const OfReceive kMessages;
  return kMessages;
}

}  // namespace eventbus
