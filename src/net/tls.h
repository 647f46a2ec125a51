// TLS contexts: certificates and verification, read from files once, shared by all connections made with them.
//
// TLS 1.2 and newer. A client verifies the chain and that the certificate names the host, unless it was told not to.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace boost::asio::ssl {
class context;
}
struct ssl_st;  // OpenSSL's SSL

namespace fiso::net {

// Immutable once made, thread-safe.
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

struct TlsServerOptions {
  std::string cert_file;  // PEM, the server's certificate first, then its chain
  std::string key_file;   // PEM
  bool operator==(const TlsServerOptions&) const = default;
};

struct TlsClientOptions {
  std::string ca_file;    // PEM, trusted instead of the system's authorities; empty = those of the system
  std::string cert_file;  // PEM, what the client shows of itself, then its chain; empty = nothing
  std::string key_file;   // PEM, of that certificate
  enum class Verify { kPeer, kNothing } verify = Verify::kPeer;
};

// With ALPN: HTTP/2 where the client speaks it, HTTP/1.1 otherwise.
Result<TlsContext> make_tls_server_context(const TlsServerOptions& options);
Result<TlsContext> make_tls_client_context(const TlsClientOptions& options);

// What a finished handshake has settled.
bool chose_http2(const ssl_st* connection);
// Of a client's connection, before its handshake. Without an offer it is HTTP/1.1.
enum class Http2Offer { kWithHttp1, kAlone };
void offer_http2(ssl_st* connection, Http2Offer offer);

}  // namespace fiso::net
