#include "tests/conformance/store/store_conformance.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace eventbus {

void StoreConformanceTest::SetUp() {
  world_ = GetParam().make();
  world_->Run([this] {
    a_ = world_->Connect();
    b_ = world_->Connect();
    a_->SetListener(&a_hears_);
    b_->SetListener(&b_hears_);
  });
}

void StoreConformanceTest::TearDown() {
  world_->Run([this] {
    a_.reset();
    b_.reset();
  });
}

AppendRequest StoreConformanceTest::EntryOf(std::string stream, std::string value,
                                            uint32_t events) {
  return {std::move(stream), Bytes::FromString(std::move(value)), events};
}

absl::StatusOr<EntryId> StoreConformanceTest::TryAppend(StreamStore& store, std::string stream,
                                                        std::string value, uint32_t events) {
  return Await<EntryId>([&](auto done) {
    store.Append(EntryOf(std::move(stream), std::move(value), events), std::move(done));
  });
}

EntryId StoreConformanceTest::Append(std::string value, uint32_t events) {
  const absl::StatusOr<EntryId> id = TryAppend(*a_, kStream, std::move(value), events);
  EXPECT_TRUE(id.ok()) << id.status();
  return id.ok() ? *id : EntryId();
}

void StoreConformanceTest::CreateStream(std::string stream, std::vector<GroupKey> groups) {
  const auto created = Await<CreateStreamResult>([&](auto done) {
    a_->CreateStream({std::move(stream), std::move(groups), std::nullopt}, std::move(done));
  });
  EXPECT_TRUE(created.ok()) << created.status();
}

absl::Status StoreConformanceTest::CreateGroup(std::string stream, GroupKey group,
                                               std::optional<EntryId> after) {
  return AwaitStatus([&](auto done) {
    a_->CreateGroup({std::move(stream), std::move(group), after}, std::move(done));
  });
}

AppendOnceRequest StoreConformanceTest::OnceRequestOf(const KeyedFrames& events,
                                                      absl::Duration window) {
  AppendOnceRequest request;
  request.stream = kStream;
  request.window = window;
  std::string value;
  for (const auto& [key, frame] : events) {
    request.events.push_back({static_cast<uint32_t>(frame.size()), key});
    value += frame;
  }
  request.value = Bytes::FromString(std::move(value));
  return request;
}

absl::StatusOr<AppendOnceResult> StoreConformanceTest::TryAppendOnce(StreamStore& store,
                                                                     AppendOnceRequest request) {
  return Await<AppendOnceResult>(
      [&](auto done) { store.AppendOnce(std::move(request), std::move(done)); });
}

std::vector<OnceOutcome> StoreConformanceTest::AppendOnce(const KeyedFrames& events,
                                                          absl::Duration window) {
  const auto result = TryAppendOnce(*a_, OnceRequestOf(events, window));
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->events : std::vector<OnceOutcome>();
}

AppendOnceRequest StoreConformanceTest::DelayRequestOf(const DelayedFrames& events) {
  KeyedFrames frames;
  for (const auto& [frame, delay] : events) frames.emplace_back("", frame);
  AppendOnceRequest request = OnceRequestOf(frames, absl::ZeroDuration());
  for (size_t i = 0; i < events.size(); ++i) request.events[i].delay = events[i].second;
  return request;
}

AppendOnceResult StoreConformanceTest::Delay(const DelayedFrames& events,
                                             const std::string& stream) {
  AppendOnceRequest request = DelayRequestOf(events);
  request.stream = stream;
  auto result = TryAppendOnce(*a_, std::move(request));
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : AppendOnceResult();
}

MoveDueResult StoreConformanceTest::MoveDue(MoveDueRequest request) {
  const auto moved =
      Await<MoveDueResult>([&](auto done) { a_->MoveDue(std::move(request), std::move(done)); });
  EXPECT_TRUE(moved.ok()) << moved.status();
  return moved.ok() ? *moved : MoveDueResult();
}

bool StoreConformanceTest::WaitUntilDue(absl::Time due) {
  for (int looks = 0; looks < 1000; ++looks) {
    if (Info().store_time >= due) return true;
    world_->LetEverythingArrive();
  }
  return false;
}

std::vector<DelayedEvent> StoreConformanceTest::ListDelayed(ListDelayedRequest request) {
  const auto page = Await<std::vector<DelayedEvent>>(
      [&](auto done) { a_->ListDelayed(std::move(request), std::move(done)); });
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? *page : std::vector<DelayedEvent>();
}

absl::StatusOr<DelayedEvent> StoreConformanceTest::TryCancel(std::string id) {
  return Await<DelayedEvent>(
      [&](auto done) { a_->CancelDelayed(kStream, std::move(id), std::move(done)); });
}

