#ifndef EVENTBUS_SERVER_BROKER_LETTER_SCAN_H_
#define EVENTBUS_SERVER_BROKER_LETTER_SCAN_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/broker/context.h"
#include "server/broker/letter_query.h"
#include "server/broker/lifetime.h"

namespace eventbus {

// LetterScan gives the letters of a group one after the other in the order of their deaths, over
// all streams, and holds a few of each stream at a time.
//
// Owned by whoever scans. Loop thread only. Destroying it ends it without an answer.
class LetterScan {
 public:
  // A letter that fits; nullptr: there are no more.
  using Next = absl::AnyInvocable<void(absl::StatusOr<const DeadLetter*>)>;

  // `streams`: where letters may be. Letters with ids after `after`, and not after `last`.
  LetterScan(const Context* context, std::string group, LetterSelection selection,
             std::vector<std::string> streams, LetterId after, EntryId last);

  // The answer comes within the call or later; the letter is valid until the next call. One call at
  // a time.
  void ReadNext(Next next);

 private:
  struct Cursor {
    std::string stream;
    EntryId from;
    std::deque<StoredLetter> letters;
    bool exhausted = false;
  };

  void Refill();
  void OnRead(size_t index, absl::StatusOr<std::vector<StoredLetter>> letters);
  // Answers if it can.
  void Advance();
  void Answer(absl::StatusOr<const DeadLetter*> answer);

  const Context* const context_;
  const std::string group_;
  const LetterSelection selection_;
  const LetterId after_;
  const EntryId last_;
  std::vector<Cursor> cursors_;
  size_t reads_under_way_ = 0;
  absl::Status failure_;
  DeadLetter current_;
  Next next_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_LETTER_SCAN_H_
