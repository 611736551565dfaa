#include "server/rpc/publish_answer.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/unit/rpc/buffers.h"

namespace eventbus {
namespace {

PublishedRun Stored(uint32_t first, uint32_t count, const std::string& stream) {
  PublishedRun run;
  run.first = first;
  run.count = count;
  run.stream = stream;
  run.position = Position{{1000, 2}, 5};
  return run;
}

PublishedRun NotStored(uint32_t first, uint32_t count) {
  PublishedRun run;
  run.first = first;
  run.count = count;
  run.status = MakeError(absl::StatusCode::kUnavailable, Reason::kNotStored, "not stored");
  return run;
}

EventIds Ids(int count) {
  EventIds ids;
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::string id = "id-" + std::to_string(i);
    ids.Add(text.size(), id.size());
    text += id;
  }
  ids.SetBytes(Bytes::FromString(std::move(text)));
  return ids;
}

TEST(PublishAnswerTest, PublishSaysWhereTheEventIs) {
  const auto response =
      Parsed<v1::PublishResponse>(EncodePublishResponse(Ids(1), Stored(0, 1, "a.b")));
  EXPECT_EQ(response.published().id(), "id-0");
  EXPECT_EQ(response.published().stream(), "a.b");
  EXPECT_EQ(response.published().position(), "1000-2-5");
}

TEST(PublishAnswerTest, BatchHasOneResultForEachEventInOrder) {
  const auto response = Parsed<v1::PublishBatchResponse>(
      EncodePublishBatchResponse(Ids(4), {Stored(0, 2, "a"), NotStored(2, 1), Stored(3, 1, "b")}));
  ASSERT_EQ(response.results_size(), 4);
  EXPECT_EQ(response.results(1).published().id(), "id-1");
  EXPECT_EQ(response.results(1).published().position(), "1000-2-6");
  EXPECT_EQ(response.results(2).error().reason(), v1::ERROR_REASON_NOT_STORED);
  EXPECT_EQ(response.results(3).published().stream(), "b");
  EXPECT_EQ(response.results(3).published().id(), "id-3");
}

TEST(PublishAnswerTest, ResultsOfOneRunCountOnWhateverLengthTheirIdsAndIndexesHave) {
  // Indexes from 8 to 120, and ids that grow from 4 to 5 and to 6 bytes.
  PublishedRun run = Stored(0, 113, "a.b");
  run.position.index = 8;
  PublishedRun more = Stored(113, 2, "a.b");
  more.position.index = 999;
  more.duplicate = true;
  const auto response = Parsed<v1::PublishBatchResponse>(
      EncodePublishBatchResponse(Ids(115), {std::move(run), std::move(more)}));
  ASSERT_EQ(response.results_size(), 115);
  for (int i = 0; i < 115; ++i) {
    const v1::PublishedEvent& published = response.results(i).published();
    EXPECT_EQ(published.id(), "id-" + std::to_string(i));
    EXPECT_EQ(published.stream(), "a.b");
    EXPECT_EQ(published.position(), "1000-2-" + std::to_string(i < 113 ? 8 + i : 999 + i - 113));
    EXPECT_EQ(published.duplicate(), i >= 113);
  }
}

TEST(PublishAnswerTest, EachRunHasThePositionOfItsOwnEntry) {
  const Position positions[] = {{{1000, 2}, 0}, {{1000, 13}, 7}, {{99, 0}, 0},
                                {{0, 1}, 0},    {{0, 1}, 1},     {{18446744073709551615u, 5}, 0}};
  PublishOutcome outcome;
  for (const Position& position : positions) {
    outcome.push_back(Stored(static_cast<uint32_t>(outcome.size()), 1, "a.b"));
    outcome.back().position = position;
  }
  const auto response =
      Parsed<v1::PublishBatchResponse>(EncodePublishBatchResponse(Ids(6), outcome));
  ASSERT_EQ(response.results_size(), 6);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(response.results(i).published().position(), positions[i].ToString());
  }
}

TEST(PublishAnswerTest, DelayedEventsHaveAScheduleIdInPlaceOfAPosition) {
  PublishedRun run;
  run.count = 2;
  run.stream = "a.b";
  run.schedule_ids = {"later-1", "much-later-2"};
  const auto response =
      Parsed<v1::PublishBatchResponse>(EncodePublishBatchResponse(Ids(2), {std::move(run)}));
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).published().schedule_id(), "later-1");
  EXPECT_EQ(response.results(1).published().schedule_id(), "much-later-2");
  EXPECT_EQ(response.results(1).published().id(), "id-1");
  EXPECT_EQ(response.results(1).published().position(), "");
}

TEST(PublishAnswerTest, DuplicatesAreNamedAsSuch) {
  PublishedRun duplicates = Stored(1, 2, "a");
  duplicates.duplicate = true;
  const auto response = Parsed<v1::PublishBatchResponse>(
      EncodePublishBatchResponse(Ids(3), {Stored(0, 1, "a"), duplicates}));
  EXPECT_FALSE(response.results(0).published().duplicate());
  EXPECT_TRUE(response.results(1).published().duplicate());
  EXPECT_TRUE(response.results(2).published().duplicate());
  EXPECT_EQ(response.results(2).published().position(), "1000-2-6");
  v1::PublishAcknowledgement acknowledgement;
  AddResults(7, Ids(3), {Stored(0, 1, "a"), duplicates}, &acknowledgement);
  EXPECT_FALSE(acknowledgement.results(0).published(0).duplicate());
  EXPECT_TRUE(acknowledgement.results(0).published(1).duplicate());
}

TEST(PublishAnswerTest, FailuresNameTheirEventsUnlessAllFailed) {
  v1::PublishAcknowledgement acknowledgement;
  AddFailures(7, {Stored(0, 2, "a"), NotStored(2, 2)}, &acknowledgement);
  AddFailures(8, {NotStored(0, 4)}, &acknowledgement);
  ASSERT_EQ(acknowledgement.failures_size(), 2);
  EXPECT_EQ(acknowledgement.failures(0).sequence(), 7u);
  ASSERT_EQ(acknowledgement.failures(0).indexes_size(), 2);
  EXPECT_EQ(acknowledgement.failures(0).indexes(1), 3u);
  EXPECT_EQ(acknowledgement.failures(1).sequence(), 8u);
  EXPECT_EQ(acknowledgement.failures(1).indexes_size(), 0);
}

TEST(PublishAnswerTest, ResultsOfFailedEventsHaveNoPosition) {
  v1::PublishAcknowledgement acknowledgement;
  AddResults(7, Ids(3), {Stored(0, 2, "a"), NotStored(2, 1)}, &acknowledgement);
  ASSERT_EQ(acknowledgement.results(0).published_size(), 3);
  EXPECT_EQ(acknowledgement.results(0).published(1).position(), "1000-2-6");
  EXPECT_EQ(acknowledgement.results(0).published(2).id(), "id-2");
  EXPECT_EQ(acknowledgement.results(0).published(2).position(), "");
}

TEST(PublishAnswerTest, DroppedAnswerSaysThatTheOutcomeIsUnknown) {
  PublishOutcome got;
  {
    auto answer = AnswerOnce(3, [&got](PublishOutcome outcome) { got = std::move(outcome); });
  }
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].count, 3u);
  EXPECT_EQ(ReasonOf(got[0].status), Reason::kOutcomeUnknown);
}

TEST(PublishAnswerTest, AnswerIsGivenOnce) {
  int answers = 0;
  {
    auto answer = AnswerOnce(1, [&answers](const PublishOutcome&) { ++answers; });
    answer({Stored(0, 1, "a")});
  }
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace eventbus
