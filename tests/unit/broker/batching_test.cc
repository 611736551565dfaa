// How events are put together into messages.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

OpenRequest Batched(uint32_t size, absl::Duration timeout) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.batch = {size, timeout};
  return request;
}

void PublishJobs(TestBus& bus, int count) {
  bus.PublishAll(std::vector<std::pair<std::string, std::string>>(count, {"job", "x"}));
}

TEST(BatchingTest, AFullBatchIsOneMessage) {
  TestBus bus;
  RecordingSink& sink = bus.Open(Batched(10, absl::Seconds(5)));
  PublishJobs(bus, 25);
  EXPECT_THAT(sink.messages, ElementsAre(10, 10));
}

TEST(BatchingTest, TheRestComesWhenItsTimeIsUp) {
  TestBus bus;
  RecordingSink& sink = bus.Open(Batched(10, absl::Seconds(5)));
  PublishJobs(bus, 3);
  EXPECT_THAT(sink.messages, IsEmpty());
  bus.Run(absl::Seconds(5));
  EXPECT_THAT(sink.messages, ElementsAre(3));
}

TEST(BatchingTest, WithoutATimeoutNothingWaits) {
  TestBus bus;
  RecordingSink& sink = bus.Open(Batched(10, absl::ZeroDuration()));
  PublishJobs(bus, 3);
  EXPECT_THAT(sink.messages, ElementsAre(3));
}

TEST(BatchingTest, ABatchThatTheInFlightLimitEndsIsNotKeptWaiting) {
  TestBus bus;
  OpenRequest request = Batched(10, absl::Seconds(5));
  request.flow.max_in_flight = 4;
  RecordingSink& sink = bus.Open(request);
  PublishJobs(bus, 6);
  EXPECT_THAT(sink.messages, ElementsAre(4));
}

TEST(BatchingTest, ABatchThatTheNextEventDoesNotFitIntoIsNotKeptWaiting) {
  TestBus bus;
  OpenRequest request = Batched(10, absl::Seconds(5));
  request.flow.max_in_flight_bytes = 3 * FramedTestEvent("job", "x").size() - 1;
  RecordingSink& sink = bus.Open(request);
  PublishJobs(bus, 6);
  EXPECT_THAT(sink.messages, ElementsAre(2));
}

TEST(BatchingTest, ATailBatchesToo) {
  TestBus bus;
  OpenRequest request = Batched(10, absl::Seconds(5));
  request.group.clear();
  request.tail = true;
  RecordingSink& sink = bus.Open(request);
  PublishJobs(bus, 13);
  EXPECT_THAT(sink.messages, ElementsAre(10));
  bus.Run(absl::Seconds(5));
  EXPECT_THAT(sink.messages, ElementsAre(10, 3));
}

}  // namespace
}  // namespace eventbus
