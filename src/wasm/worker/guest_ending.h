// How a guest in a worker ended, as the worker tells it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wasm/run.h"

namespace fiso::wasm::worker {

struct GuestEnding {
  Outcome outcome = Outcome::kOk;
  uint32_t exit_code = 0;
  std::string detail;
  bool died = false;  // as in RunResult
};

// Nothing if the words tell something else.
std::optional<GuestEnding> read_ending(std::span<const std::string_view> words);

// The number that stands at `index`; 0 if there is none.
uint64_t number_at(std::span<const std::string_view> words, size_t index);

}  // namespace fiso::wasm::worker
