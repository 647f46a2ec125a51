// A loopback server that gives out secrets, or fails to, for tests of who asks it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "link/testing/secret_source_contract.h"
#include "net/http_client.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::testing {

class SecretPeer {
 public:
  // `answer` makes the whole answer, head included, of a request.
  explicit SecretPeer(std::function<std::string(const std::string& request)> answer)
      : answer_(std::move(answer)), upstream_([this](ScriptedUpstream::Conversation& c) { converse(c); }) {}

  void become(SecretMood mood) {
    state_.with([&](State& state) { state.mood = mood; });
  }
  // Whole, in order.
  std::vector<std::string> asked() {
    return state_.with([](State& state) { return state.asked; });
  }
  void wait_asked() { hanging_.get_future().wait(); }
  uint16_t port() const { return upstream_.port(); }
  net::ClientOptions options(std::string target = "/") const {
    net::ClientOptions options;
    options.origin.host = "127.0.0.1";
    options.origin.port = upstream_.port();
    options.origin.target = std::move(target);
    options.max_idle = 0;
    return options;
  }

 private:
  struct State {
    SecretMood mood = SecretMood::kGives;
    std::vector<std::string> asked;
  };

  void converse(ScriptedUpstream::Conversation& c) {
    std::string request = c.read_request();
    SecretMood mood = state_.with([&](State& state) {
      state.asked.push_back(request);
      return state.mood;
    });
    if (mood == SecretMood::kHangs) {
      hanging_.set_value();
      c.wait_for_close();
    } else if (mood == SecretMood::kFails) {
      c.send(response_text(503, "canary"));
    } else {
      c.send(answer_(request));
    }
  }

  std::function<std::string(const std::string& request)> answer_;
  Guarded<State> state_;
  std::promise<void> hanging_;  // once
  ScriptedUpstream upstream_;   // the last: its scripts use the others
};

}  // namespace fiso::testing
