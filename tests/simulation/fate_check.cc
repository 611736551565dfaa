#include "tests/simulation/fate_check.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace eventbus::simulation {
namespace {

// An instance's name without the number of its incarnation.
std::string InstanceOf(const std::string& incarnation) {
  return incarnation.substr(0, incarnation.find('.'));
}

}  // namespace

void FateCheck::Violated(const char* rule, const std::string& what) {
  report_.violations.push_back({rule, absl::StrCat("group ", group_.name, ": ", what), at_});
}

// ---- Letters ----

void FateCheck::CheckLetters() {
  for (const LetterSeen& letter : group_.letters) {
    ++report_.dead_letters;
    const std::optional<EventNumber> event = ledger_.Find(letter.event.data);
    if (!event.has_value()) {
      Violated(rules::kDeadLetters,
               absl::StrCat("a letter of \"", letter.event.data, "\", which nobody sent"));
      continue;
    }
    if (!group_.dead.insert(*event).second) {
      Violated(rules::kDeadLetters, absl::StrCat(letter.event.data, " has two letters"));
    }
    CheckLetter(letter, *event);
  }
}

void FateCheck::CheckLetter(const LetterSeen& letter, EventNumber event) {
  const LedgerEvent& sent = ledger_.event(event);
  const auto wrong = [&](const std::string& what) {
    Violated(rules::kDeadLetters, absl::StrCat("the letter of ", sent.sent.data, " ", what));
  };
  if (letter.event.id != sent.sent.id || letter.event.type != sent.sent.type ||
      letter.stream != sent.sent.type) {
    wrong("has another id or type");
  }
  if (sent.position.has_value() && *sent.position != letter.details.position) {
    wrong(absl::StrCat("is of ", letter.details.position.ToString(), ", and not ",
                       sent.position->ToString()));
  }
  if (!Wants(group_.attempts.policy().filter, sent.sent))
    wrong("is there, and its filter does not want it");
  if (!group_.attempts.policy().dead_letter) wrong("is there, and the group keeps none");
  const std::string cause = WrongCause(letter.details, event);
  if (!cause.empty()) wrong(cause);
  for (const std::string& reason : letter.details.reasons) {
    if (!group_.attempts.CanHaveReason(event, reason)) wrong(absl::StrCat("says ", reason));
  }
  const auto settled = group_.settled.find(event);
  if (settled == group_.settled.end() || settled->second.rejected) return;
  if (IsExcused(group_, settled->second, InstanceOf(letter.details.instance), faults_)) return;
  wrong(absl::StrCat("is there, and it was acked for sure on ", settled->second.instance));
}

std::string FateCheck::WrongCause(const DeadLetterDetails& details, EventNumber event) const {
  const GroupPolicy& policy = group_.attempts.policy();
  switch (details.cause) {
    case DeadLetterCause::kNacked:
    case DeadLetterCause::kDeadline:
      if (details.attempts != policy.max_retries + 1) {
        return absl::StrCat("is there after ", details.attempts, " attempts, and the group allows ",
                            policy.max_retries + 1);
      }
      if (group_.attempts.MostFails(event, now_) < details.attempts) {
        return absl::StrCat("counts ", details.attempts, " attempts, but only ",
                            group_.attempts.MostFails(event, now_), " can have failed");
      }
      return "";
    case DeadLetterCause::kRejected:
      if (!group_.attempts.RejectSent(event)) return "says rejected, and nobody did that";
      return "";
    case DeadLetterCause::kCrashes:
      if (policy.max_crashes > 0 && group_.attempts.MostCrashes() >= policy.max_crashes) return "";
      return "says crashes, and there were too few";
  }
  return "has no cause";
}

// ---- Nothing lost ----

bool FateCheck::MayBeGivenUp(EventNumber event) const {
  const GroupPolicy& policy = group_.attempts.policy();
  if (policy.dead_letter) return false;
  return group_.attempts.RejectSent(event) ||
         group_.attempts.MostFails(event, now_) > policy.max_retries ||
         (policy.max_crashes > 0 && group_.attempts.MostCrashes() >= policy.max_crashes);
}

void FateCheck::CheckFate(EventNumber event) {
  if (group_.dead.contains(event)) return;
  const std::string& data = ledger_.data(event);
  const auto settled = group_.settled.find(event);
  const bool rejected = settled != group_.settled.end() && settled->second.rejected &&
                        !faults_.OutOfTouch(settled->second.instance);
  if (group_.attempts.policy().dead_letter &&
      (rejected || group_.attempts.CertainlyUsedUp(event))) {
    return Violated(rules::kNothingLost,
                    absl::StrCat(data, " was ", rejected ? "rejected" : "nacked for the last time",
                                 ", which was confirmed, and has no dead letter"));
  }
  if (group_.attempts.AckSent(event) || MayBeGivenUp(event)) return;
  if (!group_.received.contains(event)) {
    return Violated(rules::kConfirmedIsDelivered, absl::StrCat(data, " never reached it"));
  }
  Violated(rules::kNothingLost,
           absl::StrCat(data, " was delivered, and nobody acked it",
                        group_.attempts.policy().dead_letter ? "; it is no dead letter" : ""));
}

}  // namespace eventbus::simulation
