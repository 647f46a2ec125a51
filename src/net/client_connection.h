// One connection of an HttpClient: opened, used for one exchange after the other, kept in between.
//
// Internal to net. Threading: shard-local.
#pragma once

#include <memory>
#include <string>

#include "async/watchdog.h"
#include "net/alarm.h"
#include "net/client_streaming.h"
#include "net/connect_race.h"
#include "net/http_client.h"

namespace fiso::net {

class ClientConnection : public async::Watchdog::Entry {
 public:
  ~ClientConnection() override = default;

  // Takes the connection over, with TLS, where that is wanted, on top of it.
  virtual Task<Result<>> open(Connected connected, MonotonicTime deadline) = 0;
  // Before open(): what may be spoken on it.
  void offer(Speaks speaks) { offer_ = speaks; }
  // What came of that: what follows is an Http2Client's to do, over bytes().
  bool is_http2() const { return is_http2_; }
  virtual ByteStream& bytes() = 0;
  virtual Task<Result<ClientResponse>> exchange(const ClientRequest& request, MonotonicTime deadline) = 0;

  // After an exchange: nothing is left on the connection that could be taken for the next answer.
  virtual bool reusable() const = 0;
  // After an exchange that failed: the other side had closed the connection before, and said nothing at all.
  virtual bool stale() const = 0;
  // And no byte of the request can have reached it.
  virtual bool nothing_sent() const = 0;
  // After an exchange: how long from now on the other side keeps the connection open, as far as its last answer said.
  Duration kept_open() const { return kept_open_; }
  // Of every answer, before somebody changes its fields.
  void note_kept_open(const HeaderList& answer);
  // Of an idle connection: nothing has come, not even its end.
  virtual bool quiet() = 0;

  // What the client connected to, and with which certificates, as a number: one of another version than the client's is not used
  // again.
  void set_version(unsigned version) { version_ = version; }
  unsigned version() const { return version_; }

  // For a ClientExchange, in place of exchange().
  ClientStreaming& streaming() {
    if (streaming_ == nullptr) streaming_ = make_streaming();
    return *streaming_;
  }
  // While an answer is waited for: ClientOptions::waits_for_first_answer is told of the first.
  void begin_wait();
  void end_wait();
  // What such an exchange has found.
  virtual void set_reusable(bool reusable) = 0;

  void begin_idle(MonotonicTime until) {
    idle_ = true;
    set(until);
  }
  void end_idle() {
    idle_ = false;
    clear();
  }

 protected:
  Speaks offer_ = Speaks::kHttp1;
  bool is_http2_ = false;
  ClientConnection(async::Shard& shard, HttpClient& client) : Entry(shard.watchdog()), client_(client) {}
  const ClientOptions& options() const { return client_.options_; }
  const std::string& authority() const { return client_.authority_; }
  const std::string& peer() const { return client_.peer(); }
  void expired() noexcept override {
    if (idle_)
      client_.drop_idle(*this);  // destroys us
    else
      time_out();
  }
  virtual void time_out() noexcept = 0;
  static void still_waits(void* self) noexcept;
  virtual std::unique_ptr<ClientStreaming> make_streaming() = 0;

 private:
  HttpClient& client_;
  std::unique_ptr<Alarm> wait_alarm_;
  bool answered_ = false;
  bool idle_ = false;
  unsigned version_ = 0;
  Duration kept_open_ = Duration::max();
  std::unique_ptr<ClientStreaming> streaming_;
};

// What the error of a client's socket means to its user.
Error client_network_error(SystemError error);

std::unique_ptr<ClientConnection> make_plain_client_connection(async::Shard& shard, HttpClient& client);
// Null when OpenSSL has no memory for it.
std::unique_ptr<ClientConnection> make_tls_client_connection(async::Shard& shard, HttpClient& client,
                                                             asio::ssl::context& context);

}  // namespace fiso::net
