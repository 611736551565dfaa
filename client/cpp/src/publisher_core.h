#ifndef EVENTBUS_CLIENT_CPP_SRC_PUBLISHER_CORE_H_
#define EVENTBUS_CLIENT_CPP_SRC_PUBLISHER_CORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/src/backoff.h"
#include "client/cpp/src/call_count.h"
#include "client/cpp/src/connection.h"
#include "client/cpp/src/publish_call.h"
#include "client/cpp/src/publish_message.h"
#include "eventbus/publisher.h"

namespace eventbus::client {

// What a Publisher does. Events wait in messages in `queue_`, go out one message at a time as the
// window allows, and wait in `in_flight_` for their acknowledgement; a broken call brings them back
// to the front of the queue. Any thread; callbacks of users run without the mutex.
class Publisher::Core : public std::enable_shared_from_this<Publisher::Core> {
 public:
  Core(std::shared_ptr<Connection> connection, PublisherOptions options);

  // Moves from `event` only on OK.
  absl::Status Add(Event& event, PublishCallback& done, bool block);
  absl::Status Flush(absl::Duration timeout);
  absl::Status Close(absl::Duration timeout);
  PublisherCounts counts() const;
  // After Close: its calls are gone, and no callback runs any more.
  void WaitForCalls();

 private:
  using MessagePointer = std::shared_ptr<PublishMessage>;

  // What happened to a message's events, to be told to users once the mutex is free.
  struct Decision {
    MessagePointer message;
    PublishVerdict verdict;
  };

  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool Idle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return counts_.pending == 0; }

  // Opens a call if there is none and something to send.
  void Connect() ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes the next message if all allows it.
  void Pump() ABSL_LOCKS_EXCLUDED(mutex_);
  // The next Pump, if no other timer of the kind waits.
  void PumpAfter(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mutex_);
  void WatchExpiry() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnExpiryTimer() ABSL_LOCKS_EXCLUDED(mutex_);

  void OnResponse(uint64_t call, const v1::PublishStreamResponse& response);
  void OnAcknowledgement(uint64_t call, const v1::PublishAcknowledgement& acknowledgement);
  void OnWritten(uint64_t call);
  void OnFinished(uint64_t call, const absl::Status& status);

  // Takes events to be sent again into the queue, tells users about the others, and counts.
  void Carry(std::vector<Decision> decisions) ABSL_LOCKS_EXCLUDED(mutex_);
  static Decision FailAll(MessagePointer message, const absl::Status& status);

  const std::shared_ptr<Connection> connection_;
  const PublisherOptions options_;

  mutable absl::Mutex mutex_;
  std::deque<MessagePointer> queue_ ABSL_GUARDED_BY(mutex_);
  std::deque<MessagePointer> in_flight_ ABSL_GUARDED_BY(mutex_);
  size_t in_flight_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  PublisherCounts counts_ ABSL_GUARDED_BY(mutex_);

  std::shared_ptr<PublishCall> call_ ABSL_GUARDED_BY(mutex_);
  // That of call_.
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
  // Number of the current call: late events of an earlier one are told by it. 0: there is none.
  uint64_t call_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t calls_made_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  // Zero messages until the server has stated it.
  v1::PublishWindow window_ ABSL_GUARDED_BY(mutex_);
  // Being written: it stays alive, also if its acknowledgement is faster.
  MessagePointer writing_ ABSL_GUARDED_BY(mutex_);
  // A retry waits for its time: nothing is sent before.
  bool holding_ ABSL_GUARDED_BY(mutex_) = false;
  bool watching_expiry_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  const std::shared_ptr<CallCount> call_count_ = std::make_shared<CallCount>();
  Backoff backoff_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
  absl::Status first_failure_ ABSL_GUARDED_BY(mutex_);
  uint64_t failures_since_flush_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_PUBLISHER_CORE_H_
