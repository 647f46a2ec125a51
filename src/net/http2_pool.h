// The HTTP/2 connections of an HttpClient: a request goes to one that has room.
//
// Internal to net. Threading: shard-local.
#pragma once

#include <memory>
#include <vector>

#include "async/signal.h"
#include "net/http2_client.h"

namespace fiso::net {

class Http2Pool {
 public:
  explicit Http2Pool(async::Shard& shard) : shard_(shard) {}
  // Closes them.
  ~Http2Pool();
  Http2Pool(const Http2Pool&) = delete;

  // The first one with room; null if there is none.
  std::shared_ptr<Http2Client> find();
  std::shared_ptr<Http2Client> add(std::unique_ptr<ClientConnection> connection, const ClientOptions& options);

  // Requests that come go to connections that are made from now on; those that are under way finish where they are.
  void retire();

  // While one connects the others wait, if what comes of it is known to carry them too.
  bool is_connecting() const { return connecting_ > 0 && is_known_; }
  // False: the deadline came first.
  Task<bool> wait(MonotonicTime deadline);
  // Of the latest connection, or of all where nothing else is spoken.
  void note_protocol(bool is_http2) { is_known_ = is_http2; }

  // Who connects holds one.
  class Connecting {
   public:
    explicit Connecting(Http2Pool& pool) : pool_(pool) { ++pool.connecting_; }
    ~Connecting();
    Connecting(const Connecting&) = delete;

   private:
    Http2Pool& pool_;
  };

 private:
  async::Shard& shard_;
  std::vector<std::shared_ptr<Http2Client>> all_;
  std::vector<async::Signal*> waiting_;  // each on the frame of who waits
  size_t connecting_ = 0;
  bool is_known_ = false;
};

}  // namespace fiso::net
