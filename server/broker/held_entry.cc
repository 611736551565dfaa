#include "server/broker/held_entry.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "server/broker/entry_reader.h"

namespace eventbus {
namespace {

template <typename To>
To Clamped(uint32_t value) {
  return static_cast<To>(std::min<uint32_t>(value, std::numeric_limits<To>::max()));
}

bool Same(const Reasons* a, const Reasons* b) {
  if (a == b) return true;
  return a != nullptr && b != nullptr && *a == *b;
}

}  // namespace

const Reasons* HeldEntry::ReasonsOf(uint32_t index) const {
  const auto trouble = troubles.find(index);
  return trouble == troubles.end() ? nullptr : trouble->second.reasons.get();
}

bool HeldEntry::FareAlike(uint32_t a, uint32_t b) const {
  if (!(events[a] == events[b])) return false;
  return troubles.empty() || Same(ReasonsOf(a), ReasonsOf(b));
}

bool HeldEntry::HasHistory() const {
  return mail_read > 0 || !troubles.empty() ||
         std::any_of(events.begin(), events.end(), [](const EventDelivery& event) {
           return event.phase == DeliveryPhase::kSettled || event.failed_attempts > 0 ||
                  event.crashes > 0;
         });
}

std::string HeldEntry::EncodeState(const StoreClock& clock, bool buried) const {
  StateRecord record;
  record.first_delivered_ms = first_delivered_ms;
  record.mail_read = mail_read;
  record.events.resize(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    const DeliveryPhase phase = events[i].phase;
    record.events[i].settled =
        phase == DeliveryPhase::kSettled || (buried && phase == DeliveryPhase::kDying);
    record.events[i].failed_attempts = events[i].failed_attempts;
    record.events[i].crashes = events[i].crashes;
  }
  for (const auto& [index, trouble] : troubles) {
    StateRecord::EventState& event = record.events[index];
    if (trouble.reasons != nullptr) event.reasons = *trouble.reasons;
    if (events[index].phase != DeliveryPhase::kWaiting) continue;
    event.due_ms =
        static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(clock.At(trouble.due)), 0));
  }
  return record.Encode();
}

bool HeldEntry::DecodeState(absl::string_view text, const StoreClock& clock, absl::Duration now) {
  const absl::StatusOr<StateRecord> record = StateRecord::Decode(text);
  if (!record.ok() || record->events.size() != events.size()) return false;
  first_delivered_ms = record->first_delivered_ms;
  mail_read = record->mail_read;
  const int64_t now_ms = absl::ToUnixMillis(clock.At(now));
  for (uint32_t i = 0; i < size(); ++i) {
    const StateRecord::EventState& event = record->events[i];
    if (event.settled) {
      events[i].phase = DeliveryPhase::kSettled;
      continue;
    }
    events[i].failed_attempts = Clamped<uint16_t>(event.failed_attempts);
    events[i].crashes = Clamped<uint8_t>(event.crashes);
    // The store counts deliveries of entries, and begins anew when somebody takes one over.
    events[i].times_delivered = std::max(events[i].times_delivered, event.failed_attempts);
    Trouble trouble;
    const auto due_ms =
        static_cast<int64_t>(std::min<uint64_t>(event.due_ms, std::numeric_limits<int64_t>::max()));
    if (due_ms > now_ms) {
      events[i].phase = DeliveryPhase::kWaiting;
      trouble.due = now + absl::Milliseconds(due_ms - now_ms);
    }
    if (!event.reasons.empty()) trouble.reasons = std::make_shared<const Reasons>(event.reasons);
    if (trouble.reasons != nullptr || events[i].phase == DeliveryPhase::kWaiting) {
      troubles[i] = std::move(trouble);
    }
  }
  return true;
}

std::vector<MailedSettle> HeldEntry::ObeyMail(absl::string_view mail, uint64_t* acked) {
  using Kind = SettleAction::Kind;
  std::vector<MailedSettle> failed;
  if (mail.size() <= mail_read) return failed;
  mail.remove_prefix(mail_read);
  mail_read += mail.size();
  for (MailedSettle& settle : ReadSettleMail(mail)) {
    if (settle.index >= size()) continue;
    EventDelivery& event = events[settle.index];
    if (settle.action.kind == Kind::kAck) {
      if (!Advance(DeliveryInput::kAck, &event)) continue;
      troubles.erase(settle.index);
      ++*acked;
      continue;
    }
    // A release or an extension has ended with the lease.
    if (settle.action.kind != Kind::kNack && settle.action.kind != Kind::kReject) continue;
    if (settle.attempt != event.attempt()) continue;
    // As it was when it was settled; the delivery is counted already.
    const uint32_t deliveries = event.times_delivered;
    if (!Advance(DeliveryInput::kDeliver, &event)) continue;
    event.times_delivered = std::max(deliveries, settle.times_delivered);
    failed.push_back(std::move(settle));
  }
  return failed;
}

uint32_t HeldEntry::SettleUnwanted(const AttributeFilter& filter) {
  uint32_t unwanted = 0;
  EntryReader reader(entry.value.view());
  FramedEvent event;
  for (uint32_t i = 0; i < size() && reader.Next(&event); ++i) {
    if (events[i].phase == DeliveryPhase::kSettled || filter.Matches(event.event)) continue;
    Advance(DeliveryInput::kAck, &events[i]);
    troubles.erase(i);
    ++unwanted;
  }
  return unwanted;
}

void AddToRuns(HeldEntry& entry, uint32_t index, std::vector<EntryRun>* runs) {
  const bool continues = !runs->empty() && runs->back().first + runs->back().count == index &&
                         entry.FareAlike(index - 1, index);
  if (continues) {
    ++runs->back().count;
  } else {
    runs->push_back({&entry, index, 1});
  }
}

std::vector<EntryRun> RunsIn(HeldEntry& entry, DeliveryPhase phase, uint32_t first,
                             uint32_t count) {
  std::vector<EntryRun> runs;
  for (uint32_t i = first; i < first + count; ++i) {
    if (entry.events[i].phase == phase) AddToRuns(entry, i, &runs);
  }
  return runs;
}

}  // namespace eventbus
