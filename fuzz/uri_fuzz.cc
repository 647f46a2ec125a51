// URLs and hosts: whatever is taken for one can be written into a request, and reads the same when it is written down again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "net/http_parser.h"
#include "net/uri.h"

namespace {

using fiso::net::is_host_text;
using fiso::net::parse_uri;
using fiso::net::Scheme;
using fiso::net::Uri;

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

void check(const Uri& uri) {
  FISO_CHECK(!uri.host.empty() && uri.host.find_first_of("@/?#\\%[] ") == std::string::npos, uri.host);
  FISO_CHECK(uri.port != 0 && uri.target.starts_with('/') && is_plain(uri.target), uri.target);
  std::string authority = uri.authority();
  FISO_CHECK(is_plain(authority) && is_host_text(authority), authority);
  std::string again = (uri.scheme == Scheme::kHttp ? "http://" : "https://") + authority + uri.target;
  fiso::Result<Uri> read = parse_uri(again);
  FISO_CHECK(read.has_value(), again);
  FISO_CHECK(read->scheme == uri.scheme && read->host == uri.host && read->port == uri.port && read->target == uri.target, again);
}

// As the value of Host it becomes part of a request's head.
void check_host(std::string_view text) {
  FISO_CHECK(is_plain(text) && text.find_first_of("@/?\\") == std::string_view::npos, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (fiso::Result<Uri> uri = parse_uri(text); uri.has_value()) check(*uri);
  if (is_host_text(text)) check_host(text);
  return 0;
}
