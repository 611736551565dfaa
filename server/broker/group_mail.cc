// The part of Group for what is settled by token on other instances.
#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "server/broker/group.h"

namespace eventbus {
namespace {

constexpr size_t kEntriesPerRead = 500;

}  // namespace

bool Group::Has(const DeliveryToken& token) const {
  const auto found = streams_.find(token.stream);
  if (found == streams_.end()) return false;
  GroupStream& stream = *found->second->stream;
  if (stream.group() != token.group) return false;
  return stream.IsBeingAcked(token.position.entry) ||
         stream.FindHeld(token.position.entry) != nullptr;
}

void Group::OnMail(const MailNotice& notice) {
  const auto found = streams_.find(notice.stream);
  if (found == streams_.end() || found->second->stream->group() != notice.group) {
    return context_->store->DropMail(notice.stream, notice.group, notice.consumer, {notice.id});
  }
  GroupStream& stream = *found->second->stream;
  if (stream.FindHeld(notice.id) == nullptr) return stream.NoteMail(notice.id);
  ReadMail(notice.stream, {notice.id});
}

void Group::ReadMail(const std::string& stream, std::vector<EntryId> ids) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  const GroupKey key = found->second->stream->group();
  for (auto first = ids.begin(); first != ids.end();) {
    const auto last =
        first + std::min<std::ptrdiff_t>(ids.end() - first, std::ptrdiff_t{kEntriesPerRead});
    context_->store->ReadStates(
        stream, key, {first, last},
        lifetime_.Guard([this, stream, key](const absl::StatusOr<std::vector<EntryState>>& states) {
          OnMailRead(stream, key, states);
        }));
    first = last;
  }
}

void Group::OnMailRead(const std::string& stream, const GroupKey& key,
                       const absl::StatusOr<std::vector<EntryState>>& states) {
  const auto found = streams_.find(stream);
  const bool there = found != streams_.end() && found->second->stream->group() == key;
  if (!states.ok()) {
    if (there) found->second->mail_missed = true;
    return;
  }
  std::vector<EntryId> done;
  std::vector<EntryId> left_out;
  for (const EntryState& state : *states) {
    if (there && found->second->stream->FindHeld(state.id) != nullptr) {
      if (state.mail_left_out) left_out.push_back(state.id);
      ObeyMail(*found->second->stream, state);
    } else {
      done.push_back(state.id);
    }
  }
  if (!left_out.empty()) ReadMail(stream, std::move(left_out));
  if (done.empty()) return;
  // An ack that left before anybody here knew of the mail has left it behind.
  context_->store->DropMail(stream, key, context_->incarnation, std::move(done));
}

void Group::ObeyMail(GroupStream& stream, const EntryState& state) {
  HeldEntry& entry = *stream.FindHeld(state.id);
  if (state.mail.size() <= entry.mail_read) return;
  const std::vector<MailedSettle> settles =
      ReadSettleMail(absl::string_view(state.mail).substr(entry.mail_read));
  entry.mail_read = state.mail.size();
  bool refused = false;
  for (const MailedSettle& settle : settles) {
    const DeliveryToken token = {stream.group(),
                                 stream.stream(),
                                 {state.id, settle.index},
                                 settle.attempt,
                                 settle.times_delivered};
    if (!SettleToken(token, settle.action, nullptr).has_value()) continue;
    context_->events->OnUnknownSettle(1);
    refused = true;
  }
  if (refused) stream.WriteDown(state.id);
}

}  // namespace eventbus
