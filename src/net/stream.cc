#include "net/stream.h"

#include <algorithm>
#include <cerrno>
#include <string>

namespace fiso::net {
namespace {

constexpr size_t kPiecesAtOnce = 64;
constexpr size_t kTlsRecord = 16 << 10;

}  // namespace

std::string remote_address_of(const Socket& socket) {
  SystemError error;
  asio::ip::tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return "";
  if (remote.data()->sa_family == AF_UNIX) return "127.0.0.1:0";
  asio::ip::address address = remote.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(remote.port());
}

void Gather::written(size_t bytes) {
  begun_ = begun_ || bytes > 0;
  while (bytes > 0) {
    iovec& piece = pieces_[first_];
    size_t taken = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + taken;
    piece.iov_len -= taken;
    bytes -= taken;
    if (piece.iov_len == 0) ++first_;
  }
}

size_t PlainStream::read_now(std::span<char> into) {
  ssize_t n = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
  return n > 0 ? static_cast<size_t>(n) : 0;
}

SystemError PlainStream::write_now(Gather& bytes) {
  while (!bytes.empty()) {
    std::span<iovec> left = bytes.left();
    msghdr message{};
    message.msg_iov = left.data();
    message.msg_iovlen = std::min(left.size(), kPiecesAtOnce);
    ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return {errno, boost::system::system_category()};
    bytes.written(static_cast<size_t>(n));
  }
  return {};
}

Task<SystemError> PlainStream::write(Gather& bytes, void* owner, WriteProgress progress) {
  for (;;) {
    SystemError error = write_now(bytes);
    if (error != asio::error::would_block) co_return error;
    size_t before = 0, after = 0;
    for (const iovec& piece : bytes.left()) before += piece.iov_len;
    auto [waited] = co_await socket_.async_wait(Socket::wait_write, async::kTuple);
    if (waited) co_return waited;
    error = write_now(bytes);
    for (const iovec& piece : bytes.left()) after += piece.iov_len;
    progress(owner, before - after);
    if (error != asio::error::would_block) co_return error;
  }
}

Task<> PlainStream::finish_writing() {
  SystemError ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  co_return;
}

// A record at a time; small pieces share one, so that head and body of a small message leave in one packet.
Task<SystemError> TlsStream::write(Gather& bytes, void* owner, WriteProgress progress) {
  std::string record;
  while (!bytes.empty()) {
    record.clear();
    for (const iovec& piece : bytes.left()) {
      record.append(static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, kTlsRecord - record.size()));
      if (record.size() == kTlsRecord) break;
    }
    auto [error, n] = co_await stream_.async_write_some(asio::buffer(record), async::kTuple);
    if (error) co_return error;
    bytes.written(n);
    progress(owner, n);
  }
  co_return SystemError();
}

Task<> TlsStream::finish_writing() {
  co_await stream_.async_shutdown(async::kTuple);
  SystemError ignored;
  socket().shutdown(Socket::shutdown_send, ignored);
}

}  // namespace fiso::net
