// The two kinds of byte streams a connection runs over. Connections are templates over them, so that the plain one costs
// nothing for the other's sake.
//
// Threading: shard-local. A deadline is the owner's: it cancels or closes the stream, and what is pending ends in an error.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.h"

namespace fiso::net {

using Socket = asio::basic_stream_socket<asio::ip::tcp, async::Executor>;
using SystemError = boost::system::error_code;

// "192.0.2.1:4711", also where IPv4 comes in IPv6's clothes; empty when the other side has gone already. Of a socket whose
// other end is in this process: "127.0.0.1:0".
std::string remote_address_of(const Socket& socket);

// Bytes to be written, in pieces that are not copied; remembers how far it came.
class Gather {
 public:
  void clear() {
    pieces_.clear();
    first_ = 0;
    begun_ = false;
  }
  void add(std::string_view bytes) {
    if (!bytes.empty()) pieces_.push_back({const_cast<char*>(bytes.data()), bytes.size()});
  }
  bool empty() const { return first_ == pieces_.size(); }
  // Some of it has been written.
  bool begun() const { return begun_; }
  std::span<iovec> left() { return std::span(pieces_).subspan(first_); }
  void written(size_t bytes);

 private:
  std::vector<iovec> pieces_;
  size_t first_ = 0;
  bool begun_ = false;
};

// Told how many bytes went out each time some did.
using WriteProgress = void (*)(void* owner, size_t bytes);

class PlainStream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}

  Socket& socket() { return socket_; }

  auto read_some(std::span<char> into) { return socket_.async_read_some(asio::buffer(into.data(), into.size()), async::kTuple); }
  // What has arrived, without waiting; 0 if nothing has, or the stream has ended.
  size_t read_now(std::span<char> into);

  // Writes what the socket takes at once: one system call. would_block if something is left.
  SystemError write_now(Gather& bytes);
  // Waits for the rest to go out.
  Task<SystemError> write(Gather& bytes, void* owner, WriteProgress progress);

  // Says that nothing more will be written; the other side can still be read.
  Task<> finish_writing();

 private:
  Socket socket_;
};

class TlsStream {
 public:
  TlsStream(Socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  Socket& socket() { return stream_.next_layer(); }
  asio::ssl::stream<Socket>& tls() { return stream_; }

  auto read_some(std::span<char> into) { return stream_.async_read_some(asio::buffer(into.data(), into.size()), async::kTuple); }
  size_t read_now(std::span<char>) { return 0; }

  SystemError write_now(Gather& bytes) { return bytes.empty() ? SystemError() : asio::error::would_block; }
  Task<SystemError> write(Gather& bytes, void* owner, WriteProgress progress);
  Task<> finish_writing();

 private:
  asio::ssl::stream<Socket> stream_;
};

}  // namespace fiso::net
