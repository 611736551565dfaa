#include "server/store/memory/memory_store.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/memory/memory_store_connection.h"
#include "tests/support/virtual_world.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kOverhead = MemoryStore::kEntryOverhead;

class NoSignals : public MemoryStore::Peer {
 public:
  void OnStreamAdvanced(absl::string_view) override {}
  void OnEntriesReleased(absl::string_view, const GroupKey&) override {}
  void OnLeaseWanted(const LeaseWish&) override {}
  void OnMail(const MailNotice&) override {}
  void OnRegistryChanged() override {}
  void OnInstancesChanged() override {}
  void OnSignalsMissed() override {}
  void OnDropped(absl::string_view stream, const TrimResult& dropped) override {
    for (uint64_t i = 0; i < dropped.entries; ++i) dropped_from.emplace_back(stream);
    for (const GroupLoss& loss : dropped.losses) losses[loss.group.ToString()] += loss.events;
  }

  std::vector<std::string> dropped_from;
  std::map<std::string, uint64_t> losses;
};

class MemoryStoreTest : public ::testing::Test {
 protected:
  void Open(MemoryStoreOptions options) {
    store_ = std::make_unique<MemoryStore>(options, [this] { return now_; });
    me_ = store_->Attach(&hears_);
    for (const char* stream : {"a", "b"}) {
      ASSERT_TRUE(store_->CreateStream(me_, {stream, {}, std::nullopt}).ok());
    }
  }
  absl::StatusOr<EntryId> Append(std::string stream, Bytes value, uint32_t events = 1) {
    return store_->Append(me_, {std::move(stream), std::move(value), events});
  }
  // A value of its own, with nothing around it.
  EntryId Append(std::string stream, size_t size, uint32_t events = 1) {
    const auto id = Append(std::move(stream), Value(size), events);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or(EntryId());
  }
  static Bytes Value(size_t size) {
    auto owner = std::make_shared<const std::string>(size, 'x');
    const absl::string_view view(owner->data(), owner->size());
    return Bytes(owner, view, size);
  }
  uint64_t Entries(const std::string& stream) { return store_->GetStreamInfo(stream)->entries; }

  absl::Time now_ = absl::FromUnixMillis(1000);
  NoSignals hears_;
  std::unique_ptr<MemoryStore> store_;
  MemoryStore::PeerId me_ = 0;
};

TEST_F(MemoryStoreTest, IdsAreTheClocksMillisecondAndNeverGoDownWhenTheClockDoes) {
  Open({});
  EXPECT_EQ(Append("a", 1), (EntryId{1000, 0}));
  EXPECT_EQ(Append("a", 1), (EntryId{1000, 1}));
  now_ = absl::FromUnixMillis(500);
  EXPECT_EQ(Append("a", 1), (EntryId{1000, 2}));
  EXPECT_EQ(Append("b", 1), (EntryId{500, 0}));
  now_ = absl::FromUnixMillis(2000);
  EXPECT_EQ(Append("a", 1), (EntryId{2000, 0}));
}

TEST_F(MemoryStoreTest, PastItsBytesTheOldestOfAllStreamsGoAndAreTold) {
  Open({.max_bytes = 3 * (1000 + kOverhead)});
  Append("a", 1000);
  Append("b", 1000);
  Append("a", 1000);
  EXPECT_THAT(hears_.dropped_from, IsEmpty());
  Append("b", 1000);
  EXPECT_THAT(hears_.dropped_from, ElementsAre("a"));
  Append("b", 1000);
  EXPECT_THAT(hears_.dropped_from, ElementsAre("a", "b"));
  EXPECT_EQ(Entries("a"), 1u);
  EXPECT_EQ(Entries("b"), 2u);
  EXPECT_EQ(store_->bytes(), 3 * (1000 + kOverhead));
}

TEST_F(MemoryStoreTest, PastItsEventsTheOldestOfAllStreamsGo) {
  Open({.max_events = 10});
  Append("a", 1, 4);
  Append("b", 1, 4);
  Append("a", 1, 5);
  EXPECT_THAT(hears_.dropped_from, ElementsAre("a"));
  EXPECT_EQ(store_->events(), 9u);
  Append("a", 1, 10);
  EXPECT_THAT(hears_.dropped_from, ElementsAre("a", "b", "a"));
}

TEST_F(MemoryStoreTest, GroupsThatHadNotSettledWhatWasDroppedLoseIt) {
  Open({.max_events = 10});
  for (const char* group : {"acked", "pending", "unread"}) {
    ASSERT_TRUE(store_->CreateGroup({"a", {group, 1}, EntryId::Min()}).ok());
  }
  const EntryId id = Append("a", 1, 6);
  ASSERT_TRUE(store_->ReadGroup({"a", {"acked", 1}, "me", 1}).ok());
  ASSERT_TRUE(store_->Ack("a", {"acked", 1}, {id}).ok());
  ASSERT_TRUE(store_->ReadGroup({"a", {"pending", 1}, "me", 1}).ok());
  Append("a", 1, 6);
  EXPECT_THAT(hears_.losses,
              ElementsAre(std::make_pair("pending@1", 6u), std::make_pair("unread@1", 6u)));
}

