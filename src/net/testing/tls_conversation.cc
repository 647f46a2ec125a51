#include "net/testing/tls_conversation.h"

#include <utility>

#include "base/check.h"

namespace fiso::testing {
namespace {

int choose_http2(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char*, unsigned, void*) {
  *chosen = reinterpret_cast<const unsigned char*>("h2");
  *size = 2;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsConversation::TlsConversation(ScriptedUpstream::Conversation& socket, const Certificate& certificate, Speaks speaks)
    : socket_(socket), context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX* context = context_.get();
  FISO_CHECK(SSL_CTX_use_certificate_file(context, certificate.cert_file().c_str(), SSL_FILETYPE_PEM) == 1);
  FISO_CHECK(SSL_CTX_use_PrivateKey_file(context, certificate.key_file().c_str(), SSL_FILETYPE_PEM) == 1);
  if (speaks == Speaks::kHttp2) SSL_CTX_set_alpn_select_cb(context, choose_http2, nullptr);
  ssl_.reset(SSL_new(context));
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl_.get());
}

bool TlsConversation::flush() {
  std::string out(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
  if (out.empty()) return true;
  BIO_read(SSL_get_wbio(ssl_.get()), out.data(), static_cast<int>(out.size()));
  return socket_.send(out);
}

bool TlsConversation::receive() {
  std::string bytes = socket_.read_some();
  return !bytes.empty() && BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size())) > 0;
}

bool TlsConversation::shake_hands() {
  for (;;) {
    int done = SSL_do_handshake(ssl_.get());
    if (!flush()) return false;
    if (done == 1) return true;
    if (SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ || !receive()) return false;
  }
}

bool TlsConversation::send(std::string_view bytes) {
  return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0 && flush();
}

std::string TlsConversation::read_some() {
  if (!ahead_.empty()) return std::exchange(ahead_, {});
  char buffer[16 << 10];
  for (;;) {
    int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
    if (n > 0) return {buffer, static_cast<size_t>(n)};
    if (SSL_get_error(ssl_.get(), n) != SSL_ERROR_WANT_READ || !flush() || !receive()) return {};
  }
}

std::string TlsConversation::read_until(std::string_view mark) {
  std::string all;
  while (all.find(mark) == std::string::npos) {
    std::string more = read_some();
    if (more.empty()) return all;
    all += more;
  }
  size_t end = all.find(mark) + mark.size();
  ahead_ = all.substr(end);
  return all.substr(0, end);
}

}  // namespace fiso::testing
