#include "wasm/worker/guest_ending.h"

#include <charconv>

namespace fiso::wasm::worker {
namespace {

std::string text_at(std::span<const std::string_view> words, size_t index) {
  return index < words.size() ? std::string(words[index]) : std::string();
}

}  // namespace

uint64_t number_at(std::span<const std::string_view> words, size_t index) {
  uint64_t value = 0;
  if (index < words.size()) std::from_chars(words[index].data(), words[index].data() + words[index].size(), value);
  return value;
}

std::optional<GuestEnding> read_ending(std::span<const std::string_view> words) {
  std::string_view what = words.empty() ? std::string_view() : words[0];
  bool refused = words.size() > 2 && words[2] == "memory";
  if (what == "exit") {
    auto code = static_cast<uint32_t>(number_at(words, 1));
    Outcome outcome = code == 0 ? Outcome::kOk : refused ? Outcome::kMemory : Outcome::kExit;
    return GuestEnding{.outcome = outcome, .exit_code = code, .detail = {}};
  }
  if (what == "trap")
    return GuestEnding{.outcome = refused ? Outcome::kMemory : Outcome::kTrap, .exit_code = 0, .detail = text_at(words, 1)};
  if (what == "start")
    return GuestEnding{.outcome = refused ? Outcome::kMemory : Outcome::kBadStart, .exit_code = 0, .detail = text_at(words, 1)};
  return std::nullopt;
}

}  // namespace fiso::wasm::worker
