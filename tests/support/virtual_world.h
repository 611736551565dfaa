#ifndef EVENTBUS_TESTS_SUPPORT_VIRTUAL_WORLD_H_
#define EVENTBUS_TESTS_SUPPORT_VIRTUAL_WORLD_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/loop/loop.h"

namespace eventbus {

class VirtualProcess;

// VirtualWorld is time, and the processes that live in it: one thread, no real clock. Nothing
// happens while nobody runs it, and time stands still while something happens; what a run does
// depends on its options and on the calls alone, so a failing seed fails again.
//
//   VirtualWorld world;
//   VirtualProcess& process = world.CreateProcess("a");
//   process.Post([&] { broker.Start(); });
//   ASSERT_TRUE(world.RunUntil([&] { return broker.ready(); }, absl::Seconds(5)));
//   world.Advance(absl::Seconds(30));  // the deadline passes
//
// Owned by the test; outlives everything that holds one of its processes, or a timer of one.
class VirtualWorld {
 public:
  struct Options {
    uint64_t seed = 1;
    // What is due at the same instant in different processes runs in the order in which it became
    // due. If set: in an order drawn from the seed, and a turn may take only a part of what was
    // posted. Within a process tasks keep their order either way.
    bool shuffle = false;
    absl::Time epoch = absl::FromUnixSeconds(1'700'000'000);
  };

  VirtualWorld();
  explicit VirtualWorld(Options options);
  ~VirtualWorld();
  VirtualWorld(const VirtualWorld&) = delete;
  VirtualWorld& operator=(const VirtualWorld&) = delete;

  // A process that belongs to the world and lives as long, killed or not. `clock_skew`: how far its
  // wall clock is ahead.
  VirtualProcess& CreateProcess(std::string name, absl::Duration clock_skew = absl::ZeroDuration());

  // The true wall-clock time, which no process needs to agree with.
  absl::Time Now() const { return options_.epoch + elapsed_; }
  // Since the world began.
  absl::Duration elapsed() const { return elapsed_; }

  // Runs `task` after `delay`, outside of all processes: the network, the hand of fate.
  void Schedule(absl::Duration delay, Task task);

  // Runs what is due until `condition` holds, which is looked at before everything and after each
  // turn; time goes on as far as needed, at most by `limit`. False: it does not hold, and `limit`
  // has passed.
  bool RunUntil(absl::FunctionRef<bool()> condition, absl::Duration limit);
  // Runs all that becomes due within `duration`, that instant included, and ends there.
  void Advance(absl::Duration duration);
  // Runs all that is due without any time passing.
  void RunReady() { Advance(absl::ZeroDuration()); }

  bool shuffles() const { return options_.shuffle; }

  // The source of chance for whoever takes part, so that the seed decides everything.
  std::mt19937_64& random() { return random_; }

 private:
  friend class VirtualProcess;

  // When, then which of those at that instant.
  using Key = std::pair<absl::Duration, uint64_t>;
  // Either a turn of a process or a task outside of all.
  struct Happening {
    VirtualProcess* process = nullptr;
    Task task;
  };

  Key Enqueue(absl::Duration at, Happening happening);
  // Runs the next thing that is due at `limit` or before. False: there is none.
  bool RunNext(absl::Duration limit);

  const Options options_;
  std::mt19937_64 random_;
  absl::Duration elapsed_ = absl::ZeroDuration();
  uint64_t next_order_ = 0;
  // Turns since time last moved: a world in which it never does again is stuck in a circle.
  uint64_t turns_at_this_instant_ = 0;
  bool ending_ = false;
  std::map<Key, Happening> queue_;
  std::vector<std::unique_ptr<VirtualProcess>> processes_;
};

// VirtualProcess is the loop of one process in a virtual world. It can be frozen and thawed (as by
// SIGSTOP and SIGCONT: clocks go on, and on waking everything that is overdue runs) and killed (as
// by kill -9: nothing of it runs any more). Whoever kills a process destroys the objects that lived
// in it, whenever convenient. One thread, the world's: Post is not for other threads here.
class VirtualProcess final : public Loop {
 public:
  ~VirtualProcess() override;

  absl::Time WallNow() const override;
  // Differs between processes by more than any test lasts, so that nobody compares two of them
  // unnoticed.
  absl::Duration MonotonicNow() const override;
  // Destroys the task if the process is dead.
  void Post(Task task) override;
  // From outside of a turn it is for the end of the next one, which is then due.
  void Defer(Task task) override;
  void DeferToLast(Task task) override;
  std::unique_ptr<Timer> CreateTimer(absl::AnyInvocable<void()> on_fire) override;

  bool Linger(absl::Duration delay, Task task) override;

  // As a loop that no thread helps: nothing lingers.
  void SetHelped(bool helped) { helped_ = helped; }
  void Freeze();
  void Thaw();
  // Destroys all that was posted and deferred. For good. May be called by a task of the process
  // itself, which is then its last.
  void Kill();
  // The wall clock jumps.
  void SetClockSkew(absl::Duration skew) { clock_skew_ = skew; }

  const std::string& name() const { return name_; }
  bool frozen() const { return frozen_; }
  bool killed() const { return killed_; }
  // Turns so far.
  uint64_t turns() const { return turns_; }

 private:
  friend class VirtualWorld;
  class ProcessTimer;

  VirtualProcess(VirtualWorld* world, std::string name, absl::Duration clock_skew,
                 absl::Duration monotonic_offset);

  void RunTurn();
  void FireTimers();
  void RunPosted();
  void RunDeferred();
  // Makes sure that a turn comes when something is due next.
  void ScheduleTurn();

  VirtualWorld* const world_;
  const std::string name_;
  absl::Duration clock_skew_;
  const absl::Duration monotonic_offset_;
  bool helped_ = true;
  bool frozen_ = false;
  bool killed_ = false;
  bool in_turn_ = false;
  uint64_t turns_ = 0;
  uint64_t next_timer_order_ = 0;
  std::deque<Task> posted_;
  std::deque<Task> deferred_;
  std::deque<Task> last_;
  std::map<std::pair<absl::Duration, uint64_t>, ProcessTimer*> timers_;
  // The turn that is in the world's queue.
  std::optional<VirtualWorld::Key> next_turn_;
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_SUPPORT_VIRTUAL_WORLD_H_
