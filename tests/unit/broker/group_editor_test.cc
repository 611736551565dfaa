// Groups that change while they are used: pauses, updates, seeks.
#include "server/broker/group_editor.h"

#include <memory>
#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class GroupEditorTest : public testing::Test {
 protected:
  template <typename T, typename Start>
  absl::StatusOr<T> Await(Start start, size_t instance = 0) {
    auto answer = std::make_shared<std::optional<absl::StatusOr<T>>>();
    TestInstance& asked = bus.instance(instance);
    asked.process().Post([&asked, start, answer] {
      start(asked.broker().group_editor(),
            [answer](absl::StatusOr<T> result) { *answer = std::move(result); });
    });
    bus.world().RunUntil([&] { return answer->has_value(); }, absl::Minutes(1));
    bus.Run();
    if (!answer->has_value()) return absl::DeadlineExceededError("no answer");
    return **answer;
  }
  absl::StatusOr<KnownGroup> Pause(absl::Time until = absl::InfiniteFuture(), size_t instance = 0) {
    return Await<KnownGroup>(
        [until](GroupEditor& editor, auto done) { editor.Pause("work", until, std::move(done)); },
        instance);
  }
  absl::StatusOr<KnownGroup> Resume() {
    return Await<KnownGroup>(
        [](GroupEditor& editor, auto done) { editor.Resume("work", std::move(done)); });
  }
  absl::StatusOr<KnownGroup> Update(UpdateGroupCommand command, size_t instance = 0) {
    command.name = "work";
    return Await<KnownGroup>(
        [command](GroupEditor& editor, auto done) { editor.Update(command, std::move(done)); },
        instance);
  }
  absl::StatusOr<SeekResult> Seek(StartPosition target, std::vector<std::string> streams = {},
                                  bool dry_run = false, size_t instance = 0) {
    const SeekGroupCommand command = {"work", target, streams, dry_run};
    return Await<SeekResult>(
        [command](GroupEditor& editor, auto done) { editor.Seek(command, std::move(done)); },
        instance);
  }
  void Publish(const std::string& type, const std::string& id) {
    ASSERT_TRUE(bus.Publish(type, id).ok());
  }
  RecordingSink& Open(const std::function<void(OpenRequest*)>& change) {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job"};
    change(&request);
    return bus.Open(request);
  }

  TestBus bus;
};

// ---- Pausing ----

TEST_F(GroupEditorTest, APausedGroupGetsNothingUntilItIsResumedAndMaySettle) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  ASSERT_TRUE(Pause().ok());
  Publish("job", "2");
  bus.Run(absl::Minutes(5));
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
  EXPECT_FALSE(sink.closed.has_value());
  ASSERT_TRUE(Resume().ok());
  EXPECT_THAT(sink.ids(), testing::Contains("2"));
}

TEST_F(GroupEditorTest, WhatIsInFlightCanBeSettledDuringAPause) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  ASSERT_TRUE(Pause().ok());
  bus.Settle(sink, {.acks = {{1, 1}}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{1, 1}));
}

TEST_F(GroupEditorTest, APauseHoldsOnEveryInstanceAndForWhoComesLater) {
  const size_t other = bus.AddInstance();
  RecordingSink& there = bus.Join("work", {"job"}, other);
  ASSERT_TRUE(Pause(absl::InfiniteFuture(), 0).ok());
  bus.Run(absl::Seconds(1));
  RecordingSink& later = bus.Join("work", {"job"});
  Publish("job", "1");
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(there.ids(), IsEmpty());
  EXPECT_THAT(later.ids(), IsEmpty());
}

TEST_F(GroupEditorTest, AnOlderAnswerDoesNotHideAChangeThatIsBeingRead) {
  bus.WarmUp("job");
  const size_t other = bus.AddInstance();
  RecordingSink& there = bus.Join("work", {"job"}, other);
  TestInstance& instance = bus.instance(other);
  // Its answer tells of the groups as they were, and comes while they are read anew for the pause.
  instance.store().DelayNext(StoreCall::kRegisterType, absl::Milliseconds(20));
  instance.process().Post([&] {
    instance.broker().Publish(CommandOf({{"born", "1"}}, [](const PublishOutcome&) {}));
    instance.process().Freeze();
  });
  bus.Run();
  ASSERT_THAT(bus.store().registry().ListTypes(), SizeIs(2));
  ASSERT_TRUE(Pause().ok());
  instance.process().Thaw();
  bus.Run(absl::Seconds(1));
  Publish("job", "2");
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(there.ids(), IsEmpty());
}

