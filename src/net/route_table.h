// Which service answers for which path of which listen address.
//
// One RouteTables belongs to one generation of the configuration. While that is prepared, components claim what they want
// to answer for, and a conflict is an error; then each shard's own RouteTable is filled with that shard's services.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/shard.h"
#include "net/http_service.h"
#include "net/tls.h"

namespace fiso::net {

// Shard-local; immutable once its generation serves.
class RouteTable {
 public:
  // Borrows the service. The path must have been claimed.
  void add(std::string_view address, std::string_view path, HttpService& service);
  // The service of the exact path, else of the longest one ending in / that is a prefix; nullptr if nobody answers.
  HttpService* find(std::string_view address, std::string_view path) const;
  bool serves(std::string_view address) const { return routes_.contains(address); }

 private:
  struct Route {
    std::string path;
    HttpService* service;
  };
  std::map<std::string, std::vector<Route>, std::less<>> routes_;  // by address, the longest path first
};

class RouteTables {
 public:
  struct Listener {
    std::optional<TlsServerOptions> tls;
    std::vector<std::string> paths;
  };

  explicit RouteTables(unsigned shards) : tables_(shards) {}

  // Control thread. Two claims of one path are an error, and so are two opinions on TLS.
  Result<> claim(const std::string& address, const std::string& path, const std::optional<TlsServerOptions>& tls);
  // True if a claim of this address would agree with earlier ones on TLS.
  bool agrees(const std::string& address, const std::optional<TlsServerOptions>& tls) const;
  // Keeps the port of an address for someone else, named in the errors of check_address(). Empty: nothing is kept.
  void reserve(const std::string& address, const std::string& owner);
  // An error if the port is reserved, or an address claimed earlier takes it under another text (":80" and "0.0.0.0:80",
  // "localhost:80" and "127.0.0.1:80"), so that only one of both could be opened.
  Result<> check_address(const std::string& address) const;
  const std::map<std::string, Listener>& listeners() const { return listeners_; }

  RouteTable& on(async::Shard& shard) { return tables_[shard.index()]; }
  const RouteTable& on(const async::Shard& shard) const { return tables_[shard.index()]; }

 private:
  std::map<std::string, Listener> listeners_;    // by address
  std::map<std::string, std::string> reserved_;  // owners by address
  std::vector<RouteTable> tables_;               // by shard
};

}  // namespace fiso::net
