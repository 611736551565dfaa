#include "tests/support/virtual_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace eventbus {
namespace {

// No honest instant has as many turns.
constexpr uint64_t kMaxTurnsAtOneInstant = 2'000'000;
constexpr absl::Duration kMonotonicSpacing = absl::Hours(1000);

}  // namespace

// ---- VirtualWorld ----

VirtualWorld::VirtualWorld() : VirtualWorld(Options{}) {}

VirtualWorld::VirtualWorld(Options options) : options_(options), random_(options.seed) {}

VirtualWorld::~VirtualWorld() {
  // What dies may still reach for its process or for the world, so these go last.
  ending_ = true;
  for (auto& process : processes_) process->Kill();
  std::map<Key, Happening> rest;
  rest.swap(queue_);
  rest.clear();
}

VirtualProcess& VirtualWorld::CreateProcess(std::string name, absl::Duration clock_skew) {
  const auto number = static_cast<int64_t>(processes_.size() + 1);
  processes_.push_back(std::unique_ptr<VirtualProcess>(
      new VirtualProcess(this, std::move(name), clock_skew, number * kMonotonicSpacing)));
  return *processes_.back();
}

VirtualWorld::Key VirtualWorld::Enqueue(absl::Duration at, Happening happening) {
  Key key(at, options_.shuffle ? random_() : next_order_++);
  while (queue_.contains(key)) ++key.second;
  queue_.emplace(key, std::move(happening));
  return key;
}

void VirtualWorld::Schedule(absl::Duration delay, Task task) {
  if (ending_) return;
  Enqueue(elapsed_ + std::max(delay, absl::ZeroDuration()), {nullptr, std::move(task)});
}

bool VirtualWorld::RunNext(absl::Duration limit) {
  if (queue_.empty() || queue_.begin()->first.first > limit) return false;
  auto next = queue_.extract(queue_.begin());
  if (next.key().first > elapsed_) {
    elapsed_ = next.key().first;
    turns_at_this_instant_ = 0;
  } else if (++turns_at_this_instant_ > kMaxTurnsAtOneInstant) {
    std::fprintf(stderr, "The virtual world runs in a circle at %s\n",
                 absl::FormatDuration(elapsed_).c_str());
    std::abort();
  }
  Happening& happening = next.mapped();
  if (happening.process != nullptr) {
    happening.process->RunTurn();
  } else {
    std::move(happening.task)();
  }
  return true;
}

bool VirtualWorld::RunUntil(absl::FunctionRef<bool()> condition, absl::Duration limit) {
  const absl::Duration end = elapsed_ + limit;
  while (!condition()) {
    if (!RunNext(end)) {
      elapsed_ = end;
      return condition();
    }
  }
  return true;
}

void VirtualWorld::Advance(absl::Duration duration) {
  const absl::Duration end = elapsed_ + duration;
  while (RunNext(end)) {
  }
  elapsed_ = end;
}

// ---- Timers ----

class VirtualProcess::ProcessTimer final : public Timer {
 public:
  ProcessTimer(VirtualProcess* process, absl::AnyInvocable<void()> on_fire)
      : process_(process),
        on_fire_(std::make_shared<absl::AnyInvocable<void()>>(std::move(on_fire))) {}
  ~ProcessTimer() override { Disarm(); }

  void Arm(absl::Duration delay) override {
    Disarm();
    if (process_->killed_) return;
    const absl::Duration due = process_->world_->elapsed() + std::max(delay, absl::ZeroDuration());
    key_.emplace(due, process_->next_timer_order_++);
    process_->timers_.emplace(*key_, this);
    process_->ScheduleTurn();
  }

  void Disarm() override {
    if (!key_) return;
    process_->timers_.erase(*key_);
    key_.reset();
  }

  bool armed() const override { return key_.has_value(); }

  void Fire() {
    Disarm();
    // The callback may destroy this timer, and with it itself.
    const auto on_fire = on_fire_;
    (*on_fire)();
  }

 private:
  VirtualProcess* const process_;
  const std::shared_ptr<absl::AnyInvocable<void()>> on_fire_;
  std::optional<std::pair<absl::Duration, uint64_t>> key_;
};

// ---- VirtualProcess ----