std::vector<std::string> StoreConformanceTest::DueStreams(uint64_t max_streams) {
  const auto due =
      Await<ListDueResult>([&](auto done) { a_->ListDue(max_streams, std::move(done)); });
  EXPECT_TRUE(due.ok()) << due.status();
  std::vector<std::string> texts;
  if (!due.ok()) return texts;
  for (const DueStream& stream : due->streams) {
    texts.push_back(
        absl::StrCat(stream.stream, ":", absl::ToUnixMillis(stream.due) - 4'000'000'000'000));
  }
  return texts;
}

std::vector<Entry> StoreConformanceTest::ReadRange(ReadRangeRequest request) {
  const auto entries = Await<std::vector<Entry>>(
      [&](auto done) { a_->ReadRange(std::move(request), std::move(done)); });
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.ok() ? *entries : std::vector<Entry>();
}

std::vector<std::string> StoreConformanceTest::Values(std::string stream) {
  ReadRangeRequest request;
  request.stream = std::move(stream);
  request.max_entries = 10'000;
  return ValuesOf(ReadRange(std::move(request)));
}

StreamInfo StoreConformanceTest::Info(std::string stream) {
  const auto info =
      Await<StreamInfo>([&](auto done) { a_->GetStreamInfo(std::move(stream), std::move(done)); });
  EXPECT_TRUE(info.ok()) << info.status();
  return info.ok() ? *info : StreamInfo();
}

TrimResult StoreConformanceTest::Trim(TrimRequest request) {
  request.stream = kStream;
  const auto trimmed =
      Await<TrimResult>([&](auto done) { a_->Trim(std::move(request), std::move(done)); });
  EXPECT_TRUE(trimmed.ok()) << trimmed.status();
  return trimmed.ok() ? *trimmed : TrimResult();
}

absl::StatusOr<ReadGroupResult> StoreConformanceTest::TryReadGroup(StreamStore& store,
                                                                   ReadGroupRequest request) {
  return Await<ReadGroupResult>(
      [&](auto done) { store.ReadGroup(std::move(request), std::move(done)); });
}

std::vector<std::string> StoreConformanceTest::ReadGroup(std::string consumer,
                                                         uint32_t max_entries) {
  return ReadGroup(group_, std::move(consumer), max_entries);
}

std::vector<std::string> StoreConformanceTest::ReadGroup(GroupKey group, std::string consumer,
                                                         uint32_t max_entries) {
  const auto read =
      TryReadGroup(*a_, {kStream, std::move(group), std::move(consumer), max_entries});
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? ValuesOf(read->entries) : std::vector<std::string>();
}

std::vector<PendingEntry> StoreConformanceTest::Pending(std::string consumer) {
  ReadPendingRequest request;
  request.stream = kStream;
  request.group = group_;
  request.consumer = std::move(consumer);
  const auto pending = Await<std::vector<PendingEntry>>(
      [&](auto done) { a_->ReadPending(std::move(request), std::move(done)); });
  EXPECT_TRUE(pending.ok()) << pending.status();
  return pending.ok() ? *pending : std::vector<PendingEntry>();
}

std::vector<EntryId> StoreConformanceTest::PendingIds(std::string consumer) {
  std::vector<EntryId> ids;
  for (const PendingEntry& entry : Pending(std::move(consumer))) ids.push_back(entry.id);
  return ids;
}

uint64_t StoreConformanceTest::Ack(std::vector<EntryId> ids) {
  const auto acked = Await<uint64_t>(
      [&](auto done) { a_->Ack(kStream, group_, std::move(ids), std::move(done)); });
  EXPECT_TRUE(acked.ok()) << acked.status();
  return acked.value_or(0);
}

uint64_t StoreConformanceTest::WriteStates(std::string consumer, std::vector<EntryState> states) {
  const auto written = Await<uint64_t>([&](auto done) {
    a_->WriteStates(kStream, group_, std::move(consumer), std::move(states), std::move(done));
  });
  EXPECT_TRUE(written.ok()) << written.status();
  return written.value_or(0);
}

std::vector<std::string> StoreConformanceTest::ReadStates(std::vector<EntryId> ids) {
  const auto states = Await<std::vector<EntryState>>(
      [&](auto done) { a_->ReadStates(kStream, group_, std::move(ids), std::move(done)); });
  EXPECT_TRUE(states.ok()) << states.status();
  std::vector<std::string> texts;
  if (!states.ok()) return texts;
  for (const EntryState& state : *states) {
    texts.push_back(absl::StrCat(state.id.ToString(), "=", state.record));
  }
  return texts;
}

absl::StatusOr<ClaimResult> StoreConformanceTest::TryClaim(StreamStore& store,
                                                           ClaimRequest request) {
  return Await<ClaimResult>([&](auto done) { store.Claim(std::move(request), std::move(done)); });
}

