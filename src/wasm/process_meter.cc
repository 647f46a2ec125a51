#include "wasm/process_meter.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "observe/proc_stat.h"

namespace fiso::wasm {

ProcessMeter::ProcessMeter(Read read, Duration fresh_for) : read_(std::move(read)), fresh_for_(fresh_for) {}

// A fork server has a child per guest that runs, and those have none. The server comes first: a child that ends meanwhile is
// missed until the next reading, and not seen twice.
std::optional<ProcessMeter::Use> ProcessMeter::read_use(pid_t process) {
  std::string number = std::to_string(process);
  auto own = observe::read_proc_stat(number);
  if (!own.has_value()) return std::nullopt;
  Use use{.cpu = own->cpu + own->children_cpu, .resident_bytes = own->resident_bytes};
  std::ifstream children("/proc/" + number + "/task/" + number + "/children");
  for (std::string child; children >> child;) {
    auto stat = observe::read_proc_stat(child);
    if (!stat.has_value()) continue;
    use.cpu += stat->cpu;
    use.resident_bytes += stat->resident_bytes;
  }
  return use;
}

void ProcessMeter::show(Process& process, const Use& use) {
  const GuestSetup& guest = *process.guest;
  Duration more = std::max(use.cpu - process.seen.cpu, Duration::zero());
  if (guest.cpu != nullptr) guest.cpu->increment(more);
  if (guest.resident_bytes != nullptr)
    guest.resident_bytes->add(static_cast<double>(use.resident_bytes) - static_cast<double>(process.seen.resident_bytes));
  process.seen = {.cpu = process.seen.cpu + more, .resident_bytes = use.resident_bytes};
}

void ProcessMeter::add(pid_t process, std::shared_ptr<const GuestSetup> guest) {
  state_.with([&](State& state) { state.processes.insert_or_assign(process, Process{.guest = std::move(guest), .seen = {}}); });
}

void ProcessMeter::remove(pid_t process, const std::function<Duration()>& reap) {
  // Whoever is the last to know the guest lets go of it without the lock.
  std::shared_ptr<const GuestSetup> guest = state_.with([&](State& state) -> std::shared_ptr<const GuestSetup> {
    Duration cpu = reap();
    auto found = state.processes.find(process);
    if (found == state.processes.end()) return nullptr;
    show(found->second, {.cpu = cpu, .resident_bytes = 0});
    return state.processes.extract(found).mapped().guest;
  });
}

void ProcessMeter::sample() {
  MonotonicTime now = Clock::system().now();
  state_.with([&](State& state) {
    if (now < state.read_at + fresh_for_) return;
    state.read_at = now;
    for (auto& [number, process] : state.processes)
      if (auto use = read_(number); use.has_value()) show(process, *use);
  });
}

}  // namespace fiso::wasm
