#include "server/broker/fan_out.h"

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;

class FanOutTest : public ::testing::Test {
 protected:
  void Run(size_t count, size_t at_once) {
    FanOut(
        count, at_once,
        [this](size_t index, FanOutDone done) {
          begun_.push_back(index);
          open_.push_back(std::move(done));
        },
        [this](absl::Status status) { finished_ = std::move(status); });
  }

  std::vector<size_t> begun_;
  // Being called, each stays where it is.
  std::deque<FanOutDone> open_;
  std::optional<absl::Status> finished_;
};

TEST_F(FanOutTest, ABoundedNumberIsUnderWay) {
  Run(4, 2);
  EXPECT_THAT(begun_, ElementsAre(0, 1));
  open_[1](absl::OkStatus());
  EXPECT_THAT(begun_, ElementsAre(0, 1, 2));
  open_[0](absl::OkStatus());
  open_[2](absl::OkStatus());
  EXPECT_FALSE(finished_.has_value());
  open_[3](absl::OkStatus());
  ASSERT_TRUE(finished_.has_value());
  EXPECT_TRUE(finished_->ok());
}

TEST_F(FanOutTest, AfterAnErrorNothingMoreIsBegun) {
  Run(4, 2);
  open_[0](absl::UnavailableError("first"));
  EXPECT_FALSE(finished_.has_value()) << "one is still under way";
  open_[1](absl::UnavailableError("second"));
  EXPECT_THAT(begun_, ElementsAre(0, 1));
  EXPECT_EQ(finished_, absl::UnavailableError("first"));
}

TEST_F(FanOutTest, NothingToDoIsDoneAtOnce) {
  Run(0, 2);
  EXPECT_EQ(finished_, absl::OkStatus());
}

TEST_F(FanOutTest, WhatIsOverAtOnceDoesNotPileUp) {
  size_t begun = 0;
  FanOut(
      1'000'000, 2,
      [&](size_t, FanOutDone done) {
        ++begun;
        done(absl::OkStatus());
      },
      [this](absl::Status status) { finished_ = std::move(status); });
  EXPECT_EQ(begun, 1'000'000U);
  EXPECT_EQ(finished_, absl::OkStatus());
}

}  // namespace
}  // namespace eventbus
