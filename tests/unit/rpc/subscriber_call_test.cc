// The bounds of one subscriber's call, whose client asks for much and takes nothing.
#include "server/rpc/subscriber_call.h"

#include <memory>

#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

// Of messages that are read and not carried out, or answered and not taken.
constexpr int kBound = 64;

class FakeTransport final : public SubscriberTransport {
 public:
  void BeginWrite(const grpc::ByteBuffer* /*message*/) override { ++writes; }
  void BeginRead() override { reads_wanted++; }
  void End(const grpc::Status& /*status*/) override { ended = true; }
  void BreakOff() override {}

  int writes = 0;
  int reads_wanted = 0;
  bool ended = false;
};

class SubscriberCallTest : public ::testing::Test {
 protected:
  SubscriberCallTest() { call_->Start(); }
  ~SubscriberCallTest() override {
    call_->Cancelled();
    call_->TransportDone();
    bus_.Run();
  }

  void Open() {
    SubscriberRequest request;
    request.open.group = "g";
    request.open.patterns = {"job"};
    request.heartbeat = absl::Minutes(1);
    call_->Open(std::move(request));
    call_->ReadDone(/*more=*/true, /*cancelled=*/false);
    bus_.Run();
  }

  // As a client that settles without end: answers every read. Returns how many there were.
  int SettleWhileRead(int at_most) {
    int settled = 0;
    while (settled < at_most && transport_.reads_wanted > reads_done_) {
      ++reads_done_;
      call_->Settle({.acks = {{1, 1}}, .confirm = 1});
      call_->ReadDone(/*more=*/true, /*cancelled=*/false);
      ++settled;
    }
    return settled;
  }

  TestBus bus_;
  Metrics metrics_;
  RpcContext rpc_{RpcOptions(), &bus_.instance().process(), &bus_.instance().broker(), &metrics_};
  OpenCalls calls_;
  FakeTransport transport_;
  int reads_done_ = 1;  // What Open does.
  std::shared_ptr<SubscriberCall> call_ =
      std::make_shared<SubscriberCall>(rpc_, &calls_, SubscriberCallKind::kSubscribe, &transport_);
};

TEST_F(SubscriberCallTest, AClientIsNotReadFromWhileWhatItSaidIsNotCarriedOut) {
  Open();
  EXPECT_EQ(SettleWhileRead(1000), kBound);
}

TEST_F(SubscriberCallTest, AClientThatTakesNoAnswersIsNotReadFrom) {
  Open();
  int settled = 0;
  for (int turn = 0; turn < 100; ++turn) {
    settled += SettleWhileRead(10);
    bus_.Run();
  }
  EXPECT_EQ(transport_.writes, 1) << "the first is never taken";
  EXPECT_GE(settled, kBound);
  EXPECT_LE(settled, 2 * kBound);

  // Goes on as soon as fewer wait.
  for (int taken = 0; taken < kBound; ++taken) call_->WriteDone(/*ok=*/true);
  EXPECT_GT(SettleWhileRead(1), 0);
}

TEST_F(SubscriberCallTest, OnlyTheLatestPongWaits) {
  Open();
  for (uint64_t number = 1; number <= 1000; ++number) call_->AnswerPing(number);
  call_->WriteDone(/*ok=*/true);
  call_->WriteDone(/*ok=*/true);
  EXPECT_EQ(transport_.writes, 2) << "the opening answer, and one pong";
}

}  // namespace
}  // namespace eventbus
