#include "link/credential_keeper.h"

#include <algorithm>
#include <utility>

#include "async/spawn.h"
#include "base/random_part.h"

namespace fiso::link {
namespace {

MonotonicTime now() { return Clock::system().now(); }

}  // namespace

CredentialKeeper::CredentialKeeper(KeeperParts parts, const AuthConfig& auth, std::unique_ptr<SecretSource> source)
    : parts_(std::move(parts)),
      auth_(auth),
      source_(std::move(source)),
      wake_(parts_.shard.executor()),
      gate_(parts_.shard.executor()) {}

void CredentialKeeper::start() { async::spawn(parts_.shard, run(*this, gate_.enter())); }

void CredentialKeeper::stop() {
  gate_.close();
  wake_.set();
  source_->abort();
}

Task<> CredentialKeeper::end() {
  stop();
  co_await gate_.wait_empty();
}

void CredentialKeeper::reject(uint64_t number) {
  bool can_be_replaced = auth_.type == AuthType::kOAuth2 || !auth_.vault.path.empty();
  if (!can_be_replaced || !current_.has_value() || current_->number != number || !schedule_.rejected()) return;
  parts_.log.warn("credential was not accepted, another one is asked for");
  current_.reset();
  publish(is_asking_ || schedule_.is_due());
  wake_.set();
}

Task<> CredentialKeeper::run(CredentialKeeper& self, [[maybe_unused]] async::Gate::Pass pass) {
  while (!self.gate_.closed()) {
    if (self.schedule_.is_due()) co_await self.ask();
    if (self.gate_.closed()) co_return;
    bool woken = co_await self.wake_.wait(std::min(self.schedule_.next(), now() + kLook));
    self.wake_.reset();
    if (self.gate_.closed()) co_return;
    if (!woken && co_await self.source_->has_changed()) {
      self.parts_.log.info("secret has changed");
      self.schedule_.changed();
    }
    if (self.current_.has_value() && !self.schedule_.is_usable()) {
      self.current_.reset();
      self.publish(self.schedule_.is_due());
    }
  }
}

Task<> CredentialKeeper::ask() {
  is_asking_ = true;
  if (!current_.has_value()) publish(true);
  Result<Lease> lease = co_await source_->fetch(now() + kAskTimeout);
  is_asking_ = false;
  if (gate_.closed()) co_return;
  take(std::move(lease));
}

void CredentialKeeper::take(Result<Lease> lease) {
  Result<Credential> made = lease.has_value() ? make_credential(auth_, lease->value) : Result<Credential>(lease.error());
  note(made.has_value() ? "success" : "error");
  if (made.has_value()) {
    schedule_.succeeded(*lease);
    current_ = std::move(*made);
    current_->number = ++given_;
    publish(false);
    return parts_.log.debug("credential is fresh");
  }
  schedule_.failed(!retryable(made.error().code()), random_part());
  if (current_.has_value() && schedule_.is_usable())
    return parts_.log.warn("credential cannot be refreshed, the last one is used while it lives",
                           {{"error", made.error().describe()}});
  current_.reset();
  publish(false);
  parts_.log.error("secret cannot be used, requests to the target are refused", {{"error", made.error().describe()}});
}

void CredentialKeeper::note(const char* status) {
  parts_.series.counter("fiso_link_auth_refresh_total", "Attempts to get a target's secret.", {{"status", status}}).increment();
}

void CredentialKeeper::publish(bool is_asked_for) { parts_.publish({.credential = current_, .is_asked_for = is_asked_for}); }

}  // namespace fiso::link
