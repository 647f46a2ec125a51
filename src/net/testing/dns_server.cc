#include "net/testing/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace fiso::testing {
namespace {

constexpr size_t kHead = 12;  // of a message: RFC 1035 section 4.1.1
constexpr uint16_t kA = 1, kAlias = 5, kAaaa = 28;

uint16_t read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]));
}

void add16(std::string& out, unsigned value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

std::string encoded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    std::string_view label = name.substr(0, name.find('.'));
    out.push_back(static_cast<char>(label.size()));
    out.append(label);
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return out + '\0';
}

void add_record(std::string& out, std::string_view name, uint16_t type, uint32_t ttl, std::string_view data) {
  out += encoded(name);
  add16(out, type);
  add16(out, 1);
  add16(out, ttl >> 16);
  add16(out, ttl & 0xffff);
  add16(out, static_cast<unsigned>(data.size()));
  out += data;
}

FileHandle bound(int type, uint16_t port) {
  FileHandle socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool good = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (good && type == SOCK_STREAM) good = ::listen(socket.get(), 16) == 0;
  return good ? std::move(socket) : FileHandle();
}

uint16_t port_of(const FileHandle& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool read_exactly(int fd, std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    ssize_t n = ::recv(fd, bytes.data() + at, bytes.size() - at, 0);
    if (n <= 0) return false;
    at += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

DnsServer::DnsServer(Script script) : script_(std::move(script)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  // A port that is free for both.
  for (int tries = 0; tries < 100 && tcp_.get() < 0; ++tries) {
    udp_ = bound(SOCK_DGRAM, 0);
    tcp_ = bound(SOCK_STREAM, port_ = port_of(udp_));
  }
  FISO_CHECK(tcp_.get() >= 0 && stop_.get() >= 0);
  thread_ = std::thread([this] { serve(); });
}

DnsServer::~DnsServer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void DnsServer::serve() {
  std::array<pollfd, 3> polled{{{udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  while (::poll(polled.data(), polled.size(), -1) > 0 && polled[2].revents == 0) {
    // UDP first: who asks by TCP may have asked something else by UDP before.
    if (polled[0].revents != 0) serve_udp();
    if (polled[1].revents != 0) serve_tcp();
  }
}

void DnsServer::serve_udp() {
  std::array<char, 2048> query{};
  sockaddr_in from{};
  socklen_t size = sizeof from;
  ssize_t n = ::recvfrom(udp_.get(), query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
  std::string out = n > 0 ? answer({query.data(), static_cast<size_t>(n)}, false) : "";
  if (!out.empty()) (void)::sendto(udp_.get(), out.data(), out.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
}

// One connection after the other, until its client closes it or asks no more.
void DnsServer::serve_tcp() {
  FileHandle connection(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  timeval limit{.tv_sec = 30};
  ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  for (std::string size(2, '\0'); read_exactly(connection.get(), size);) {
    std::string query(read16(size, 0), '\0');
    if (!read_exactly(connection.get(), query)) return;
    std::string text = answer(query, true), out;
    add16(out, static_cast<unsigned>(text.size()));
    out += text;
    if (::send(connection.get(), out.data(), out.size(), MSG_NOSIGNAL) < 0) return;
  }
}

std::string DnsServer::answer(std::string_view query, bool tcp) {
  using Manner = DnsAnswer::Manner;
  DnsQuestion question{.tcp = tcp};
  size_t at = kHead;
  for (size_t length; at < query.size() && (length = static_cast<unsigned char>(query[at])) > 0; at += length + 1)
    question.name.append(question.name.empty() ? "" : ".").append(query.substr(at + 1, length));
  uint16_t type = read16(query, at + 1);
  question.v6 = type == kAaaa;
  if (type == kA) ++asked_;
  DnsAnswer said = script_(question);
  if (said.manner == Manner::kSilence) return "";
  bool cut = said.manner == Manner::kTruncated && !tcp;
  std::string records, name = question.name;
  unsigned count = 0;
  for (const DnsRecord& record : cut ? std::vector<DnsRecord>() : said.records) {
    std::array<char, 16> address{};
    bool fits = inet_pton(question.v6 ? AF_INET6 : AF_INET, record.address.c_str(), address.data()) == 1;
    if (!record.alias.empty()) add_record(records, name, kAlias, record.ttl, encoded(record.alias));
    if (fits) add_record(records, name, type, record.ttl, {address.data(), question.v6 ? size_t{16} : size_t{4}});
    if (!record.alias.empty()) name = record.alias;
    if (fits || !record.alias.empty()) ++count;
  }
  if (said.manner == Manner::kGarbage) records = "\xff\xc0\xff no record", count = 3;
  std::string out(query.substr(0, 2));
  add16(out, 0x8180u | (cut ? 0x200u : 0u) | static_cast<unsigned>(said.code));
  add16(out, 1);
  add16(out, count);
  out.append(4, '\0').append(query.substr(kHead, at + 5 - kHead));
  return out + records;
}

}  // namespace fiso::testing
