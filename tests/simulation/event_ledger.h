#ifndef EVENTBUS_TESTS_SIMULATION_EVENT_LEDGER_H_
#define EVENTBUS_TESTS_SIMULATION_EVENT_LEDGER_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/broker/pattern.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/history.h"
#include "tests/simulation/wanted.h"

namespace eventbus::simulation {

// An index into the events that were sent.
using EventNumber = size_t;

// An event in a group: as it was published, or as a dead letter that was redriven. What happens to
// the one does not concern the other.
struct Course {
  EventNumber event = 0;
  bool redriven = false;
  friend auto operator<=>(const Course&, const Course&) = default;
};

struct LedgerEvent {
  SentEvent sent;
  uint64_t request = 0;
  // When it was sent and answered, as indexes into the history.
  size_t sent_at = 0;
  std::optional<size_t> answered_at;
  PublishFate fate = PublishFate::kUnknown;
  bool delivered = false;
  // Published again with the same data, for the outcome was unknown.
  bool sent_again = false;
  bool delayed = false;
  // As far as anybody has seen it.
  std::optional<Position> position;
};

// Whether a group or tail that was opened at `opened_at` must have got the event.
inline bool IsFor(const LedgerEvent& event, const PatternSet& patterns,
                  const AttributeFilter& filter, size_t opened_at, bool from_earliest) {
  return event.fate == PublishFate::kStored && (from_earliest || event.sent_at > opened_at) &&
         patterns.Matches(event.sent.type) && Wants(filter, event.sent);
}

// EventLedger is the part of the checker that knows what was published, what became of it, and
// where it is stored. `at`: the index of the observation.
class EventLedger {
 public:
  // `report` outlives it.
  explicit EventLedger(CheckReport* report) : report_(report) {}

  void Take(const PublishSent& sent, size_t at);
  void Take(const PublishAnswered& answered, size_t at);
  // Somebody was given it. Nullopt: it was never sent.
  std::optional<EventNumber> TakeDelivery(SubscriptionNumber to, const SeenEvent& seen,
                                          const std::string& stream, const Position& position,
                                          size_t at);
  void CheckStoredInOrder(size_t at);
  // Nullopt: it was never sent.
  std::optional<EventNumber> Find(const std::string& data) const;

  const std::vector<LedgerEvent>& events() const { return events_; }
  // REQUIRES: it was sent.
  EventNumber NumberOf(const std::string& sent_data) const { return by_data_.at(sent_data); }
  const LedgerEvent& event(EventNumber number) const { return events_[number]; }
  const std::string& data(EventNumber number) const { return events_[number].sent.data; }
  // What is known to be where, by stream.
  const std::map<std::string, std::map<Position, EventNumber>>& at_position() const {
    return at_position_;
  }

 private:
  void Violated(const char* rule, std::string what, size_t at);
  void NotePosition(EventNumber number, const std::string& stream, const Position& position,
                    size_t at);
  void CheckOrderOf(const std::string& stream, const std::vector<const LedgerEvent*>& by_sent,
                    size_t at);

  CheckReport* const report_;
  std::vector<LedgerEvent> events_;
  std::unordered_map<std::string, EventNumber> by_data_;
  std::map<uint64_t, std::vector<EventNumber>> requests_;
  std::map<std::string, std::map<Position, EventNumber>> at_position_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_EVENT_LEDGER_H_
