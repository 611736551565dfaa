// The frame of every unary call of EventBusAdmin, and pages of its lists.
#include "server/rpc/admin_call.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "eventbus/v1/admin.pb.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "server/rpc/page.h"
#include "tests/support/fake_call.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

class AdminCallTest : public ::testing::Test {
 protected:
  using Done = AdminDone<std::string>;

  // A call whose command is a text and whose result another one. `run` works for the broker.
  void Call(absl::StatusOr<std::string> command, absl::AnyInvocable<void(std::string, Done)> run) {
    RunAdminCall<std::string>(
        rpc_, &context_, "GetGroup", std::move(command),
        [this, run = std::move(run)](Broker& broker, std::string text, Done done) mutable {
          EXPECT_EQ(&broker, rpc_.broker);
          run(std::move(text), std::move(done));
        },
        [this](const std::string& result) { response_.mutable_group()->set_name(result); });
  }
  void Call(absl::AnyInvocable<void(std::string, Done)> run) {
    Call(std::string("audit"), std::move(run));
  }
  std::optional<grpc::Status> Finished() const { return context_.finished; }
  grpc::StatusCode Code() const {
    return Finished().value_or(grpc::Status(grpc::StatusCode::DO_NOT_USE, "")).error_code();
  }

  TestBus bus_;
  Metrics metrics_;
  RpcContext rpc_{RpcOptions(), &bus_.instance().process(), &bus_.instance().broker(), &metrics_};
  FakeCall context_;
  v1::GetGroupResponse response_;
};

TEST_F(AdminCallTest, TheBrokerIsAskedOnTheLoopAndItsResultWritten) {
  std::optional<Done> waiting;
  Call([&](const std::string& name, Done done) {
    EXPECT_EQ(name, "audit");
    waiting = std::move(done);
  });
  EXPECT_FALSE(waiting.has_value()) << "asked before the loop's turn";
  bus_.Run();
  ASSERT_TRUE(waiting.has_value());
  EXPECT_FALSE(Finished().has_value());
  (*waiting)(std::string("audit, found"));
  EXPECT_EQ(Code(), grpc::StatusCode::OK);
  EXPECT_EQ(response_.group().name(), "audit, found");
}

TEST_F(AdminCallTest, AWrongRequestIsRefusedAtOnceAndTheBrokerNotAsked) {
  Call(InvalidField("name", "is required"), [](const std::string&, Done) { FAIL(); });
  EXPECT_EQ(Code(), grpc::StatusCode::INVALID_ARGUMENT);
  bus_.Run();
}

TEST_F(AdminCallTest, AnErrorOfTheBrokerEndsTheCall) {
  Call([](const std::string&, Done done) {
    done(MakeError(absl::StatusCode::kNotFound, Reason::kGroupNotFound, "there is none"));
  });
  bus_.Run();
  EXPECT_EQ(Code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_FALSE(response_.has_group());
}

TEST_F(AdminCallTest, WhatIsNeverAnsweredEndsWithTheLastWhoCould) {
  std::optional<Done> waiting;
  Call([&](const std::string&, Done done) { waiting = std::move(done); });
  bus_.Run();
  EXPECT_FALSE(Finished().has_value());
  waiting.reset();
  EXPECT_EQ(Code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AdminCallTest, WhileTheStoreIsAwayTheBrokerIsNotAsked) {
  bus_.instance().process().Post([this] { bus_.instance().store().GoDown(); });
  bus_.Run();
  Call([](const std::string&, Done) { FAIL(); });
  bus_.Run();
  EXPECT_EQ(Code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(AdminErrorTest, EachHasAReason) {
  EXPECT_EQ(ReasonOf(AdminError(absl::UnavailableError("no answer"))), Reason::kStoreUnavailable);
  EXPECT_EQ(ReasonOf(AdminError(absl::ResourceExhaustedError("full"))), Reason::kStoreFull);
  EXPECT_EQ(AdminError(absl::DataLossError("corrupt")).code(), absl::StatusCode::kInternal);
  const absl::Status error =
      MakeError(absl::StatusCode::kUnavailable, Reason::kDraining, "it stops");
  EXPECT_EQ(AdminError(error), error);
}

TEST(PageTest, ATokenIsReadBackAndAnyOtherTextRefused) {
  for (const std::string& last :
       {std::string("a"), std::string("order.placed"), std::string("\0\xff", 2)}) {
    const auto page = ReadPage(0, WritePageToken(last));
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->after, last);
  }
  EXPECT_EQ(WritePageToken(""), "");
  for (const char* token : {"x", "p1.", "p1.%", "order.placed"}) {
    EXPECT_EQ(FieldOf(ReadPage(0, token).status()), "page_token") << token;
  }
}

TEST(PageTest, ASizeIsFromOneToAThousandAndAHundredIfAbsent) {
  EXPECT_EQ(ReadPage(0, "")->size, 100U);
  EXPECT_EQ(ReadPage(1, "")->size, 1U);
  EXPECT_EQ(ReadPage(1'000, "")->size, 1'000U);
  for (const int32_t size : {-1, 1'001}) {
    EXPECT_EQ(FieldOf(ReadPage(size, "").status()), "page_size") << size;
  }
}

}  // namespace
}  // namespace eventbus
