#include "observe/health.h"

#include <algorithm>

#include "observe/json_line.h"

namespace fiso::observe {

Health::Health(std::initializer_list<std::string_view> conditions) {
  for (std::string_view condition : conditions) set_not_ready(condition);
}

void Health::set(std::string_view condition, State state) {
  conditions_.with([&](Conditions& conditions) {
    auto found = std::ranges::find(conditions.named, condition, &std::pair<std::string, State>::first);
    if (found != conditions.named.end()) {
      found->second = state;
    } else {
      conditions.named.emplace_back(condition, state);
    }
  });
}

void Health::start_draining() {
  conditions_.with([](Conditions& conditions) { conditions.drain = State::kNotReady; });
}

std::vector<std::string> Health::waiting_for() const {
  return conditions_.with([](const Conditions& conditions) {
    std::vector<std::string> missing;
    for (const auto& [name, state] : conditions.named)
      if (state == State::kNotReady) missing.push_back(name);
    if (conditions.drain == State::kNotReady) missing.emplace_back("drain");
    return missing;
  });
}

Health::Answer Health::liveness() const { return {200, "{\"status\":\"ok\"}\n"}; }

Health::Answer Health::readiness() const {
  std::vector<std::string> missing = waiting_for();
  if (missing.empty()) return {200, "{\"status\":\"ready\"}\n"};
  std::string body = R"({"status":"not ready","waiting_for":[)";
  for (const std::string& condition : missing) {
    if (body.back() != '[') body += ',';
    append_log_text(body, condition);
  }
  return {503, body + "]}\n"};
}

}  // namespace fiso::observe
