#include "server/broker/letter_query.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/broker/event_type.h"
#include "server/broker/reason.h"

namespace eventbus {

std::string LetterId::ToString() const { return absl::StrCat(entry.ToString(), "@", stream); }

absl::StatusOr<LetterId> LetterId::Parse(absl::string_view text) {
  const size_t at = text.find('@');
  if (at != absl::string_view::npos && at + 1 < text.size()) {
    const absl::StatusOr<EntryId> entry = EntryId::Parse(text.substr(0, at));
    if (entry.ok()) return LetterId{*entry, std::string(text.substr(at + 1))};
  }
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kBadPosition,
                   "not the id of a dead letter; use letter_id as ListDeadLetters gives it");
}

bool LetterSelection::TakesStream(absl::string_view stream) const {
  return !patterns.has_value() || patterns->Matches(stream);
}

bool LetterSelection::TakesDetails(const DeadLetterDetails& details) const {
  if (!causes.empty() && std::find(causes.begin(), causes.end(), details.cause) == causes.end()) {
    return false;
  }
  const absl::Time dead = absl::FromUnixMillis(static_cast<int64_t>(details.dead_ms));
  return dead >= since && dead < until;
}

}  // namespace eventbus
