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

Result<TlsContext> make_tls_server_context(const TlsServerOptions& options);
Result<TlsContext> make_tls_client_context(const TlsClientOptions& options);

}  // namespace fiso::net