TEST_F(GroupEditorTest, APauseUntilATimeEndsByItself) {
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_TRUE(Pause(bus.world().Now() + absl::Seconds(30)).ok());
  Publish("job", "1");
  bus.Run(absl::Seconds(29));
  EXPECT_THAT(sink.ids(), IsEmpty());
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
}

TEST_F(GroupEditorTest, ARetryThatIsDueDuringAPauseWaitsForItsEnd) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  bus.Settle(sink, {.nacks = {{{{1, 1}}, {}, ""}}});
  ASSERT_TRUE(Pause().ok());
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
  ASSERT_TRUE(Resume().ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1", "1"));
}

TEST_F(GroupEditorTest, AGroupThatIsNotThereIsNotFound) {
  EXPECT_EQ(ReasonOf(Pause().status()), Reason::kGroupNotFound);
}

// ---- Updating ----

TEST_F(GroupEditorTest, ANewPatternTakesItsStreamsFromNowOnAndADroppedOneLeavesThem) {
  RecordingSink& sink = bus.Join("work", {"old"});
  Publish("old", "1");
  Publish("new", "2");
  UpdateGroupCommand command;
  command.patterns = {{"new"}};
  ASSERT_TRUE(Update(command).ok());
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(sink.lost_reasons, ElementsAre(LostReason::kGroupChanged));
  Publish("old", "3");
  Publish("new", "4");
  EXPECT_THAT(sink.ids(), ElementsAre("1", "4"));
  EXPECT_FALSE(bus.store().ReadPending({"old", {"work", 1}, ""}).ok());
}

TEST_F(GroupEditorTest, ANewPatternHoldsOnAllInstancesAlsoForTypesBornLater) {
  const size_t other = bus.AddInstance();
  RecordingSink& there = bus.Join("work", {"a"}, other);
  UpdateGroupCommand command;
  command.patterns = {{"a", "b.*"}};
  ASSERT_TRUE(Update(command, 0).ok());
  Publish("b.born", "1");
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(there.ids(), ElementsAre("1"));
}

TEST_F(GroupEditorTest, ANewPolicyHoldsForWhatIsDeliveredFromThenOn) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  UpdateGroupCommand command;
  command.policy.ack_deadline = absl::Seconds(2);
  ASSERT_TRUE(Update(command).ok());
  Publish("job", "2");
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{2, 2}));
  bus.Run(absl::Seconds(28));
  EXPECT_THAT(sink.lost, testing::Contains(DeliveryRange{1, 1}));
}

