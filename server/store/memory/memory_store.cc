#include "server/store/memory/memory_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

// A slice keeps the whole buffer that it is a part of, so a few small values could keep any amount
// of memory. What is less than half of its buffer, or a part of one of unknown size, is copied;
// what is stored then keeps at most twice its size.
Bytes WithoutWaste(Bytes value) {
  if (value.held() > 0 && value.size() >= value.held() / 2) return value;
  return Bytes::FromString(std::string(value.view()));
}

}  // namespace

MemoryStore::MemoryStore(MemoryStoreOptions options, absl::AnyInvocable<absl::Time()> clock)
    : options_(options), clock_(std::move(clock)) {}

MemoryStore::~MemoryStore() = default;

MemoryStore::PeerId MemoryStore::Attach(Peer* peer) {
  peers_.emplace(++last_peer_, peer);
  return last_peer_;
}

void MemoryStore::Detach(PeerId id) { peers_.erase(id); }

// ---- Registry ----

absl::StatusOr<TypeRegistration> MemoryStore::RegisterType(const std::string& stream,
                                                           uint64_t max_types) {
  absl::StatusOr<TypeRegistration> registration =
      registry_.RegisterType(stream, max_types, clock_());
  if (registration.ok() && registration->created) TellRegistryChanged();
  return registration;
}

absl::StatusOr<GroupRegistration> MemoryStore::RegisterGroup(const std::string& name,
                                                             std::string definition,
                                                             uint64_t max_groups) {
  absl::StatusOr<GroupRegistration> registration =
      registry_.RegisterGroup(name, std::move(definition), max_groups);
  if (registration.ok() && registration->created) TellRegistryChanged();
  return registration;
}

absl::StatusOr<GroupRecord> MemoryStore::UpdateGroup(GroupRecord changed,
                                                     uint64_t expected_version) {
  absl::StatusOr<GroupRecord> record = registry_.UpdateGroup(std::move(changed), expected_version);
  if (record.ok()) TellRegistryChanged();
  return record;
}

absl::Status MemoryStore::UnregisterGroup(const std::string& name, uint64_t expected_version) {
  absl::Status status = registry_.UnregisterGroup(name, expected_version);
  if (status.ok()) TellRegistryChanged();
  return status;
}

// ---- Streams ----

absl::StatusOr<MemoryStore::Stream*> MemoryStore::FindStream(const std::string& name) {
  const auto found = streams_.find(name);
  if (found != streams_.end()) return found->second.get();
  return absl::NotFoundError(absl::StrCat("there is no stream \"", name, "\""));
}

absl::Status MemoryStore::CheckFits(size_t charge, uint64_t events) const {
  if (options_.max_bytes > 0 && charge > options_.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("an entry of ", charge,
                                                     " bytes does not fit into a store of at most ",
                                                     options_.max_bytes, " bytes"));
  }
  if (options_.max_events > 0 && events > options_.max_events) {
    return absl::ResourceExhaustedError(
        absl::StrCat("an entry of ", events, " events does not fit into a store of at most ",
                     options_.max_events, " events"));
  }
  return absl::OkStatus();
}

absl::StatusOr<EntryId> MemoryStore::Append(PeerId from, AppendRequest request) {
  const absl::StatusOr<Stream*> stream = FindStream(request.stream);
  if (!stream.ok()) return stream.status();
  request.value = WithoutWaste(std::move(request.value));
  absl::Status fits = CheckFits(request.value.held() + kEntryOverhead, request.event_count);
  if (!fits.ok()) return fits;
  return AppendTo(**stream, std::move(request), from);
}

