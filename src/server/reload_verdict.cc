#include "server/reload_verdict.h"

#include <utility>

#include "json/text.h"

namespace fiso::server {

void ReloadVerdicts::record(std::string error, Duration took, std::vector<std::string> restart_needed) {
  state_.with([&](State& state) {
    ++state.attempts;
    if (error.empty()) ++state.generation;
    state.error = std::move(error);
    state.took = took;
    state.restart_needed = std::move(restart_needed);
  });
}

std::string ReloadVerdicts::to_json() const {
  return state_.with([](State& state) {
    std::string json = "{\"generation\":" + std::to_string(state.generation) + ",\"attempts\":" + std::to_string(state.attempts);
    json += state.error.empty() ? ",\"status\":\"ok\"" : ",\"status\":\"failed\"";
    json += ",\"duration_ms\":" + std::to_string(std::chrono::duration<double, std::milli>(state.took).count());
    if (!state.error.empty()) {
      json += ",\"error\":";
      json::append_quoted(json, state.error);
    }
    std::string_view separator = ",\"restart_needed\":[";
    for (const std::string& key : state.restart_needed) {
      json += std::exchange(separator, ",");
      json::append_quoted(json, key);
    }
    return json + (state.restart_needed.empty() ? "}" : "]}");
  });
}

}  // namespace fiso::server