TEST_F(GroupEditorTest, AnUnexpectedRevisionChangesNothing) {
  bus.Join("work", {"job"});
  UpdateGroupCommand command;
  command.policy.max_retries = 9;
  command.expected_revision = 4;
  EXPECT_EQ(Update(command).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(GroupEditorTest, ChangesOfTwoInstancesAtOnceAreBothMade) {
  const size_t other = bus.AddInstance();
  bus.Join("work", {"job"});
  bus.Run(absl::Seconds(1));
  for (const size_t instance : {size_t{0}, other}) {
    TestInstance& asked = bus.instance(instance);
    asked.process().Post([&asked, instance] {
      UpdateGroupCommand command;
      command.name = "work";
      if (instance == 0) command.policy.max_retries = 7;
      if (instance != 0) command.policy.max_crashes = 5;
      asked.broker().group_editor().Update(command, [](const absl::StatusOr<KnownGroup>& changed) {
        EXPECT_TRUE(changed.ok()) << changed.status();
      });
    });
  }
  bus.Run(absl::Seconds(1));
  const auto group = Resume();
  EXPECT_EQ(group->definition.policy.max_retries, 7U);
  EXPECT_EQ(group->definition.policy.max_crashes, 5U);
}

TEST_F(GroupEditorTest, AnOpenMayUpdateTheGroupWithAHigherRevisionOnly) {
  RecordingSink& first = Open([](OpenRequest* request) { request->revision = 1; });
  RecordingSink& second = Open([](OpenRequest* request) {
    request->patterns = {"job", "task"};
    request->policy.max_retries = 8;
    request->update_group = true;
    request->revision = 2;
  });
  ASSERT_TRUE(second.opened.has_value());
  EXPECT_EQ(second.opened->definition.revision, 2U);
  EXPECT_EQ(second.opened->definition.policy.max_retries, 8U);
  EXPECT_FALSE(first.closed.has_value());
  Publish("task", "1");
  EXPECT_THAT(first.received.size() + second.received.size(), 1U);
  // The old half of the deployment comes back.
  RecordingSink& old = Open([](OpenRequest* request) {
    request->update_group = true;
    request->revision = 1;
  });
  ASSERT_TRUE(old.closed.has_value());
  EXPECT_EQ(ReasonOf(*old.closed), Reason::kGroupMismatch);
}

// ---- Seeking ----

TEST_F(GroupEditorTest, SeekingToTheBeginningBringsEverythingAgain) {
  RecordingSink& sink = bus.Join("work", {"*"});
  Publish("a", "1");
  Publish("b", "2");
  bus.AckAll(sink);
  const auto result = Seek(StartEarliest{});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->repeated_events, 2U);
  EXPECT_EQ(result->skipped_events, 0U);
  EXPECT_GT(result->group.record.generation, 1U);
  ASSERT_THAT(sink.ids(), SizeIs(4));
  EXPECT_THAT(std::vector<std::string>({sink.ids()[2], sink.ids()[3]}),
              UnorderedElementsAre("1", "2"));
  EXPECT_EQ(sink.received[2].times_delivered, 1U);
}

TEST_F(GroupEditorTest, WhatIsInFlightAtASeekIsTakenAwayAndLateSettlesDoNothing) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  ASSERT_TRUE(Seek(StartEarliest{}).ok());
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(sink.lost_reasons, ElementsAre(LostReason::kGroupChanged));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "1"));
  bus.Settle(sink, {.acks = {{1, 1}}, .confirm = 1});
  EXPECT_THAT(sink.settled[0].unknown, ElementsAre(DeliveryRange{1, 1}));
  bus.Settle(sink, {.acks = {{2, 2}}, .confirm = 2});
  EXPECT_THAT(sink.settled[1].done, ElementsAre(DeliveryRange{2, 2}));
}

TEST_F(GroupEditorTest, SeekingToTheEndSkipsWhatWasNotDelivered) {
  RecordingSink& sink = bus.Join("work", {"job"});
  bus.SetFlow(sink, {1, 1 << 20});
  for (const char* id : {"1", "2", "3"}) Publish("job", id);
  const auto result = Seek(StartLatest{});
  EXPECT_EQ(result->skipped_events, 2U);
  Publish("job", "4");
  EXPECT_THAT(sink.ids(), ElementsAre("1", "4"));
}

TEST_F(GroupEditorTest, SeekingToATimeAndAfterAPosition) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  bus.Run(absl::Seconds(10));
  const absl::Time between = bus.world().Now();
  bus.Run(absl::Seconds(10));
  Publish("job", "2");
  Publish("job", "3");
  bus.AckAll(sink);
  ASSERT_TRUE(Seek(StartAtTime{between}).ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "3", "2", "3"));
  bus.AckAll(sink);
  StartAfterPositions after;
  after.positions["job"] = sink.received[1].position;
  ASSERT_TRUE(Seek(after).ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "3", "2", "3", "3"));
}

TEST_F(GroupEditorTest, SeekingSomeStreamsLeavesTheOthersAlone) {
  RecordingSink& sink = bus.Join("work", {"*"});
  Publish("a", "1");
  Publish("b", "2");
  ASSERT_TRUE(Seek(StartEarliest{}, {"a"}).ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "1"));
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 1}));
  bus.Settle(sink, {.acks = {{2, 3}}, .confirm = 1});
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{2, 3}));
  // And a later seek of all takes both from their places.
  ASSERT_TRUE(Seek(StartEarliest{}).ok());
  EXPECT_THAT(sink.ids(), SizeIs(5));
  EXPECT_EQ(ReasonOf(Seek(StartEarliest{}, {"nothing"}).status()), Reason::kBadPosition);
}

TEST_F(GroupEditorTest, ADryRunOfASeekCountsAndMovesNothing) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  Publish("job", "2");
  bus.AckAll(sink);
  const auto result = Seek(StartEarliest{}, {}, /*dry_run=*/true);
  EXPECT_EQ(result->repeated_events, 2U);
  bus.Run(absl::Seconds(20));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2"));
  Publish("job", "3");
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "3"));
}

