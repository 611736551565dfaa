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

// The events as they lie in the request, which has them all in one piece and complete.
PublishCommand TakeRequest(const RequestBytes& request, const std::vector<ScannedEvent>& events) {
  const char* const base = request.view().data();
  const auto frame_begin = [base](const ScannedEvent& event) {
    return static_cast<size_t>(event.bytes.data() - base) - FrameHeadSize(event.bytes.size());
  };
  const size_t begin = frame_begin(events.front());
  PublishCommand command;
  command.items.reserve(events.size());
  size_t end = begin;
  for (const ScannedEvent& event : events) {
    PublishItem item;
    item.begin = static_cast<uint32_t>(end - begin);
    end = static_cast<size_t>(event.bytes.data() - base) + event.bytes.size();
    item.end = static_cast<uint32_t>(end - begin);
    item.type_begin = static_cast<uint32_t>(static_cast<size_t>(event.type.data() - base) - begin);
    item.type_size = static_cast<uint32_t>(event.type.size());
    item.id_given = event.has_id;
    command.items.push_back(item);
  }
  // Without a copy, unless that would keep all that gRPC has read together with it.
  command.framed =
      request.exact()
          ? request.bytes().Slice(begin, end - begin)
          : Bytes::FromString(std::string(request.view().substr(begin, end - begin)));
  return command;
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
  for (const ScannedEvent& event : events) {
    UuidText new_id;
    if (!event.has_id) {
      new_id = NewEventId(now);
      fill_ins.id = new_id.view();
    }
    if (ids != nullptr) ids->Add(event.has_id ? event.id : fill_ins.id);
    const size_t begin = framed.size();
    const size_t event_size = EventSizeWith(event, fill_ins);
    AppendFramedEvent(event, fill_ins, &framed);
    PublishItem item;
    item.begin = static_cast<uint32_t>(begin);
    item.end = static_cast<uint32_t>(framed.size());
    item.type_begin = static_cast<uint32_t>(begin + FrameHeadSize(event_size) + TypeOffset(event));
    item.type_size = static_cast<uint32_t>(event.type.size());
    item.id_given = event.has_id;
    command.items.push_back(item);
  }
  command.framed = Bytes::FromString(std::move(framed));
  return command;
}

// Of each event; empty if none expires.
std::vector<int64_t> ExpiriesOf(const std::vector<ScannedEvent>& events, int64_t filled_in) {
  const bool any = std::any_of(events.begin(), events.end(), [&](const ScannedEvent& event) {
    return event.has_expiry ? event.expires_ms != 0 : filled_in != 0;
  });
  std::vector<int64_t> expiries;
  if (!any) return expiries;
  expiries.reserve(events.size());
  for (const ScannedEvent& event : events) {
    expiries.push_back(event.has_expiry ? event.expires_ms : filled_in);
  }
  return expiries;
}

}  // namespace

void EventIds::Add(absl::string_view id) {
  text_.append(id.data(), id.size());
  ends_.push_back(static_cast<uint32_t>(text_.size()));
}

absl::string_view EventIds::operator[](size_t index) const {
  const uint32_t begin = index == 0 ? 0 : ends_[index - 1];
  return absl::string_view(text_).substr(begin, ends_[index] - begin);
}

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

absl::Status Door::Scan(const PublishEnvelope& envelope, std::vector<ScannedEvent>* events) const {
  constexpr char kSizeSetting[] = "limits.max_event_bytes";
  EventLimits limits;
  limits.max_event_bytes = options_.max_event_bytes;
  events->resize(envelope.events.size());
  std::vector<FieldViolation> violations;
  size_t bad = 0;
  Reason reason = Reason::kInvalidField;
  for (size_t i = 0; i < envelope.events.size(); ++i) {
    const absl::string_view bytes = envelope.events[i];
    FieldViolation violation;
    const bool too_large = bytes.size() > limits.max_event_bytes;
    if (too_large) {
      violation =
          TooLargeViolation("", "bytes", bytes.size(), limits.max_event_bytes, kSizeSetting);
    } else if (ScanEvent(bytes, limits, &(*events)[i], &violation)) {
      continue;
    }
    if (bad++ == 0) {
      if (too_large) reason = Reason::kTooLarge;
      if (violation.malformed) reason = Reason::kMalformed;
    }
    if (violations.size() < kMaxFieldViolations) {
      violations.push_back(violation.Prefixed(envelope.EventPath(i)));
    }
  }
  if (bad == 0) return absl::OkStatus();
  Metadata metadata;
  if (reason == Reason::kTooLarge)
    metadata = TooLargeMetadata(limits.max_event_bytes, kSizeSetting);
  return InvalidRequest(reason, violations, bad, metadata);
}

absl::Status Door::CheckAtomic(const PublishEnvelope& envelope, const PublishChoices& choices,
                               const std::vector<ScannedEvent>& events) const {
  if (!envelope.atomic) return absl::OkStatus();
  if (choices.delay.has_value()) return UnimplementedField("atomic together with a delay");
  for (size_t i = 1; i < events.size(); ++i) {
    if (events[i].type == events.front().type) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kAtomicAcrossStreams,
                     absl::StrCat(envelope.EventPath(i), ".type: \"", events[i].type,
                                  "\" is of another stream than \"", events.front().type,
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
  std::vector<ScannedEvent> events;
  if (absl::Status status = Scan(envelope, &events); !status.ok()) return status;
  if (absl::Status status = CheckAtomic(envelope, choices, events); !status.ok()) return status;

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

  CheckedEvents checked;
  const bool complete = std::all_of(events.begin(), events.end(), [&](const ScannedEvent& event) {
    return IsComplete(event, fill_ins);
  });
  if (complete && envelope.back_to_back) {
    checked.command = TakeRequest(request, events);
    for (size_t i = 0; want_ids && i < events.size(); ++i) checked.ids.Add(events[i].id);
  } else {
    checked.command = WriteCompleted(events, fill_ins, now, want_ids ? &checked.ids : nullptr);
  }
  checked.command.delay = choices.delay;
  checked.command.atomic = envelope.atomic;
  checked.command.expires_ms = ExpiriesOf(events, choices.expires_ms);
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
