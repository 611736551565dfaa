#include "server/rpc/standard/reflection_service.h"

#include <memory>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/errors.h"
#include "server/rpc/message_slices.h"
#include "server/rpc/request_bytes.h"

namespace eventbus {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

// What is answered to one question, the same in both versions of the protocol.
template <typename Request, typename Response>
class Answers {
 public:
  explicit Answers(const std::vector<std::string>* services) : services_(*services) {}

  Response To(const Request& request) const {
    Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    switch (request.message_request_case()) {
      case Request::kFileByFilename:
        AddFile(pool_.FindFileByName(request.file_by_filename()), request.file_by_filename(),
                &response);
        break;
      case Request::kFileContainingSymbol:
        AddFile(pool_.FindFileContainingSymbol(request.file_containing_symbol()),
                request.file_containing_symbol(), &response);
        break;
      case Request::kFileContainingExtension:
        AddFileOfExtension(request.file_containing_extension(), &response);
        break;
      case Request::kAllExtensionNumbersOfType:
        AddExtensions(request.all_extension_numbers_of_type(), &response);
        break;
      case Request::kListServices:
        for (const std::string& name : services_) {
          response.mutable_list_services_response()->add_service()->set_name(name);
        }
        break;
      case Request::MESSAGE_REQUEST_NOT_SET:
        AddError(absl::StatusCode::kInvalidArgument, "message_request: is not set", &response);
        break;
    }
    return response;
  }

 private:
  static void AddError(absl::StatusCode code, const std::string& message, Response* response) {
    response->mutable_error_response()->set_error_code(static_cast<int>(code));
    response->mutable_error_response()->set_error_message(message);
  }

  // The file, and all that it imports.
  static void AddFile(const FileDescriptor* file, absl::string_view wanted, Response* response) {
    if (file == nullptr) {
      AddError(absl::StatusCode::kNotFound, absl::StrCat("there is no ", wanted, " here"),
               response);
      return;
    }
    std::set<const FileDescriptor*> seen{file};
    std::vector<const FileDescriptor*> left{file};
    while (!left.empty()) {
      const FileDescriptor* const one = left.back();
      left.pop_back();
      google::protobuf::FileDescriptorProto proto;
      one->CopyTo(&proto);
      response->mutable_file_descriptor_response()->add_file_descriptor_proto(
          proto.SerializeAsString());
      for (int i = 0; i < one->dependency_count(); ++i) {
        if (seen.insert(one->dependency(i)).second) left.push_back(one->dependency(i));
      }
    }
  }

  template <typename ExtensionRequest>
  void AddFileOfExtension(const ExtensionRequest& extension, Response* response) const {
    const Descriptor* const type = pool_.FindMessageTypeByName(extension.containing_type());
    const FieldDescriptor* const field =
        type == nullptr ? nullptr : pool_.FindExtensionByNumber(type, extension.extension_number());
    AddFile(field == nullptr ? nullptr : field->file(),
            absl::StrCat("extension ", extension.extension_number(), " of ",
                         extension.containing_type()),
            response);
  }

  void AddExtensions(const std::string& type_name, Response* response) const {
    const Descriptor* const type = pool_.FindMessageTypeByName(type_name);
    if (type == nullptr) {
      AddError(absl::StatusCode::kNotFound, absl::StrCat("there is no ", type_name, " here"),
               response);
      return;
    }
    std::vector<const FieldDescriptor*> extensions;
    pool_.FindAllExtensions(type, &extensions);
    response->mutable_all_extension_numbers_response()->set_base_type_name(type_name);
    for (const FieldDescriptor* one : extensions) {
      response->mutable_all_extension_numbers_response()->add_extension_number(one->number());
    }
  }

  const std::vector<std::string>& services_;
  const DescriptorPool& pool_ = *DescriptorPool::generated_pool();
};

// One call: question after question. Owns itself until OnDone.
template <typename Request, typename Response>
class ReflectionCall final
    : public StreamReactor,
      public DrainableCall,
      public std::enable_shared_from_this<ReflectionCall<Request, Response>> {
 public:
  static StreamReactor* Start(CallContext* context, const std::vector<std::string>* services,
                              OpenCalls* calls) {
    auto call = std::make_shared<ReflectionCall>(context, services, calls);
    call->self_ = call;
    {
      absl::MutexLock lock(&call->mutex_);
      call->StartRead(&call->incoming_);
    }
    calls->Add(call);
    return call.get();
  }

  ReflectionCall(CallContext* context, const std::vector<std::string>* services, OpenCalls* calls)
      : StreamReactor(context), calls_(calls), answers_(services) {}

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!ok) return End(absl::OkStatus());
    const RequestBytes whole(incoming_);
    Request request;
    if (!request.ParseFromArray(whole.view().data(), static_cast<int>(whole.view().size()))) {
      return End(MalformedRequest(absl::StrCat("not a valid ", request.GetTypeName())));
    }
    if (ended_) return;
    outgoing_ = BufferOf(answers_.To(request));
    StartWrite(&outgoing_);
  }
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!ok || ended_) return;
    incoming_.Clear();
    StartRead(&incoming_);
  }
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    End(absl::CancelledError("the client ended the call"));
  }
  void OnDone() override {
    calls_->Remove(this);
    const std::shared_ptr<ReflectionCall> self = std::move(self_);
  }
  void Drain() override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    End(absl::UnavailableError("the server stops: connect again"));
  }

 private:
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(ended_, true)) return;
    Finish(ToGrpcStatus(status));
  }

  OpenCalls* const calls_;
  const Answers<Request, Response> answers_;
  std::shared_ptr<ReflectionCall> self_;
  absl::Mutex mutex_;
  grpc::ByteBuffer incoming_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer outgoing_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

void AddReflection(std::vector<std::string> services, OpenCalls* calls, CallRouter* router) {
  const auto shared = std::make_shared<const std::vector<std::string>>(std::move(services));
  router->Add(
      "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      CallRouter::Stream([shared, calls](CallContext* context) {
        return ReflectionCall<grpc::reflection::v1::ServerReflectionRequest,
                              grpc::reflection::v1::ServerReflectionResponse>::Start(context,
                                                                                     shared.get(),
                                                                                     calls);
      }));
  router->Add("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              CallRouter::Stream([shared, calls](CallContext* context) {
                return ReflectionCall<
                    grpc::reflection::v1alpha::ServerReflectionRequest,
                    grpc::reflection::v1alpha::ServerReflectionResponse>::Start(context,
                                                                                shared.get(),
                                                                                calls);
              }));
}

}  // namespace eventbus
