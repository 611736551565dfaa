#include "server/rpc/settlement.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/broker/delivery_token.h"
#include "server/broker/field_violation.h"
#include "server/rpc/errors.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

constexpr size_t kMaxTokens = 10'000;
constexpr size_t kMaxReasonBytes = 1024;
constexpr absl::Duration kMaxRetryDelay = absl::Hours(7 * 24);
constexpr absl::Duration kMaxExtension = absl::Hours(12);

static_assert(static_cast<int>(TokenSettlement::Problem::kUnknown) == v1::SETTLE_OUTCOME_UNKNOWN);
static_assert(static_cast<int>(TokenSettlement::Problem::kTooLate) == v1::SETTLE_OUTCOME_TOO_LATE);
static_assert(static_cast<int>(TokenSettlement::Problem::kFailed) == v1::SETTLE_OUTCOME_FAILED);

absl::string_view View(const std::string& text) { return absl::string_view(text); }

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

void AddTokens(const google::protobuf::RepeatedPtrField<std::string>& tokens,
               std::vector<absl::string_view>* all) {
  for (const std::string& token : tokens) all->push_back(View(token));
}

// Every token of the request, in the order in which they are carried out.
std::vector<absl::string_view> AllTokens(const v1::SettleRequest& request) {
  std::vector<absl::string_view> all;
  AddTokens(request.ack(), &all);
  for (const v1::TokenNack& nack : request.nacks()) AddTokens(nack.tokens(), &all);
  for (const v1::TokenReject& reject : request.rejects()) AddTokens(reject.tokens(), &all);
  AddTokens(request.release(), &all);
  for (const v1::TokenExtension& extension : request.extensions()) {
    AddTokens(extension.tokens(), &all);
  }
  return all;
}

// A longer reason is cut, between characters.
std::string CutReason(const std::string& reason) {
  if (reason.size() <= kMaxReasonBytes) return reason;
  size_t end = kMaxReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80U) --end;
  return reason.substr(0, end);
}

template <typename Message>
absl::Status ReadDelay(const std::string& path, const Message& nack,
                       std::optional<absl::Duration>* delay) {
  if (!nack.has_delay()) return absl::OkStatus();
  return ReadDuration(absl::StrCat(path, ".delay"), nack.delay(), absl::ZeroDuration(),
                      kMaxRetryDelay, &delay->emplace());
}

template <typename Message>
absl::Status ReadDeadline(const std::string& path, const Message& extension,
                          std::optional<absl::Duration>* deadline) {
  if (!extension.has_deadline()) return absl::OkStatus();
  return ReadDuration(absl::StrCat(path, ".deadline"), extension.deadline(), absl::Seconds(1),
                      kMaxExtension, &deadline->emplace());
}

// Appends a part with these tokens to a command; after the first error it does nothing.
class PartReader {
 public:
  explicit PartReader(TokenSettleCommand* command) : command_(command) {}

  const absl::Status& status() const { return status_; }
  void Fail(const absl::Status& status) { status_.Update(status); }

  void Add(SettleAction action, absl::string_view path,
           const google::protobuf::RepeatedPtrField<std::string>& tokens) {
    if (!status_.ok() || tokens.empty()) return;
    TokenSettleCommand::Part part{std::move(action), {}};
    part.tokens.reserve(static_cast<size_t>(tokens.size()));
    for (int i = 0; i < tokens.size(); ++i) {
      absl::StatusOr<DeliveryToken> token = DeliveryToken::Decode(tokens[i]);
      if (!token.ok()) {
        status_ = InvalidRequest(Reason::kBadPosition,
                                 {{absl::StrCat(path, "[", i, "]"),
                                   absl::StrCat(QuoteForMessage(tokens[i]), " is not a token")}},
                                 1);
        return;
      }
      part.tokens.push_back(*std::move(token));
    }
    command_->parts.push_back(std::move(part));
  }

