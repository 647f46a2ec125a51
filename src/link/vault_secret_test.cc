#include "link/vault_secret.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/testing/manual_clock.h"
#include "link/testing/secret_peer.h"

namespace fiso::link {
namespace {

using std::chrono::seconds;
using testing::response_text;
using testing::SecretMood;

// As a Vault answers a read of version 2, to whom it knows.
class VaultBench : public testing::SecretBench {
 public:
  VaultBench() { ::setenv("FISO_TEST_VAULT_TOKEN", "vault-token", 1); }

  std::unique_ptr<SecretSource> make_source(async::Shard& shard, async::BlockingPool& blocking) override {
    return std::make_unique<VaultSecret>(shard, blocking, peer.options(), config, ref, clock);
  }
  bool become(SecretMood mood) override {
    peer.become(mood == SecretMood::kRefuses ? SecretMood::kGives : mood);
    known.with([&](std::string& token) { token = mood == SecretMood::kRefuses ? "another" : "vault-token"; });
    return true;
  }
  void hold(const std::string& secret) override {
    held.with([&](std::string& text) { text = secret; });
  }
  void wait_asked() override { peer.wait_asked(); }
  std::vector<std::string> canaries() override { return {"vault-token", "service-account"}; }

 protected:
  std::string answer(const std::string& request) {
    std::string accepted = known.with([](std::string& token) { return token; });
    if (request.starts_with("POST ")) return log_in(request);
    if (request.find("\r\nX-Vault-Token: " + accepted + "\r\n") == std::string::npos)
      return response_text(403, R"({"errors":["permission denied: canary"]})");
    std::string value = held.with([](std::string& text) { return text; });
    return response_text(200, R"({"lease_duration":0,"data":{"metadata":{"version":3},"data":{"token":")" + value + "\"}}}");
  }
  virtual std::string log_in(const std::string&) { return response_text(400, "{}"); }

 public:
  VaultConfig config{.address = "http://vault", .token = {.env_var = "FISO_TEST_VAULT_TOKEN"}};
  VaultRef ref{.path = "secret/data/api"};
  testing::ManualClock clock;
  Guarded<std::string> known, held;
  testing::SecretPeer peer{[this](const std::string& request) { return answer(request); }};
};

// Knows whom it has let in with the role.
class VaultRoleBench : public VaultBench {
 public:
  VaultRoleBench() {
    char name[] = "/tmp/fiso-account-XXXXXX";
    ::close(::mkstemp(name));
    file_ = name;
    std::ofstream(file_) << "service-account\n";
    config = {.address = "http://vault", .vault_namespace = "team/a", .kubernetes = {.mount = "k8s/eu", .token_file = file_}};
    ref.role = "ro\"le";
  }
  ~VaultRoleBench() override { std::filesystem::remove(file_); }

  bool become(SecretMood mood) override {
    refuses_logins_.with([&](bool& refuses) { refuses = mood == SecretMood::kRefuses; });
    return VaultBench::become(mood);
  }
  size_t logins() {
    size_t count = 0;
    for (const std::string& request : peer.asked())
      count += request.starts_with("POST /v1/auth/k8s/eu/login HTTP/1.1\r\n") ? 1 : 0;
    return count;
  }
  // Whoever was let in is not known any more.
  void revoke() {
    known.with([&](std::string& token) { token = "vault-token-2"; });
  }

 protected:
  std::string log_in(const std::string& request) override {
    bool refuses = refuses_logins_.with([](bool& it) { return it; });
    bool knows_it = request.ends_with(R"({"role":"ro\"le","jwt":"service-account"})") &&
                    request.find("\r\nX-Vault-Namespace: team/a\r\n") != std::string::npos;
    if (refuses || !knows_it) return response_text(403, R"({"errors":["canary"]})");
    std::string token = known.with([](std::string& it) { return it; });
    return response_text(200, R"({"auth":{"lease_duration":1000,"client_token":")" + token + "\"}}");
  }

 private:
  std::string file_;
  Guarded<bool> refuses_logins_;
};

}  // namespace
}  // namespace fiso::link

namespace fiso::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Vault, SecretSourceContract, link::VaultBench);
INSTANTIATE_TYPED_TEST_SUITE_P(VaultRole, SecretSourceContract, link::VaultRoleBench);

}  // namespace fiso::testing

