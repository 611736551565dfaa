#ifndef EVENTBUS_SERVER_BROKER_PUBLISHER_H_
#define EVENTBUS_SERVER_BROKER_PUBLISHER_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/broker/context.h"
#include "server/broker/event_rate.h"
#include "server/broker/gathering.h"
#include "server/broker/lifetime.h"
#include "server/broker/outgoing.h"
#include "server/broker/publish_command.h"
#include "server/broker/registry.h"
#include "server/broker/stream_policies.h"
#include "server/broker/stream_room.h"

namespace eventbus {

// Publisher brings events into their streams. Commands that arrive during one turn of the loop are
// cut by stream, put together into entries, and leave at the end of the turn in one write. An entry
// gets as many events as the stream sees in about 10 ms, at least one: a busy stream costs a
// fraction of a write per event, and the events of a quiet one can still be shared out singly.
// What is small waits for more only where that brings more: for the append before it while the
// store is busy, and for the clients that lately published together (Gathering), for well under a
// millisecond.
//
// A stream that does not exist yet is born first: its type is registered, which also tells which
// groups match, and the stream is created together with them, so that each of them sees its first
// event. What is published meanwhile waits, in order.
//
// Where the stream has a duplicate window, events with ids of their publishers are appended once:
// the store builds the entry from what it has not seen.
//
// Owned by the broker. Loop thread only.
class Publisher {
 public:
  // `on_advanced` is called with a stream to which something was appended, or is being appended if
  // reads find it then. All must outlive it.
  Publisher(const Context* context, Registry* registry, const StreamPolicies* policies,
            StreamRoom* room, std::function<void(absl::string_view)> on_advanced);

  // What is published before Begin waits for it, within the same bounds, unless the store is away.
  void Begin();
  // See Broker::Publish.
  void Publish(PublishCommand command);

  // The store cannot be reached for this reason, or can (OK).
  void SetAway(const absl::Status& why);

  // What is told of delayed events: the stream, when the first of them is due by the store's clock,
  // that clock, and how many wait on the stream.
  using OnDelayed = std::function<void(const std::string&, absl::Time due, absl::Time store_time,
                                       uint64_t waiting)>;
  void set_on_delayed(OnDelayed on_delayed) { on_delayed_ = std::move(on_delayed); }
  // Creates the stream of a type, with its groups, unless this instance sees it being born.
  void Bear(const std::string& stream, absl::AnyInvocable<void(absl::Status)> done);

  // From now on commands are refused with `why`; what is under way goes on. What waits for Begin is
  // refused too.
  void Refuse(absl::Status why);
  // Runs `done` once nothing is under way any more, at once if nothing is.
  void WhenIdle(absl::AnyInvocable<void()> done);

  // What is accepted and not answered yet.
  uint64_t queued_events() const { return queued_events_; }
  uint64_t queued_bytes() const { return queued_bytes_; }

 private:
  // All that is on its way into one stream.
  struct Lane {
    std::string stream;
    WaitingParts waiting;
    uint32_t appends_under_way = 0;
    // Commands that those have, or the last of: of one that is cut into many entries, one.
    uint64_t sent = 0;
    Gathering gathering;
    // Since when it gathers, if it does.
    std::optional<absl::Duration> gathers_since;
    bool in_gathering = false;
    bool in_turn = false;
    bool exists = false;
    // An append was answered with anything but that it does not, or it was born here. Until then
    // appends are made one at a time: if the first found nothing and the next ones a stream that
    // another instance has created meanwhile, the order would be lost.
    bool proven = false;
    bool being_born = false;
    EventRate rate;
    // Entries that found the stream missing. They go first once it is there.
    std::vector<Outgoing> returned;
    StreamPolicy policy;
    std::vector<absl::AnyInvocable<void(absl::Status)>> when_born;
  };

  Lane& LaneFor(absl::string_view stream);
  void Enqueue(Lane& lane, const CommandPart& part);
  // At the end of the turn, what waits in it is sent.
  void TakeTurn(Lane& lane);
  // Whether what waits does better to wait for the append before it, or for more that is about to
  // come.
  bool WaitsForMore(Lane& lane, absl::Duration now);
  bool Gathers(Lane& lane, absl::Duration now);
  void EndGathering();
  void EndTurn();
  void Send(Lane& lane, absl::Duration now);
  void Append(Lane& lane, Outgoing&& outgoing);
  void AppendPlain(Lane& lane, Outgoing&& outgoing);
  void OnAppended(Lane& lane, Outgoing&& outgoing, const absl::StatusOr<EntryId>& id);
  void AppendOnce(Lane& lane, Outgoing&& outgoing);
  void OnAppendedOnce(Lane& lane, Outgoing&& outgoing, absl::StatusOr<AppendOnceResult> result);
  void OnAppendFailed(Lane& lane, Outgoing&& outgoing, const absl::Status& status);
  void OnAppendEnded(Lane& lane, uint32_t commands);
  void BeginBirth(Lane& lane);
  void OnTypeRegistered(Lane& lane, absl::StatusOr<TypeRegistration> registration);
  void EndBirth(Lane& lane, const absl::Status& status);
  // Of commands of which nothing was sent yet.
  void FailWaiting(const absl::Status& error);
  void Fail(absl::string_view stream, WaitingParts parts, const absl::Status& error);
  void Settle(const CommandPart& part, const absl::Status& status, absl::string_view stream,
              Position position);
  // What became of the part, to be filled in; then FinishIfSettled.
  PublishedRun& AddRun(const CommandPart& part);
  void FinishIfSettled(const AcceptedCommand& accepted);
  void Finish(std::list<AcceptedCommand>::iterator place);

  const Context* const context_;
  Registry* const registry_;
  const StreamPolicies* const policies_;
  StreamRoom* const room_;
  const std::function<void(absl::string_view)> on_advanced_;
  OnDelayed on_delayed_;
  // What was accepted and is not answered yet.
  std::list<AcceptedCommand> commands_;
  absl::flat_hash_map<std::string, std::unique_ptr<Lane>> lanes_;
  // Lanes that got something during this turn.
  std::vector<Lane*> turn_;
  // Those that gather, or did until something of them was sent. While there are any, the loop
  // lingers for EndGathering.
  std::vector<Lane*> gathering_;
  bool begun_ = false;
  // Of all lanes.
  uint32_t appends_under_way_ = 0;
  uint64_t queued_events_ = 0;
  uint64_t queued_bytes_ = 0;
  absl::Status refusal_;
  // Why the store is away, as publishers hear it.
  absl::Status away_;
  std::vector<absl::AnyInvocable<void()>> when_idle_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_PUBLISHER_H_
