#include "server/store/redis/redis_tls.h"

#include <hiredis/async.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;
using Ssl = std::unique_ptr<SSL, Free>;

// What OpenSSL says of its last failure.
std::string Why() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

class OpenSslSession final : public RedisTls::Session {
 public:
  explicit OpenSslSession(Ssl ssl) : ssl_(std::move(ssl)) {}

  std::string Distrust() const override {
    const long result = SSL_get_verify_result(ssl_.get());
    if (result == X509_V_OK) return "";
    return absl::StrCat(
        "the server's certificate is not trusted: ", X509_verify_cert_error_string(result),
        "; it must be for the host in store.redis.url, from an authority in "
        "store.redis.ca_file, or one of the system's without that");
  }

 private:
  const Ssl ssl_;
};

class OpenSslTls final : public RedisTls {
 public:
  explicit OpenSslTls(Context context) : context_(std::move(context)) {}

  absl::StatusOr<std::unique_ptr<Session>> Begin(redisAsyncContext* context,
                                                 const std::string& host) const override {
    Ssl ssl(SSL_new(context_.get()));
    if (ssl == nullptr) return absl::UnavailableError(absl::StrCat("TLS: ", Why()));
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // An address is not a name: it stands elsewhere in a certificate, and is not sent ahead.
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1 &&
        (X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) != 1 ||
         SSL_set_tlsext_host_name(ssl.get(), host.c_str()) != 1)) {
      return absl::UnavailableError(absl::StrCat("TLS: cannot ask for ", host, ": ", Why()));
    }
    // What was tried before is not this connection's problem.
    ERR_clear_error();
    // hiredis takes one share, the session has the other.
    SSL_up_ref(ssl.get());
    SSL* const share = ssl.get();
    auto session = std::make_unique<OpenSslSession>(std::move(ssl));
    if (redisInitiateSSL(&context->c, share) != REDIS_OK) {
      SSL_free(share);
      // A fast server's certificate may be there already.
      const std::string distrust = session->Distrust();
      return absl::UnavailableError(distrust.empty() ? absl::StrCat("TLS: ", context->c.errstr)
                                                     : distrust);
    }
    return session;
  }

 private:
  const Context context_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const RedisTls>> RedisTls::Load(const RedisTlsOptions& options) {
  const auto unusable = [](absl::string_view setting, const std::string& file) {
    return absl::FailedPreconditionError(absl::StrCat(setting, " ", file, ": ", Why()));
  };
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return absl::FailedPreconditionError(absl::StrCat("TLS: ", Why()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1) {
    return unusable("store.redis.ca_file", options.ca_file);
  }
  if (!options.cert_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context.get(), options.cert_file.c_str()) != 1) {
      return unusable("store.redis.cert_file", options.cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) !=
            1 ||
        SSL_CTX_check_private_key(context.get()) != 1) {
      return unusable("store.redis.key_file", options.key_file);
    }
  }
  return std::make_shared<const OpenSslTls>(std::move(context));
}

}  // namespace eventbus
