#include "components/guest_words.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/units.h"
#include "wasm/run.h"

namespace fiso {
namespace {

constexpr uint64_t kOfAnEntry = 16;  // its key, and what ends its words
constexpr Bytes kOfTheRest = 8_KiB;  // names, numbers and ports

struct Part {
  std::string_view key;
  uint64_t bytes = 0;
  void add(uint64_t size) { bytes += size + kOfAnEntry; }
};

}  // namespace

void check_guest_words(const GuestWords& words, config::Report& report) {
  std::array<Part, 4> parts{{{"args"}, {"env"}, {"preopens"}, {"network"}}};
  auto& [args, env, preopens, network] = parts;
  for (const std::string& arg : words.args) args.add(arg.size());
  for (const auto& [name, value] : words.env) env.add(name.size() + value.reveal().size());
  for (const auto& [guest, host] : words.preopens) preopens.add(guest.size() + host.size());
  if (words.network.has_value())
    for (const std::string& entry : words.network->allow) network.add(entry.size());
  uint64_t all = 0;
  for (const Part& part : parts) all += part.bytes;
  uint64_t most = wasm::kMostToldAtStart.count - kOfTheRest.count;
  if (all <= most) return;
  const Part& largest = *std::ranges::max_element(parts, {}, &Part::bytes);
  report.error(largest.key, "arguments, environment, directories and network rules of a guest may be " +
                                format_bytes(Bytes{most}) + " together with `runtime: wasmer`");
}

}  // namespace fiso
