// The half of Subscription::Core that runs on the handler threads.
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/cpp/src/convert.h"
#include "client/cpp/src/subscription_core.h"

namespace eventbus::client {
namespace {

// For failed deliveries, where the server cannot nack.
constexpr absl::Duration kReleaseDelay = absl::Seconds(1);

}  // namespace

void Subscription::Core::DropWork(const std::shared_ptr<SubscribeCall>& call,
                                  std::vector<Work>& dropped) {
  waiting_ = 0;
  waiting_bytes_ = 0;
  std::deque<Work> kept;
  for (Work& work : work_) {
    if (work.call == call) {
      dropped.push_back(std::move(work));
      continue;
    }
    const auto& batches = work.message->response->deliveries().batches();
    for (int batch = work.batch; batch < batches.size(); ++batch) {
      waiting_ += static_cast<uint64_t>(batches.Get(batch).events_size());
    }
    waiting_ -= static_cast<uint64_t>(work.index);
    waiting_bytes_ += work.message->arena.SpaceUsed();
    kept.push_back(std::move(work));
  }
  work_ = std::move(kept);
}

void Subscription::Core::RunHandlers() {
  mutex_.Lock();
  while (true) {
    mutex_.Await(absl::Condition(this, &Core::HasWorkOrEnds));
    if (stopping_ || end_) break;
    std::optional<Work> work = TakeWork();
    if (!work) continue;
    const bool last = waiting_ == 0;
    std::shared_ptr<SubscribeCall> resumed;
    if (reading_paused_ && waiting_ <= spec_.max_waiting / 2 &&
        waiting_bytes_ < spec_.max_waiting_bytes && current_ != 0) {
      reading_paused_ = false;
      resumed = calls_[current_];
    }
    ++running_;
    mutex_.Unlock();
    if (resumed != nullptr) resumed->ReadOn();
    HandleOne(*work, last);
    work.reset();
    mutex_.Lock();
    --running_;
  }
  const bool finish = running_ == 0;
  mutex_.Unlock();
  if (finish) FinishCalls();
}

std::optional<Subscription::Core::Work> Subscription::Core::TakeWork() {
  Work& front = work_.front();
  const auto& batches = front.message->response->deliveries().batches();
  const auto skip_empty = [&] {
    while (front.batch < batches.size() && front.index >= batches.Get(front.batch).events_size()) {
      ++front.batch;
      front.index = 0;
    }
    return front.batch < batches.size();
  };
  std::optional<Work> taken;
  if (skip_empty()) {
    taken = front;
    ++front.index;
    --waiting_;
    if (spec_.tail) {
      const v1::DeliveryBatch& batch = batches.Get(taken->batch);
      seen_[batch.stream()] = PositionAfter(batch.position(), static_cast<uint64_t>(taken->index));
    }
  }
  if (!skip_empty()) {
    waiting_bytes_ -= front.message->arena.SpaceUsed();
    work_.pop_front();
  }
  return taken;
}

void Subscription::Core::HandleOne(const Work& work, bool last) {
  const v1::DeliveryBatch& batch = work.message->response->deliveries().batches(work.batch);
  const uint64_t number = batch.first_delivery() + static_cast<uint64_t>(work.index);
  if (!spec_.tail && work.call->IsLost(number)) return;
  const Settle verdict = handler_(Delivery(batch, work.index));
  if (!spec_.tail) SettleByVerdict(work.call, number, verdict, last);
}

void Subscription::Core::SettleByVerdict(const std::shared_ptr<SubscribeCall>& call,
                                         uint64_t number, const Settle& verdict, bool now) {
  switch (verdict.kind()) {
    case Settle::Kind::kLeave:
      call->Hold(number);
      return;
    case Settle::Kind::kNack:
    case Settle::Kind::kReject: {
      bool refused = false;
      {
        absl::MutexLock lock(&mutex_);
        refused = nacks_refused_;
      }
      if (!refused) break;
      call->Hold(number);
      const std::weak_ptr<SubscribeCall> weak = call;
      connection_->scheduler().After(verdict.delay().value_or(kReleaseDelay), [weak, number] {
        if (const auto later = weak.lock()) {
          later->SettleDelivery(number, Settle::Release(), /*now=*/true);
        }
      });
      return;
    }
    default:
      break;
  }
  call->SettleDelivery(number, verdict, now);
}

}  // namespace eventbus::client
