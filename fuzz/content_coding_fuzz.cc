// Bodies that say they are coded: what comes of them is within its bound, and a lie or a bomb leaves the message as it was. The
// first byte chooses the coding and the bound.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "link/content_coding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view kCodings[] = {"gzip", "deflate", "x-gzip", "br"};
  constexpr size_t kBounds[] = {0, 1, 1000, 64 << 10, (64 << 10) + 1, 1 << 20, 3 << 20, 10 << 20};
  std::string_view coding = kCodings[data[0] % 4];
  size_t most = kBounds[data[0] / 4 % 8];
  const std::string coded(reinterpret_cast<const char*>(data) + 1, size - 1);

  fiso::HeaderList headers;
  headers.add("Content-Encoding", coding);
  headers.add("ETag", "1");
  std::string body = coded;
  fiso::Result<> done = fiso::link::decode_content(headers, body, most);
  if (!done.has_value() || coding == "br") {
    FISO_CHECK(done.has_value() || done.error().code() == fiso::ErrorCode::kRejected);
    FISO_CHECK(body == coded && headers.size() == 2);
    return 0;
  }
  FISO_CHECK(body.size() <= most && headers.empty());
  return 0;
}
