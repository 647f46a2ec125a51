// Access tokens by the client credentials grant, RFC 6749 section 4.4.
//
// The client's secret is another source's, read anew for each token. A token is asked for again when 80 % of its life are over,
// and sent until its end. What the server refuses leaves the last token as it is: it was good, and says itself how long.
//
// Threading: as of SecretSource.
#pragma once

#include <memory>
#include <string>

#include "link/auth_config.h"
#include "link/secret_server.h"
#include "link/secret_source.h"

namespace fiso::link {

class OAuth2Token final : public SecretSource {
 public:
  // Of a token whose server does not say how long it lives.
  static constexpr std::chrono::minutes kUsualLife{5};
  // Of one that has none, by what it says: some servers say so of tokens that do not end.
  static constexpr std::chrono::seconds kNoLife{10};

  // `options` name the origin of `config.token_url`.
  OAuth2Token(async::Shard& shard, async::BlockingPool& blocking, net::ClientOptions options, OAuth2Config config,
              std::unique_ptr<SecretSource> client_secret);

  Task<Result<Lease>> fetch(MonotonicTime deadline) override;
  // The client's secret has.
  Task<bool> has_changed() override { return client_secret_->has_changed(); }
  void abort() override;

 private:
  const OAuth2Config config_;
  const std::string target_;
  SecretServer server_;
  std::unique_ptr<SecretSource> client_secret_;
};

// The lease of a token that was got with this answer, as of section 5.1.
Result<Lease> read_token_answer(const net::HttpResponse& answer);

}  // namespace fiso::link
