#include "server/broker/tail.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"
#include "server/broker/event_expiry.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr absl::Duration kRetryDelay = absl::Milliseconds(200);
// Pages a tail holds or waits for at a time: bounds what a slow one costs.
constexpr int kMaxLoaded = 4;

}  // namespace

Tail::Tail(const Context* context, SharedReader* reader, SubscriptionId id, OpenRequest request,
           PatternSet patterns, SubscriberSink* sink)
    : context_(context),
      reader_(reader),
      id_(id),
      request_(std::move(request)),
      patterns_(std::move(patterns)),
      sink_(sink),
      flow_(request_.flow),
      meter_(context->loop),
      batcher_(context->loop, request_.batch, sink),
      retry_timer_(context->loop->CreateTimer([this] {
        for (Cursor* cursor : std::exchange(to_place_, {})) FindEnd(cursor);
        Recheck();
      })) {}

SubscriberStats Tail::Stats() const {
  SubscriberStats stats;
  stats.subscription_id = absl::StrCat(context_->incarnation, "/", id_);
  stats.instance_id = context_->incarnation;
  stats.client_id = request_.client_id;
  stats.client_properties = request_.client_properties;
  stats.peer = request_.peer;
  stats.patterns = request_.patterns;
  stats.receive = request_.tokens;
  stats.flow = flow_;
  stats.in_flight = in_flight_;
  stats.in_flight_bytes = in_flight_bytes_;
  meter_.WriteTo(context_->StoreNow(), &stats);
  return stats;
}

// ---- Finding its place ----

void Tail::Open(const Registry& registry) {
  for (const auto& [stream, type] : registry.types()) {
    if (patterns_.Matches(stream)) Place(stream, StartIn(request_.start, stream));
  }
  context_->loop->Defer(lifetime_.Guard([this] { OpenIfPlaced(); }));
}

void Tail::Place(const std::string& stream, const StreamStart& start) {
  auto cursor = std::make_unique<Cursor>();
  Cursor* const raw = cursor.get();
  cursor->stream = std::make_shared<const std::string>(stream);
  cursor->skip = start.skip;
  if (start.after.has_value()) cursor->after = *start.after;
  cursors_.emplace(stream, std::move(cursor));
  if (start.after.has_value()) return Queue(raw);
  ++placing_;
  FindEnd(raw);
}

void Tail::FindEnd(Cursor* cursor) {
  context_->store->GetStreamInfo(
      *cursor->stream, lifetime_.Guard([this, cursor](const absl::StatusOr<StreamInfo>& info) {
        if (!info.ok() && info.status().code() != absl::StatusCode::kNotFound) {
          to_place_.push_back(cursor);
          if (!retry_timer_->armed()) retry_timer_->Arm(kRetryDelay);
          return;
        }
        // A stream that is registered and not born yet begins later.
        cursor->after = info.ok() ? info->last : EntryId::Min();
        --placing_;
        Queue(cursor);
        OpenIfPlaced();
      }));
}

void Tail::OpenIfPlaced() {
  if (opened_ || draining_ || placing_ > 0) return;
  opened_ = true;
  OpenedInfo info;
  info.subscription_id = absl::StrCat(context_->incarnation, "/", id_);
  info.instance_id = context_->incarnation;
  info.definition.patterns = request_.patterns;
  info.flow = flow_;
  info.batch = request_.batch;
  sink_->OnOpened(info);
  Schedule();
}

void Tail::OnTypeKnown(const TypeRecord& type) {
  if (!patterns_.Matches(type.stream)) return;
  if (cursors_.contains(type.stream)) return OnStreamAdvanced(type.stream);
  StreamStart start = StartIn(request_.start, type.stream);
  if (!start.after.has_value()) start.after = EntryId::Min();
  Place(type.stream, start);
}

// ---- Reading and delivering ----

void Tail::OnStreamAdvanced(absl::string_view stream) {
  const auto found = cursors_.find(stream);
  if (found == cursors_.end()) return;
  found->second->advanced = true;
  Queue(found->second.get());
}

void Tail::Recheck() {
  for (const auto& [stream, cursor] : cursors_) {
    cursor->advanced = true;
    Queue(cursor.get());
  }
}

void Tail::Taken(uint64_t events, uint64_t bytes) {
  in_flight_ -= std::min(in_flight_, events);
  in_flight_bytes_ -= std::min(in_flight_bytes_, bytes);
  if (!queue_.empty()) Schedule();
}

void Tail::SetFlow(FlowLimits flow) {
  flow_ = flow;
  Schedule();
}

bool Tail::HasRoom() const {
  return in_flight_ == 0 ||
         (in_flight_ < flow_.max_in_flight && in_flight_bytes_ < flow_.max_in_flight_bytes);
}

void Tail::Queue(Cursor* cursor) {
  if (!cursor->queued && !cursor->reading) {
    cursor->queued = true;
    queue_.push_back(cursor);
  }
  Schedule();
}

void Tail::Schedule() {
  if (scheduled_ || !opened_ || draining_) return;
  scheduled_ = true;
  context_->loop->Defer(lifetime_.Guard([this] { RunTurn(); }));
}

void Tail::RunTurn() {
  scheduled_ = false;
  if (draining_) return;
  std::deque<Cursor*> put_off;
  while (!queue_.empty() && HasRoom()) {
    Cursor* const cursor = queue_.front();
    queue_.pop_front();
    if (cursor->page != nullptr) {
      DeliverFrom(cursor);
      // To the end: streams with much to tell take turns.
      queue_.push_back(cursor);
    } else if (!cursor->advanced || !context_->store_up) {
      cursor->queued = false;
    } else if (loaded_ < kMaxLoaded) {
      cursor->queued = false;
      Read(cursor);
    } else {
      put_off.push_back(cursor);
    }
  }
  queue_.insert(queue_.end(), put_off.begin(), put_off.end());
  batcher_.SendDue(/*no_room=*/!HasRoom());
}