namespace fiso::link {
namespace {

class VaultRole : public ::testing::Test {
 protected:
  VaultRole() : shards_(1), blocking_(1, 16) {
    bench_.hold("held");
    bench_.become(SecretMood::kGives);
    shards_.run_on(0, [&](async::Shard& shard) { source_ = bench_.make_source(shard, blocking_); });
  }
  ~VaultRole() override {
    shards_.run_on(0, [&](async::Shard&) { source_.reset(); });
  }
  std::string given() {
    auto lease = testing::run_task(shards_[0], [&] { return source_->fetch(std::chrono::steady_clock::now() + seconds(30)); });
    return lease.has_value() ? lease->value.reveal() : lease.error().describe();
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  VaultRoleBench bench_;
  std::unique_ptr<SecretSource> source_;
};

TEST_F(VaultRole, LogsInOnceForAllReadsUntilMostOfTheLoginsLifeIsOver) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(given(), "held");
  EXPECT_EQ(bench_.logins(), 1u);
  bench_.clock.advance(seconds(799));
  EXPECT_EQ(given(), "held");
  EXPECT_EQ(bench_.logins(), 1u);
  bench_.clock.advance(seconds(1));
  EXPECT_EQ(given(), "held");
  EXPECT_EQ(bench_.logins(), 2u);
}

TEST_F(VaultRole, LogsInAgainWhenItsLoginIsRevoked) {
  EXPECT_EQ(given(), "held");
  bench_.revoke();
  EXPECT_EQ(given(), "held");
  EXPECT_EQ(bench_.logins(), 2u);
}

Result<Lease> answered(std::string body, int status = 200, const std::string& field = "token") {
  net::HttpResponse answer{.status = status, .headers = {}, .body = std::move(body)};
  return read_vault_answer(answer, field);
}

TEST(VaultAnswer, OfEitherVersionHasTheField) {
  EXPECT_EQ(answered(R"({"data":{"token":"one"}})")->value.reveal(), "one");
  EXPECT_EQ(answered(R"({"data":{"data":{"token":"two"},"metadata":{}}})")->value.reveal(), "two");
  EXPECT_EQ(answered(R"({"data":{"password":"x"}})", 200, "password")->value.reveal(), "x");
  EXPECT_EQ(answered(R"({"data":{"token":"one","data":"text"}})")->value.reveal(), "one");
  EXPECT_EQ(answered(R"({"data":{"token":"one","data":{"token":"inner"}}})")->value.reveal(), "one");
}

TEST(VaultAnswer, SaysWhenToReadAgainAndHowLongAVaultMayBeAway) {
  auto times = [](const std::string& duration) {
    auto lease = answered(R"({"data":{"token":"x"},"lease_duration":)" + duration + "}");
    return std::pair(lease->refresh_after, lease->usable_for);
  };
  using std::chrono::hours, std::chrono::minutes;
  EXPECT_EQ(times("600"), std::pair(Duration(minutes(8)), Duration(minutes(70))));
  EXPECT_EQ(times("0"), std::pair(Duration(minutes(4)), Duration(minutes(65))));
  EXPECT_EQ(times("null"), times("0"));
  EXPECT_EQ(times("-7"), times("0"));
  EXPECT_EQ(times("2764800"), std::pair(Duration(minutes(48)), Duration(hours(2))));
}

TEST(VaultAnswer, ThatRefusesEndsTheUseAndOneThatFailsDoesNot) {
  auto code = [](std::string body, int status = 200) {
    auto lease = answered(std::move(body), status);
    EXPECT_FALSE(lease.has_value());
    EXPECT_EQ(lease.error().describe().find("canary"), std::string::npos);
    return lease.error().code();
  };
  for (int status : {400, 403, 404}) EXPECT_EQ(code(R"({"errors":["canary"]})", status), ErrorCode::kRejected) << status;
  for (int status : {307, 429, 472, 500, 503}) EXPECT_EQ(code("canary", status), ErrorCode::kUnavailable) << status;
  EXPECT_EQ(code(R"({"data":{"other":"canary"}})"), ErrorCode::kRejected);
  EXPECT_EQ(code(R"({"data":{"token":{"a":"canary"}}})"), ErrorCode::kRejected);
  EXPECT_EQ(code(R"({"data":{"token":""}})"), ErrorCode::kRejected);
  for (const char* broken : {"", "{", "[]", "{}", R"({"data":null})", R"({"data":"canary"})"})
    EXPECT_EQ(code(broken), ErrorCode::kUnavailable) << broken;
}

}  // namespace
}  // namespace fiso::link