absl::StatusOr<CreateStreamResult> MemoryStore::CreateStream(PeerId from,
                                                             CreateStreamRequest request) {
  if (request.append) {
    request.append->value = WithoutWaste(std::move(request.append->value));
    absl::Status fits =
        CheckFits(request.append->value.held() + kEntryOverhead, request.append->event_count);
    if (!fits.ok()) return fits;
  }
  auto& stream = streams_[request.stream];
  if (stream == nullptr) stream.reset(new Stream{request.stream, {}, {}, {}});
  for (const GroupKey& group : request.groups) stream->log.CreateGroup(group, EntryId::Min());
  CreateStreamResult result;
  if (request.append) result.appended = AppendTo(*stream, *std::move(request.append), from);
  return result;
}

EntryId MemoryStore::AppendTo(Stream& stream, AppendRequest request, PeerId from,
                              std::string note) {
  MemoryStream::StoredEntry entry;
  entry.event_count = request.event_count;
  entry.charge = request.value.held() + kEntryOverhead;
  entry.value = std::move(request.value);
  entry.note = std::move(note);
  entry.expires_ms = request.expires_ms;
  entry.order = next_order_++;
  if (stream.log.entries().empty()) by_oldest_.emplace(entry.order, &stream);
  bytes_ += entry.charge;
  events_ += entry.event_count;
  const EntryId id = stream.log.Append(std::move(entry), clock_());
  StayWithinBounds(from);
  TellAdvanced(from, stream.name);
  return id;
}

TrimResult MemoryStore::RemoveOldest(Stream& stream, size_t count) {
  if (count == 0) return TrimResult();
  const auto& entries = stream.log.entries();
  by_oldest_.erase(entries.front().order);
  size_t charge = 0;
  TrimResult removed = stream.log.RemoveOldest(count, &charge);
  bytes_ -= charge;
  events_ -= removed.events;
  if (!entries.empty()) by_oldest_.emplace(entries.front().order, &stream);
  return removed;
}

void MemoryStore::StayWithinBounds(PeerId teller) {
  while ((options_.max_bytes > 0 && bytes_ > options_.max_bytes) ||
         (options_.max_events > 0 && events_ > options_.max_events)) {
    Stream& stream = *by_oldest_.begin()->second;
    const TrimResult dropped = RemoveOldest(stream, 1);
    const auto peer = peers_.find(teller);
    if (peer != peers_.end()) peer->second->OnDropped(stream.name, dropped);
  }
}

absl::StatusOr<std::vector<Entry>> MemoryStore::ReadRange(const ReadRangeRequest& request) {
  const absl::StatusOr<Stream*> stream = FindStream(request.stream);
  if (!stream.ok()) return stream.status();
  return (*stream)->log.ReadRange(request);
}

absl::StatusOr<StreamInfo> MemoryStore::GetStreamInfo(const std::string& name) {
  const absl::StatusOr<Stream*> stream = FindStream(name);
  if (!stream.ok()) return stream.status();
  const absl::Time now = clock_();
  // Retention comes by here, also on streams to which nothing is published any more.
  (*stream)->seen.ForgetOld(now);
  return (*stream)->log.Info(now);
}

absl::StatusOr<TrimResult> MemoryStore::Trim(const TrimRequest& request) {
  const absl::StatusOr<Stream*> stream = FindStream(request.stream);
  if (!stream.ok()) return stream.status();
  MemoryStream& log = (*stream)->log;
  const size_t count = log.CountToTrim(request);
  return request.dry_run ? log.CountOldest(count) : RemoveOldest(**stream, count);
}

// ---- Groups on a stream ----

absl::StatusOr<MemoryStore::GroupOnStream> MemoryStore::FindGroup(const std::string& stream_name,
                                                                  const GroupKey& key) {
  const absl::StatusOr<Stream*> stream = FindStream(stream_name);
  if (!stream.ok()) return stream.status();
  MemoryGroup* group = (*stream)->log.FindGroup(key);
  if (group == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no group \"", key.ToString(),
                                            "\" on the stream \"", stream_name, "\""));
  }
  return GroupOnStream{&(*stream)->log, group};
}

absl::Status MemoryStore::CreateGroup(const CreateGroupRequest& request) {
  const absl::StatusOr<Stream*> stream = FindStream(request.stream);
  if (!stream.ok()) return stream.status();
  (*stream)->log.CreateGroup(request.group, request.after);
  return absl::OkStatus();
}

