#ifndef EVENTBUS_TESTS_SIMULATION_MUTANT_STORE_H_
#define EVENTBUS_TESTS_SIMULATION_MUTANT_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/loop/loop.h"
#include "tests/simulation/forwarding_store.h"

namespace eventbus::simulation {

// Bugs planted on purpose, to see that the simulation finds them. docs/testing.md has the table.
enum class Mutation {
  kNone,
  // State records are dropped: what was settled of an entry is forgotten when another instance
  // takes it over.
  kDropStates,
  // Entries are acknowledged when they are read, and not when they are settled.
  kAckOnRead,
  // An ack of an entry acknowledges the one read before it instead.
  kAckNeighbour,
  // A stream is created first and its groups a moment later, from then on.
  kBirthApart,
  // The pending list looks empty: entries of a lost answer are never found.
  kHidePending,
  // One in 500 appends is answered and not done.
  kAppendNothing,
  // One in 100 appends is done twice, as if a lost answer had been taken for a failure.
  kAppendTwice,
  // Nothing is ever claimed.
  kNoClaims,
  // One in 50 reads of a stream leaves out an entry.
  kSkipEntry,
  // Entries are given back without their state records.
  kReleaseBare,
  // State records forget how often events have failed; when their retries are due; why they failed.
  kForgetAttempts,
  kForgetDelays,
  kForgetReasons,
  // Dead letters are written, and their events are not settled; or the other way round.
  kBuryUnsettled,
  kBuryWithoutLetters,
  // What is buried again because nobody answered is written again.
  kBuryAgain,
  // No duplicate is recognised.
  kForgetKeys,
  // One in 10 delayed requests is stored as if it were not delayed.
  kEarlyDelivery,
  // Of one in 10 entries half is stored, and the answer is lost.
  kHalfBatch,
  // Whoever asks for a lease gets it, and fences are not looked at.
  kIgnoreFences,
  // Who has something pending of a stream is not told: a new owner leaves it where it is.
  kHideConsumers,
  // Groups are listed as they were when they were listed the time before.
  kStaleGroups,
  // One in 5 letters that are redriven is removed, and goes nowhere.
  kRedriveNowhere,
  // Where a group is sought to, it begins behind the first entry of each stream.
  kSeekTooFar,
};

absl::string_view NameOf(Mutation mutation);
// All but kNone.
const std::vector<Mutation>& AllMutations();

// A store with a bug. Owned by a simulated instance, and on its loop; chance comes from `seed`.
std::unique_ptr<StreamStore> MakeMutantStore(Mutation mutation, StreamStore* inner, Loop* loop,
                                             uint64_t seed);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_MUTANT_STORE_H_
