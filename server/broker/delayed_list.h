#ifndef EVENTBUS_SERVER_BROKER_DELAYED_LIST_H_
#define EVENTBUS_SERVER_BROKER_DELAYED_LIST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/pattern.h"
#include "server/broker/schedule_id.h"

namespace eventbus {

// A delayed event of some stream.
struct ListedDelayed {
  std::string stream;
  DelayedEvent event;
};

// Where a page of delayed events goes on: behind this one.
struct DelayedCursor {
  absl::Time due;
  ScheduleId id;

  std::string ToString() const;
  // INVALID_ARGUMENT if it is not of that form.
  static absl::StatusOr<DelayedCursor> Parse(absl::string_view text);
};

struct DelayedQuery {
  // Absent: all types.
  std::optional<PatternSet> patterns;
  absl::Time due_before = absl::InfiniteFuture();
  std::optional<DelayedCursor> after;
  uint32_t max_events = 100;
  // Of the events' frames; one always goes.
  uint64_t max_bytes = uint64_t{3} << 20;
};

struct DelayedPage {
  // Soonest first; where the time is the same by stream, then by id.
  std::vector<ListedDelayed> events;
  // There are more.
  bool more = false;
};

// DelayedList looks into what is delayed on all streams together, and cancels single events.
// Streams are asked one after the other, those first on which something is due first, and only as
// many as can have events of the page. Owned by the broker. Loop thread only.
class DelayedList {
 public:
  using PageCallback = absl::AnyInvocable<void(absl::StatusOr<DelayedPage>)>;
  using CancelCallback = absl::AnyInvocable<void(absl::StatusOr<ListedDelayed>)>;

  explicit DelayedList(const Context* context) : context_(context) {}

  void List(DelayedQuery query, PageCallback done);
  // NOT_FOUND (kStreamNotFound): it does not wait (any more).
  void Cancel(ScheduleId id, CancelCallback done);

 private:
  struct Progress;

  void AskNext(const std::shared_ptr<Progress>& progress);

  const Context* const context_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_DELAYED_LIST_H_
