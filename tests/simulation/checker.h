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
// What a group was given, or must have been, ends there: somebody acked it, or it is a dead letter,
// or, where none are kept, it was rejected or has used up its attempts.
inline constexpr char kNothingLost[] = "nothing-lost";
// After a confirmed ack or reject a group never gets the event again.
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
// An attempt costs one if it was nacked or not settled in time, and nothing else costs one; a
// confirmed nack always does. There are no more than the group allows. Times delivered is at least
// 1, and goes up.
inline constexpr char kAttempts[] = "attempts";
// What has failed comes again when its delay is over, and not before.
inline constexpr char kRetryDelay[] = "retry-delay";
// Nobody loses a delivery by its deadline before that has passed, as it was extended last.
inline constexpr char kDeadlines[] = "deadlines";
// A retry tells why the attempt before it failed.
inline constexpr char kReasons[] = "reasons";
// A dead letter is an event of the group that was rejected, has used up its attempts, or was held
// while as many streams broke as the group allows; each once, and none that is acked for sure.
inline constexpr char kDeadLetters[] = "dead-letters";
// In an ordered group no event is delivered while an earlier one of its ordering key is not done
// with.
inline constexpr char kKeyOrder[] = "key-order";
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
  // How long a message is on its way, at most.
  absl::Duration max_latency;
  // What an instance puts together for a subscriber may wait for so long.
  absl::Duration max_batch_delay = absl::Milliseconds(300);
  // An instance that is in touch with the store has heard of a change of a group within this time.
  absl::Duration signal_bound = absl::Seconds(1);
  // An ephemeral group that was in use later than this has not expired.
  absl::Duration shortest_expiry;
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
  // Deliveries of an event that has failed before.
  uint64_t retries = 0;
  // Deliveries whose deadline passed.
  uint64_t expired = 0;
  uint64_t dead_letters = 0;
  // Deliveries of what was redriven.
  uint64_t redriven = 0;
  // That operators were told to be done.
  uint64_t group_changes = 0;
};

// Whether a history that has come to rest keeps the guarantees: at its end nothing fails any more,
// each durable group has had subscribers that settle what they get, and there is nothing left to
// deliver. Pure.
CheckReport Check(const History& history, const CheckOptions& options);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_CHECKER_H_
