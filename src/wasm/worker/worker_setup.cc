#include "wasm/worker/worker_setup.h"

#include "wasm/worker/packets.h"

namespace fiso::wasm::worker {
namespace {

// What the guest is called: its argument zero.
std::string guest_name(const GuestSetup& guest) {
  const std::vector<std::string>& args = guest.wasi->options().args;
  return args.empty() ? "guest" : args.front();
}

std::string_view to_string(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::kOpen: return "open";
    case NetworkMode::kAllowList: return "allowlist";
    case NetworkMode::kNone: break;
  }
  return "none";
}

void add_guest(PacketWriter& packet, const GuestSetup& guest) {
  const wasi::GuestOptions& wasi = guest.wasi->options();
  packet.add("name").add(guest_name(guest));
  for (size_t i = 1; i < wasi.args.size(); ++i) packet.add("arg").add(wasi.args[i]);
  for (const auto& [name, value] : wasi.env) packet.add("env").add(name).add(value);
  for (const wasi::PreopenOptions& preopen : wasi.preopens)
    packet.add("mount")
        .add(preopen.access == wasi::Access::kReadOnly ? "ro" : "rw")
        .add(preopen.guest_path)
        .add(preopen.host_path);
  packet.add("memory").add(std::to_string(guest.limits.memory.count));
  packet.add("descriptors").add(std::to_string(wasi.limits.fds));
  packet.add("stdin-file").add(wasi.stdin_file ? "yes" : "no");
}

void add_network(PacketWriter& packet, const NetworkRules& network) {
  packet.add("network").add(to_string(network.mode));
  packet.add("dns").add(network.dns ? "yes" : "no");
  for (const std::string& entry : network.allow) packet.add("allow").add(entry);
  packet.add("sockets").add(std::to_string(network.sockets));
  for (uint16_t port : network.refused_ports) packet.add("refuse-port").add(std::to_string(port));
  for (const NetworkRules::Listen& listen : network.listen)
    packet.add("listen").add(std::to_string(listen.guest_port)).add(listen.host);
}

}  // namespace

Result<std::string> setup_packet(const WorkerSetup& setup) {
  PacketWriter packet;
  packet.add("kind").add(setup.kind == WorkerKind::kForkServer ? "fork-server" : "alone");
  add_guest(packet, *setup.guest);
  packet.add("threads").add(std::to_string(setup.guest->threads));
  packet.add("stack").add(std::to_string(setup.stack.count));
  packet.add("files-memory").add(std::to_string(setup.files_memory.count));
  packet.add("files").add(std::to_string(setup.files));
  add_network(packet, setup.guest->network);
  if (packet.bytes().size() > kLargestPacket)
    return Error(ErrorCode::kInvalidConfig,
                 "arguments, environment and rules are larger than " + format_bytes(Bytes{kLargestPacket}));
  return packet.bytes();
}

}  // namespace fiso::wasm::worker
