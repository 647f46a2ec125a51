#include "net/name_lookup.h"

#include <ares.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <climits>
#include <cstring>
#include <memory>
#include <utility>

namespace fiso::net {
namespace {

using boost::asio::ip::tcp;

constexpr std::chrono::seconds kLookupTime{5};
constexpr int kTryMs = 1000, kTries = 2;  // of each server; the second try waits twice as long
constexpr size_t kMostAddresses = 16;

struct CloseChannel {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, CloseChannel>;

Error failed(const std::string& host, std::string_view why) {
  return Error(ErrorCode::kUnavailable, std::string(kUnresolved)).with_context(host + ": " + std::string(why));
}

// What c-ares calls back with.
struct Answer {
  bool here = false;
  int status = ARES_ECANCELLED;
  ares_addrinfo* found = nullptr;

  Answer() = default;
  Answer(const Answer&) = delete;
  ~Answer() {
    if (found != nullptr) ares_freeaddrinfo(found);
  }
  static void take(void* self, int status, int /*timeouts*/, ares_addrinfo* found) {
    auto& answer = *static_cast<Answer*>(self);
    answer.here = true;
    answer.status = status;
    answer.found = found;
  }
};

bool is_library_ready() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status == ARES_SUCCESS;
}

// As c-ares wants them: brackets where a port follows, and only there.
std::string joined(const std::vector<std::string>& servers) {
  std::string list;
  for (const std::string& server : servers) {
    bool bare = server.ends_with(']');
    list.append(list.empty() ? "" : ",").append(bare ? server.substr(1, server.size() - 2) : server);
  }
  return list;
}

// A channel per lookup: it reads the system's files as they are now, and asks from ports that nobody can foresee.
Channel open_channel(const std::vector<std::string>& servers, int& status) {
  ares_options options{};
  options.timeout = kTryMs;
  options.tries = kTries;
  ares_channeldata* raw = nullptr;
  status = is_library_ready() ? ares_init_options(&raw, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) : ARES_ENOTINITIALIZED;
  Channel channel(status == ARES_SUCCESS ? raw : nullptr);
  if (channel != nullptr && !servers.empty()) status = ares_set_servers_ports_csv(raw, joined(servers).c_str());
  return channel;
}

// Lets c-ares read and write what it can, for as long as it wants to wait, or `left`.
void serve_sockets(ares_channeldata* channel, std::chrono::milliseconds left) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
  int wanted = ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM);
  nfds_t count = 0;
  for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    bool reads = ARES_GETSOCK_READABLE(wanted, i), writes = ARES_GETSOCK_WRITABLE(wanted, i);
    if (reads || writes) polled[count++] = {sockets[i], static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0};
  }
  timeval most{left.count() / 1000, left.count() % 1000 * 1000}, wait{};
  const timeval* until = ares_timeout(channel, &most, &wait);
  // Rounded up, or a wait of less than a millisecond would be a busy one.
  int ready = ::poll(polled.data(), count, static_cast<int>(until->tv_sec * 1000 + (until->tv_usec + 999) / 1000));
  if (ready <= 0) return ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  for (nfds_t i = 0; i < count; ++i) {
    bool reads = (polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0, writes = (polled[i].revents & POLLOUT) != 0;
    if (reads || writes)
      ares_process_fd(channel, reads ? polled[i].fd : ARES_SOCKET_BAD, writes ? polled[i].fd : ARES_SOCKET_BAD);
  }
}

void wait_for(Answer& answer, ares_channeldata* channel) {
  MonotonicTime deadline = std::chrono::steady_clock::now() + kLookupTime;
  while (!answer.here) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    // What one family has answered by then is the answer.
    if (left.count() <= 0) return ares_cancel(channel);
    serve_sockets(channel, left);
  }
}

// First one family, then the other, and so on: a family that leads nowhere here costs one attempt, not all of them.
Addresses take_turns(const Addresses& sorted) {
  Addresses first, second, both;
  for (const tcp::endpoint& address : sorted)
    (address.protocol() == sorted.front().protocol() ? first : second).push_back(address);
  for (size_t i = 0; i < std::max(first.size(), second.size()) && both.size() < kMostAddresses; ++i) {
    if (i < first.size()) both.push_back(first[i]);
    if (i < second.size() && both.size() < kMostAddresses) both.push_back(second[i]);
  }
  return both;
}

FoundAddresses read_answer(const ares_addrinfo& answer) {
  FoundAddresses found;
  Addresses sorted;
  int shortest = INT_MAX;
  for (const ares_addrinfo_cname* alias = answer.cnames; alias != nullptr; alias = alias->next)
    shortest = std::min(shortest, alias->ttl);
  for (const ares_addrinfo_node* node = answer.nodes; node != nullptr; node = node->ai_next) {
    tcp::endpoint address;
    if (node->ai_addrlen > address.capacity()) continue;
    std::memcpy(address.data(), node->ai_addr, node->ai_addrlen);
    address.resize(node->ai_addrlen);
    sorted.push_back(address);
    shortest = std::min(shortest, node->ai_ttl);
  }
  if (!sorted.empty()) found.addresses = take_turns(sorted);
  found.time_to_live = std::chrono::seconds(std::max(shortest, 0));
  return found;
}

}  // namespace

Result<FoundAddresses> look_up_name(const std::string& host, uint16_t port, const std::vector<std::string>& servers) {
  int status = ARES_SUCCESS;
  Answer answer;  // outlives the channel, which calls back when it is closed
  Channel channel = open_channel(servers, status);
  if (status != ARES_SUCCESS) return failed(host, ares_strerror(status));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NUMERICSERV;
  ares_getaddrinfo(channel.get(), host.c_str(), std::to_string(port).c_str(), &hints, Answer::take, &answer);
  wait_for(answer, channel.get());
  if (answer.status == ARES_ECANCELLED) return failed(host, "no answer in time");
  if (answer.status != ARES_SUCCESS) return failed(host, ares_strerror(answer.status));
  FoundAddresses found = read_answer(*answer.found);
  if (found.addresses.empty()) return failed(host, "no addresses");
  return found;
}

bool is_name_server(std::string_view text) {
  std::string_view host = text, port = ":53";
  size_t end = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  bool v4 = text.find('.') != std::string_view::npos && text.find("::") == std::string_view::npos;
  if (end != std::string_view::npos) {
    host = text.substr(1, end - 1);
    if (end + 1 < text.size()) port = text.substr(end + 1);
  } else if (size_t colon = text.find(':'); v4 && colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(host), error);
  unsigned number = 0;
  auto [last, failed] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
  bool good_port =
      port.front() == ':' && failed == std::errc() && last == port.data() + port.size() && number >= 1 && number <= 65535;
  return !error && host.find('%') == std::string_view::npos && good_port;
}

}  // namespace fiso::net
