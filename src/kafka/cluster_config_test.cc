#include "kafka/cluster_config.h"

#include <gtest/gtest.h>

namespace fiso::kafka {
namespace {

ClusterConfig parsed(const std::string& text) {
  config::Errors errors;
  ClusterConfig cluster;
  auto document = config::Document::parse(text, "link.yaml", errors);
  if (document.has_value()) cluster_spec().parse(document->root(), "", cluster, errors);
  EXPECT_TRUE(errors.empty()) << errors.render();
  return cluster;
}

TEST(ClusterConfig, TheTenantIsPartOfAzuresTokenUrl) {
  std::string oauth = "provider: azure, tenantId: t-1, clientId: c, clientSecretEnv: PATH, scope: s";
  auto url = [&](const std::string& more) {
    return parsed("brokers: [a]\nauth: {mechanism: OAUTHBEARER, oauth: {" + oauth + more + "}}\n")
        .auth.oauth.effective_token_url();
  };
  EXPECT_EQ(url(""), "https://login.microsoftonline.com/t-1/oauth2/v2.0/token");
  EXPECT_EQ(url(", tokenUrl: \"https://login.microsoftonline.us/t-1/oauth2/v2.0/token\""),
            "https://login.microsoftonline.us/t-1/oauth2/v2.0/token");
}

TEST(ClusterConfig, AnotherPasswordIsAnotherCluster) {
  auto cluster = [](const std::string& password) {
    return parsed("brokers: [a]\nauth: {mechanism: PLAIN, username: u, password: " + password + "}\n");
  };
  EXPECT_EQ(cluster("p"), cluster("p"));
  EXPECT_NE(cluster("p"), cluster("q"));
}

TEST(ClusterConfig, DefaultsAreThoseOfTheGuide) {
  ClusterConfig cluster = parsed("brokers: [\"a:9092\"]\n");
  EXPECT_EQ(cluster.auth.mechanism, Mechanism::kNone);
  EXPECT_FALSE(cluster.tls.enabled);
  EXPECT_EQ(cluster.max_queued_records, 10'000);
  EXPECT_EQ(cluster.max_queued, 64_MiB);
}

}  // namespace
}  // namespace fiso::kafka
