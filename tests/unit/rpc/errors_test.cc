#include "server/rpc/errors.h"

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "eventbus/rpc/details.pb.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

// What a client finds in the details of a status, by kind.
struct Details {
  explicit Details(const grpc::Status& status) {
    rpc::Status outer;
    EXPECT_TRUE(outer.ParseFromString(status.error_details()));
    EXPECT_EQ(outer.code(), static_cast<int>(status.error_code()));
    EXPECT_EQ(outer.message(), status.error_message());
    for (const google::protobuf::Any& any : outer.details()) {
      ++kinds[any.type_url()];
      if (absl::EndsWith(any.type_url(), "/google.rpc.BadRequest")) {
        EXPECT_TRUE(bad_request.ParseFromString(any.value()));
      } else if (absl::EndsWith(any.type_url(), "/google.rpc.ErrorInfo")) {
        EXPECT_TRUE(info.ParseFromString(any.value()));
      } else if (absl::EndsWith(any.type_url(), "/google.rpc.RetryInfo")) {
        EXPECT_TRUE(retry.ParseFromString(any.value()));
      }
    }
  }

  std::map<std::string, int> kinds;
  rpc::BadRequest bad_request;
  rpc::ErrorInfo info;
  rpc::RetryInfo retry;
};

TEST(ErrorsTest, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(ErrorsTest, ReasonAndMetadataBecomeErrorInfo) {
  const grpc::Status status = ToGrpcStatus(MakeError(
      absl::StatusCode::kNotFound, Reason::kGroupNotFound, "no group \"g\"", {{"group", "g"}}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no group \"g\"");
  const Details details(status);
  EXPECT_EQ(details.info.reason(), "GROUP_NOT_FOUND");
  EXPECT_EQ(details.info.domain(), "eventbus");
  EXPECT_EQ(details.info.metadata().at("group"), "g");
  EXPECT_EQ(details.kinds.count("type.googleapis.com/google.rpc.RetryInfo"), 0u);
}

TEST(ErrorsTest, FieldBecomesBadRequest) {
  const Details details(ToGrpcStatus(InvalidField("open.group.name", "is empty")));
  ASSERT_EQ(details.bad_request.field_violations_size(), 1);
  EXPECT_EQ(details.bad_request.field_violations(0).field(), "open.group.name");
  EXPECT_EQ(details.bad_request.field_violations(0).description(), "is empty");
  EXPECT_EQ(details.info.reason(), "INVALID_FIELD");
}

TEST(ErrorsTest, WaitingIsAdvisedWhereItHelps) {
  const Details details(ToGrpcStatus(
      MakeError(absl::StatusCode::kResourceExhausted, Reason::kPublishQueueFull, "queue full")));
  EXPECT_EQ(details.retry.retry_delay().nanos(), 100'000'000);
}

TEST(ErrorsTest, StatusWithoutReasonHasNoDetailsButItsText) {
  const Details details(ToGrpcStatus(absl::InternalError("oops")));
  EXPECT_TRUE(details.kinds.empty());
}

TEST(ErrorsTest, HundredBadEventsAreNamedWithinWhatHeadersCanCarry) {
  std::vector<FieldViolation> violations;
  for (size_t i = 0; i < kMaxFieldViolations; ++i) {
    violations.push_back({absl::StrCat("events[", i, "].type"), std::string(200, 'x')});
  }
  const grpc::Status status = ToGrpcStatus(InvalidRequest(Reason::kInvalidField, violations, 1000));
  const Details details(status);
  ASSERT_EQ(details.bad_request.field_violations_size(), 100);
  EXPECT_EQ(details.bad_request.field_violations(0).field(), "events[0].type");
  EXPECT_EQ(details.bad_request.field_violations(99).field(), "events[99]");
  EXPECT_TRUE(absl::StrContains(status.error_message(), "(and 999 more)"));
  // In base64, with the text beside it.
  EXPECT_LT(status.error_details().size() * 4 / 3 + status.error_message().size(), 8000u);
}

TEST(ErrorsTest, LongTextIsCutBetweenCharacters) {
  std::string text;
  while (text.size() < 2000) text += "€";
  const grpc::Status status = ToGrpcStatus(absl::InternalError(text));
  EXPECT_LT(status.error_message().size(), 800u);
  EXPECT_EQ(status.error_message().size() % 3, 0u);
}

TEST(ErrorsTest, ErrorOfOneEventNamesTheFieldWithinIt) {
  const v1::EventError error = ToEventError(InvalidRequest(
      Reason::kMalformed, {{"events[3].attributes[time]", "is present more than once"}}, 1));
  EXPECT_EQ(error.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_EQ(error.reason(), v1::ERROR_REASON_MALFORMED);
  EXPECT_EQ(error.field(), "attributes[time]");
  EXPECT_EQ(error.message(), "events[3].attributes[time]: is present more than once");
}

TEST(ErrorsTest, WhatIsNotImplementedIsNamed) {
  const grpc::Status status = ToGrpcStatus(UnimplementedRpc("EventBus.Pull"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(absl::StartsWith(status.error_message(), "EventBus.Pull is not implemented"));
  EXPECT_EQ(Details(status).info.reason(), "NOT_IMPLEMENTED");
}

}  // namespace
}  // namespace eventbus