uint32_t Tail::Fitting(const IndexedEntry& entry, uint32_t first) const {
  const uint64_t room = flow_.max_in_flight > in_flight_ ? flow_.max_in_flight - in_flight_ : 0;
  auto count = static_cast<uint32_t>(
      std::min<uint64_t>({entry.size() - first, room, batcher_.SpaceInMessage()}));
  const uint64_t bytes = flow_.max_in_flight_bytes > in_flight_bytes_
                             ? flow_.max_in_flight_bytes - in_flight_bytes_
                             : 0;
  while (count > 1 && entry.offsets[first + count] - entry.offsets[first] > bytes) --count;
  return std::max(count, 1U);
}

uint32_t Tail::NextWanted(const IndexedEntry& entry, Cursor* cursor) const {
  const AttributeFilter& filter = request_.filter;
  const auto wanted = [&entry, &filter](uint32_t index) {
    const uint32_t begin = entry.offsets[index];
    EntryReader reader(entry.entry.value.view().substr(begin, entry.offsets[index + 1] - begin));
    FramedEvent event;
    return reader.Next(&event) && filter.Matches(event.event);
  };
  const uint32_t before = cursor->next_event;
  if (!filter.empty()) {
    while (cursor->next_event < entry.size() && !wanted(cursor->next_event)) ++cursor->next_event;
  }
  if (cursor->next_event > before) context_->events->OnFilteredOut(cursor->next_event - before);
  const uint32_t first = cursor->next_event;
  if (first >= entry.size()) return 0;
  const uint32_t fitting = Fitting(entry, first);
  if (filter.empty()) return fitting;
  uint32_t count = 1;
  while (count < fitting && wanted(first + count)) ++count;
  return count;
}

void Tail::DeliverFrom(Cursor* cursor) {
  const IndexedEntry& entry = (*cursor->page)[cursor->next_entry];
  if (cursor->skip.has_value() && cursor->skip->entry == entry.entry.id) {
    cursor->next_event = std::max(cursor->next_event, cursor->skip->index + 1);
  }
  const int64_t now_ms =
      entry.entry.expires_ms == 0 ? 0 : absl::ToUnixMillis(context_->loop->WallNow());
  const bool may_have_expired = MayHaveExpired(entry.entry, now_ms);
  if (may_have_expired && cursor->next_event < entry.size()) {
    cursor->next_event += CountExpired(entry.entry, entry.offsets, cursor->next_event,
                                       entry.size() - cursor->next_event, now_ms, true);
  }
  uint32_t count = NextWanted(entry, cursor);
  if (may_have_expired && count > 0) {
    // None, if the next one has: then it is passed over next time.
    count = CountExpired(entry.entry, entry.offsets, cursor->next_event, count, now_ms, false);
  }
  if (count > 0) {
    const uint32_t first = cursor->next_event;
    DeliveryRun run;
    run.events = entry.entry.value.Slice(entry.offsets[first],
                                         entry.offsets[first + count] - entry.offsets[first]);
    run.count = count;
    run.stream = cursor->stream;
    run.position = Position{entry.entry.id, first};
    in_flight_ += count;
    in_flight_bytes_ += run.events.size();
    meter_.Delivered(count);
    context_->meter->delivered.Add(context_->loop->MonotonicNow(), count);
    context_->events->OnDelivered(count, run.events.size());
    cursor->next_event += count;
    batcher_.Add(std::move(run));
  }
  if (cursor->next_event < entry.size()) return;
  cursor->next_event = 0;
  if (++cursor->next_entry < cursor->page->size()) return;
  cursor->page = nullptr;
  --loaded_;
}

void Tail::Read(Cursor* cursor) {
  cursor->reading = true;
  cursor->advanced = false;
  ++loaded_;
  reader_->ReadAfter(*cursor->stream, cursor->after,
                     lifetime_.Guard([this, cursor](const absl::StatusOr<EntryPage>& page) {
                       OnPage(cursor, page);
                     }));
}

void Tail::OnPage(Cursor* cursor, const absl::StatusOr<EntryPage>& page) {
  cursor->reading = false;
  if (!page.ok() || (*page)->empty()) {
    --loaded_;
    // Others may have waited for this one.
    if (!queue_.empty()) Schedule();
  }
  if (!page.ok()) {
    if (page.status().code() == absl::StatusCode::kNotFound) {
      // It is not born yet, or gone: there is nothing to read until something is appended. That may
      // have been heard of already, since the store looked.
      if (cursor->advanced) Queue(cursor);
      return;
    }
    cursor->advanced = true;
    if (!retry_timer_->armed()) retry_timer_->Arm(kRetryDelay);
    return;
  }
  if (!(*page)->empty()) {
    cursor->after = (*page)->back().entry.id;
    cursor->page = *page;
    cursor->next_entry = 0;
    cursor->next_event = 0;
    // There may be more behind a page, full or not: only an empty one is the end.
    cursor->advanced = true;
  }
  if (cursor->page != nullptr || cursor->advanced) Queue(cursor);
}

void Tail::Drain(absl::Time deadline, absl::string_view message) {
  draining_ = true;
  if (opened_) sink_->OnDrain(deadline, message);
}

}  // namespace eventbus
