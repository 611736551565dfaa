#include "tests/simulation/single_lease.h"

#include "absl/strings/str_cat.h"

namespace eventbus::simulation {

void SingleLease::Begin(const Leased& leased, const Holder& holder, absl::Duration now, size_t at) {
  std::map<Holder, uint64_t>& holders = holders_[leased];
  for (const auto& [other, order] : holders) {
    if (other.first == holder.first) {
      report_->violations.push_back(
          {rules::kSingleLease,
           absl::StrCat("sub ", holder.first, " got ", ledger_->data(leased.course.event),
                        " again while it holds it"),
           at});
    } else {
      overlaps_.push_back({other, leased.course.event, now + notice_bound_, at});
    }
  }
  holders.emplace(holder, ++begun_);
}

void SingleLease::End(const Leased& leased, const Holder& holder, absl::Duration now) {
  const auto holders = holders_.find(leased);
  if (holders != holders_.end()) {
    holders->second.erase(holder);
    if (holders->second.empty()) holders_.erase(holders);
  }
  std::erase_if(overlaps_, [&](const Overlap& overlap) {
    if (overlap.holder != holder) return false;
    if (now > overlap.until) Violated(overlap);
    return true;
  });
}

std::vector<SingleLease::Holder> SingleLease::LaterThan(const Leased& leased,
                                                        const Holder& holder) const {
  std::vector<Holder> later;
  const auto holders = holders_.find(leased);
  if (holders == holders_.end()) return later;
  const auto own = holders->second.find(holder);
  const uint64_t since = own == holders->second.end() ? 0 : own->second;
  for (const auto& [other, order] : holders->second) {
    if (order > since) later.push_back(other);
  }
  return later;
}

void SingleLease::CheckAtEnd(absl::Duration now) {
  for (const Overlap& overlap : overlaps_) {
    if (overlap.until < now) Violated(overlap);
  }
}

void SingleLease::Violated(const Overlap& overlap) {
  report_->violations.push_back(
      {rules::kSingleLease,
       absl::StrCat(ledger_->data(overlap.event),
                    " went to another subscriber of the same group and instance while sub ",
                    overlap.holder.first, " held it"),
       overlap.at});
}

}  // namespace eventbus::simulation
