#include "server/rpc/publish_answer.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
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

// Writes the PublishedEvent of each event of one run: they differ in id and in the last part of the
// position only.
class RunWriter {
 public:
  explicit RunWriter(const PublishedRun& run)
      : run_(run), index_(run.position.index), prefix_(run.position.entry.ToString()) {
    prefix_.push_back('-');
  }

  // Writes the message of the next event to `message`.
  void Next(absl::string_view id, std::string* message) {
    message->clear();
    AppendLengthDelimitedField(kId, id, message);
    AppendLengthDelimitedField(kStream, run_.stream, message);
    if (run_.schedule_ids.empty()) {
      position_.assign(prefix_);
      absl::StrAppend(&position_, index_++);
      AppendLengthDelimitedField(kPosition, position_, message);
    }
    if (run_.duplicate) AppendVarintField(kDuplicate, 1, message);
    if (!run_.schedule_ids.empty()) {
      AppendLengthDelimitedField(kScheduleId, run_.schedule_ids[next_++], message);
    }
  }

 private:
  const PublishedRun& run_;
  uint32_t index_;
  size_t next_ = 0;
  std::string prefix_;
  std::string position_;
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
  std::string published;
  RunWriter(run).Next(ids[0], &published);
  std::string message;
  message.reserve(LengthDelimitedSize(published.size()));
  AppendLengthDelimitedField(kPublished, published, &message);
  return BufferOf(std::move(message));
}

grpc::ByteBuffer EncodePublishBatchResponse(const EventIds& ids, const PublishOutcome& outcome) {
  std::string message;
  std::string part;
  // Typical sizes of id, stream and position.
  message.reserve(ids.size() * 100);
  for (const PublishedRun& run : outcome) {
    if (run.status.ok()) {
      RunWriter writer(run);
      for (uint32_t i = 0; i < run.count; ++i) {
        writer.Next(ids[run.first + i], &part);
        AppendTag(kResults, WireType::kLengthDelimited, &message);
        AppendVarint(LengthDelimitedSize(part.size()), &message);
        AppendLengthDelimitedField(kPublished, part, &message);
      }
      continue;
    }
    part = ToEventError(run.status).SerializeAsString();
    for (uint32_t i = 0; i < run.count; ++i) {
      AppendTag(kResults, WireType::kLengthDelimited, &message);
      AppendVarint(LengthDelimitedSize(part.size()), &message);
      AppendLengthDelimitedField(kError, part, &message);
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
