#include "tests/simulation/fate_check.h"

#include <algorithm>
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
    // It may have died anew in each place that the group was sought to.
    if (++group_.dead[*event] > 1 + group_.seeks) {
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
  const uint32_t redriven = letter.details.redriven;
  if (redriven > redrives_.Most(group_.name, sent.sent.data, absl::ZeroDuration())) {
    wrong(absl::StrCat("says that it was redriven ", redriven, " times, which it was not"));
  }
  // After a seek it may have died once more, or have been acked.
  if (redriven == 0 && group_.seeks == 0 && group_.attempts.Knows({event, true})) {
    wrong("is there still, and it was redriven");
  }
  for (const bool course : {false, true}) {
    // After a seek there may be several of them.
    if ((course && redriven == 0) || group_.seeks > 0) continue;
    const auto settled = group_.settled.find({event, course});
    if (settled == group_.settled.end() || settled->second.rejected) continue;
    if (IsExcused(group_, settled->second, InstanceOf(letter.details.instance), faults_)) continue;
    wrong(absl::StrCat("is there, and it was acked for sure on ", settled->second.instance));
  }
}

std::string FateCheck::WrongCause(const DeadLetterDetails& details, EventNumber event) const {
  const GroupPolicy& policy = group_.attempts.policy();
  const Course course = {event, details.redriven > 0};
  switch (details.cause) {
    case DeadLetterCause::kNacked:
    case DeadLetterCause::kDeadline:
      if (details.attempts != policy.max_retries + 1) {
        return absl::StrCat("is there after ", details.attempts, " attempts, and the group allows ",
                            policy.max_retries + 1);
      }
      if (group_.attempts.MostFails(course, now_) < details.attempts) {
        return absl::StrCat("counts ", details.attempts, " attempts, but only ",
                            group_.attempts.MostFails(course, now_), " can have failed");
      }
      return "";
    case DeadLetterCause::kRejected:
      if (!group_.attempts.RejectSent(course)) return "says rejected, and nobody did that";
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
         group_.attempts.MostFails({event, false}, now_) > policy.max_retries ||
         (policy.max_crashes > 0 && group_.attempts.MostCrashes() >= policy.max_crashes);
}

bool FateCheck::MayHaveDiedUnseen(EventNumber event, absl::Duration since) const {
  const auto redriven = group_.redriven_at.find(event);
  const std::optional<absl::Duration> acked = group_.attempts.AckSentAt({event, true});
  return group_.attempts.policy().dead_letter && group_.attempts.AnyMayDieUnseen() &&
         redriven != group_.redriven_at.end() && redriven->second >= since && acked.has_value() &&
         *acked >= since && redrives_.Most(group_.name, ledger_.data(event), since) > 0;
}

std::optional<absl::Duration> FateCheck::CertainlyDeadSince(EventNumber event) const {
  std::optional<absl::Duration> since;
  for (const Course& course : {Course{event, false}, Course{event, true}}) {
    const auto settled = group_.settled.find(course);
    const bool rejected = settled != group_.settled.end() && settled->second.rejected &&
                          !faults_.OutOfTouch(settled->second.instance);
    for (const auto& dead : {rejected ? group_.attempts.RejectSentAt(course) : std::nullopt,
                             group_.attempts.CertainlyUsedUpAt(course)}) {
      if (dead.has_value()) since = std::max(since.value_or(*dead), *dead);
    }
  }
  return since;
}

void FateCheck::CheckFate(EventNumber event, absl::Duration since) {
  if (group_.dead.contains(event)) return;
  const std::string& data = ledger_.data(event);
  const AttemptWatch& attempts = group_.attempts;
  // What was redriven ends on its own.
  const std::optional<absl::Duration> acked_again = attempts.AckSentAt({event, true});
  const std::optional<absl::Duration> dead_since = CertainlyDeadSince(event);
  if (attempts.policy().dead_letter && dead_since.has_value() &&
      (redrives_.Most(group_.name, data, *dead_since) == 0 || !acked_again.has_value() ||
       *acked_again < *dead_since)) {
    return Violated(rules::kNothingLost,
                    absl::StrCat(data,
                                 " was rejected or nacked for the last time, which was "
                                 "confirmed, and has no dead letter"));
  }
  if (attempts.Knows({event, true}) && !acked_again.has_value()) {
    return Violated(rules::kNothingLost,
                    absl::StrCat(data, " was redriven, and nobody acked it; it is no dead letter"));
  }
  const std::optional<absl::Duration> acked = attempts.AckSentAt({event, false});
  if ((acked.has_value() && *acked >= since) || acked_again.has_value() || MayBeGivenUp(event)) {
    return;
  }
  if (!group_.received.contains(event)) {
    return Violated(rules::kConfirmedIsDelivered, absl::StrCat(data, " never reached it"));
  }
  Violated(rules::kNothingLost,
           absl::StrCat(data, " was delivered, and nobody acked it",
                        attempts.policy().dead_letter ? "; it is no dead letter" : ""));
}

}  // namespace eventbus::simulation
