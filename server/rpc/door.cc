#include "server/rpc/door.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/broker/uuid.h"
#include "server/broker/wire.h"
#include "server/rpc/errors.h"
#include "server/rpc/publish_options.h"

namespace eventbus {
namespace {

using Kind = PublishEnvelope::Kind;

UuidText NewEventId(absl::Time now) {
  thread_local UuidV7Generator generator;
  return FormatUuid(generator.Next(now));
}

// The events of an atomic batch are one entry, which has to fit into a message of ours with what is
// around it.
constexpr uint64_t kMaxAtomicBytes = kMaxServerMessageBytes - (uint64_t{64} << 10);

// As long as any id that is filled in.
constexpr absl::string_view kSomeId = "00000000-0000-0000-0000-000000000000";
static_assert(kSomeId.size() == kUuidTextBytes);

bool IsComplete(const ScannedEvent& event, const FillIns& fill_ins) {
  return event.has_id && event.has_source && event.has_spec_version && event.has_time &&
         (event.has_traceparent || fill_ins.traceparent.empty()) &&
         (event.has_expiry || fill_ins.expiry.empty());
}

// Bytes before the event itself in its frame.
size_t FrameHeadSize(size_t event_size) { return LengthDelimitedSize(event_size) - event_size; }

// An event whose frame begins at `begin` of the framed bytes, and whose type at `type_begin`.
PublishItem ItemOf(const ScannedEvent& event, size_t begin, size_t size, size_t type_begin) {
  PublishItem item;
  item.begin = static_cast<uint32_t>(begin);
  item.end = static_cast<uint32_t>(begin + LengthDelimitedSize(size));
  item.type_begin = static_cast<uint32_t>(type_begin);
  item.type_size = static_cast<uint32_t>(event.type.size());
  item.id_given = event.has_id;
  return item;
}

// Where the type lies in the event once its empty fields are left out.
size_t TypeOffset(const ScannedEvent& event) {
  const auto offset = static_cast<size_t>(event.type.data() - event.bytes.data());
  size_t left_out = 0;
  for (size_t i = 0; i < event.empty_field_count; ++i) {
    if (event.empty_fields[i].offset < offset) left_out += event.empty_fields[i].size;
  }
  return offset - left_out;
}

// The events with what they lack, in one buffer of exactly their size.
PublishCommand WriteCompleted(const std::vector<ScannedEvent>& events, FillIns fill_ins,
                              absl::Time now, EventIds* ids) {
  fill_ins.id = kSomeId;
  size_t size = 0;
  for (const ScannedEvent& event : events) size += FramedSize(event, fill_ins);

  std::string framed;
  framed.reserve(size);
  PublishCommand command;
  command.items.reserve(events.size());
  std::string id_text;
  if (ids != nullptr) {
    ids->Reserve(events.size());
    id_text.reserve(events.size() * kUuidTextBytes);
  }
  for (const ScannedEvent& event : events) {
    UuidText new_id;
    if (!event.has_id) {
      new_id = NewEventId(now);
      fill_ins.id = new_id.view();
    }
    if (ids != nullptr) {
      const absl::string_view id = event.has_id ? event.id : fill_ins.id;
      ids->Add(id_text.size(), id.size());
      id_text.append(id.data(), id.size());
    }
    const size_t begin = framed.size();
    const size_t event_size = EventSizeWith(event, fill_ins);
    AppendFramedEvent(event, fill_ins, &framed);
    command.items.push_back(
        ItemOf(event, begin, event_size, begin + FrameHeadSize(event_size) + TypeOffset(event)));
  }
  command.framed = Bytes::FromString(std::move(framed));
  if (ids != nullptr) ids->SetBytes(Bytes::FromString(std::move(id_text)));
  return command;
}

// Scans the events of a request. As long as they are complete, and lie there as they are to be
// stored, no more is kept of each than the command needs; of the others all, to be completed.
class RequestScan {
 public:
  // All must outlive it.
  RequestScan(const RequestBytes& request, const PublishEnvelope& envelope, const FillIns& fill_ins,
              size_t max_event_bytes, bool want_ids)
      : request_(request), envelope_(envelope), fill_ins_(fill_ins), want_ids_(want_ids) {
    limits_.max_event_bytes = max_event_bytes;
    as_they_are_ = envelope.back_to_back;
    const size_t count = envelope.events.size();
    command_.items.reserve(count);
    if (want_ids) ids_.Reserve(count);
  }

