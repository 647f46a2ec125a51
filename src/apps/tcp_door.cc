#include "apps/tcp_door.h"

#include <boost/asio/ip/address_v4.hpp>
#include <utility>

#include "apps/guest_setup.h"
#include "async/signal.h"

namespace fiso::apps {
namespace {

constexpr uint32_t kFailedLines = 100;  // per shard and second

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

net::SpliceSeries tcp_series(observe::Metrics& metrics, const std::string& app) {
  constexpr char kConnections[] = "fiso_app_connections_total", kBytes[] = "fiso_app_bytes_total";
  constexpr char kConnectionsHelp[] = "Connections to ports of apps that are no HTTP.", kBytesHelp[] = "What they carried.";
  return {.open = metrics.gauge("fiso_app_connections", "Connections to ports of apps that are no HTTP.", {{"app", app}}),
          .passed = metrics.counter(kConnections, kConnectionsHelp, {{"app", app}, {"result", "passed"}}),
          .failed = metrics.counter(kConnections, kConnectionsHelp, {{"app", app}, {"result", "failed"}}),
          .bytes_in = metrics.counter(kBytes, kBytesHelp, {{"app", app}, {"direction", "in"}}),
          .bytes_out = metrics.counter(kBytes, kBytesHelp, {{"app", app}, {"direction", "out"}})};
}

TcpDoor::TcpDoor(Parts parts) : parts_(std::move(parts)), failed_log_(parts_.log, observe::LogLevel::kError, kFailedLines) {}

// A healthy guest may not have opened each of its ports yet.
Task<Result<boost::asio::ip::tcp::endpoint>> TcpDoor::find_target() {
  if (!co_await parts_.state.enter()) co_return Error(ErrorCode::kOverloaded, "the app is not healthy");
  MonotonicTime deadline = now() + kLongestWait;
  while (parts_.private_port() == 0 && parts_.state.get() == State::kHealthy && now() < deadline)
    co_await async::sleep_until(now() + kLook);
  uint16_t port = parts_.private_port();
  if (port == 0) co_return Error(ErrorCode::kUnavailable, "the guest does not listen on that port");
  co_return boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address_v4(kGuestAddress), port);
}

void TcpDoor::failed(const Error& error) { failed_log_.write("app connection failed", {{"error", error.describe()}}); }

}  // namespace fiso::apps
