#include "tests/support/test_bus.h"

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"
#include "server/broker/event_scanner.h"
#include "server/broker/wire.h"

namespace eventbus {

void RecordingSink::OnDeliveries(std::vector<DeliveryRun> runs) {
  size_t events = 0;
  for (const DeliveryRun& run : runs) {
    EntryReader reader(run.events.view());
    FramedEvent framed;
    uint32_t index = 0;
    while (reader.Next(&framed)) {
      ScannedEvent event;
      FieldViolation violation;
      if (!ScanEvent(framed.event, EventLimits{}, &event, &violation)) continue;
      Received one;
      one.type = std::string(event.type);
      one.id = std::string(event.id);
      one.stream = *run.stream;
      one.position = {run.position.entry, run.position.index + index};
      one.delivery = run.first_delivery == 0 ? 0 : run.first_delivery + index;
      one.attempt = run.attempt;
      one.times_delivered = run.times_delivered;
      one.last_reason = run.last_reason;
      one.redriven = run.redriven;
      tokens.push_back({{opened->group, run.generation},
                        run.held_in != nullptr ? *run.held_in : one.stream,
                        run.held_in != nullptr ? run.held_at : one.position,
                        run.attempt,
                        run.times_delivered});
      received.push_back(std::move(one));
      ++index;
    }
    events += run.count;
  }
  messages.push_back(events);
}

void RecordingSink::OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
                           absl::string_view) {
  lost_reasons.push_back(reason);
  lost.insert(lost.end(), deliveries.begin(), deliveries.end());
}

void RecordingSink::OnTokensLost(const std::vector<DeliveryToken>& taken, LostReason,
                                 absl::string_view) {
  lost_tokens.insert(lost_tokens.end(), taken.begin(), taken.end());
}

void RecordingSink::OnDrain(absl::Time, absl::string_view) { drained = true; }

std::vector<std::string> RecordingSink::ids() const {
  std::vector<std::string> all;
  for (const Received& one : received) all.push_back(one.id);
  return all;
}

std::string FramedTestEvent(absl::string_view type, absl::string_view id, absl::string_view data) {
  std::string event;
  AppendLengthDelimitedField(1, id, &event);
  const size_t slash = id.find('/');
  if (slash != absl::string_view::npos) {
    AppendLengthDelimitedField(2, id.substr(0, slash), &event);
  }
  AppendLengthDelimitedField(4, type, &event);
  if (!data.empty()) AppendLengthDelimitedField(6, data, &event);
  std::string framed;
  AppendLengthDelimitedField(1, event, &framed);
  return framed;
}

PublishCommand CommandOf(const std::vector<std::pair<std::string, std::string>>& events,
                         absl::AnyInvocable<void(PublishOutcome)> done) {
  PublishCommand command;
  std::string framed;
  for (const auto& [type, id] : events) {
    PublishItem item;
    item.begin = static_cast<uint32_t>(framed.size());
    framed += FramedTestEvent(type, id);
    item.end = static_cast<uint32_t>(framed.size());
    // The type is the last field of a test event without data.
    item.type_begin = item.end - static_cast<uint32_t>(type.size());
    item.type_size = static_cast<uint32_t>(type.size());
    item.id_given = true;
    command.items.push_back(item);
  }
  command.framed = Bytes::FromString(std::move(framed));
  command.done = std::move(done);
  return command;
}

TestInstance::TestInstance(VirtualWorld* world, MemoryStore* store, std::string name,
                           BrokerOptions options, BrokerEvents* events)
    : process_(&world->CreateProcess(name)) {
  options.incarnation = std::move(name);
  connection_ = std::make_unique<MemoryStoreConnection>(store, process_);
  faulty_ = std::make_unique<FaultyStore>(connection_.get(), process_, FaultyStore::Options{});
  broker_ = std::make_unique<Broker>(process_, faulty_.get(),
                                     events == nullptr ? &no_events_ : events, options);
  process_->Post([this] { broker_->Start([](const absl::Status&) {}); });
}

void TestInstance::Kill() {
  process_->Kill();
  broker_.reset();
  faulty_.reset();
  connection_.reset();
}

TestBus::TestBus(BrokerOptions options, BrokerEvents* events)
    : options_(std::move(options)), events_(events) {
  store_ = std::make_unique<MemoryStore>(MemoryStoreOptions{}, [this] { return world_.Now(); });
  AddInstance();
}

TestBus::~TestBus() = default;

