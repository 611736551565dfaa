#include "server/rpc/publish_answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <memory>
#include <utility>

#include "grpcpp/support/slice.h"
#include "server/broker/reason.h"
#include "server/broker/wire.h"
#include "server/rpc/errors.h"
#include "server/rpc/message_slices.h"

namespace eventbus {
namespace {

// Field numbers, all below 16.
constexpr uint32_t kPublished = 1;   // PublishResponse, PublishBatchResponse.Result
constexpr uint32_t kResults = 1;     // PublishBatchResponse
constexpr uint32_t kError = 2;       // PublishBatchResponse.Result
constexpr uint32_t kId = 1;          // PublishedEvent
constexpr uint32_t kStream = 2;      // PublishedEvent
constexpr uint32_t kPosition = 3;    // PublishedEvent
constexpr uint32_t kDuplicate = 4;   // PublishedEvent
constexpr uint32_t kScheduleId = 5;  // PublishedEvent

constexpr char kPublishedTag = OneByteTag(kPublished, WireType::kLengthDelimited);
constexpr char kResultsTag = OneByteTag(kResults, WireType::kLengthDelimited);
constexpr char kIdTag = OneByteTag(kId, WireType::kLengthDelimited);
constexpr char kStreamTag = OneByteTag(kStream, WireType::kLengthDelimited);
constexpr char kPositionTag = OneByteTag(kPosition, WireType::kLengthDelimited);
constexpr char kDuplicateTag = OneByteTag(kDuplicate, WireType::kVarint);
constexpr char kScheduleIdTag = OneByteTag(kScheduleId, WireType::kLengthDelimited);

constexpr size_t kMaxHeadBytes = 1 + kMaxVarintBytes;
constexpr size_t kMaxDigits = std::numeric_limits<uint64_t>::digits10 + 1;

// Writes the PublishedEvent of each event of one run: they differ in id and in the last part of the
// position only.
class RunWriter {
 public:
  explicit RunWriter(const PublishedRun& run) : run_(run), index_(run.position.index) {
    digits_ = WriteNumber(run.position.entry.ms, position_.data());
    *digits_++ = '-';
    digits_ = WriteNumber(run.position.entry.seq, digits_);
    *digits_++ = '-';
  }

  // Room that the next event's message takes at most, as the field `published` of a `results`.
  size_t MaxSize(absl::string_view id) const {
    const size_t schedule_id =
        run_.schedule_ids.empty() ? 0 : kMaxHeadBytes + run_.schedule_ids[next_].size();
    return 5 * kMaxHeadBytes + id.size() + LengthDelimitedSize(run_.stream.size()) +
           position_.size() + schedule_id;
  }

  // Writes the message of the next event at `out`, as the field `published`, and with `in_results`
  // that as the field `results`. Answers its end.
  char* Next(absl::string_view id, bool in_results, char* out) {
    const bool delayed = !run_.schedule_ids.empty();
    absl::string_view position;
    size_t size = LengthDelimitedSize(id.size()) + LengthDelimitedSize(run_.stream.size());
    if (delayed) {
      size += LengthDelimitedSize(run_.schedule_ids[next_].size());
    } else {
      const char* const end = WriteNumber(index_++, digits_);
      position = absl::string_view(position_.data(), static_cast<size_t>(end - position_.data()));
      size += LengthDelimitedSize(position.size());
    }
    if (run_.duplicate) size += 2;

    if (in_results) out = WriteLengthDelimitedHead(kResultsTag, LengthDelimitedSize(size), out);
    out = WriteLengthDelimitedHead(kPublishedTag, size, out);
    out = WriteLengthDelimitedField(kIdTag, id, out);
    out = WriteLengthDelimitedField(kStreamTag, run_.stream, out);
    if (!delayed) out = WriteLengthDelimitedField(kPositionTag, position, out);
    if (run_.duplicate) {
      *out++ = kDuplicateTag;
      *out++ = 1;
    }
    return delayed ? WriteLengthDelimitedField(kScheduleIdTag, run_.schedule_ids[next_++], out)
                   : out;
  }

 private:
  char* WriteNumber(uint64_t number, char* out) {
    return std::to_chars(out, position_.data() + position_.size(), number).ptr;
  }