absl::Status MemoryStore::DestroyGroup(const std::string& stream_name, const GroupKey& group) {
  const absl::StatusOr<Stream*> stream = FindStream(stream_name);
  if (stream.ok()) (*stream)->log.DestroyGroup(group);
  return absl::OkStatus();
}

absl::StatusOr<ReadGroupResult> MemoryStore::ReadGroup(const ReadGroupRequest& request) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(request.stream, request.group);
  if (!found.ok()) return found.status();
  const absl::Status fenced =
      CheckFence(request.stream, request.group, request.consumer, request.fence);
  if (!fenced.ok()) return fenced;
  return found->log->ReadGroup(*found->group, request);
}

absl::StatusOr<std::vector<PendingEntry>> MemoryStore::ReadPending(
    const ReadPendingRequest& request) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(request.stream, request.group);
  if (!found.ok()) return found.status();
  return found->group->ListPending(request.consumer, request.after, request.max_entries);
}

absl::StatusOr<uint64_t> MemoryStore::Ack(const std::string& stream, const GroupKey& group,
                                          const std::vector<EntryId>& ids) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(stream, group);
  if (!found.ok()) return uint64_t{0};
  return found->group->Ack(ids);
}

absl::StatusOr<uint64_t> MemoryStore::WriteStates(const std::string& stream, const GroupKey& group,
                                                  absl::string_view consumer,
                                                  std::vector<EntryState> states) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(stream, group);
  if (!found.ok()) return found.status();
  return found->group->WriteStates(consumer, std::move(states));
}

absl::StatusOr<std::vector<EntryState>> MemoryStore::ReadStates(const std::string& stream,
                                                                const GroupKey& group,
                                                                const std::vector<EntryId>& ids) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(stream, group);
  if (!found.ok()) return found.status();
  std::vector<EntryState> states;
  size_t mail_bytes = 0;
  for (const EntryId& id : ids) {
    const MemoryGroup::Pending* pending = found->group->FindPending(id);
    if (pending == nullptr || (pending->record.empty() && pending->mail.empty())) continue;
    const bool fits = mail_bytes == 0 || mail_bytes + pending->mail.size() <= kMaxMailOfAnswer;
    if (fits) mail_bytes += pending->mail.size();
    states.push_back({id, pending->record, fits ? pending->mail : "", !fits});
  }
  return states;
}

absl::StatusOr<ClaimResult> MemoryStore::Claim(const ClaimRequest& request) {
  if (request.from == request.to) {
    return absl::InvalidArgumentError("a consumer cannot claim from itself");
  }
  const absl::StatusOr<GroupOnStream> found = FindGroup(request.stream, request.group);
  if (!found.ok()) return found.status();
  const absl::Status fenced = CheckFence(request.stream, request.group, request.to, request.fence);
  if (!fenced.ok()) return fenced;
  return found->log->Claim(*found->group, request);
}

absl::Status MemoryStore::Release(PeerId from, ReleaseRequest request) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(request.stream, request.group);
  if (!found.ok()) return found.status();
  // Before they move: a record is for what is pending for this consumer.
  found->group->WriteStates(request.consumer, std::move(request.states));
  if (found->group->Release(request.consumer, request.ids) == 0) return absl::OkStatus();
  for (const auto& [id, peer] : peers_) {
    if (id != from) peer->OnEntriesReleased(request.stream, request.group);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MailOutcome>> MemoryStore::LeaveMail(const LeaveMailRequest& request) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(request.stream, request.group);
  if (!found.ok()) return found.status();
  std::vector<MailOutcome> outcomes;
  for (const Mail& mail : request.mail) {
    std::optional<std::string> consumer = found->group->LeaveMail(mail);
    if (!consumer.has_value()) {
      outcomes.push_back(MailOutcome::kNotPending);
    } else if (consumer->empty()) {
      outcomes.push_back(MailOutcome::kFull);
    } else {
      outcomes.push_back(MailOutcome::kLeft);
      const MailNotice notice = {request.stream, request.group, mail.id, *std::move(consumer)};
      for (const auto& [id, peer] : peers_) peer->OnMail(notice);
    }
  }
  return outcomes;
}

