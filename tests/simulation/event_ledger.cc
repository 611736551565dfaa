#include "tests/simulation/event_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus::simulation {

void EventLedger::Violated(const char* rule, std::string what, size_t at) {
  report_->violations.push_back({rule, std::move(what), at});
}

void EventLedger::Take(const PublishSent& sent, size_t at) {
  std::vector<EventNumber>& request = requests_[sent.request];
  for (const SentEvent& one : sent.events) {
    const auto known = by_data_.find(one.data);
    if (known != by_data_.end()) {
      events_[known->second].sent_again = true;
      events_[known->second].delayed |= sent.due != absl::ZeroDuration();
      request.push_back(known->second);
      continue;
    }
    LedgerEvent event;
    event.sent = one;
    event.request = sent.request;
    event.sent_at = at;
    event.delayed = sent.due != absl::ZeroDuration();
    by_data_.emplace(one.data, events_.size());
    request.push_back(events_.size());
    events_.push_back(std::move(event));
  }
}

void EventLedger::Take(const PublishAnswered& answered, size_t at) {
  const std::vector<EventNumber>& request = requests_[answered.request];
  if (request.size() != answered.answers.size()) {
    return Violated(rules::kConversation,
                    absl::StrCat("publish ", answered.request, " has ", request.size(),
                                 " events and ", answered.answers.size(), " answers"),
                    at);
  }
  for (size_t i = 0; i < request.size(); ++i) {
    const EventAnswer& answer = answered.answers[i];
    LedgerEvent& event = events_[request[i]];
    // Where it was sent before, it may be stored all the same.
    if (event.sent_again && answer.fate != PublishFate::kStored) continue;
    event.fate = answer.fate;
    event.answered_at = at;
    if (answer.fate == PublishFate::kStored) {
      ++report_->confirmed_events;
      if (!answer.delayed) NotePosition(request[i], answer.stream, answer.position, at);
    } else if (answer.fate == PublishFate::kUnknown) {
      ++report_->unknown_events;
    } else if (event.delivered) {
      Violated(rules::kNotStoredIsGone,
               absl::StrCat(event.sent.data, " was delivered before it was said not to be stored"),
               at);
    }
  }
}

std::optional<EventNumber> EventLedger::TakeDelivery(SubscriptionNumber to, const SeenEvent& seen,
                                                     const std::string& stream,
                                                     const Position& position, size_t at) {
  const auto found = by_data_.find(seen.data);
  if (found == by_data_.end()) {
    Violated(rules::kOnlyPublished,
             absl::StrCat("sub ", to, " got \"", seen.data, "\", which nobody sent"), at);
    return std::nullopt;
  }
  LedgerEvent& event = events_[found->second];
  event.delivered = true;
  if (event.sent.id != seen.id || event.sent.type != seen.type) {
    Violated(rules::kOnlyPublished,
             absl::StrCat("sub ", to, " got ", seen.data, " as ", seen.type, " ", seen.id,
                          ", sent as ", event.sent.type, " ", event.sent.id),
             at);
  }
  if (event.fate == PublishFate::kNotStored) {
    Violated(rules::kNotStoredIsGone,
             absl::StrCat("sub ", to, " got ", seen.data, ", which was not stored"), at);
  }
  NotePosition(found->second, stream, position, at);
  return found->second;
}

std::optional<EventNumber> EventLedger::Find(const std::string& data) const {
  const auto found = by_data_.find(data);
  if (found == by_data_.end()) return std::nullopt;
  return found->second;
}

void EventLedger::NotePosition(EventNumber number, const std::string& stream,
                               const Position& position, size_t at) {
  LedgerEvent& event = events_[number];
  const auto [place, fresh] = at_position_[stream].emplace(position, number);
  if (!fresh && place->second != number) {
    Violated(rules::kOnePosition,
             absl::StrCat(stream, "@", position.ToString(), " has ", data(place->second), " and ",
                          event.sent.data),
             at);
  }
  if (stream != event.sent.type) {
    Violated(rules::kOnePosition, absl::StrCat(event.sent.data, " is in the stream ", stream), at);
  }
  if (event.position.has_value() && *event.position != position) {
    Violated(rules::kOnePosition,
             absl::StrCat(event.sent.data, " is at ", event.position->ToString(), " and at ",
                          position.ToString()),
             at);
  }
  event.position = position;
}

void EventLedger::CheckStoredInOrder(size_t at) {
  std::map<std::string, std::vector<const LedgerEvent*>> by_stream;
  for (const LedgerEvent& event : events_) {
    if (event.delayed) continue;
    if (event.fate == PublishFate::kStored) by_stream[event.sent.type].push_back(&event);
  }
  for (const auto& [stream, by_sent] : by_stream) CheckOrderOf(stream, by_sent, at);
}

void EventLedger::CheckOrderOf(const std::string& stream,
                               const std::vector<const LedgerEvent*>& by_sent, size_t at) {
  std::vector<const LedgerEvent*> by_answered = by_sent;
  std::stable_sort(
      by_answered.begin(), by_answered.end(),
      [](const LedgerEvent* a, const LedgerEvent* b) { return *a->answered_at < *b->answered_at; });
  const LedgerEvent* highest = nullptr;
  const LedgerEvent* previous = nullptr;
  auto answered = by_answered.begin();
  for (const LedgerEvent* event : by_sent) {
    for (; answered != by_answered.end() && *(*answered)->answered_at < event->sent_at;
         ++answered) {
      if (highest == nullptr || *(*answered)->position > *highest->position) highest = *answered;
    }
    if (highest != nullptr && *highest->position > *event->position) {
      Violated(rules::kStoredInOrder,
               absl::StrCat(event->sent.data, " was sent when ", highest->sent.data,
                            " was confirmed, and is in ", stream, " before it"),
               at);
    }
    if (previous != nullptr && previous->request == event->request && !previous->sent_again &&
        !event->sent_again && *previous->position > *event->position) {
      Violated(rules::kStoredInOrder,
               absl::StrCat(event->sent.data, " comes in its request after ", previous->sent.data,
                            ", and in ", stream, " before it"),
               at);
    }
    previous = event;
  }
}

}  // namespace eventbus::simulation
