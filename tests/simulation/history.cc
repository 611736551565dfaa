#include "tests/simulation/history.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace eventbus::simulation {
namespace {

std::string RangesText(const std::vector<DeliveryRange>& ranges) {
  return absl::StrJoin(ranges, ",", [](std::string* out, const DeliveryRange& range) {
    absl::StrAppend(out, range.first, "-", range.last);
  });
}

std::string PolicyText(const GroupPolicy& policy) {
  return absl::StrCat(policy.ordered ? " ordered" : "", " retries ", policy.max_retries,
                      " deadline ", absl::FormatDuration(policy.ack_deadline),
                      policy.dead_letter ? "" : " no letters", " crashes ", policy.max_crashes);
}

std::string CommandText(const SettleCommand& command) {
  std::string text;
  if (!command.acks.empty()) absl::StrAppend(&text, " ack ", RangesText(command.acks));
  for (const NackCommand& nack : command.nacks) {
    absl::StrAppend(&text, " nack ", RangesText(nack.deliveries), " (", nack.reason);
    if (nack.delay.has_value()) {
      absl::StrAppend(&text, " after ", absl::FormatDuration(*nack.delay));
    }
    text += ")";
  }
  for (const RejectCommand& reject : command.rejects) {
    absl::StrAppend(&text, " reject ", RangesText(reject.deliveries));
  }
  if (!command.releases.empty()) absl::StrAppend(&text, " release ", RangesText(command.releases));
  for (const ExtendCommand& extension : command.extensions) {
    absl::StrAppend(&text, " extend ", RangesText(extension.deliveries));
    if (extension.deadline.has_value()) {
      absl::StrAppend(&text, " by ", absl::FormatDuration(*extension.deadline));
    }
  }
  if (command.confirm != 0) absl::StrAppend(&text, " confirm ", command.confirm);
  return text;
}

const char* NameOf(GroupChangeKind kind) {
  switch (kind) {
    case GroupChangeKind::kPause:
      return "pause";
    case GroupChangeKind::kResume:
      return "resume";
    case GroupChangeKind::kRedrive:
      return "redrive letters of";
    case GroupChangeKind::kSeek:
      return "seek";
  }
  return "";
}

struct Writer {
  std::string operator()(const PublishSent& sent) const {
    std::string text = absl::StrCat("publish ", sent.request, " to ", sent.instance, ":");
    for (const SentEvent& event : sent.events)
      absl::StrAppend(&text, " ", event.type, "=", event.data);
    if (sent.atomic) absl::StrAppend(&text, " atomic");
    if (sent.due != absl::ZeroDuration()) {
      absl::StrAppend(&text, " due ", absl::FormatDuration(sent.due));
    }
    return text;
  }
  std::string operator()(const PublishAnswered& answered) const {
    std::string text = absl::StrCat("publish ", answered.request, " answered:");
    for (const EventAnswer& answer : answered.answers) {
      switch (answer.fate) {
        case PublishFate::kStored:
          absl::StrAppend(&text, " ", answer.stream, "@",
                          answer.delayed ? "later" : answer.position.ToString());
          break;
        case PublishFate::kNotStored:
          absl::StrAppend(&text, " not-stored");
          break;
        case PublishFate::kUnknown:
          absl::StrAppend(&text, " unknown");
          break;
      }
    }
    return text;
  }
  std::string operator()(const OpenSent& open) const {
    return absl::StrCat(
        "sub ", open.subscription, " open on ", open.instance, " ", open.tail ? "tail" : open.group,
        open.ephemeral ? " ephemeral" : "", " [", absl::StrJoin(open.patterns, " "), "]",
        open.from_earliest ? " from earliest" : "", " in flight ", open.max_in_flight, " batch ",
        open.batch_size, open.tail ? "" : PolicyText(open.policy),
        open.wanted().empty() ? "" : " filter ",
        open.wanted().empty() ? "" : open.wanted().ToString());
  }
  std::string operator()(const Opened& opened) const {
    return absl::StrCat("sub ", opened.subscription, " opened",
                        opened.group_created ? ", group created" : "");
  }
  std::string operator()(const Delivered& delivered) const {
    std::string text = absl::StrCat("sub ", delivered.subscription, " got");
    for (const SeenRun& run : delivered.runs) {
      absl::StrAppend(
          &text, " #", run.first_delivery, " ", run.stream, "@", run.position.ToString(),
          " attempt ", run.attempt, " x", run.times_delivered, run.redriven ? " redriven" : "",
          run.last_reason.empty() ? "" : " after ", run.last_reason, " [",
          absl::StrJoin(
              run.events, " ",
              [](std::string* out, const SeenEvent& event) { absl::StrAppend(out, event.data); }),
          "]");
    }
    return text;
  }
  std::string operator()(const SettleSent& sent) const {
    return absl::StrCat("sub ", sent.subscription, " settles", CommandText(sent.command));
  }
  std::string operator()(const Settled& settled) const {
    return absl::StrCat(
        "sub ", settled.subscription, " settled ", settled.info.confirm, " done ",
        RangesText(settled.info.done), " unknown ", RangesText(settled.info.unknown), " late ",
        RangesText(settled.info.too_late), " failed ", RangesText(settled.info.failed));
  }
  std::string operator()(const FlowSent& sent) const {
    return absl::StrCat("sub ", sent.subscription, " wants in flight ", sent.max_in_flight);
  }
  std::string operator()(const LeasesLost& lost) const {
    return absl::StrCat("sub ", lost.subscription, " lost ", RangesText(lost.deliveries),
                        lost.reason == LostReason::kDeadline ? " by deadline" : "");
  }
  std::string operator()(const GroupChangeSent& sent) const {
    std::string text = absl::StrCat("operator ", sent.change, " to ", sent.instance, ": ",
                                    NameOf(sent.kind), " ", sent.group);
    if (sent.pause != absl::InfiniteDuration()) {
      absl::StrAppend(&text, " for ", absl::FormatDuration(sent.pause));
    }
    if (sent.kind == GroupChangeKind::kSeek) {
      if (sent.from_ms.has_value()) {
        absl::StrAppend(&text, " to ", *sent.from_ms);
      } else {
        absl::StrAppend(&text, " to the end");
      }
    }
    for (const ChosenLetter& letter : sent.letters) absl::StrAppend(&text, " ", letter.data);
    return text;
  }
  std::string operator()(const GroupChangeAnswered& answered) const {
    return absl::StrCat("operator ", answered.change, answered.done ? " done" : " failed");
  }
  std::string operator()(const DrainSeen& drain) const {
    return absl::StrCat("sub ", drain.subscription, " is told to drain");
  }
  std::string operator()(const Ended& ended) const {
    return absl::StrCat("sub ", ended.subscription, " ended", ended.by_client ? " by client" : "",
                        ": ", ended.why);
  }
  std::string operator()(const Fault& fault) const {
    return absl::StrCat("*** ", fault.instance, " ", fault.what);
  }
  std::string operator()(const LetterSeen& letter) const {
    return absl::StrCat("letter of ", letter.group, " in ", letter.stream, ": ", letter.event.data,
                        " ", letter.details.ToJson());
  }
};

}  // namespace

std::string ToString(const Observed& observed) {
  return absl::StrFormat("%10.4f  %s", absl::ToDoubleSeconds(observed.at),
                         std::visit(Writer(), observed.what));
}

uint64_t HashOf(const History& history) {
  // FNV-1a, which is the same in every process.
  uint64_t hash = 0xcbf29ce484222325;
  for (const Observed& observed : history) {
    for (const char byte : ToString(observed)) {
      hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    hash = (hash ^ static_cast<uint64_t>(absl::ToInt64Nanoseconds(observed.at))) * 0x100000001b3;
  }
  return hash;
}

}  // namespace eventbus::simulation
