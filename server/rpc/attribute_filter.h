#ifndef EVENTBUS_SERVER_RPC_ATTRIBUTE_FILTER_H_
#define EVENTBUS_SERVER_RPC_ATTRIBUTE_FILTER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eventbus/v1/broker.pb.h"
#include "server/broker/attribute_filter.h"

// Between eventbus.v1.AttributeFilter and the broker's. Pure; any thread.
namespace eventbus {

// Checked against the contract. Errors name the field below `path`, as in
// `open.tail.filter.conditions[2].attribute`.
absl::StatusOr<AttributeFilter> ReadAttributeFilter(absl::string_view path,
                                                    const v1::AttributeFilter& filter);

v1::AttributeFilter WriteAttributeFilter(const AttributeFilter& filter);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ATTRIBUTE_FILTER_H_
