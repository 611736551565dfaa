#include "tests/simulation/tail_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus::simulation {

void TailCheck::Violated(const char* rule, std::string what, size_t at) const {
  report_.violations.push_back({rule, std::move(what), at});
}

void TailCheck::Take(const std::string& stream, const Position& position, const SeenEvent& seen,
                     size_t at) {
  ++report_.tail_deliveries;
  std::vector<Position>& before = seen_[stream];
  if (!before.empty() && position <= before.back()) {
    return Violated(rules::kTailOrder,
                    absl::StrCat("tail ", number_, " got ", seen.data, " at ", position.ToString(),
                                 " after ", before.back().ToString()),
                    at);
  }
  before.push_back(position);
}

void TailCheck::CheckComplete(const Life& life, size_t at) const {
  if (!life.opened_at.has_value()) return;
  for (const auto& [stream, known] : ledger_.at_position()) {
    if (!life.patterns.Matches(stream)) continue;
    const auto found = seen_.find(stream);
    static const std::vector<Position> kNothing;
    const std::vector<Position>& seen = found == seen_.end() ? kNothing : found->second;
    for (const auto& [position, event_number] : known) {
      if (std::binary_search(seen.begin(), seen.end(), position)) continue;
      const LedgerEvent& event = ledger_.event(event_number);
      if (!Wants(life.filter, event.sent)) continue;
      const bool passed = !seen.empty() && position < seen.back() &&
                          (life.from_earliest || position > seen.front());
      const bool due = !life.ended && IsFor(event, life.patterns, life.filter, *life.opened_at,
                                            life.from_earliest);
      if (passed || due) {
        Violated(rules::kTailComplete,
                 absl::StrCat("tail ", number_, " did not get ", event.sent.data, " at ", stream,
                              "@", position.ToString(), passed ? ", but later ones" : ""),
                 at);
      }
    }
  }
}

}  // namespace eventbus::simulation