absl::StatusOr<std::vector<ConsumerInfo>> MemoryStore::ListConsumers(const std::string& stream,
                                                                     const GroupKey& group) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(stream, group);
  if (!found.ok()) return found.status();
  return found->group->ListConsumers();
}

absl::StatusOr<bool> MemoryStore::RemoveConsumer(const std::string& stream, const GroupKey& group,
                                                 absl::string_view consumer) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(stream, group);
  if (!found.ok()) return found.status();
  return found->group->RemoveConsumer(consumer);
}

// ---- Dead letters ----

absl::StatusOr<BuryResult> MemoryStore::Bury(BuryRequest request) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(request.stream, request.group);
  if (!found.ok()) return found.status();
  BuryResult result;
  for (BuriedEntry& entry : request.entries) {
    std::optional<std::vector<NewLetter>> letters =
        found->group->Bury(request.consumer, std::move(entry));
    if (!letters.has_value()) continue;
    ++result.entries;
    result.dropped_letters +=
        letters_.Add(std::string(OriginOf(request.stream)), request.group.name, *std::move(letters),
                     request.bounds, clock_());
  }
  return result;
}

std::vector<EntryId> MemoryStore::Redrive(PeerId from, const std::string& stream,
                                          const std::string& group,
                                          const std::vector<EntryId>& ids) {
  std::vector<EntryId> moved;
  std::vector<StoredLetter> letters = letters_.Take(stream, group, ids);
  if (letters.empty()) return moved;
  const std::string side = SideStreamOf(stream, group);
  auto& to = streams_[side];
  if (to == nullptr) to.reset(new Stream{side, {}});
  to->log.CreateGroup(SideGroupOf(group), EntryId::Min());
  for (StoredLetter& letter : letters) {
    AppendTo(*to, {side, std::move(letter.event)}, from, std::move(letter.details));
    moved.push_back(letter.id);
  }
  return moved;
}

void MemoryStore::DropLetters(const std::string& stream, const std::string& group) {
  letters_.Drop(stream, group);
  EraseStream(SideStreamOf(stream, group));
}

// ---- Signals ----

HeartbeatResult MemoryStore::Heartbeat(PeerId from, HeartbeatRequest request) {
  std::vector<InstanceRecord> instances = registry_.Heartbeat(request);
  const bool fresh =
      std::any_of(instances.begin(), instances.end(), [&request](const InstanceRecord& instance) {
        return instance.incarnation == request.incarnation && instance.counter == 1;
      });
  if (fresh) TellInstancesChanged(from);
  return {std::move(instances), clock_()};
}

void MemoryStore::Leave(PeerId from, absl::string_view incarnation) {
  registry_.Leave(incarnation);
  TellInstancesChanged(from);
}

void MemoryStore::TellInstancesChanged(PeerId from) {
  for (const auto& [id, peer] : peers_) {
    if (id != from) peer->OnInstancesChanged();
  }
}

void MemoryStore::SetAudience(PeerId from, bool others) {
  if (!others) {
    alone_.insert(from);
  } else if (alone_.erase(from) > 0) {
    for (const auto& [id, peer] : peers_) {
      if (id != from) peer->OnSignalsMissed();
    }
  }
}

void MemoryStore::TellRegistryChanged() {
  for (const auto& [id, peer] : peers_) peer->OnRegistryChanged();
}

void MemoryStore::TellAdvanced(PeerId from, absl::string_view stream) {
  if (alone_.contains(from)) return;
  for (const auto& [id, peer] : peers_) {
    if (id != from) peer->OnStreamAdvanced(stream);
  }
}

}  // namespace eventbus
