#ifndef EVENTBUS_SERVER_BROKER_TAIL_H_
#define EVENTBUS_SERVER_BROKER_TAIL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "server/broker/batcher.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/pattern.h"
#include "server/broker/registry.h"
#include "server/broker/shared_reader.h"
#include "server/broker/subscriber_stats.h"
#include "server/broker/subscription.h"

namespace eventbus {

// Tail is a subscriber outside any group: it reads each matching stream from its start, in order,
// as fast as its transport takes it. It has a cursor for each stream and no queue: what it has no
// room for stays in the store.
//
// Owned by the broker. Loop thread only.
class Tail {
 public:
  // All must outlive it.
  Tail(const Context* context, SharedReader* reader, SubscriptionId id, OpenRequest request,
       PatternSet patterns, SubscriberSink* sink);

  // Finds its place in each matching stream, then tells the sink OnOpened. What the store fails to
  // answer is asked again.
  void Open(const Registry& registry);

  // A type that was not there when the tail opened: read from its first event.
  void OnTypeKnown(const TypeRecord& type);
  void OnStreamAdvanced(absl::string_view stream);
  // Look at all streams.
  void Recheck();
  void Taken(uint64_t events, uint64_t bytes);
  void SetFlow(FlowLimits flow);
  void Drain(absl::Time deadline, absl::string_view message);

  bool Wants(absl::string_view stream) const { return cursors_.contains(stream); }
  SubscriberMeter& meter() { return meter_; }
  SubscriberStats Stats() const;
  SubscriberSink* sink() const { return sink_; }
  const OpenRequest& request() const { return request_; }

 private:
  struct Cursor {
    std::shared_ptr<const std::string> stream;
    // Read what comes after this entry,
    EntryId after;
    // but not the events up to this one.
    std::optional<Position> skip;
    bool reading = false;
    bool queued = false;
    // Something may have been appended since the last read was asked for.
    bool advanced = true;
    // What was read and not delivered: from this entry of the page on, and in it from this event
    // on.
    EntryPage page;
    size_t next_entry = 0;
    uint32_t next_event = 0;
  };

  void Place(const std::string& stream, const StreamStart& start);
  void FindEnd(Cursor* cursor);
  void OpenIfPlaced();
  void Queue(Cursor* cursor);
  void Schedule();
  void RunTurn();
  bool HasRoom() const;
  // Delivers one run from the cursor's page.
  void DeliverFrom(Cursor* cursor);
  // Goes past events that the filter leaves out, and answers how many of the next ones go out
  // together. 0: none is left in the entry.
  uint32_t NextWanted(const IndexedEntry& entry, Cursor* cursor) const;
  uint32_t Fitting(const IndexedEntry& entry, uint32_t first) const;
  void Read(Cursor* cursor);
  void OnPage(Cursor* cursor, const absl::StatusOr<EntryPage>& page);

  const Context* const context_;
  SharedReader* const reader_;
  const SubscriptionId id_;
  const OpenRequest request_;
  const PatternSet patterns_;
  SubscriberSink* const sink_;
  FlowLimits flow_;

  absl::btree_map<std::string, std::unique_ptr<Cursor>> cursors_;
  // Cursors that wait for the store to say where their stream ends.
  size_t placing_ = 0;
  std::vector<Cursor*> to_place_;
  bool opened_ = false;
  bool draining_ = false;

  std::deque<Cursor*> queue_;
  bool scheduled_ = false;
  // Cursors that read or have a page.
  int loaded_ = 0;
  SubscriberMeter meter_;
  uint64_t in_flight_ = 0;
  uint64_t in_flight_bytes_ = 0;
  Batcher batcher_;
  std::unique_ptr<Timer> retry_timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_TAIL_H_
