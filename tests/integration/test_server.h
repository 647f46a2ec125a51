// A whole flow server in this process: configuration text in, request bytes in, answer bytes out.
//
// Everything listens on port 0 of loopback. Whatever a flow's listener answers is searched for canaries: no answer may hold an
// address, a path, a URL or what a guest wrote to stderr. Waits end by CTest's own limit. One at a time: a stop is a signal to
// the process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/registry.h"
#include "net/testing/certificate.h"
#include "net/testing/raw_client.h"
#include "net/testing/scripted_upstream.h"
#include "observe/testing/captured_log.h"
#include "server/control_events.h"
#include "server/flow_role.h"
#include "server/process.h"

namespace fiso::testing {

inline constexpr char kAddress[] = "127.0.0.1:0";
// Another key in the configuration, and so another listener.
inline constexpr char kOtherAddress[] = "localhost:0";

// Path of a guest that the build has made.
std::string guest(std::string_view name);

// A flow file.
struct FlowText {
  std::string name = "orders";
  std::string address = kAddress;
  std::string path = "/ingest";
  std::string source_more = {};  // more of source.config, ", key: value"
  std::string guest = {};        // a path; no interceptor without one
  std::string guest_more = {};   // more of its config
  std::string sink = "{type: discard}";
  std::string more = {};  // more top-level lines

  std::string str() const;
};
inline std::string http_sink(uint16_t port, const std::string& more = "") {
  return "{type: http, config: {url: 'http://127.0.0.1:" + std::to_string(port) + "/events'" + more + "}}";
}

// More of a source's config.
inline std::string tls_source(const Certificate& certificate) {
  return ", tls: {certFile: " + certificate.cert_file() + ", keyFile: " + certificate.key_file() + "}";
}

// POST with a body.
std::string post_text(std::string_view path, std::string_view body, std::string_view header_lines = "");

// The configuration directory of a test.
class ConfigDirectory {
 public:
  ConfigDirectory();
  ~ConfigDirectory();
  ConfigDirectory(const ConfigDirectory&) = delete;

  const std::string& path() const { return path_; }
  // At once, as an editor's rename does it.
  void write(const std::string& name, const std::string& text);
  void remove(const std::string& name);

 private:
  std::string path_, staging_;
};

class TestServer {
 public:
  using Files = std::map<std::string, std::string>;

  // Starts at once; error() tells if that failed.
  explicit TestServer(const Files& files);
  explicit TestServer(const FlowText& flow) : TestServer(Files{{"flow.yaml", flow.str()}, {"fiso.yaml", "shards: 1\n"}}) {}
  ~TestServer();
  TestServer(const TestServer&) = delete;

  // Why it did not start; empty if it did.
  const std::string& error() const { return error_; }
  ConfigDirectory& config() { return config_; }
  CapturedLog& log() { return log_; }
  uint16_t port(const std::string& address = kAddress) const { return flows_->port(address).value(); }
  bool listens(const std::string& address) const { return flows_->port(address).has_value(); }
  uint16_t admin_port() const { return process_->admin_port(); }

  // One request on a connection of its own, and its answer.
  std::string send(std::string_view bytes, const std::string& address = kAddress);
  std::string post(std::string_view body, std::string_view path = "/ingest", std::string_view header_lines = "") {
    return send(post_text(path, body, header_lines));
  }
  // The same, from the admin port.
  std::string admin(std::string_view path, std::string_view method = "GET");
  // What a series shows, or nothing: `fiso_flow_events_total{flow="orders",status="delivered"}`.
  std::optional<double> metric(std::string_view series);
  // Looks for canaries in an answer; send() has done it.
  void check(std::string_view answer) const;
  void add_canary(std::string text) { canaries_.push_back(std::move(text)); }

  // Waits until the last attempt to load says so: "ok" or "failed", after the attempts there have been when it was noted.
  int reload_attempts();
  std::string wait_for_reload(int attempts_before);

  // SIGTERM; true if nothing was cut.
  bool stop();
  // The same in two steps.
  static void signal_stop();
  bool wait_stopped();

 private:
  ConfigDirectory config_;
  CapturedLog log_;
  core::Registry registry_;
  std::optional<server::ControlEvents> events_;
  std::unique_ptr<server::FlowRole> flows_;
  std::unique_ptr<server::Process> process_;
  std::string error_;
  std::vector<std::string> canaries_;
  std::thread control_;
  bool clean_ = false;
};

// The other side of an HTTP sink: keeps what it was sent, and answers 200 or what it is told.
class EventReceiver {
 public:
  explicit EventReceiver(std::string answer = response_text(200, ""));
  EventReceiver(const EventReceiver&) = delete;

  uint16_t port() const { return upstream_->port(); }
  std::vector<std::string> requests() const {
    return requests_.with([](auto& requests) { return requests; });
  }
  // The only one there was.
  std::string request() const;
  void answer(std::string text) {
    answer_.with([&](auto& answer) { answer = std::move(text); });
  }

 private:
  mutable Guarded<std::vector<std::string>> requests_;
  Guarded<std::string> answer_;
  std::unique_ptr<ScriptedUpstream> upstream_;
};

// The value of a header of a message's text; "(none)" without it.
std::string header_of(std::string_view message, std::string_view name);

}  // namespace fiso::testing