TEST_F(MemoryStoreTest, AnEntryLargerThanTheWholeBoundIsRefusedAndNothingGoesForIt) {
  Open({.max_bytes = 1000, .max_events = 10});
  Append("a", 100);
  EXPECT_EQ(Append("a", Value(1000)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Append("a", Value(1), 11).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(
      store_->CreateStream(me_, {"new", {}, AppendRequest{"new", Value(1000), 1}}).status().code(),
      absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Entries("a"), 1u);
  EXPECT_THAT(hears_.dropped_from, IsEmpty());
}

TEST_F(MemoryStoreTest, WhatIsTrimmedMakesRoom) {
  Open({.max_events = 4});
  Append("a", 1, 2);
  Append("b", 1, 2);
  ASSERT_TRUE(store_->Trim({.stream = "a", .min_id = EntryId::Max()}).ok());
  EXPECT_EQ(store_->events(), 2u);
  EXPECT_EQ(store_->bytes(), 1 + kOverhead);
  Append("a", 1, 2);
  EXPECT_THAT(hears_.dropped_from, IsEmpty());
  Append("a", 1, 2);
  EXPECT_THAT(hears_.dropped_from, ElementsAre("b"));
}

TEST_F(MemoryStoreTest, ADeletedStreamMakesRoomAlsoOfWhatIsDelayedOnIt) {
  Open({.max_events = 4});
  OnceEvent delayed;
  delayed.size = 100;
  delayed.delay = {.after = absl::Hours(1)};
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store_->CreateStream(me_, {"a", {}, std::nullopt}).ok());
    const AppendOnceRequest request = {"a", Value(200), {delayed, delayed}, {}};
    const auto stored = store_->AppendOnce(me_, request);
    ASSERT_TRUE(stored.ok()) << stored.status();
    EXPECT_EQ(store_->events(), 2U);
    store_->DeleteStream("a", {});
    EXPECT_EQ(store_->events(), 0U);
    EXPECT_EQ(store_->bytes(), 0U);
    EXPECT_THAT(store_->ListDue(0)->streams, IsEmpty());
  }
}

TEST_F(MemoryStoreTest, AWholeBufferIsKeptAsItIsAndASmallPartOfALargeOneIsCopied) {
  Open({});
  const Bytes buffer = Value(100'000);
  ASSERT_TRUE(Append("a", buffer).ok());
  ASSERT_TRUE(Append("a", buffer.Slice(0, 60'000)).ok());
  ASSERT_TRUE(Append("a", buffer.Slice(0, 1'000)).ok());
  ASSERT_TRUE(Append("a", Bytes(buffer.owner(), buffer.view())).ok());
  const auto entries = store_->ReadRange({.stream = "a"});
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ((*entries)[0].value.owner(), buffer.owner());
  EXPECT_EQ((*entries)[1].value.owner(), buffer.owner());
  EXPECT_NE((*entries)[2].value.owner(), buffer.owner());
  EXPECT_NE((*entries)[3].value.owner(), buffer.owner());
  EXPECT_EQ((*entries)[2].value.view(), buffer.view().substr(0, 1'000));
}

TEST_F(MemoryStoreTest, ADetachedPeerHearsNothing) {
  Open({.max_events = 1});
  store_->Detach(me_);
  Append("a", 1);
  Append("a", 1);
  EXPECT_THAT(hears_.dropped_from, IsEmpty());
  EXPECT_EQ(Entries("a"), 1u);
}

TEST(MemoryStoreConnectionTest, WhatIsCalledInATurnIsAnsweredInOneTurn) {
  VirtualWorld world;
  VirtualProcess& process = world.CreateProcess("p");
  MemoryStore store({}, [&] { return world.Now(); });
  MemoryStoreConnection connection(&store, &process);
  std::vector<uint64_t> answered_in;
  process.Post([&] {
    connection.CreateStream({"a", {}, std::nullopt}, [](const auto&) {});
    for (int i = 0; i < 10; ++i) {
      connection.Append({"a", Bytes::FromString("x"), 1},
                        [&](const auto&) { answered_in.push_back(process.turns()); });
    }
  });
  world.RunReady();
  EXPECT_THAT(answered_in, ::testing::AllOf(::testing::SizeIs(10), ::testing::Each(2u)));
}

TEST(MemoryStoreConnectionTest, WhatADyingProcessHasSentIsDoneAndWhatItHasNotIsNot) {
  VirtualWorld world;
  VirtualProcess& process = world.CreateProcess("p");
  MemoryStore store({}, [&] { return world.Now(); });
  auto connection = std::make_unique<MemoryStoreConnection>(&store, &process);
  process.Post([&] { connection->CreateStream({"sent", {}, std::nullopt}, [](const auto&) {}); });
  world.RunReady();
  process.Post([&] {
    connection->CreateStream({"unsent", {}, std::nullopt}, [](const auto&) {});
    process.Kill();
  });
  world.RunReady();
  connection.reset();
  world.RunReady();
  EXPECT_TRUE(store.GetStreamInfo("sent").ok());
  EXPECT_FALSE(store.GetStreamInfo("unsent").ok());
}

}  // namespace
}  // namespace eventbus
