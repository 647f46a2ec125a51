#include "link/body_claims.h"

#include <gtest/gtest.h>

namespace fiso::link {
namespace {

HeaderList make_headers() {
  HeaderList headers;
  for (auto [name, value] : {std::pair("ETag", "\"a\""),
                             {"Digest", "sha-256=x"},
                             {"content-md5", "x"},
                             {"Content-Digest", "x"},
                             {"Repr-Digest", "x"},
                             {"Accept-Ranges", "bytes"},
                             {"Last-Modified", "then"},
                             {"X-Other", "x"}})
    headers.add(name, value);
  return headers;
}

TEST(BodyClaims, StayWithTheSameBytes) {
  HeaderList headers = make_headers();
  BodyClaims(headers, "same").settle(headers, "same");
  EXPECT_EQ(headers.size(), make_headers().size());
  EXPECT_EQ(headers.find("etag"), "\"a\"");
}

TEST(BodyClaims, GoWithTheBytesAndTheTagBecomesAWeakOne) {
  HeaderList headers = make_headers();
  BodyClaims(headers, "one").settle(headers, "two");
  EXPECT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers.find("etag"), "W/\"a\"");
  EXPECT_EQ(headers.find("last-modified"), "then");
  EXPECT_EQ(headers.find("x-other"), "x");
  BodyClaims(headers, "two").settle(headers, "three");
  EXPECT_EQ(headers.find("etag"), "W/\"a\"");
}

TEST(BodyClaims, ThatWereSetMeanwhileStay) {
  HeaderList headers = make_headers();
  BodyClaims claims(headers, "one");
  headers.set("ETag", "\"mine\"");
  headers.set("Content-Digest", "mine");
  headers.remove("Digest");
  claims.settle(headers, "two");
  EXPECT_EQ(headers.find("etag"), "\"mine\"");
  EXPECT_EQ(headers.find("content-digest"), "mine");
  EXPECT_FALSE(headers.contains("digest"));
}

}  // namespace
}  // namespace fiso::link
