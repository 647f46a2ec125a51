// A name server on loopback that answers what a test's script says, by UDP and TCP on one port.
//
// The script runs on the server's thread. Every wait ends after 30 seconds, which no passing test reaches.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/file_handle.h"

namespace fiso::testing {

struct DnsQuestion {
  std::string name;
  bool v6 = false;  // AAAA; else A
  bool tcp = false;
};

struct DnsRecord {
  std::string address;  // of the kind that was asked for, others are left out; or
  std::string alias;    // the name that the question's is an alias of, whose records follow
  uint32_t ttl = 60;
};

struct DnsAnswer {
  std::vector<DnsRecord> records;
  int code = 0;  // 2: server failure, 3: no such name
  enum class Manner { kPlain, kSilence, kTruncated, kGarbage } manner = Manner::kPlain;
};

class DnsServer {
 public:
  using Script = std::function<DnsAnswer(const DnsQuestion&)>;

  explicit DnsServer(Script script);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;

  // "127.0.0.1:PORT".
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Questions for A records, so one per lookup that is not repeated.
  int asked() const { return asked_.load(); }

 private:
  void serve();
  void serve_udp();
  void serve_tcp();
  std::string answer(std::string_view query, bool tcp);

  Script script_;
  uint16_t port_ = 0;
  FileHandle udp_, tcp_, stop_;
  std::atomic<int> asked_{0};
  std::thread thread_;
};

}  // namespace fiso::testing