TEST_F(GroupEditorTest, ASeekHoldsOnEveryInstanceAndForTypesBornLater) {
  const size_t other = bus.AddInstance();
  RecordingSink& there = bus.Join("work", {"*"}, other);
  Publish("a", "1");
  bus.Run(absl::Seconds(1));
  bus.AckAll(there);
  ASSERT_TRUE(Seek(StartEarliest{}, {}, false, 0).ok());
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(there.ids(), ElementsAre("1", "1"));
  Publish("born", "2");
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(there.ids(), ElementsAre("1", "1", "2"));
}

TEST_F(GroupEditorTest, DeadLettersAndRedrivenEventsSurviveASeek) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  bus.Settle(sink, {.rejects = {{{{1, 1}}, ""}}});
  ASSERT_TRUE(Seek(StartLatest{}).ok());
  EXPECT_EQ(bus.store().letters().Count("job", "work"), 1U);
}

// It may know the group already, and not yet the types that are older.
TEST_F(GroupEditorTest, ASeekIsOnAllStreamsAlsoWhereTheInstanceHasNotHeardOfThem) {
  bus.AddInstance();
  bus.Run(absl::Seconds(1));
  bus.instance(1).store().SetRates(StoreCall::kListTypes, {.not_done = 1});
  Publish("job", "0");
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", "1");
  bus.AckAll(sink);
  bus.Run();
  EXPECT_EQ(Seek(StartEarliest{}, {}, /*dry_run=*/false, 1).status().code(),
            absl::StatusCode::kUnavailable);
  bus.instance(1).store().SetRates(StoreCall::kListTypes, {});
  const auto sought = Seek(StartEarliest{}, {}, /*dry_run=*/false, 1);
  ASSERT_TRUE(sought.ok()) << sought.status();
  EXPECT_EQ(sought->repeated_events, 2U);
  bus.Run(absl::Seconds(5));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "0", "1"));
}

// A type is registered, and its stream is created by another instance only when the group was
// changed already, with the groups as that instance knew them before.
class BirthDuringAChangeTest : public GroupEditorTest {
 protected:
  void SetUp() override {
    RecordingSink& member = bus.Join("work", {"job"});
    Publish("job", "0");
    bus.AckAll(member);
    bus.Close(member);
    other().RegisterType("born", 1000, [](const auto& result) { EXPECT_TRUE(result.ok()); });
    bus.Run();
  }
  FaultyStore& other() { return bus.instance(there).store(); }
  void PublishAndEndBirth(std::vector<GroupKey> groups) {
    other().CreateStream({.stream = "born", .groups = std::move(groups)},
                         [](const auto& result) { EXPECT_TRUE(result.ok()); });
    bus.Run();
    Publish("born", "1");
  }

  const size_t there = bus.AddInstance();
};

TEST_F(BirthDuringAChangeTest, WhatIsPublishedAfterANewPatternIsDelivered) {
  ASSERT_TRUE(Update({.patterns = std::vector<std::string>{"job", "born"}}).ok());
  PublishAndEndBirth({});
  EXPECT_THAT(bus.Join("work", {}).ids(), ElementsAre("1"));
}

TEST_F(BirthDuringAChangeTest, WhatIsPublishedAfterASeekIsDelivered) {
  const auto before = Update({.patterns = std::vector<std::string>{"job", "late"}});
  ASSERT_TRUE(before.ok());
  other().RegisterType("late", 1000, [](const auto& result) { EXPECT_TRUE(result.ok()); });
  bus.Run();
  ASSERT_TRUE(Seek(StartLatest{}).ok());
  other().CreateStream({.stream = "late", .groups = {before->KeyOn("late")}},
                       [](const auto& result) { EXPECT_TRUE(result.ok()); });
  bus.Run();
  Publish("late", "1");
  EXPECT_THAT(bus.Join("work", {}).ids(), ElementsAre("1"));
}

TEST_F(BirthDuringAChangeTest, ADryRunCreatesNothing) {
  ASSERT_TRUE(Update({.patterns = std::vector<std::string>{"job", "late"}}).ok());
  other().RegisterType("late", 1000, [](const auto& result) { EXPECT_TRUE(result.ok()); });
  bus.Run();
  ASSERT_TRUE(Seek(StartLatest{}, {}, /*dry_run=*/true).ok());
  EXPECT_FALSE(bus.store().GetStreamInfo("late").ok());
  ASSERT_TRUE(Seek(StartLatest{}).ok());
  EXPECT_TRUE(bus.store().GetStreamInfo("late").ok());
}

}  // namespace
}  // namespace eventbus
