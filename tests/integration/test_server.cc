#include "test_server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/ascii.h"
#include "base/check.h"
#include "base/testing/sanitizer.h"
#include "program/engines.h"
#include "server/registries.h"

namespace fiso::testing {
namespace {

std::string guests_directory() {
  const char* directory = std::getenv("FISO_GUESTS");
  FISO_CHECK(directory != nullptr, "FISO_GUESTS names the folder of the built guests; CTest sets it");
  return directory;
}

std::string temporary_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "fiso-flows-XXXXXX").string();
  FISO_CHECK(mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

// A sanitizer's own memory goes beyond what the module compiler may have.
Result<std::unique_ptr<wasm::Runtimes>> make_runtimes(const server::EngineParts& parts) {
  server::Settings settings = parts.settings;
  if (fiso::testing::kSanitized) settings.wasm.compile.memory = Bytes{RLIM_INFINITY};
  return program::all_engines().make({parts.shards, parts.blocking, parts.capacity, parts.log, settings, parts.stop});
}

}  // namespace

std::string guest(std::string_view name) { return guests_directory() + "/" + std::string(name) + ".wasm"; }

std::string FlowText::str() const {
  std::string text = "name: " + name + "\n";
  text += "source: {type: http, config: {listenAddr: '" + address + "', path: " + path + source_more + "}}\n";
  if (!guest.empty()) text += "interceptors: [{type: wasm, config: {module: '" + guest + "'" + guest_more + "}}]\n";
  return text + "sink: " + sink + "\n" + more;
}

std::string post_text(std::string_view path, std::string_view body, std::string_view header_lines) {
  std::string text =
      "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return text.append(header_lines).append("\r\n").append(body);
}

ConfigDirectory::ConfigDirectory() : path_(temporary_directory()), staging_(temporary_directory()) {}

ConfigDirectory::~ConfigDirectory() {
  std::filesystem::remove_all(path_);
  std::filesystem::remove_all(staging_);
}

void ConfigDirectory::write(const std::string& name, const std::string& text) {
  std::ofstream(staging_ + "/" + name, std::ios::binary) << text;
  std::filesystem::rename(staging_ + "/" + name, path_ + "/" + name);
}

void ConfigDirectory::remove(const std::string& name) { std::filesystem::remove(path_ + "/" + name); }

TestServer::TestServer(const Files& files) : canaries_{config_.path(), guests_directory(), ".wasm", "127.0.0.1", "http://"} {
  for (const auto& [name, text] : files) config_.write(name, text);
  server::register_flow_components(registry_);
  events_.emplace(server::ControlEvents::make().value());
  flows_ =
      std::make_unique<server::FlowRole>(server::FlowRoleOptions{.config_dir = config_.path(), .admin_address = "127.0.0.1:0"},
                                         registry_, wasm::FullEngineSupport{});
  process_ = std::make_unique<server::Process>(server::ProcessOptions{.admin_address = [] { return "127.0.0.1:0"; }},
                                               std::vector<server::Role*>{flows_.get()}, log_.log(),
                                               server::ProgramEngines{.make = make_runtimes, .full = {}});
  auto started = process_->start(*events_);
  if (started.has_value()) {
    control_ = std::thread([this] { clean_ = process_->run_until_stopped(*events_) == server::Ended::kCleanly; });
  } else {
    error_ = started.error().describe();
  }
}

TestServer::~TestServer() {
  if (control_.joinable()) stop();
}

std::string TestServer::send(std::string_view bytes, const std::string& address) {
  RawClient client(port(address));
  std::string answer = client.exchange(bytes);
  check(answer);
  return answer;
}

std::string TestServer::admin(std::string_view path, std::string_view method) {
  RawClient client(admin_port());
  client.send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return client.read_all();
}

std::optional<double> TestServer::metric(std::string_view series) {
  std::string text = "\n" + body_of(admin("/metrics"));
  size_t at = text.find("\n" + std::string(series) + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + series.size() + 2, nullptr);
}

void TestServer::check(std::string_view answer) const {
  for (const std::string& canary : canaries_)
    EXPECT_EQ(answer.find(canary), std::string_view::npos) << "\"" << canary << "\" in\n" << answer;
}

int TestServer::reload_attempts() {
  std::string verdict = admin("/reload");
  size_t at = verdict.find("\"attempts\":");
  return at == std::string::npos ? -1 : std::atoi(verdict.c_str() + at + 11);
}

std::string TestServer::wait_for_reload(int attempts_before) {
  while (reload_attempts() <= attempts_before) std::this_thread::yield();
  return body_of(admin("/reload"));
}

void TestServer::signal_stop() { ::kill(::getpid(), SIGTERM); }

bool TestServer::wait_stopped() {
  control_.join();
  return clean_;
}

bool TestServer::stop() {
  signal_stop();
  return wait_stopped();
}

EventReceiver::EventReceiver(std::string answer_text) : answer_(std::move(answer_text)) {
  upstream_ = std::make_unique<ScriptedUpstream>([this](ScriptedUpstream::Conversation& conversation) {
    for (std::string request; !(request = conversation.read_request()).empty();) {
      requests_.with([&](auto& requests) { requests.push_back(request); });
      conversation.send(answer_.with([](auto& answer) { return answer; }));
    }
  });
}

std::string EventReceiver::request() const {
  std::vector<std::string> all = requests();
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? "" : all[0];
}

std::string header_of(std::string_view message, std::string_view name) {
  std::string lower = to_lower(message.substr(0, message.find("\r\n\r\n") + 2));
  size_t at = lower.find("\r\n" + to_lower(name) + ":");
  if (at == std::string::npos) return "(none)";
  at += name.size() + 3;
  return std::string(trim(message.substr(at, lower.find("\r\n", at) - at)));
}

}  // namespace fiso::testing
