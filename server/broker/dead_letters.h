#ifndef EVENTBUS_SERVER_BROKER_DEAD_LETTERS_H_
#define EVENTBUS_SERVER_BROKER_DEAD_LETTERS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/broker/context.h"
#include "server/broker/group_editor.h"
#include "server/broker/letter_query.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"

namespace eventbus {

// DeadLetters is what people do with the dead letters of groups: look at them, have them delivered
// once more, throw them away. Works the same on every instance, whichever serves the group.
//
// Errors: NOT_FOUND (kGroupNotFound); UNAVAILABLE where the store fails, and then what was done
// before stays done.
//
// Owned by the broker. Loop thread only.
class DeadLetters {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  // `advanced` hears of side streams that this instance has appended to.
  DeadLetters(const Context* context, Registry* registry, GroupEditor* editor,
              std::function<void(absl::string_view)> advanced);
  ~DeadLetters();

  void List(ListLettersCommand command, Done<LetterPage> done);
  // Answers when all is redriven, which max_per_second stretches.
  void Redrive(RedriveCommand command, Done<RedriveResult> done);
  // Answers with how many were removed, or would be.
  void Purge(PurgeLettersCommand command, Done<RedriveResult> done);

 private:
  class Listing;
  class Removal;
  // Where the group has letters, and how many.
  struct Found {
    std::vector<std::string> streams;
    uint64_t letters = 0;
  };

  using FoundDone = absl::AnyInvocable<void(const absl::Status& status, Found found)>;

  // By what the store knows now, of types and groups too.
  void Find(const std::string& group, FoundDone done);
  void Count(const std::string& group, FoundDone done);
  void Start(std::shared_ptr<Removal> removal);
  // It has answered.
  void End(std::shared_ptr<void> ended);

  const Context* const context_;
  Registry* const registry_;
  GroupEditor* const editor_;
  const std::function<void(absl::string_view)> advanced_;
  // What has begun and has not answered yet: it goes with this, and its timers before their loop.
  std::set<std::shared_ptr<void>> under_way_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_DEAD_LETTERS_H_
