// Tells systemd, or what speaks its protocol, how the process does: ready, reloading, stopping, and that it is alive.
//
// sd_notify(3): a datagram of `NAME=VALUE` lines to the unix socket that NOTIFY_SOCKET names; WATCHDOG_USEC says how often a sign
// of life is expected. Without a NOTIFY_SOCKET nothing is sent. Nothing here blocks or fails: who does not listen is not told.
// Control thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "async/shard.h"
#include "base/clock.h"
#include "base/file_handle.h"

namespace fiso::server {

class ServiceManager {
 public:
  struct Options {
    std::string socket;   // a path, or @NAME in the abstract name space; empty: nobody wants to know
    Duration watchdog{};  // at least one sign of life in that time; zero: none is expected
  };
  // What the environment says, which the children of the process do not get to see. Before any thread is started.
  static Options of_environment();

  explicit ServiceManager(Options options, const Clock& clock = Clock::system());

  void ready();
  // While the configuration is read again, which may take the control thread as long as modules compile.
  void reloading();
  void stopping();

  // Gives a sign of life when one is due and every shard has answered since the last one; says how soon it wants to be called
  // again. A shard that hangs is thus seen, and so is a control thread that does not call.
  Duration look(async::ShardSet& shards);

 private:
  void send(std::string_view lines) const;
  void ask(async::ShardSet& shards);

  const Options options_;
  const Clock& clock_;
  FileHandle socket_;
  MonotonicTime due_{};
  // How many shards have yet to answer; shared with what is posted to them, which may outlive this.
  std::shared_ptr<std::atomic<unsigned>> unanswered_;
};

}  // namespace fiso::server
