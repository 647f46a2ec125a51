// The server's side of TLS over a conversation of a ScriptedUpstream: a handshake that a test lets happen when it likes.
//
// Blocking, as the conversation. Of the script's thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/testing/certificate.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::testing {

class TlsConversation {
 public:
  enum class Speaks { kHttp1, kHttp2 };

  // Both borrowed. Nothing is read or sent before shake_hands(), or what else comes first.
  TlsConversation(ScriptedUpstream::Conversation& socket, const Certificate& certificate, Speaks speaks = Speaks::kHttp2);

  // False: it failed, or the other side has gone.
  bool shake_hands();
  // As of the conversation.
  bool send(std::string_view bytes);
  std::string read_some();
  std::string read_until(std::string_view mark);

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  bool flush();
  bool receive();

  ScriptedUpstream::Conversation& socket_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string ahead_;
};

}  // namespace fiso::testing
