#ifndef EVENTBUS_SERVER_BROKER_LIFETIME_H_
#define EVENTBUS_SERVER_BROKER_LIFETIME_H_

#include <memory>
#include <utility>

namespace eventbus {

// Lifetime keeps callbacks from reaching an object that is gone: a callback guarded by it does
// nothing once it is destroyed. A member, declared last, of the object that the callbacks use. Loop
// thread only.
//
//   store->Heartbeat(request, lifetime_.Guard([this](auto answer) { OnAnswer(std::move(answer));
//   }));
class Lifetime {
 public:
  Lifetime() : token_(std::make_shared<char>()) {}
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  template <typename F>
  auto Guard(F callback) const {
    return [alive = std::weak_ptr<char>(token_),
            callback = std::move(callback)](auto&&... arguments) mutable {
      if (!alive.expired()) callback(std::forward<decltype(arguments)>(arguments)...);
    };
  }

 private:
  std::shared_ptr<char> token_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_LIFETIME_H_
