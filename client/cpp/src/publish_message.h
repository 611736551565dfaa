#ifndef EVENTBUS_CLIENT_CPP_SRC_PUBLISH_MESSAGE_H_
#define EVENTBUS_CLIENT_CPP_SRC_PUBLISH_MESSAGE_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "eventbus/publisher.h"
#include "eventbus/v1/broker.pb.h"

namespace eventbus::client {

// A message of a publishing stream, from its first event until the fate of all is known. Guarded by
// its publisher, but for the request while it is being written.
struct PublishMessage {
  v1::PublishStreamRequest request;
  // One per event; empty if none has one.
  std::vector<PublishCallback> callbacks;
  size_t bytes = 0;
  absl::Time expires;
  // It was sent before: takes no further events.
  bool sealed = false;

  void Add(Event event, size_t event_bytes, PublishCallback callback);
  int size() const { return request.events_size(); }

  // What the broker said so far, in the order in which it came.
  std::vector<v1::PublishStreamFailure> failures;
  v1::PublishStreamResult results;
};

// What is to be done about a message that the broker has decided.
struct PublishVerdict {
  struct Outcome {
    int index;
    absl::StatusOr<Published> result;
  };
  // Events whose fate is final and somebody wants to know: failures, and those with a callback.
  std::vector<Outcome> outcomes;
  // How many are final and stored, and how many final and failed.
  size_t stored = 0;
  size_t failed = 0;
  // To be sent again, in this order. Taken out of the message.
  std::vector<std::shared_ptr<PublishMessage>> again;
  // They are sent again because the broker was short of something: wait before.
  bool wait = false;
};

// Decides each event of `message` by its failures and results. Retries what the broker says was not
// stored for a passing cause, until the message expires. A message that was refused as a whole for
// a bad event is taken apart, so that the good ones are not lost with the bad one.
PublishVerdict Judge(PublishMessage& message, absl::Time now);

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_PUBLISH_MESSAGE_H_
