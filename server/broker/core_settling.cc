// Broker::Core: what is settled by tokens, on whichever instance.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/broker/core.h"
#include "server/broker/settle_mail.h"

namespace eventbus {
namespace {

using Problem = TokenSettlement::Problem;

// Tokens may be of groups that were deleted long ago, and the registry is large.
constexpr absl::Duration kRegistryReadInterval = absl::Milliseconds(100);

// What one command settles of the entries of a group on a stream that this instance does not hold.
struct Mailbox {
  std::vector<Mail> mail;
  // Of each of `mail`, which tokens of the command it carries out.
  std::vector<std::vector<uint32_t>> tokens;

  void Add(uint32_t index, const DeliveryToken& token, const SettleAction& action) {
    const EntryId id = token.position.entry;
    if (mail.empty() || mail.back().id != id) {
      mail.push_back({id, ""});
      tokens.emplace_back();
    }
    MailedSettle{token.position.index, action, token.attempt, token.times_delivered}.AppendTo(
        &mail.back().text);
    tokens.back().push_back(index);
  }
};

}  // namespace

class Broker::Core::TokenSettling {
 public:
  explicit TokenSettling(TokenSettleCommand command) : command_(std::move(command)) {}

  const std::vector<TokenSettleCommand::Part>& parts() const { return command_.parts; }
  void Done(uint32_t index) { done_.push_back(index); }
  void Not(uint32_t index, Problem problem) {
    settlement_.others.emplace_back(index, problem);
    if (problem != Problem::kFailed) ++not_done_;
  }
  // `status`: of what was settled on this instance.
  void Answer(const absl::Status& status, BrokerEvents* events) {
    if (not_done_ > 0) events->OnUnknownSettle(not_done_);
    if (status.ok()) {
      settlement_.done = static_cast<uint32_t>(done_.size());
    } else {
      for (const uint32_t index : done_) Not(index, Problem::kFailed);
    }
    std::sort(settlement_.others.begin(), settlement_.others.end());
    command_.done(std::move(settlement_));
  }

 private:
  TokenSettleCommand command_;
  TokenSettlement settlement_;
  // Indexes of what is done, in case the store fails.
  std::vector<uint32_t> done_;
  uint64_t not_done_ = 0;
};

struct Broker::Core::Elsewhere {
  uint32_t index = 0;
  // Of the command.
  const DeliveryToken* token = nullptr;
  const SettleAction* action = nullptr;
};

void Broker::Core::SettleByTokens(TokenSettleCommand command) {
  auto settling = std::make_shared<TokenSettling>(std::move(command));
  auto waiter = std::make_shared<SettleWaiter>(lifetime_.Guard(
      [this, settling](const absl::Status& status) { settling->Answer(status, context_.events); }));
  std::vector<Elsewhere> elsewhere;
  std::vector<Elsewhere> unheard_of;
  uint32_t index = 0;
  const auto settle = [&](const DeliveryToken& token, const SettleAction& action) {
    const auto group = groups_.find(token.group.name);
    if (group != groups_.end() && group->second->Has(token)) {
      const std::optional<Problem> problem = group->second->SettleToken(token, action, waiter);
      if (!problem.has_value()) return settling->Done(index);
      return settling->Not(index, *problem);
    }
    (HasHeardOf(token) ? elsewhere : unheard_of).push_back({index, &token, &action});
  };
  for (const TokenSettleCommand::Part& part : settling->parts()) {
    for (const DeliveryToken& token : part.tokens) {
      settle(token, part.action);
      ++index;
    }
  }
  SettleElsewhere(settling, waiter, elsewhere);
  if (!unheard_of.empty()) SettleUnheardOf(settling, waiter, std::move(unheard_of));
}

void Broker::Core::SettleElsewhere(const std::shared_ptr<TokenSettling>& settling,
                                   const std::shared_ptr<SettleWaiter>& waiter,
                                   const std::vector<Elsewhere>& tokens) {
  std::map<std::pair<std::string, GroupKey>, Mailbox> boxes;
  for (const auto& [index, token, action] : tokens) {
    if (IsSideStream(token->stream) &&
        token->stream != SideStreamOf(OriginOf(token->stream), token->group.name)) {
      settling->Not(index, Problem::kUnknown);
      continue;
    }
    boxes[{token->stream, token->group}].Add(index, *token, *action);
  }
  for (auto& [place, box] : boxes) {
    context_.store->LeaveMail(
        {place.first, place.second, std::move(box.mail)},
        // Answered when the last of these has let the waiter go.
        lifetime_.Guard([settling, waiter, tokens = std::move(box.tokens)](
                            const absl::StatusOr<std::vector<MailOutcome>>& outcomes) {
          for (size_t i = 0; i < tokens.size(); ++i) {
            for (const uint32_t token : tokens[i]) {
              if (outcomes.ok() && (*outcomes)[i] == MailOutcome::kLeft) {
                settling->Done(token);
              } else if (absl::IsNotFound(outcomes.status()) ||
                         (outcomes.ok() && (*outcomes)[i] == MailOutcome::kNotPending)) {
                // Without such a stream or group nothing is pending.
                settling->Not(token, Problem::kUnknown);
              } else {
                settling->Not(token, Problem::kFailed);
              }
            }
          }
        }));
  }
}

void Broker::Core::SettleUnheardOf(const std::shared_ptr<TokenSettling>& settling,
                                   const std::shared_ptr<SettleWaiter>& waiter,
                                   std::vector<Elsewhere> tokens) {
  const absl::Duration now = context_.loop->MonotonicNow();
  if (now - read_for_token_at_ < kRegistryReadInterval) {
    for (const Elsewhere& one : tokens) settling->Not(one.index, Problem::kFailed);
    return;
  }
  read_for_token_at_ = now;
  registry_.Renew(lifetime_.Guard(
      [this, settling, waiter, tokens = std::move(tokens)](const absl::Status& status) {
        std::vector<Elsewhere> known;
        for (const Elsewhere& one : tokens) {
          if (HasHeardOf(*one.token)) {
            known.push_back(one);
          } else {
            settling->Not(one.index, status.ok() ? Problem::kUnknown : Problem::kFailed);
          }
        }
        SettleElsewhere(settling, waiter, known);
      }));
}

bool Broker::Core::HasHeardOf(const DeliveryToken& token) const {
  return registry_.groups().contains(token.group.name) &&
         registry_.types().contains(std::string(OriginOf(token.stream)));
}

}  // namespace eventbus