size_t TestBus::AddInstance() {
  const size_t index = instances_.size();
  instances_.push_back(std::make_unique<TestInstance>(
      &world_, store_.get(), absl::StrCat("instance-", index), options_, events_));
  Run();
  return index;
}

absl::StatusOr<Position> TestBus::Publish(const std::string& type, const std::string& id) {
  const PublishOutcome outcome = PublishAll({{type, id}});
  if (outcome.size() != 1) return absl::InternalError("no outcome");
  if (!outcome[0].status.ok()) return outcome[0].status;
  return outcome[0].position;
}

PublishOutcome TestBus::PublishAll(const std::vector<std::pair<std::string, std::string>>& events) {
  PublishOutcome outcome;
  instances_[0]->process().Post([&] {
    instances_[0]->broker().Publish(
        CommandOf(events, [&outcome](PublishOutcome known) { outcome = std::move(known); }));
  });
  world_.RunUntil([&outcome] { return !outcome.empty(); }, absl::Seconds(30));
  Run();
  return outcome;
}

RecordingSink& TestBus::Open(OpenRequest request, size_t instance) {
  subscribers_.push_back({std::make_unique<RecordingSink>(), instance, 0});
  Subscriber& subscriber = subscribers_.back();
  RecordingSink& sink = *subscriber.sink;
  SubscriptionId* const id = &subscriber.id;
  instances_[instance]->process().Post(
      [&, id] { *id = instances_[instance]->broker().Open(request, &sink); });
  world_.RunUntil([&sink] { return sink.opened.has_value() || sink.closed.has_value(); },
                  absl::Seconds(30));
  Run();
  return sink;
}

RecordingSink& TestBus::Join(const std::string& group, std::vector<std::string> patterns,
                             size_t instance) {
  OpenRequest request;
  request.group = group;
  request.patterns = std::move(patterns);
  return Open(std::move(request), instance);
}

RecordingSink& TestBus::Tail(std::vector<std::string> patterns, StartPosition start) {
  OpenRequest request;
  request.tail = true;
  request.patterns = std::move(patterns);
  request.start = std::move(start);
  return Open(std::move(request));
}

const TestBus::Subscriber& TestBus::Find(const RecordingSink& sink) const {
  for (const Subscriber& subscriber : subscribers_) {
    if (subscriber.sink.get() == &sink) return subscriber;
  }
  return subscribers_.front();
}

void TestBus::WarmUp(const std::string& type) {
  PublishAll(std::vector<std::pair<std::string, std::string>>(5000, {type, "warm"}));
}

void TestBus::Settle(const RecordingSink& sink, SettleCommand command) {
  const Subscriber& subscriber = Find(sink);
  TestInstance& instance = *instances_[subscriber.instance];
  instance.process().Post(
      [&instance, id = subscriber.id, command] { instance.broker().Settle(id, command); });
  Run();
}

void TestBus::AckAll(const RecordingSink& sink) {
  Settle(sink, {.acks = {{1, sink.received.back().delivery}}});
}

void TestBus::Close(const RecordingSink& sink, CallEnd end) {
  const Subscriber& subscriber = Find(sink);
  TestInstance& instance = *instances_[subscriber.instance];
  instance.process().Post(
      [&instance, id = subscriber.id, end] { instance.broker().Close(id, end); });
  Run();
}

TokenSettlement TestBus::SettleTokens(SettleAction action, std::vector<DeliveryToken> tokens,
                                      size_t instance) {
  auto answer = std::make_shared<TokenSettlement>();
  TestInstance& asked = *instances_[instance];
  asked.process().Post([&asked, answer, action = std::move(action), tokens = std::move(tokens)] {
    TokenSettleCommand command;
    command.parts = {{action, tokens}};
    command.done = [answer](TokenSettlement settlement) { *answer = std::move(settlement); };
    asked.broker().SettleByTokens(std::move(command));
  });
  Run();
  return *answer;
}

void TestBus::Taken(const RecordingSink& sink, uint64_t events, uint64_t bytes) {
  const Subscriber& subscriber = Find(sink);
  TestInstance& instance = *instances_[subscriber.instance];
  instance.process().Post([&instance, id = subscriber.id, events, bytes] {
    instance.broker().Taken(id, events, bytes);
  });
  Run();
}

void TestBus::SetFlow(const RecordingSink& sink, FlowLimits flow) {
  const Subscriber& subscriber = Find(sink);
  TestInstance& instance = *instances_[subscriber.instance];
  instance.process().Post(
      [&instance, id = subscriber.id, flow] { instance.broker().SetFlow(id, flow); });
  Run();
}

}  // namespace eventbus
