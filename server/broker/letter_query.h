#ifndef EVENTBUS_SERVER_BROKER_LETTER_QUERY_H_
#define EVENTBUS_SERVER_BROKER_LETTER_QUERY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/dead_letter.h"
#include "server/broker/pattern.h"
#include "server/store/bytes.h"
#include "server/store/entry.h"

namespace eventbus {

// Names a letter within its group, and orders the letters of a group by when they died. Value type;
// any thread.
struct LetterId {
  EntryId entry;
  std::string stream;

  // "1700000000000-3@order.placed".
  std::string ToString() const;
  // INVALID_ARGUMENT (kBadPosition) if it is not of that form.
  static absl::StatusOr<LetterId> Parse(absl::string_view text);

  friend auto operator<=>(const LetterId&, const LetterId&) = default;  // NOLINT: no pointer here
};

// Which letters of a group; all conditions hold. By default all of them.
struct LetterSelection {
  // Empty: any.
  std::vector<LetterId> ids;
  std::optional<PatternSet> patterns;
  std::vector<DeadLetterCause> causes;
  // When they died, by the store's clock: from `since` on, before `until`.
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();

  // What a stream, a time and the details say of a letter. Ids are not looked at.
  bool TakesStream(absl::string_view stream) const;
  bool TakesDetails(const DeadLetterDetails& details) const;
};

struct DeadLetter {
  LetterId id;
  // Its frame, as `repeated Event events = 1` has it.
  Bytes event;
  DeadLetterDetails details;
};

struct ListLettersCommand {
  std::string group;
  LetterSelection selection;
  uint32_t page_size = 100;
  // Letters after this one.
  std::optional<LetterId> after;
};

struct LetterPage {
  // In the order of their deaths.
  std::vector<DeadLetter> letters;
  bool more = false;
  // Of the group, whatever the selection.
  uint64_t total = 0;
};

struct RedriveCommand {
  std::string group;
  LetterSelection selection;
  double max_per_second = 100;
  // 0: no bound.
  uint64_t max_letters = 0;
  bool dry_run = false;
  // Whether nobody waits for the answer any more: then the rest stay where they are.
  std::function<bool()> cancelled;
};

struct RedriveResult {
  uint64_t redriven = 0;
  uint64_t remaining = 0;
  // Of the selection's ids.
  std::vector<LetterId> not_found;
};

struct PurgeLettersCommand {
  std::string group;
  LetterSelection selection;
  bool dry_run = false;
  std::function<bool()> cancelled;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_LETTER_QUERY_H_
