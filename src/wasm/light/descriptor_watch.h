// Waits on the shard for sockets of a guest to become ready.
//
// All of a guest's sockets are in one epoll set of its own, which the shard's event loop watches: a poll of many costs system
// calls only for those whose state has changed since the last. Shard-local; one wait at a time.
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>
#include <span>
#include <unordered_map>

#include "async/shard.h"
#include "async/signal.h"
#include "base/result.h"
#include "wasm/wasi/host_stream.h"

namespace fiso::wasm::light {

class DescriptorWatch {
 public:
  static Result<std::unique_ptr<DescriptorWatch>> make(async::Shard& shard);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;

  // Sets `ready`, which lives until disarm(), soon after one of them is ready. It may be set for nothing: ask them.
  void arm(std::span<const wasi::WatchedStream> watched, async::Signal& ready);
  void disarm();

 private:
  // Shared with what the event loop still has.
  struct Loop {
    Loop(async::Executor executor, int epoll) : descriptor(executor, epoll) {}
    using Descriptor = asio::posix::basic_stream_descriptor<async::Executor>;
    Descriptor descriptor;
    async::Signal* ready = nullptr;
    bool waiting = false;  // the event loop has been asked
  };
  struct Entry {
    std::weak_ptr<const wasi::HostFile> file;  // a number may be another socket's by now
    uint32_t wanted = 0;                       // of the arm() under way
    uint32_t armed = 0;                        // what the kernel waits for, once
  };

  explicit DescriptorWatch(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}
  void drop_closed(size_t wanted);
  // Takes what the kernel has reported: it does not wait for those any more.
  void take_events();

  std::shared_ptr<Loop> loop_;
  std::unordered_map<int, Entry> entries_;
};

}  // namespace fiso::wasm::light
