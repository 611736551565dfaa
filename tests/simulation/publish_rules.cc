#include "tests/simulation/publish_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus::simulation {

void PublishRules::Violated(const char* rule, std::string what, size_t at) {
  report_->violations.push_back({rule, std::move(what), at});
}

void PublishRules::Take(const PublishSent& sent) {
  std::vector<EventNumber> numbers;
  for (const SentEvent& event : sent.events) {
    const EventNumber number = ledger_.NumberOf(event.data);
    numbers.push_back(number);
    const auto [known, fresh] = due_.emplace(number, sent.due);
    if (!fresh) known->second = std::min(known->second, sent.due);
  }
  if (sent.atomic) atomic_.push_back(std::move(numbers));
}

void PublishRules::TakeDelivery(SubscriptionNumber to, EventNumber event, absl::Duration now,
                                size_t at) {
  const auto due = due_.find(event);
  // Stores count in milliseconds.
  if (due == due_.end() || now >= due->second - absl::Milliseconds(2)) return;
  Violated(rules::kDelayedOnTime,
           absl::StrCat("sub ", to, " got ", ledger_.data(event), " ",
                        absl::FormatDuration(due->second - now), " before it was due"),
           at);
}

void PublishRules::CheckGroup(const std::string& group, const AttributeFilter& filter,
                              const std::set<EventNumber>& received, size_t at) {
  for (const std::vector<EventNumber>& batch : atomic_) {
    size_t got = 0;
    size_t wanted = 0;
    bool sent_again = false;
    std::set<EntryId> entries;
    for (const EventNumber number : batch) {
      const LedgerEvent& event = ledger_.event(number);
      got += received.count(number);
      if (Wants(filter, event.sent)) ++wanted;
      sent_again = sent_again || event.sent_again;
      if (event.position.has_value()) entries.insert(event.position->entry);
    }
    if (sent_again) continue;
    if (got != 0 && got != wanted) {
      Violated(rules::kAtomicBatch,
               absl::StrCat("group ", group, " got ", got, " of the ", wanted,
                            " events it wants of the atomic batch", " that begins with ",
                            ledger_.data(batch.front())),
               at);
    }
    if (entries.size() > 1) {
      Violated(rules::kAtomicBatch,
               absl::StrCat("the atomic batch that begins with ", ledger_.data(batch.front()),
                            " is in ", entries.size(), " entries"),
               at);
    }
  }
}

}  // namespace eventbus::simulation
