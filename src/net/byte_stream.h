// A connected byte stream whose kind is not known at compile time: what streamed messages and splices run over.
//
// One read and one write may be under way at a time. Threading: shard-local. A deadline is the owner's: it closes the stream,
// and what is pending ends in an error.
#pragma once

#include <boost/asio/ssl/error.hpp>
#include <span>
#include <tuple>
#include <type_traits>

#include "net/stream.h"

namespace fiso::net {

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  virtual Task<std::tuple<SystemError, size_t>> read_some(std::span<char> into) = 0;
  // Writes what the socket takes at once; would_block if something is left.
  virtual SystemError write_now(Gather& bytes) = 0;
  // Waits for the rest to go out.
  virtual Task<SystemError> write(Gather& bytes, void* owner, WriteProgress progress) = 0;
  // Says that nothing more will be written; the other side can still be read where half_closes().
  virtual Task<> finish_writing() = 0;
  virtual bool half_closes() const = 0;

  // Ends what is pending and leaves the stream open.
  virtual void cancel() = 0;
  // At once. With kReset the other side cannot take what it got for all there was.
  enum class Close { kUsual, kReset };
  virtual void close(Close how) = 0;
  virtual int fd() = 0;
};

// `Stream` is borrowed.
template <class Stream>
class ByteStreamOf final : public ByteStream {
 public:
  explicit ByteStreamOf(Stream& stream) : stream_(stream) {}

  Task<std::tuple<SystemError, size_t>> read_some(std::span<char> into) override { return stream_.read_some(into); }
  SystemError write_now(Gather& bytes) override { return stream_.write_now(bytes); }
  Task<SystemError> write(Gather& bytes, void* owner, WriteProgress progress) override {
    return stream_.write(bytes, owner, progress);
  }
  Task<> finish_writing() override { return stream_.finish_writing(); }
  // TLS says goodbye in both directions at once.
  bool half_closes() const override { return std::is_same_v<Stream, PlainStream>; }
  void cancel() override {
    SystemError ignored;
    stream_.socket().cancel(ignored);
  }
  void close(Close how) override {
    SystemError ignored;
    if (how == Close::kReset) stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    stream_.socket().close(ignored);
  }
  int fd() override { return stream_.socket().native_handle(); }

 private:
  Stream& stream_;
};

// The other side has said that nothing more comes, or what amounts to it.
inline bool is_end(SystemError error) { return error == asio::error::eof || error == asio::ssl::error::stream_truncated; }

}  // namespace fiso::net
