// The part of Group for what is settled by token on other instances.
#include <algorithm>
#include <cstddef>
#include <utility>

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
  if (found == streams_.end()) return;
  GroupStream& stream = *found->second->stream;
  if (stream.group() != notice.group) return;
  if (stream.FindHeld(notice.id) != nullptr) return ReadMail(notice.stream, {notice.id});
  // Done with, or not here yet: then the store keeps the mail.
  context_->store->DropMail(notice.stream, notice.group, notice.id);
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
          const auto now = streams_.find(stream);
          if (now == streams_.end() || now->second->stream->group() != key) return;
          if (!states.ok()) {
            now->second->mail_missed = true;
            return;
          }
          for (const EntryState& state : *states) ObeyMail(stream, state);
        }));
    first = last;
  }
}

void Group::ObeyMail(const std::string& stream, const EntryState& state) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  GroupStream& at = *found->second->stream;
  HeldEntry* const entry = at.FindHeld(state.id);
  if (entry == nullptr || state.mail.size() <= entry->mail_read) return;
  const std::vector<MailedSettle> settles =
      ReadSettleMail(absl::string_view(state.mail).substr(entry->mail_read));
  entry->mail_read = state.mail.size();
  for (const MailedSettle& settle : settles) {
    const DeliveryToken token = {
        at.group(), stream, {state.id, settle.index}, settle.attempt, settle.times_delivered};
    if (SettleToken(token, settle.action, nullptr).has_value()) {
      context_->events->OnUnknownSettle(1);
    }
  }
}

}  // namespace eventbus
