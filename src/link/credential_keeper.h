// Keeps the credential of one target fresh, for all shards: one question at a time, whoever needs the answer.
//
// It lives on one shard and tells the others by publish(), which must post. What is sent is replaced in the background; while
// there is nothing to send, who needs it is told whether to wait.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/gate.h"
#include "async/shard.h"
#include "link/credential_slot.h"
#include "link/refresh_schedule.h"
#include "link/secret_source.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace fiso::link {

struct KeeperParts {
  async::Shard& shard;
  observe::Log log;  // carries the target's name
  const observe::SeriesGroup& series;
  std::function<void(const CredentialState&)> publish;
};

// Threading: shard-local, but for the constructor.
class CredentialKeeper {
 public:
  static constexpr std::chrono::seconds kAskTimeout{10};
  static constexpr std::chrono::seconds kLook{1};  // how soon a changed file is noticed

  // Copies `auth`.
  CredentialKeeper(KeeperParts parts, const AuthConfig& auth, std::unique_ptr<SecretSource> source);
  CredentialKeeper(const CredentialKeeper&) = delete;

  void start();
  // The target did not accept credential `number`. It is not sent any more if it is the current one and comes from a server that
  // may give another.
  void reject(uint64_t number);
  // What is under way ends soon.
  void stop();
  // Completes when nothing is under way any more: after stop() at the latest when a connection that is being opened is there, or
  // late. Once, before the destructor.
  Task<> end();

 private:
  static Task<> run(CredentialKeeper& self, async::Gate::Pass pass);
  Task<> ask();
  void take(Result<Lease> lease);
  void note(const char* status);
  void publish(bool is_asked_for);

  KeeperParts parts_;
  const AuthConfig auth_;
  std::unique_ptr<SecretSource> source_;
  RefreshSchedule schedule_;
  std::optional<Credential> current_;
  uint64_t given_ = 0;
  bool is_asking_ = false;
  async::Signal wake_;
  async::Gate gate_;
};

}  // namespace fiso::link
