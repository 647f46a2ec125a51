// What answers inside this process under a name: apps and targets, for who has `app://NAME` or `link://NAME` as a URL.
//
// A connection to one is a pair of sockets that no network knows of. What it speaks, and every limit, deadline and end of it, is
// as over TCP: there is only no port in between, and nobody else can come that way.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/shard.h"
#include "base/result.h"
#include "net/stream.h"

namespace fiso::net {

class HttpServer;

struct LocalUrl {
  enum class Of { kApp, kTarget };
  Of of = Of::kApp;
  std::string name;
  std::string target;  // path and query, as sent in a request line

  // What the name is in LocalServices.
  std::string service() const { return (of == Of::kApp ? "app://" : "link://") + name; }
};

// Whether it begins as one does.
bool is_local_url(std::string_view text);
// Of one that does. The error's message says what is wrong and does not quote the URL.
Result<LocalUrl> parse_local_url(std::string_view text);

// The names that there are, among what configurations are checked with. Without it the program has no such services.
struct LocalNames {
  std::vector<std::string> apps;                    // of those that answer requests
  std::optional<std::vector<std::string>> targets;  // nothing: there is no link
  bool all_known = true;                            // else nothing is said against a target

  bool operator==(const LocalNames&) const = default;
  // What is wrong with the URL, if something is.
  std::optional<std::string> complaint(const LocalUrl& url) const;
};

class LocalServices {
 public:
  explicit LocalServices(async::ShardSet& shards) : shards_(shards), entries_(shards.count()) {}
  LocalServices(const LocalServices&) = delete;

  // Control thread. From now on the name leads to this server, which serves, and is led away from before it drains. Names are as
  // LocalUrl::service() has them.
  void lead(const std::string& name, HttpServer& server);
  void forget(const std::string& name);

  // On the shard: our side of a new connection. kUnavailable where the name leads nowhere.
  Result<Socket> connect(async::Shard& shard, std::string_view name) const;
  // On the shard: changes with what the name leads to. What was connected before is not to be used for a new request.
  unsigned version(const async::Shard& shard, std::string_view name) const;

 private:
  struct Entry {
    HttpServer* server = nullptr;
    unsigned version = 0;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  async::ShardSet& shards_;
  std::vector<Entries> entries_;  // by shard
};

}  // namespace fiso::net
