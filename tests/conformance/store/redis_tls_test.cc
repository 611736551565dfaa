// Redis over TLS: the store as everywhere else, and who is not trusted.
#include "server/store/redis/redis_tls.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/store/redis/redis_address.h"
#include "tests/conformance/store/redis_store_world.h"
#include "tests/conformance/store/store_conformance.h"
#include "tests/support/redis_server.h"

namespace eventbus {
namespace {

// Certificates of two authorities, made once: "right" and "other", and of the first one a
// certificate for localhost and 127.0.0.1, and one for another host.
class Certificates {
 public:
  static const Certificates& Get() {
    static const Certificates* const all = new Certificates();
    return *all;
  }
  std::string File(absl::string_view name) const { return absl::StrCat(directory_, "/", name); }

 private:
  Certificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eventbus-tls-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove_all(Get().directory_, ignored);
    });
    Make("right", "", "");
    Make("other", "", "");
    Make("here", "right", "DNS:localhost,IP:127.0.0.1");
    Make("elsewhere", "right", "DNS:elsewhere.example");
  }

  // NAME.pem and NAME.key.
  void Make(absl::string_view name, absl::string_view authority, absl::string_view hosts) const {
    std::string command = absl::StrCat(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=",
        name, " -keyout ", File(name), ".key -out ", File(name), ".pem");
    if (!authority.empty()) {
      absl::StrAppend(&command, " -CA ", File(authority), ".pem -CAkey ", File(authority),
                      ".key -addext subjectAltName=", hosts,
                      " -addext basicConstraints=critical,CA:FALSE");
    }
    const int status = std::system(absl::StrCat(command, " 2>/dev/null").c_str());
    EXPECT_EQ(status, 0) << command;
  }

  std::string directory_;
};

std::vector<std::string> ServerWith(absl::string_view certificate) {
  const Certificates& all = Certificates::Get();
  return RedisServer::TlsOptions(all.File(absl::StrCat(certificate, ".pem")),
                                 all.File(absl::StrCat(certificate, ".key")),
                                 all.File("right.pem"));
}

RedisStoreOptions OptionsFor(const RedisServer& server, absl::string_view host,
                             absl::string_view authority, bool with_certificate) {
  const Certificates& all = Certificates::Get();
  RedisStoreOptions options;
  options.address =
      *RedisAddress::Parse(absl::StrCat("rediss://", host, ":", server.Option("--tls-port")));
  RedisTlsOptions tls;
  tls.ca_file = all.File(absl::StrCat(authority, ".pem"));
  if (with_certificate) {
    tls.cert_file = all.File("here.pem");
    tls.key_file = all.File("here.key");
  }
  options.tls = *RedisTls::Load(tls);
  return options;
}

// What the first call to the store answers.
absl::Status FirstAnswer(RedisStoreOptions options) {
  RedisStoreWorld world(std::move(options));
  std::unique_ptr<StreamStore> store;
  std::optional<absl::Status> answer;
  world.Run([&] {
    store = world.ConnectUnasked();
    store->ListTypes(
        [&](const absl::StatusOr<std::vector<TypeRecord>>& types) { answer = types.status(); });
  });
  EXPECT_TRUE(world.WaitUntil([&] { return answer.has_value(); }));
  world.Run([&] { store.reset(); });
  return answer.value_or(absl::UnknownError("no answer"));
}

TEST(RedisTlsTest, WhoIsCertifiedForTheHostIsTrusted) {
  const RedisServer server(ServerWith("here"));
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    const absl::Status status = FirstAnswer(OptionsFor(server, host, "right", true));
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST(RedisTlsTest, ACertificateForAnotherHostIsNotTrusted) {
  const RedisServer server(ServerWith("elsewhere"));
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    const absl::Status status = FirstAnswer(OptionsFor(server, host, "right", true));
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "certificate is not trusted")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "mismatch")) << status;
  }
}

TEST(RedisTlsTest, ACertificateOfAnotherAuthorityIsNotTrusted) {
  const RedisServer server(ServerWith("here"));
  const absl::Status status = FirstAnswer(OptionsFor(server, "localhost", "other", true));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "certificate is not trusted")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "store.redis.ca_file")) << status;
}

TEST(RedisTlsTest, WhoShowsNoCertificateWhereOneIsAskedForIsRefused) {
  const RedisServer server(ServerWith("here"));
  const absl::Status status = FirstAnswer(OptionsFor(server, "localhost", "right", false));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(RedisTlsTest, AServerWithoutTlsIsNotSpokenTo) {
  const RedisServer server(RedisServer::MasterOptions());
  RedisStoreOptions options;
  options.address =
      *RedisAddress::Parse(absl::StrCat("rediss://127.0.0.1:", server.Option("--port")));
  options.connect_timeout = absl::Seconds(1);
  options.tls = *RedisTls::Load({});
  const absl::Status status = FirstAnswer(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST(RedisTlsTest, LargeValuesComeWhole) {
  const RedisServer server(ServerWith("here"));
  RedisStoreWorld world(OptionsFor(server, "localhost", "right", true));
  std::unique_ptr<StreamStore> store;
  world.Run([&] { store = world.Connect(); });
  const std::string large(5'000'000, 'x');
  std::optional<absl::StatusOr<std::vector<Entry>>> read;
  world.Run([&] {
    CreateStreamRequest request{"a.b", {}, AppendRequest{"a.b", Bytes::FromString(large)}};
    store->CreateStream(std::move(request), [&](const absl::StatusOr<CreateStreamResult>& made) {
      EXPECT_TRUE(made.ok()) << made.status();
      store->ReadRange({.stream = "a.b"}, [&](absl::StatusOr<std::vector<Entry>> entries) {
        read = std::move(entries);
      });
    });
  });
  ASSERT_TRUE(world.WaitUntil([&] { return read.has_value(); }));
  ASSERT_TRUE(read->ok()) << read->status();
  ASSERT_EQ((*read)->size(), 1u);
  EXPECT_EQ((**read)[0].value.view(), large);
  world.Run([&] { store.reset(); });
}

std::unique_ptr<StoreWorld> MakeTlsWorld() {
  static RedisServer* const server = new RedisServer(ServerWith("here"));  // Ends with the program.
  static int worlds = 0;
  RedisStoreOptions options = OptionsFor(*server, "localhost", "right", true);
  options.prefix = absl::StrCat("test", ++worlds);
  // The connection for signals may still be shaking hands when the test begins.
  return std::make_unique<RedisStoreWorld>(options, absl::Milliseconds(150));
}

INSTANTIATE_TEST_SUITE_P(RedisTls, StoreConformanceTest,
                         ::testing::Values(StoreFactory{"Tls", MakeTlsWorld}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace eventbus