 private:
  TokenSettleCommand* const command_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<SettleCommand> ReadSettlement(const v1::Settlement& settlement) {
  SettleCommand command;
  for (const uint64_t number : settlement.ack()) AddNumber(number, &command.acks);
  AddRanges(settlement.ack_ranges(), &command.acks);
  for (int i = 0; i < settlement.nacks_size(); ++i) {
    const v1::Nack& nack = settlement.nacks(i);
    NackCommand& read = command.nacks.emplace_back();
    AddRanges(nack.deliveries(), &read.deliveries);
    read.reason = CutReason(nack.reason());
    absl::Status status = ReadDelay(absl::StrCat("settle.nacks[", i, "]"), nack, &read.delay);
    if (!status.ok()) return status;
  }
  for (const v1::Reject& reject : settlement.rejects()) {
    RejectCommand& read = command.rejects.emplace_back();
    AddRanges(reject.deliveries(), &read.deliveries);
    read.reason = CutReason(reject.reason());
  }
  AddRanges(settlement.releases(), &command.releases);
  for (int i = 0; i < settlement.extensions_size(); ++i) {
    const v1::Extension& extension = settlement.extensions(i);
    ExtendCommand& read = command.extensions.emplace_back();
    AddRanges(extension.deliveries(), &read.deliveries);
    absl::Status status =
        ReadDeadline(absl::StrCat("settle.extensions[", i, "]"), extension, &read.deadline);
    if (!status.ok()) return status;
  }
  command.confirm = settlement.confirm();
  return command;
}

absl::StatusOr<TokenSettleCommand> ReadSettleRequest(const v1::SettleRequest& request) {
  using Kind = SettleAction::Kind;
  const size_t count = AllTokens(request).size();
  if (count > kMaxTokens) {
    return InvalidField("ack", absl::StrCat("the request has ", count, " tokens, at most ",
                                            kMaxTokens, " are allowed in all"));
  }
  TokenSettleCommand command;
  PartReader parts(&command);
  parts.Add({Kind::kAck, {}, ""}, "ack", request.ack());
  for (int i = 0; i < request.nacks_size(); ++i) {
    const v1::TokenNack& nack = request.nacks(i);
    const std::string path = absl::StrCat("nacks[", i, "]");
    SettleAction action{Kind::kNack, {}, CutReason(nack.reason())};
    parts.Fail(ReadDelay(path, nack, &action.duration));
    parts.Add(std::move(action), absl::StrCat(path, ".tokens"), nack.tokens());
  }
  for (int i = 0; i < request.rejects_size(); ++i) {
    const v1::TokenReject& reject = request.rejects(i);
    parts.Add({Kind::kReject, {}, CutReason(reject.reason())},
              absl::StrCat("rejects[", i, "].tokens"), reject.tokens());
  }
  parts.Add({Kind::kRelease, {}, ""}, "release", request.release());
  for (int i = 0; i < request.extensions_size(); ++i) {
    const v1::TokenExtension& extension = request.extensions(i);
    const std::string path = absl::StrCat("extensions[", i, "]");
    SettleAction action{Kind::kExtend, {}, ""};
    parts.Fail(ReadDeadline(path, extension, &action.duration));
    parts.Add(std::move(action), absl::StrCat(path, ".tokens"), extension.tokens());
  }
  if (!parts.status().ok()) return parts.status();
  return command;
}

v1::SettleResponse WriteSettleResponse(const v1::SettleRequest& request,
                                       const TokenSettlement& settlement) {
  const std::vector<absl::string_view> tokens = AllTokens(request);
  v1::SettleResponse response;
  response.set_done(settlement.done);
  for (const auto& [index, problem] : settlement.others) {
    v1::TokenOutcome& other = *response.add_others();
    other.set_token(std::string(tokens[index]));
    other.set_outcome(static_cast<v1::SettleOutcome>(problem));
  }
  return response;
}

}  // namespace eventbus
