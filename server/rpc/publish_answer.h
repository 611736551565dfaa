#ifndef EVENTBUS_SERVER_RPC_PUBLISH_ANSWER_H_
#define EVENTBUS_SERVER_RPC_PUBLISH_ANSWER_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "eventbus/v1/broker.pb.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/publish_command.h"
#include "server/rpc/door.h"

// From what became of a command to the messages that tell the publisher. Pure, for any thread.
namespace eventbus {

// Serialized eventbus.v1.PublishResponse. REQUIRES: one run, which is OK.
grpc::ByteBuffer EncodePublishResponse(const EventIds& ids, const PublishedRun& run);

// Serialized eventbus.v1.PublishBatchResponse.
grpc::ByteBuffer EncodePublishBatchResponse(const EventIds& ids, const PublishOutcome& outcome);

// The parts of an acknowledgement about one message: appends its failures and, if it asked for
// them, results.
void AddFailures(uint64_t sequence, const PublishOutcome& outcome,
                 v1::PublishAcknowledgement* acknowledgement);
void AddResults(uint64_t sequence, const EventIds& ids, const PublishOutcome& outcome,
                v1::PublishAcknowledgement* acknowledgement);

// A PublishCommand::done that is sure to be answered: dropped without an answer (the loop has
// stopped), it answers OUTCOME_UNKNOWN for all `count` events, on whichever thread drops it.
absl::AnyInvocable<void(PublishOutcome)> AnswerOnce(
    size_t count, absl::AnyInvocable<void(PublishOutcome)> answer);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PUBLISH_ANSWER_H_
