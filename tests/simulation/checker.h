#ifndef EVENTBUS_TESTS_SIMULATION_CHECKER_H_
#define EVENTBUS_TESTS_SIMULATION_CHECKER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/history.h"

namespace eventbus::simulation {

// The rules, by name. Each is a guarantee that a client can see kept or broken.
namespace rules {
// What was confirmed, and was published after a group was opened whose patterns match, reached it;
// at least once.
inline constexpr char kConfirmedIsDelivered[] = "confirmed-is-delivered";
// What was answered NOT_STORED never reaches anybody.
inline constexpr char kNotStoredIsGone[] = "not-stored-is-gone";
// Nothing but what was published is delivered: id, type and data as sent.
inline constexpr char kOnlyPublished[] = "only-published";
// Nobody gets what its patterns do not match.
inline constexpr char kPatterns[] = "patterns";
// After a confirmed ack a group never gets the event again.
inline constexpr char kSettledStays[] = "settled-stays";
// Whoever asks for the confirmation of a settle gets it, or the subscription ends.
inline constexpr char kSettlesAnswered[] = "settles-answered";
// An event has one position, a position one event.
inline constexpr char kOnePosition[] = "one-position";
// Of one stream, what is sent after another one's confirmation is behind it; so are later events of
// one request.
inline constexpr char kStoredInOrder[] = "stored-in-order";
// A tail gets the events of a stream in the order of their positions, each once.
inline constexpr char kTailOrder[] = "tail-order";
// A tail leaves out nothing between two events that it gets, and gets all that was confirmed while
// it was open.
inline constexpr char kTailComplete[] = "tail-complete";
// Delivery numbers of a subscription are 1, 2, 3, …
inline constexpr char kDenseNumbers[] = "dense-numbers";
// Within a group an instance has an event out at one subscriber at a time.
inline constexpr char kSingleLease[] = "single-lease";
// Nothing fails yet, so every attempt is the first; times delivered is at least 1, and goes up.
inline constexpr char kAttempts[] = "attempts";
inline constexpr char kInFlightLimit[] = "in-flight-limit";
inline constexpr char kBatchSize[] = "batch-size";
// A subscription is opened at most once, and nothing comes before that or after its end.
inline constexpr char kConversation[] = "conversation";
}  // namespace rules

struct Violation {
  std::string rule;
  std::string what;
  // The observation at which it showed; the history's size if only at its end.
  size_t at = 0;
};

struct CheckOptions {
  // A subscriber learns of the end of its lease, if the instance ends it, within this time.
  absl::Duration notice_bound = absl::Seconds(3);
};

struct CheckReport {
  std::vector<Violation> violations;
  // What the history was worth.
  uint64_t confirmed_events = 0;
  uint64_t unknown_events = 0;
  uint64_t group_deliveries = 0;
  // Deliveries of an event to a group that had it before.
  uint64_t duplicates = 0;
  // Deliveries to groups of events that are not the first of their entry.
  uint64_t shared_deliveries = 0;
  uint64_t tail_deliveries = 0;
  uint64_t confirmed_settles = 0;
};

// Whether a history that has come to rest keeps the guarantees: at its end nothing fails any more,
// each durable group has had subscribers that settle what they get, and there is nothing left to
// deliver. Pure.
CheckReport Check(const History& history, const CheckOptions& options);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_CHECKER_H_
