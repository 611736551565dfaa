#include "tests/support/faulty_store.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/memory/memory_store.h"
#include "server/store/memory/memory_store_connection.h"
#include "tests/support/virtual_link.h"
#include "tests/support/virtual_world.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Tells what it hears in words.
class WordyListener : public StoreListener {
 public:
  void OnStreamAdvanced(absl::string_view) override { words.emplace_back("advanced"); }
  void OnEntriesReleased(absl::string_view, const GroupKey&) override {}
  void OnRegistryChanged() override {}
  void OnInstancesChanged() override {}
  void OnSignalsMissed() override { words.emplace_back("missed"); }
  void OnStoreUp() override { words.emplace_back("up"); }
  void OnStoreDown(const absl::Status&) override { words.emplace_back("down"); }
  void OnDropped(absl::string_view, const TrimResult&) override {}

  std::vector<std::string> words;
};

class FaultyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    faulty_.CreateStream({"s", {}, std::nullopt}, [](const auto&) {});
    faulty_.SetListener(&hears_);
    world_.Advance(absl::Seconds(1));
  }

  // Appends, and notes the answer as "value:ok", "value:not done", "value:unknown".
  void Append(std::string value) {
    process_.Post([this, value] {
      faulty_.Append({"s", Bytes::FromString(value), 1}, [this, value](absl::StatusOr<EntryId> id) {
        const char* outcome = id.ok()                         ? "ok"
                              : IsOutcomeUnknown(id.status()) ? "unknown"
                                                              : "not done";
        answers_.push_back(absl::StrCat(value, ":", outcome));
      });
    });
  }

  std::vector<std::string> Stored() {
    std::vector<std::string> values;
    const auto entries = store_.ReadRange({.stream = "s", .max_entries = 10'000});
    for (const Entry& entry : *entries) values.emplace_back(entry.value.view());
    return values;
  }

  MemoryStore store_{{}, [this] { return world_.Now(); }};
  VirtualWorld world_;
  VirtualProcess& process_ = world_.CreateProcess("p");
  MemoryStoreConnection inner_{
      &store_, &process_,
      std::make_shared<VirtualLink>(&world_, &process_, absl::Milliseconds(1),
                                    absl::Milliseconds(1))};
  FaultyStore faulty_{&inner_, &process_, {.seed = 3, .timeout = absl::Seconds(2)}};
  WordyListener hears_;
  std::vector<std::string> answers_;
};

TEST_F(FaultyStoreTest, WithoutFaultsItIsTheStore) {
  Append("a");
  world_.Advance(absl::Seconds(1));
  EXPECT_THAT(answers_, ElementsAre("a:ok"));
  EXPECT_THAT(Stored(), ElementsAre("a"));
}

TEST_F(FaultyStoreTest, ACallThatIsNotDoneHasNoEffectAndSaysSo) {
  faulty_.FailNext(StoreCall::kAppend, StoreFault::kNotDone);
  Append("a");
  Append("b");
  world_.Advance(absl::Seconds(1));
  EXPECT_THAT(answers_, ElementsAre("a:not done", "b:ok"));
  EXPECT_THAT(Stored(), ElementsAre("b"));
}

TEST_F(FaultyStoreTest, ALostReplyIsAnEffectAndAnUnknownOutcomeAfterTheTimeout) {
  faulty_.FailNext(StoreCall::kAppend, StoreFault::kReplyLost);
  Append("a");
  world_.Advance(absl::Seconds(2) - absl::Milliseconds(1));
  EXPECT_THAT(Stored(), ElementsAre("a"));
  EXPECT_THAT(answers_, IsEmpty());
  world_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(answers_, ElementsAre("a:unknown"));
}

TEST_F(FaultyStoreTest, ALateReplyHoldsUpThoseBehindIt) {
  faulty_.FailNext(StoreCall::kAppend, StoreFault::kReplyLate);
  Append("a");
  Append("b");
  world_.Advance(absl::Milliseconds(2));
  EXPECT_THAT(Stored(), ElementsAre("a", "b"));
  EXPECT_THAT(answers_, IsEmpty());
  world_.Advance(absl::Seconds(1));
  EXPECT_THAT(answers_, ElementsAre("a:ok", "b:ok"));
}

TEST_F(FaultyStoreTest, WhileItIsDownNothingIsDoneOrHeardAndWhatWasInFlightIsUnknown) {
  Append("in flight");
  world_.RunReady();
  faulty_.GoDown();
  Append("refused");
  world_.Advance(absl::Seconds(3));
  EXPECT_THAT(answers_, ElementsAre("refused:not done", "in flight:unknown"));
  EXPECT_THAT(Stored(), ElementsAre("in flight"));
  ASSERT_TRUE(store_.Append(0, {"s", Bytes::FromString("of another"), 1}).ok());
  world_.Advance(absl::Seconds(1));
  faulty_.ComeBack();
  EXPECT_THAT(hears_.words, ElementsAre("down", "up", "missed"));
  Append("again");
  world_.Advance(absl::Seconds(1));
  EXPECT_EQ(answers_.back(), "again:ok");
}

TEST_F(FaultyStoreTest, NothingAnswersAfterItIsDestroyed) {
  auto faulty = std::make_unique<FaultyStore>(&inner_, &process_, FaultyStore::Options());
  for (const StoreFault fault :
       {StoreFault::kNone, StoreFault::kNotDone, StoreFault::kReplyLost, StoreFault::kReplyLate}) {
    faulty->FailNext(StoreCall::kListTypes, fault);
    faulty->ListTypes([this](const auto&) { answers_.emplace_back("types"); });
  }
  faulty.reset();
  world_.Advance(absl::Seconds(10));
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(FaultyStoreTest, RatesAreKeptPerKindOfCallAndTheSeedRepeatsThem) {
  std::vector<std::string> first;
  for (int run = 0; run < 2; ++run) {
    FaultyStore faulty(&inner_, &process_, {.seed = 11});
    faulty.SetRates(StoreCall::kListTypes, {.not_done = 0.5});
    std::string outcome;
    for (int i = 0; i < 200; ++i) {
      faulty.ListTypes([&](const auto& types) { outcome += types.ok() ? '.' : 'x'; });
      faulty.ListGroups([&](const auto& groups) { EXPECT_TRUE(groups.ok()); });
      world_.Advance(absl::Milliseconds(10));
    }
    EXPECT_GT(faulty.faults(), 60u);
    EXPECT_LT(faulty.faults(), 140u);
    first.push_back(outcome);
  }
  EXPECT_EQ(first[0], first[1]);
  EXPECT_EQ(first[0].size(), 200u);
}

}  // namespace
}  // namespace eventbus