  // INVALID_ARGUMENT that names every bad event.
  absl::Status Run() {
    if (!as_they_are_) events_.reserve(envelope_.events.size());
    for (size_t i = 0; i < envelope_.events.size(); ++i) Scan(i);
    if (bad_ == 0) return absl::OkStatus();
    Metadata metadata;
    if (reason_ == Reason::kTooLarge) {
      metadata = TooLargeMetadata(limits_.max_event_bytes, kSizeSetting);
    }
    return InvalidRequest(reason_, violations_, bad_, metadata);
  }

  // After Run was OK.
  CheckedEvents Take(absl::Time now, int64_t filled_in_expiry) {
    CheckedEvents checked;
    if (as_they_are_) {
      ShareRequest();
      ids_.SetBytes(command_.framed);
      checked.command = std::move(command_);
      checked.ids = std::move(ids_);
    } else {
      checked.command = WriteCompleted(events_, fill_ins_, now, want_ids_ ? &checked.ids : nullptr);
    }
    if (any_expires_ || filled_in_expiry != 0) {
      expiries_.resize(envelope_.events.size(), kNoExpiryGiven);
      for (int64_t& expiry : expiries_) {
        if (expiry == kNoExpiryGiven) expiry = filled_in_expiry;
      }
      const bool any = std::any_of(expiries_.begin(), expiries_.end(),
                                   [](int64_t expiry) { return expiry != 0; });
      if (any) checked.command.expires_ms = std::move(expiries_);
    }
    return checked;
  }

 private:
  static constexpr char kSizeSetting[] = "limits.max_event_bytes";
  static constexpr int64_t kNoExpiryGiven = -1;

  void Scan(size_t index) {
    const absl::string_view bytes = envelope_.events[index];
    const bool too_large = bytes.size() > limits_.max_event_bytes;
    if (too_large) {
      violation_ =
          TooLargeViolation("", "bytes", bytes.size(), limits_.max_event_bytes, kSizeSetting);
    } else if (ScanEvent(bytes, limits_, &event_, &violation_)) {
      if (bad_ == 0) Add(index);
      return;
    }
    if (bad_++ == 0) {
      if (too_large) reason_ = Reason::kTooLarge;
      if (violation_.malformed) reason_ = Reason::kMalformed;
    }
    if (violations_.size() < kMaxFieldViolations) {
      violations_.push_back(violation_.Prefixed(envelope_.EventPath(index)));
    }
    violation_ = FieldViolation();
  }

  // The event that was just scanned.
  void Add(size_t index) {
    if (event_.has_expiry) {
      any_expires_ = any_expires_ || event_.expires_ms != 0;
      expiries_.resize(envelope_.events.size(), kNoExpiryGiven);
      expiries_[index] = event_.expires_ms;
    }
    if (as_they_are_ && !IsComplete(event_, fill_ins_)) KeepAllBefore(index);
    if (!as_they_are_) {
      events_.push_back(event_);
      return;
    }
    const size_t begin = end_;
    end_ += LengthDelimitedSize(event_.bytes.size());
    command_.items.push_back(
        ItemOf(event_, begin, event_.bytes.size(), FramedOffset(event_.type.data())));
    if (want_ids_) ids_.Add(FramedOffset(event_.id.data()), event_.id.size());
  }

  // Of a part of an event that is taken as it is.
  size_t FramedOffset(const char* part) const {
    const absl::string_view first = envelope_.events.front();
    return static_cast<size_t>(part - first.data()) + FrameHeadSize(first.size());
  }

  // From the first event on that is not complete all are written anew.
  void KeepAllBefore(size_t index) {
    as_they_are_ = false;
    events_.reserve(envelope_.events.size());
    FieldViolation none;
    for (size_t i = 0; i < index; ++i) {
      ScanEvent(envelope_.events[i], limits_, &events_.emplace_back(), &none);
    }
    command_ = PublishCommand();
    ids_ = EventIds();
  }

  // Without a copy, unless that would keep all that gRPC has read together with it.
  void ShareRequest() {
    const absl::string_view first = envelope_.events.front();
    const size_t begin =
        static_cast<size_t>(first.data() - request_.view().data()) - FrameHeadSize(first.size());
    command_.framed = request_.exact()
                          ? request_.bytes().Slice(begin, end_)
                          : Bytes::FromString(std::string(request_.view().substr(begin, end_)));
  }

