#ifndef EVENTBUS_SERVER_BROKER_HELD_ENTRY_H_
#define EVENTBUS_SERVER_BROKER_HELD_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "server/broker/attribute_filter.h"
#include "server/broker/context.h"
#include "server/broker/dead_letter.h"
#include "server/broker/event_delivery.h"
#include "server/broker/settle_mail.h"
#include "server/broker/state_record.h"
#include "server/store/entry.h"

namespace eventbus {

class Member;

// Why attempts of an event have failed, the last one last. Shared by those that failed together.
using Reasons = std::vector<std::string>;

// An entry that is pending for this instance in one group, with the state of each of its events.
// Owned by its GroupStream; loop thread only.
struct HeldEntry {
  // A part of the entry that a member has.
  struct Holder {
    Member* member = nullptr;
    // Delivery number of the first of these events.
    uint64_t first_delivery = 0;
    uint32_t first = 0;
    uint32_t count = 0;
  };
  // What an event has been through, if it has failed.
  struct Trouble {
    // When its retry is due, on the monotonic clock. For kWaiting only.
    absl::Duration due;
    // Null: none.
    std::shared_ptr<const Reasons> reasons;
  };

  // Without its value while it is parked.
  Entry entry;
  // Where each event begins in the value, and the value's size. Empty while it is parked.
  std::vector<uint32_t> offsets;
  std::vector<EventDelivery> events;
  // By index; few events have any.
  absl::btree_map<uint32_t, Trouble> troubles;
  absl::InlinedVector<Holder, 1> holders;
  // In an ordered group, hashes of the ordering keys of those not settled; 0: none.
  std::vector<uint64_t> keys;
  uint32_t unsettled = 0;
  uint32_t in_flight = 0;
  // Events whose letter the store has not confirmed.
  uint32_t dying = 0;
  // Their letters are on the way to the store. Until it answers nobody knows whether the events are
  // settled there, so nothing else is written about the entry.
  bool burying = false;
  // All of its unsettled events wait for retries, and its value was given up: it is read again when
  // one is due.
  bool parked = false;
  // Bytes taken from the budget of values that wait for retries.
  uint64_t budgeted = 0;
  // When the first of its events was first delivered, by the store's clock in Unix ms; 0: not yet.
  uint64_t first_delivered_ms = 0;
  // How much of its mail has been obeyed or refused, in bytes.
  size_t mail_read = 0;
  // Since when the store knows less than we do of what is settled; infinite past: it knows all.
  absl::Duration unsaved_since = -absl::InfiniteDuration();
  // For the one event of an entry of the side stream.
  std::unique_ptr<const DeadLetterDetails> redriven;

  uint32_t size() const { return static_cast<uint32_t>(events.size()); }
  bool unsaved() const { return unsaved_since != -absl::InfiniteDuration(); }
  uint64_t BytesOf(uint32_t first, uint32_t count) const {
    return offsets[first + count] - offsets[first];
  }
  Bytes FramesOf(uint32_t first, uint32_t count) const {
    return entry.value.Slice(offsets[first], BytesOf(first, count));
  }
  // Null: none.
  const Reasons* ReasonsOf(uint32_t index) const;
  // Whether the events have the same state and history.
  bool FareAlike(uint32_t a, uint32_t b) const;
  // Whether whoever takes the entry over has to know more than its events.
  bool HasHistory() const;

  // The state record. Events that are dying count as settled if `buried`.
  std::string EncodeState(const StoreClock& clock, bool buried = false) const;
  // Takes over what a record says; false if it is not one of this entry.
  bool DecodeState(absl::string_view record, const StoreClock& clock, absl::Duration now);
  // Carries out mail that came with an entry that was just taken, but for what the record says was
  // read, and adds to `acked` how many events it has settled. Events that others have nacked or
  // rejected are in flight after that, and are the caller's to fail.
  std::vector<MailedSettle> ObeyMail(absl::string_view mail, uint64_t* acked);
  // Settles the events that do not match, and answers how many were not settled before. For an
  // entry that was just read.
  uint32_t SettleUnwanted(const AttributeFilter& filter);
};

// Events of an entry that follow each other and fare alike.
struct EntryRun {
  HeldEntry* entry = nullptr;
  uint32_t first = 0;
  uint32_t count = 0;
};

// Appends the event to the last run if it continues it, or as a new run.
void AddToRuns(HeldEntry& entry, uint32_t index, std::vector<EntryRun>* runs);

// Cuts the events [first, first + count) that are in `phase` into runs of equal state, in order.
std::vector<EntryRun> RunsIn(HeldEntry& entry, DeliveryPhase phase, uint32_t first, uint32_t count);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_HELD_ENTRY_H_