  const PublishedRun& run_;
  uint32_t index_;
  size_t next_ = 0;
  // The text of the position, from digits_ on that of the index.
  std::array<char, 3 * (kMaxDigits + 1)> position_;
  char* digits_;
};

// Appends what is written at the end of a string without looking at its size each time.
class GrowingText {
 public:
  explicit GrowingText(size_t expected) { text_.resize(expected); }
  // Room for `bytes` more.
  char* Reserve(size_t bytes) {
    if (size_ + bytes > text_.size()) text_.resize(std::max(size_ + bytes, 2 * text_.size()));
    return text_.data() + size_;
  }
  // What was reserved last was written up to here.
  void WrittenTo(const char* end) { size_ = static_cast<size_t>(end - text_.data()); }
  std::string Take() {
    text_.resize(size_);
    return std::move(text_);
  }

 private:
  std::string text_;
  size_t size_ = 0;
};

// Answers when it is destroyed, if nobody has answered before.
class Answer {
 public:
  Answer(size_t count, absl::AnyInvocable<void(PublishOutcome)> answer)
      : count_(count), answer_(std::move(answer)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (!answer_) return;
    PublishedRun run;
    run.count = static_cast<uint32_t>(count_);
    run.status = MakeError(absl::StatusCode::kUnavailable, Reason::kOutcomeUnknown,
                           "the server stopped before the store had answered");
    PublishOutcome outcome;
    outcome.push_back(std::move(run));
    Give(std::move(outcome));
  }

  void Give(PublishOutcome outcome) { std::exchange(answer_, nullptr)(std::move(outcome)); }

 private:
  size_t count_;
  absl::AnyInvocable<void(PublishOutcome)> answer_;
};

}  // namespace

grpc::ByteBuffer EncodePublishResponse(const EventIds& ids, const PublishedRun& run) {
  RunWriter writer(run);
  GrowingText message(writer.MaxSize(ids[0]));
  message.WrittenTo(
      writer.Next(ids[0], /*in_results=*/false, message.Reserve(writer.MaxSize(ids[0]))));
  return BufferOf(message.Take());
}

grpc::ByteBuffer EncodePublishBatchResponse(const EventIds& ids, const PublishOutcome& outcome) {
  // Typical sizes of id, stream and position.
  GrowingText message(ids.size() * 128);
  for (const PublishedRun& run : outcome) {
    if (run.status.ok()) {
      RunWriter writer(run);
      for (uint32_t i = 0; i < run.count; ++i) {
        const absl::string_view id = ids[run.first + i];
        message.WrittenTo(
            writer.Next(id, /*in_results=*/true, message.Reserve(writer.MaxSize(id))));
      }
      continue;
    }
    std::string part;
    AppendLengthDelimitedField(kError, ToEventError(run.status).SerializeAsString(), &part);
    for (uint32_t i = 0; i < run.count; ++i) {
      message.WrittenTo(WriteLengthDelimitedField(kResultsTag, part,
                                                  message.Reserve(kMaxHeadBytes + part.size())));
    }
  }
  return BufferOf(message.Take());
}

void AddFailures(uint64_t sequence, const PublishOutcome& outcome,
                 v1::PublishAcknowledgement* acknowledgement) {
  for (const PublishedRun& run : outcome) {
    if (run.status.ok()) continue;
    v1::PublishStreamFailure& failure = *acknowledgement->add_failures();
    failure.set_sequence(sequence);
    *failure.mutable_error() = ToEventError(run.status);
    // A single run is the whole message.
    if (outcome.size() == 1) continue;
    for (uint32_t i = 0; i < run.count; ++i) failure.add_indexes(run.first + i);
  }
}

void AddResults(uint64_t sequence, const EventIds& ids, const PublishOutcome& outcome,
                v1::PublishAcknowledgement* acknowledgement) {
  v1::PublishStreamResult& result = *acknowledgement->add_results();
  result.set_sequence(sequence);
  for (const PublishedRun& run : outcome) {
    Position position = run.position;
    for (uint32_t i = 0; i < run.count; ++i) {
      v1::PublishedEvent& published = *result.add_published();
      published.set_id(std::string(ids[run.first + i]));
      if (!run.status.ok()) continue;
      published.set_stream(run.stream);
      published.set_duplicate(run.duplicate);
      if (!run.schedule_ids.empty()) {
        published.set_schedule_id(run.schedule_ids[i]);
        continue;
      }
      published.set_position(position.ToString());
      ++position.index;
    }
  }
}

absl::AnyInvocable<void(PublishOutcome)> AnswerOnce(
    size_t count, absl::AnyInvocable<void(PublishOutcome)> answer) {
  return [answer = std::make_unique<Answer>(count, std::move(answer))](PublishOutcome outcome) {
    answer->Give(std::move(outcome));
  };
}

}  // namespace eventbus