ClaimResult StoreConformanceTest::Claim(std::string from, std::string to, uint32_t max_entries) {
  const auto claimed =
      TryClaim(*a_, {kStream, group_, std::move(from), std::move(to), max_entries});
  EXPECT_TRUE(claimed.ok()) << claimed.status();
  return claimed.ok() ? *claimed : ClaimResult();
}

void StoreConformanceTest::Release(std::string consumer, std::vector<EntryId> ids,
                                   std::vector<EntryState> states) {
  const absl::Status released = AwaitStatus([&](auto done) {
    a_->Release({kStream, group_, std::move(consumer), std::move(ids), std::move(states)},
                std::move(done));
  });
  EXPECT_TRUE(released.ok()) << released;
}

BuryResult StoreConformanceTest::Bury(std::string consumer, std::vector<BuriedEntry> entries,
                                      LetterBounds bounds) {
  auto result = Await<BuryResult>([&](auto done) {
    a_->Bury({kStream, group_, std::move(consumer), std::move(entries), bounds}, std::move(done));
  });
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(BuryResult());
}

void StoreConformanceTest::BuryOne(std::string value) {
  const EntryId id = Append(value);
  ReadGroup("me");
  EXPECT_EQ(Bury("me", {{id, {{0, Bytes::FromString(value), "why"}}, ""}}).entries, 1U);
}

std::vector<StoredLetter> StoreConformanceTest::ReadLetters(StreamStore& store, EntryId from,
                                                            uint32_t most) {
  auto result = Await<std::vector<StoredLetter>>([&](auto done) {
    store.ReadLetters({kStream, group_.name, from, most}, std::move(done));
  });
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(std::vector<StoredLetter>());
}

std::vector<std::string> StoreConformanceTest::LetterTexts() {
  std::vector<std::string> texts;
  for (const StoredLetter& letter : ReadLetters(*b_)) {
    texts.push_back(absl::StrCat(letter.event.view(), "/", letter.details));
  }
  return texts;
}

uint64_t StoreConformanceTest::CountLetters() {
  return *Await<uint64_t>(
      [&](auto done) { a_->CountLetters(kStream, group_.name, std::move(done)); });
}

std::vector<EntryId> StoreConformanceTest::Redrive(std::vector<EntryId> ids) {
  return *Await<std::vector<EntryId>>(
      [&](auto done) { a_->Redrive(kStream, group_.name, std::move(ids), std::move(done)); });
}

absl::StatusOr<GroupInfo> StoreConformanceTest::TryGroupInfo(GroupKey group, bool count_pending) {
  return Await<GroupInfo>([&](auto done) {
    a_->GetGroupInfo({kStream, std::move(group), count_pending}, std::move(done));
  });
}

GroupInfo StoreConformanceTest::GroupInfoOf(GroupKey group) {
  const auto info = TryGroupInfo(std::move(group));
  EXPECT_TRUE(info.ok()) << info.status();
  return info.value_or(GroupInfo());
}

std::vector<std::string> StoreConformanceTest::ListStates(uint32_t max_states) {
  const auto states = Await<std::vector<EntryState>>(
      [&](auto done) { a_->ListStates(kStream, group_, max_states, std::move(done)); });
  EXPECT_TRUE(states.ok()) << states.status();
  std::vector<std::string> texts;
  if (!states.ok()) return texts;
  for (const EntryState& state : *states) {
    texts.push_back(absl::StrCat(state.id.ToString(), "=", state.record));
  }
  return texts;
}

std::vector<std::string> StoreConformanceTest::Consumers() {
  const auto consumers = Await<std::vector<ConsumerInfo>>(
      [&](auto done) { a_->ListConsumers(kStream, group_, std::move(done)); });
  EXPECT_TRUE(consumers.ok()) << consumers.status();
  std::vector<std::string> texts;
  if (!consumers.ok()) return texts;
  for (const ConsumerInfo& consumer : *consumers) {
    texts.push_back(absl::StrCat(consumer.name, ":", consumer.pending));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

bool StoreConformanceTest::RemoveConsumer(std::string consumer) {
  const auto gone = Await<bool>([&](auto done) {
    a_->RemoveConsumer(kStream, group_, std::move(consumer), std::move(done));
  });
  EXPECT_TRUE(gone.ok()) << gone.status();
  return gone.value_or(false);
}

std::vector<std::string> ValuesOf(const std::vector<Entry>& entries) {
  std::vector<std::string> values;
  for (const Entry& entry : entries) values.emplace_back(entry.value.view());
  return values;
}

std::vector<std::string> ValuesOf(const std::vector<ClaimedEntry>& entries) {
  std::vector<std::string> values;
  for (const ClaimedEntry& claimed : entries) values.emplace_back(claimed.entry.value.view());
  return values;
}

}  // namespace eventbus
