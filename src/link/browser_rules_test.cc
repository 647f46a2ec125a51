#include "link/browser_rules.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace fiso::link {
namespace {

constexpr std::string_view kFirefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

PageVerdict verdict(std::initializer_list<HeaderList::Field> fields) {
  HeaderList headers;
  for (HeaderList::Field field : fields) headers.add(field.name, field.value);
  return judge_page(headers, {"https://ours.example", "http://dev:3000"});
}

TEST(BrowserRules, WhatIsNoBrowserMayNameAnyHost) {
  for (std::string_view host : {"fiso-link:3500", "evil.example:3500", "127.0.0.1:3500", ""})
    EXPECT_EQ(verdict({{"Host", host}, {"User-Agent", "python-requests/2.32"}}), PageVerdict::kFine) << host;
}

TEST(BrowserRules, PagesOfOtherSitesAreRefusedUnlessTheyAreListed) {
  EXPECT_EQ(verdict({{"Host", "localhost:3500"}, {"Origin", "https://evil.example"}}), PageVerdict::kOtherSite);
  EXPECT_EQ(verdict({{"Host", "localhost:3500"}, {"Origin", "null"}}), PageVerdict::kOtherSite);
  EXPECT_EQ(verdict({{"Host", "localhost:3500"}, {"Sec-Fetch-Site", "same-site"}}), PageVerdict::kOtherSite);
  EXPECT_EQ(verdict({{"Host", "localhost:3500"}, {"Origin", "https://ours.example"}, {"Sec-Fetch-Site", "cross-site"}}),
            PageVerdict::kFine);
  EXPECT_EQ(verdict({{"Host", "localhost:3500"}, {"Origin", "http://localhost:3500"}, {"Sec-Fetch-Site", "same-origin"}}),
            PageVerdict::kFine);
}

TEST(BrowserRules, EveryOriginCountsAndIsOneOrigin) {
  HeaderList::Field host{"Host", "localhost:3500"}, ours{"Origin", "http://localhost:3500"},
      listed{"Origin", "https://ours.example"}, theirs{"Origin", "https://evil.example"};
  for (const auto& pair : {std::pair(ours, theirs), {theirs, ours}, {listed, theirs}, {theirs, listed}, {ours, ours}})
    EXPECT_EQ(verdict({host, pair.first, pair.second}), PageVerdict::kOtherSite) << pair.second.value;
  for (std::string_view origin : {"https://evil.example http://localhost:3500", "https://evil.example, http://localhost:3500",
                                  "xhttp://localhost:3500", "https://evil://localhost:3500", "localhost:3500", "http://", ""})
    EXPECT_EQ(verdict({host, {"Origin", origin}}), PageVerdict::kOtherSite) << origin;
  EXPECT_EQ(verdict({host, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "cross-site"}}), PageVerdict::kOtherSite);
}

TEST(BrowserRules, ABrowserThatTellsOnlyWhereALinkStandsIsJudgedByThat) {
  HeaderList::Field host{"Host", "localhost:3500"}, agent{"User-Agent", kFirefox};
  for (std::string_view page : {"https://evil.example/page", "https://evil.example", "http://localhost:3500.evil.example/",
                                "http://localhost:3501/", "nonsense"})
    EXPECT_EQ(verdict({host, agent, {"Referer", page}}), PageVerdict::kOtherSite) << page;
  for (std::string_view page : {"http://localhost:3500/link/api/", "http://localhost:3500", "https://ours.example/a?b#c"})
    EXPECT_EQ(verdict({host, agent, {"Referer", page}}), PageVerdict::kFine) << page;
  EXPECT_EQ(verdict({host, agent, {"Sec-Fetch-Site", "same-origin"}, {"Referer", "https://evil.example/"}}), PageVerdict::kFine);
  EXPECT_EQ(verdict({host, {"User-Agent", "curl/8"}, {"Referer", "https://evil.example/"}}), PageVerdict::kFine);
}

TEST(BrowserRules, AHostThatWasMadeToLeadHereIsRefusedToBrowsers) {
  for (std::string_view host :
       {"evil.example:3500", "localhost.evil.example", "evillocalhost", "ours.example.evil", "[evil]:1", ""}) {
    EXPECT_EQ(verdict({{"Host", host}, {"User-Agent", kFirefox}}), PageVerdict::kOtherHost) << host;
    EXPECT_EQ(verdict({{"Host", host}, {"Sec-Fetch-Mode", "navigate"}}), PageVerdict::kOtherHost) << host;
    std::string origin = "http://" + std::string(host);
    EXPECT_NE(verdict({{"Host", host}, {"Origin", origin}}), PageVerdict::kFine) << host;
  }
}

TEST(BrowserRules, AddressesLocalhostAndListedHostsAreBrowsersToAsk) {
  for (std::string_view host : {"localhost", "LOCALHOST:3500", "app.localhost:3500", "127.0.0.1:3500", "192.168.1.7",
                                "[::1]:3500", "ours.example:3500", "dev", "Dev:3500"})
    EXPECT_EQ(verdict({{"Host", host}, {"User-Agent", kFirefox}}), PageVerdict::kFine) << host;
}

}  // namespace
}  // namespace fiso::link
