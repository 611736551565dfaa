#include "server/rpc/settlement.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/broker/delivery_token.h"
#include "server/broker/field_violation.h"
#include "server/rpc/errors.h"

namespace eventbus {
namespace {

constexpr int kMaxTokens = 10'000;

static_assert(static_cast<int>(TokenSettlement::Problem::kUnknown) == v1::SETTLE_OUTCOME_UNKNOWN);
static_assert(static_cast<int>(TokenSettlement::Problem::kTooLate) == v1::SETTLE_OUTCOME_TOO_LATE);
static_assert(static_cast<int>(TokenSettlement::Problem::kFailed) == v1::SETTLE_OUTCOME_FAILED);

void AddNumber(uint64_t number, std::vector<DeliveryRange>* ranges) {
  if (!ranges->empty() && number != 0 && ranges->back().last == number - 1) {
    ranges->back().last = number;
  } else {
    ranges->push_back({number, number});
  }
}

// An inverted range is empty.
void AddRanges(const google::protobuf::RepeatedPtrField<v1::DeliveryRange>& ranges,
               std::vector<DeliveryRange>* result) {
  for (const v1::DeliveryRange& range : ranges) {
    if (range.first() <= range.last()) result->push_back({range.first(), range.last()});
  }
}

absl::Status ReadTokens(absl::string_view path,
                        const google::protobuf::RepeatedPtrField<std::string>& tokens,
                        std::vector<DeliveryToken>* result) {
  result->reserve(static_cast<size_t>(tokens.size()));
  for (int i = 0; i < tokens.size(); ++i) {
    absl::StatusOr<DeliveryToken> token = DeliveryToken::Decode(tokens[i]);
    if (!token.ok()) {
      return InvalidRequest(Reason::kBadPosition,
                            {{absl::StrCat(path, "[", i, "]"),
                              absl::StrCat(QuoteForMessage(tokens[i]), " is not a token")}},
                            1);
    }
    result->push_back(*std::move(token));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SettleCommand> ReadSettlement(const v1::Settlement& settlement) {
  if (!settlement.nacks().empty()) return UnimplementedField("settle.nacks");
  if (!settlement.rejects().empty()) return UnimplementedField("settle.rejects");
  if (!settlement.extensions().empty()) return UnimplementedField("settle.extensions");
  SettleCommand command;
  for (const uint64_t number : settlement.ack()) AddNumber(number, &command.acks);
  AddRanges(settlement.ack_ranges(), &command.acks);
  AddRanges(settlement.releases(), &command.releases);
  command.confirm = settlement.confirm();
  return command;
}

absl::StatusOr<TokenSettleCommand> ReadSettleRequest(const v1::SettleRequest& request) {
  if (!request.nacks().empty()) return UnimplementedField("nacks");
  if (!request.rejects().empty()) return UnimplementedField("rejects");
  if (!request.extensions().empty()) return UnimplementedField("extensions");
  if (request.ack_size() + request.release_size() > kMaxTokens) {
    return InvalidField("ack", absl::StrCat("there are ", request.ack_size(), " tokens, and ",
                                            request.release_size(), " to release; at most ",
                                            kMaxTokens, " are allowed in all"));
  }
  TokenSettleCommand command;
  absl::Status status = ReadTokens("ack", request.ack(), &command.acks);
  if (status.ok()) status = ReadTokens("release", request.release(), &command.releases);
  if (!status.ok()) return status;
  return command;
}

v1::SettleResponse WriteSettleResponse(const v1::SettleRequest& request,
                                       const TokenSettlement& settlement) {
  v1::SettleResponse response;
  response.set_done(settlement.done);
  for (const auto& [index, problem] : settlement.others) {
    const int position = static_cast<int>(index);
    v1::TokenOutcome& other = *response.add_others();
    other.set_token(position < request.ack_size() ? request.ack(position)
                                                  : request.release(position - request.ack_size()));
    other.set_outcome(static_cast<v1::SettleOutcome>(problem));
  }
  return response;
}

}  // namespace eventbus
