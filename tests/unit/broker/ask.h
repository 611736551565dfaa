#ifndef EVENTBUS_TESTS_UNIT_BROKER_ASK_H_
#define EVENTBUS_TESTS_UNIT_BROKER_ASK_H_

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/support/test_bus.h"

namespace eventbus {

// What an operator's call to the broker of an instance answers:
//
//   const auto page = Ask<GroupPage>(bus, [](Broker& broker, auto done) {
//     broker.groups().List({}, std::move(done));
//   });
template <typename T>
absl::StatusOr<T> Ask(
    TestBus& bus, std::function<void(Broker&, absl::AnyInvocable<void(absl::StatusOr<T>)>)> call,
    size_t instance = 0) {
  // Outlives this function, should the answer come late.
  auto answer = std::make_shared<std::optional<absl::StatusOr<T>>>();
  Broker* const broker = &bus.instance(instance).broker();
  bus.instance(instance).process().Post([=] {
    call(*broker, [answer](absl::StatusOr<T> result) { answer->emplace(std::move(result)); });
  });
  bus.world().RunUntil([&] { return answer->has_value(); }, absl::Seconds(30));
  return answer->has_value() ? **answer : absl::DeadlineExceededError("no answer");
}

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_UNIT_BROKER_ASK_H_
