#include "client/cpp/src/publish_message.h"

#include <utility>

#include "client/cpp/src/convert.h"
#include "client/cpp/src/status.h"

namespace eventbus::client {
namespace {

// The failure of each event, null where it has none.
std::vector<const v1::EventError*> FailuresByEvent(const PublishMessage& message) {
  std::vector<const v1::EventError*> errors(static_cast<size_t>(message.size()), nullptr);
  for (const v1::PublishStreamFailure& failure : message.failures) {
    if (failure.indexes().empty()) {
      for (const v1::EventError*& error : errors) {
        if (error == nullptr) error = &failure.error();
      }
    }
    for (const uint32_t index : failure.indexes()) {
      if (index < errors.size()) errors[index] = &failure.error();
    }
  }
  return errors;
}

bool RefusedAsAWhole(const PublishMessage& message) {
  return message.size() > 1 && message.failures.size() == 1 &&
         message.failures.front().indexes().empty() &&
         message.failures.front().error().code() ==
             static_cast<int>(absl::StatusCode::kInvalidArgument);
}

PublishCallback TakeCallback(PublishMessage& message, int index) {
  if (message.callbacks.empty()) return nullptr;
  return std::move(message.callbacks[static_cast<size_t>(index)]);
}

void MoveEvent(PublishMessage& from, int index, PublishMessage& to) {
  Event& event = *from.request.mutable_events(index);
  const size_t bytes = event.ByteSizeLong();
  to.Add(std::move(event), bytes, TakeCallback(from, index));
  to.expires = from.expires;
  to.sealed = true;
}

}  // namespace

void PublishMessage::Add(Event event, size_t event_bytes, PublishCallback callback) {
  *request.add_events() = std::move(event);
  bytes += event_bytes;
  if (callback != nullptr) {
    callbacks.resize(static_cast<size_t>(size()));
    callbacks.back() = std::move(callback);
    request.set_return_results(true);
  } else if (!callbacks.empty()) {
    callbacks.emplace_back();
  }
}

PublishVerdict Judge(PublishMessage& message, absl::Time now) {
  PublishVerdict verdict;
  if (message.failures.empty() && message.callbacks.empty()) {
    verdict.stored = static_cast<size_t>(message.size());
    return verdict;
  }
  if (RefusedAsAWhole(message)) {
    for (int i = 0; i < message.size(); ++i) {
      verdict.again.push_back(std::make_shared<PublishMessage>());
      MoveEvent(message, i, *verdict.again.back());
    }
    return verdict;
  }
  const std::vector<const v1::EventError*> errors = FailuresByEvent(message);
  for (int i = 0; i < message.size(); ++i) {
    const v1::EventError* error = errors[static_cast<size_t>(i)];
    if (error == nullptr) {
      ++verdict.stored;
      if (message.callbacks.empty() || message.callbacks[static_cast<size_t>(i)] == nullptr) {
        continue;
      }
      Published published = i < message.results.published_size()
                                ? ToPublished(message.results.published(i))
                                : Published{.id = message.request.events(i).id()};
      verdict.outcomes.push_back({i, std::move(published)});
      continue;
    }
    absl::Status status = FromEventError(*error);
    if (IsRetryableForEvent(status) && now < message.expires) {
      if (verdict.again.empty()) verdict.again.push_back(std::make_shared<PublishMessage>());
      MoveEvent(message, i, *verdict.again.back());
      verdict.wait = true;
      continue;
    }
    ++verdict.failed;
    verdict.outcomes.push_back({i, std::move(status)});
  }
  return verdict;
}

}  // namespace eventbus::client
