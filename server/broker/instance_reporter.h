#ifndef EVENTBUS_SERVER_BROKER_INSTANCE_REPORTER_H_
#define EVENTBUS_SERVER_BROKER_INSTANCE_REPORTER_H_

#include <functional>
#include <memory>
#include <string>

#include "server/broker/context.h"
#include "server/broker/instance_report.h"
#include "server/broker/lifetime.h"

namespace eventbus {

// InstanceReporter tells the other instances how this one fares: now and then, and soon after
// subscribers have come or gone. What has not changed is not told again while nobody subscribes
// here. A report that the store does not take is left out; the next one follows.
//
// Owned by the broker. Loop thread only.
class InstanceReporter {
 public:
  // `make` is asked for each report. All must outlive it.
  InstanceReporter(const Context* context, std::function<InstanceReport()> make);

  void Start();
  // Somebody came or went.
  void NoteChange();
  // Once more, and then not any more: this instance stops.
  void TellLast();

 private:
  void Tell();

  const Context* const context_;
  const std::function<InstanceReport()> make_;
  // The last one that was told, but for its time.
  std::string last_;
  bool running_ = false;
  bool soon_ = false;
  std::unique_ptr<Timer> timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_INSTANCE_REPORTER_H_
