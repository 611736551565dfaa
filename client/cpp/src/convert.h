#ifndef EVENTBUS_CLIENT_CPP_SRC_CONVERT_H_
#define EVENTBUS_CLIENT_CPP_SRC_CONVERT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "eventbus/publisher.h"
#include "eventbus/v1/broker.pb.h"

// Between the contract's messages and the library's types. Pure functions, for any thread.
namespace eventbus::client {

Published ToPublished(const v1::PublishedEvent& published);

google::protobuf::Duration ToProto(absl::Duration duration);
google::protobuf::Timestamp ToProto(absl::Time time);
absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& time);

// Position of the event `index` places after the one at `position`: its last part counts on.
std::string PositionAfter(absl::string_view position, uint64_t index);

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_CONVERT_H_
