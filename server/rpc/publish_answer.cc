#include "server/rpc/publish_answer.h"

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
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

// Writes the PublishedEvent of each event, run by run: those of one differ in id and in the last
// part of the position only, so usually in bytes that are written over those of the one before.
class RunWriter {
 public:
  enum class Form { kAlone, kInResults };

  // As the field `published`, and with kInResults that as the field `results`.
  explicit RunWriter(Form form) : form_(form) {}

  // Goes on with this run, which must outlive what is written of it.
  void Begin(const PublishedRun& run) {
    run_ = &run;
    index_ = run.position.index;
    next_ = 0;
  }

  // The message of the next event. There until the next call.
  absl::string_view Next(absl::string_view id) {
    if (!WriteOver(id)) Write(id);
    ++index_;
    ++next_;
    return message_;
  }

 private:
  bool WriteOver(absl::string_view id) {
    if (next_ == 0 || id.size() != id_size_ || !run_->schedule_ids.empty()) return false;
    if (!CountUp()) return false;
    std::memcpy(message_.data() + id_begin_, id.data(), id.size());
    return true;
  }

  // The digits of the index by one. False if that takes one more.
  bool CountUp() {
    size_t digit = message_.size() - after_index_;
    while (digit > index_begin_) {
      char& character = message_[--digit];
      if (character != '9') {
        ++character;
        return true;
      }
      character = '0';
    }
    return false;
  }

  void Write(absl::string_view id) {
    const bool delayed = !run_->schedule_ids.empty();
    const absl::string_view position = delayed ? absl::string_view() : WritePosition();
    size_t size = LengthDelimitedSize(id.size()) + LengthDelimitedSize(run_->stream.size());
    size += LengthDelimitedSize(delayed ? run_->schedule_ids[next_].size() : position.size());
    after_index_ = run_->duplicate ? 2 : 0;
    size += after_index_;

    message_.resize(2 * kMaxHeadBytes + size);
    char* out = message_.data();
    if (form_ == Form::kInResults) {
      out = WriteLengthDelimitedHead(kResultsTag, LengthDelimitedSize(size), out);
    }
    out = WriteLengthDelimitedHead(kPublishedTag, size, out);
    out = WriteLengthDelimitedField(kIdTag, id, out);
    id_size_ = id.size();
    id_begin_ = static_cast<size_t>(out - message_.data()) - id_size_;
    out = WriteLengthDelimitedField(kStreamTag, run_->stream, out);
    if (!delayed) {
      out = WriteLengthDelimitedField(kPositionTag, position, out);
      const size_t index_size = position.size() - (position.rfind('-') + 1);
      index_begin_ = static_cast<size_t>(out - message_.data()) - index_size;
    }
    if (run_->duplicate) {
      *out++ = kDuplicateTag;
      *out++ = 1;
    }
    if (delayed) out = WriteLengthDelimitedField(kScheduleIdTag, run_->schedule_ids[next_], out);
    message_.resize(static_cast<size_t>(out - message_.data()));
  }

  // Position::ToString without a string, and without the milliseconds where they are those of the
  // one before: the entries of a batch of many types have been appended together.
  static constexpr size_t kMaxDigits = std::numeric_limits<uint64_t>::digits10 + 1;
  absl::string_view WritePosition() {
    const EntryId& entry = run_->position.entry;
    if (ms_size_ == 0 || entry.ms != ms_) {
      ms_ = entry.ms;
      char* const end = WriteNumber(ms_, position_.data());
      *end = '-';
      ms_size_ = static_cast<size_t>(end + 1 - position_.data());
    }
    char* out = WriteNumber(entry.seq, position_.data() + ms_size_);
    *out++ = '-';
    out = WriteNumber(index_, out);
    return absl::string_view(position_.data(), static_cast<size_t>(out - position_.data()));
  }
  // Has room for any.
  static char* WriteNumber(uint64_t number, char* out) {
    return std::to_chars(out, out + kMaxDigits, number).ptr;
  }

  const Form form_;
  const PublishedRun* run_ = nullptr;
  uint32_t index_ = 0;
  size_t next_ = 0;
  // The last position that was written as a whole, and how long its milliseconds are.
  std::array<char, 3 * (kMaxDigits + 1)> position_;
  uint64_t ms_ = 0;
  size_t ms_size_ = 0;
  // That of the event before, and where in it lies what is different in the next one: the id, and
  // the index's digits, which so many bytes follow.
  std::string message_;
  size_t id_begin_ = 0;
  size_t id_size_ = 0;
  size_t index_begin_ = 0;
  size_t after_index_ = 0;
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
  RunWriter writer(RunWriter::Form::kAlone);
  writer.Begin(run);
  return BufferOf(std::string(writer.Next(ids[0])));
}

grpc::ByteBuffer EncodePublishBatchResponse(const EventIds& ids, const PublishOutcome& outcome) {
  // Typical sizes of id, stream and position.
  constexpr size_t kTypicalResultBytes = 128;
  std::string message;
  message.reserve(ids.size() * kTypicalResultBytes);
  RunWriter writer(RunWriter::Form::kInResults);
  for (const PublishedRun& run : outcome) {
    if (run.status.ok()) {
      writer.Begin(run);
      for (uint32_t i = 0; i < run.count; ++i) {
        const absl::string_view result = writer.Next(ids[run.first + i]);
        message.append(result.data(), result.size());
      }
      continue;
    }
    std::string error;
    AppendLengthDelimitedField(kError, ToEventError(run.status).SerializeAsString(), &error);
    for (uint32_t i = 0; i < run.count; ++i) {
      AppendLengthDelimitedField(kResults, error, &message);
    }
  }
  return BufferOf(std::move(message));
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