  const RequestBytes& request_;
  const PublishEnvelope& envelope_;
  const FillIns& fill_ins_;
  const bool want_ids_;
  EventLimits limits_;

  ScannedEvent event_;
  FieldViolation violation_;
  bool as_they_are_ = false;
  // Of those that are taken as they are, and the size of their frames so far.
  PublishCommand command_;
  EventIds ids_;
  size_t end_ = 0;
  // Of the others.
  std::vector<ScannedEvent> events_;
  // Of all, once one has any.
  std::vector<int64_t> expiries_;
  bool any_expires_ = false;

  size_t bad_ = 0;
  Reason reason_ = Reason::kInvalidField;
  std::vector<FieldViolation> violations_;
};

}  // namespace

absl::Status Door::CheckSize(const RequestBytes& request, const PublishEnvelope& envelope) const {
  if (envelope.kind == Kind::kPublish) {
    if (envelope.events.empty()) return InvalidField("event", "is required");
    return absl::OkStatus();
  }
  if (envelope.events.empty()) return InvalidField("events", "at least one event is required");
  if (envelope.events.size() > options_.max_batch_events) {
    constexpr char kSetting[] = "limits.max_batch_events";
    return InvalidRequest(Reason::kTooLarge,
                          {TooLargeViolation("events", "events", envelope.events.size(),
                                             options_.max_batch_events, kSetting)},
                          1, TooLargeMetadata(options_.max_batch_events, kSetting));
  }
  if (request.view().size() > options_.max_batch_bytes) {
    constexpr char kSetting[] = "limits.max_batch_bytes";
    return InvalidRequest(Reason::kTooLarge,
                          {TooLargeViolation("events", "bytes", request.view().size(),
                                             options_.max_batch_bytes, kSetting)},
                          1, TooLargeMetadata(options_.max_batch_bytes, kSetting));
  }
  return absl::OkStatus();
}

absl::Status Door::CheckAtomic(const PublishEnvelope& envelope,
                               const PublishCommand& command) const {
  if (!command.atomic) return absl::OkStatus();
  if (command.delay.has_value()) return UnimplementedField("atomic together with a delay");
  for (size_t i = 1; i < command.items.size(); ++i) {
    if (command.type(i) == command.type(0)) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kAtomicAcrossStreams,
                     absl::StrCat(envelope.EventPath(i), ".type: \"", command.type(i),
                                  "\" is of another stream than \"", command.type(0),
                                  "\"; the events of an atomic batch must be of one type"));
  }
  return absl::OkStatus();
}

absl::StatusOr<CheckedEvents> Door::Check(const RequestBytes& request,
                                          const PublishEnvelope& envelope,
                                          const TraceContext& trace, bool want_ids) const {
  if (absl::Status status = CheckSize(request, envelope); !status.ok()) return status;
  const absl::Time now = absl::Now();
  PublishChoices choices;
  if (absl::Status status = ReadPublishOptions(envelope.options, now, &choices); !status.ok()) {
    return status;
  }
  FillIns fill_ins;
  fill_ins.source = options_.default_source;
  fill_ins.time_seconds = absl::ToUnixSeconds(now);
  fill_ins.time_nanos = static_cast<int32_t>(
      absl::ToInt64Nanoseconds(now - absl::FromUnixSeconds(fill_ins.time_seconds)));
  fill_ins.traceparent = trace.traceparent;
  fill_ins.tracestate = trace.tracestate;
  std::string expiry;
  if (choices.expires_ms != 0) expiry = EncodeExpiry(choices.expires_ms);
  fill_ins.expiry = expiry;

  RequestScan scan(request, envelope, fill_ins, options_.max_event_bytes, want_ids);
  if (absl::Status status = scan.Run(); !status.ok()) return status;
  CheckedEvents checked = scan.Take(now, choices.expires_ms);
  checked.command.delay = choices.delay;
  checked.command.atomic = envelope.atomic;
  if (absl::Status status = CheckAtomic(envelope, checked.command); !status.ok()) return status;
  if (envelope.atomic && checked.command.framed.size() > kMaxAtomicBytes) {
    constexpr char kSetting[] = "limits.max_batch_bytes";
    return InvalidRequest(
        Reason::kTooLarge,
        {TooLargeViolation("events", "bytes of an atomic batch", checked.command.framed.size(),
                           kMaxAtomicBytes, kSetting)},
        1, TooLargeMetadata(kMaxAtomicBytes, kSetting));
  }
  return checked;
}

}  // namespace eventbus
