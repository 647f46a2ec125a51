#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>

#include "base/file_handle.h"

namespace fiso::net {
namespace {

namespace ssl = boost::asio::ssl;

// What OpenSSL says about the last failure, for the log.
std::string openssl_reason() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return errno_text(ERR_GET_REASON(code));  // of opening the file
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "OpenSSL gives no reason" : text;
}

Error unreadable(std::string_view what, const std::string& path) {
  return Error(ErrorCode::kInvalidConfig, "tls: cannot use the " + std::string(what))
      .with_context(path + ": " + openssl_reason());
}

// As ALPN writes them: each behind its length (RFC 7301 section 3.1).
constexpr std::string_view kHttp2 = "\x02h2", kHttp2AndHttp1 = "\x02h2\x08http/1.1";

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// A client that speaks neither is served HTTP/1.1, as one that says nothing is.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned offered_size,
                    void*) {
  unsigned char* found = nullptr;
  auto ours = static_cast<unsigned>(kHttp2AndHttp1.size());
  int how = SSL_select_next_proto(&found, size, bytes_of(kHttp2AndHttp1), ours, offered, offered_size);
  *chosen = found;
  return how == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Result<TlsContext> make_context(ssl::context::method method) {
  try {
    auto context = std::make_shared<ssl::context>(method);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    // A key that wants a passphrase is an error; OpenSSL itself would ask for it on the terminal.
    SSL_CTX_set_default_passwd_cb(context->native_handle(), [](char*, int, int, void*) { return -1; });
    return context;
  } catch (const boost::system::system_error& error) {
    return Error(ErrorCode::kInternal, "tls: cannot start").with_context(error.what());
  }
}

// What this side shows of itself.
Result<> use_certificate(SSL_CTX* context, const std::string& cert_file, const std::string& key_file) {
  if (SSL_CTX_use_certificate_chain_file(context, cert_file.c_str()) != 1) return unreadable("certificate", cert_file);
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) return unreadable("private key", key_file);
  if (SSL_CTX_check_private_key(context) != 1) return unreadable("private key: it is not that of the certificate", key_file);
  return {};
}

}  // namespace

Result<TlsContext> make_tls_server_context(const TlsServerOptions& options) {
  FISO_TRY(TlsContext context, make_context(ssl::context::tls_server));
  ERR_clear_error();
  FISO_TRY_OK(use_certificate(context->native_handle(), options.cert_file, options.key_file));
  SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_protocol, nullptr);
  return context;
}

Result<TlsContext> make_tls_client_context(const TlsClientOptions& options) {
  FISO_TRY(TlsContext context, make_context(ssl::context::tls_client));
  SSL_CTX* raw = context->native_handle();
  ERR_clear_error();
  bool verifies = options.verify == TlsClientOptions::Verify::kPeer;
  SSL_CTX_set_verify(raw, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(raw) != 1) return unreadable("system's certificate authorities", "default paths");
  } else if (SSL_CTX_load_verify_locations(raw, options.ca_file.c_str(), nullptr) != 1) {
    return unreadable("certificate authorities", options.ca_file);
  }
  if (!options.cert_file.empty()) FISO_TRY_OK(use_certificate(raw, options.cert_file, options.key_file));
  return context;
}

bool chose_http2(const ssl_st* connection) {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection, &chosen, &size);
  return std::string_view(reinterpret_cast<const char*>(chosen), size) == "h2";
}

void offer_http2(ssl_st* connection, Http2Offer offer) {
  std::string_view protocols = offer == Http2Offer::kAlone ? kHttp2 : kHttp2AndHttp1;
  SSL_set_alpn_protos(connection, bytes_of(protocols), static_cast<unsigned>(protocols.size()));
}

}  // namespace fiso::net
