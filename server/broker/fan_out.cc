#include "server/broker/fan_out.h"

#include <memory>
#include <utility>

namespace eventbus {
namespace {

struct Work {
  size_t count;
  size_t at_once;
  absl::AnyInvocable<void(size_t, FanOutDone)> start;
  FanOutDone finished;
  size_t next = 0;
  size_t under_way = 0;
  // Begin is on the stack: what is over at once is taken up there.
  bool beginning = false;
  absl::Status status;
};

// By value: whoever holds it may go while this runs.
void Begin(std::shared_ptr<Work> work) {  // NOLINT(performance-unnecessary-value-param)
  if (std::exchange(work->beginning, true)) return;
  while (work->next < work->count && work->under_way < work->at_once && work->status.ok()) {
    ++work->under_way;
    work->start(work->next++, [work](absl::Status status) {
      --work->under_way;
      work->status.Update(std::move(status));
      Begin(work);
    });
  }
  work->beginning = false;
  if (work->under_way > 0 || work->finished == nullptr) return;
  std::exchange(work->finished, nullptr)(std::move(work->status));
}

}  // namespace

void FanOut(size_t count, size_t at_once, absl::AnyInvocable<void(size_t, FanOutDone)> start,
            FanOutDone finished) {
  Begin(std::make_shared<Work>(Work{count, at_once, std::move(start), std::move(finished)}));
}

}  // namespace eventbus