VirtualProcess::VirtualProcess(VirtualWorld* world, std::string name, absl::Duration clock_skew,
                               absl::Duration monotonic_offset)
    : world_(world),
      name_(std::move(name)),
      clock_skew_(clock_skew),
      monotonic_offset_(monotonic_offset) {}

VirtualProcess::~VirtualProcess() = default;

absl::Time VirtualProcess::WallNow() const { return world_->Now() + clock_skew_; }

absl::Duration VirtualProcess::MonotonicNow() const {
  return world_->elapsed() + monotonic_offset_;
}

void VirtualProcess::Post(Task task) {
  if (killed_) return;
  posted_.push_back(std::move(task));
  ScheduleTurn();
}

void VirtualProcess::Defer(Task task) {
  if (killed_) return;
  deferred_.push_back(std::move(task));
  ScheduleTurn();
}

void VirtualProcess::DeferToLast(Task task) {
  last_.push_back(std::move(task));
  ScheduleTurn();
}

std::unique_ptr<Timer> VirtualProcess::CreateTimer(absl::AnyInvocable<void()> on_fire) {
  return std::make_unique<ProcessTimer>(this, std::move(on_fire));
}

bool VirtualProcess::Linger(absl::Duration delay, Task task) {
  if (!helped_ || killed_) return false;
  if (world_->options_.shuffle) {
    // Mostly helped, and now and then left.
    if (world_->random()() % 4 == 0) return false;
    if (world_->random()() % 4 == 0) delay = delay / 2;
  }
  world_->Schedule(delay, [this, task = std::move(task)]() mutable { Post(std::move(task)); });
  return true;
}

void VirtualProcess::Freeze() { frozen_ = true; }

void VirtualProcess::Thaw() {
  frozen_ = false;
  ScheduleTurn();
}

void VirtualProcess::Kill() {
  if (killed_) return;
  killed_ = true;
  if (next_turn_) world_->queue_.erase(*next_turn_);
  next_turn_.reset();
  std::deque<Task> posted;
  std::deque<Task> deferred;
  std::deque<Task> last;
  posted.swap(posted_);
  deferred.swap(deferred_);
  last.swap(last_);
  for (auto timer = timers_.begin(); timer != timers_.end(); timer = timers_.begin()) {
    timer->second->Disarm();
  }
}

void VirtualProcess::ScheduleTurn() {
  if (in_turn_ || frozen_ || killed_) return;
  absl::Duration due = absl::InfiniteDuration();
  if (!posted_.empty() || !deferred_.empty() || !last_.empty()) {
    due = world_->elapsed();
  } else if (!timers_.empty()) {
    due = std::max(world_->elapsed(), timers_.begin()->first.first);
  }
  if (next_turn_) {
    if (next_turn_->first <= due) return;
    world_->queue_.erase(*next_turn_);
    next_turn_.reset();
  }
  if (due < absl::InfiniteDuration()) next_turn_ = world_->Enqueue(due, {this, Task()});
}

void VirtualProcess::RunTurn() {
  next_turn_.reset();
  // It slept through the call; Thaw schedules the turn anew.
  if (frozen_ || killed_) return;
  ++turns_;
  in_turn_ = true;
  FireTimers();
  RunPosted();
  RunDeferred();
  in_turn_ = false;
  ScheduleTurn();
}

void VirtualProcess::FireTimers() {
  std::vector<std::pair<absl::Duration, uint64_t>> due;
  for (const auto& [key, timer] : timers_) {
    if (key.first > world_->elapsed()) break;
    due.push_back(key);
  }
  for (const auto& key : due) {
    const auto timer = timers_.find(key);
    if (timer != timers_.end()) timer->second->Fire();
  }
}

void VirtualProcess::RunPosted() {
  size_t count = posted_.size();
  if (count > 1 && world_->options_.shuffle) count = 1 + world_->random()() % count;
  for (; count > 0 && !killed_; --count) {
    Task task = std::move(posted_.front());
    posted_.pop_front();
    std::move(task)();
  }
}

void VirtualProcess::RunDeferred() {
  while ((!deferred_.empty() || !last_.empty()) && !killed_) {
    std::deque<Task>& queue = deferred_.empty() ? last_ : deferred_;
    Task task = std::move(queue.front());
    queue.pop_front();
    std::move(task)();
  }
}

}  // namespace eventbus
