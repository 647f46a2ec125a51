// What headers say of the very bytes of a body, which is no longer true once they are others.
//
// Dropped: Digest, Content-MD5, Content-Digest, Repr-Digest, and Accept-Ranges, whose ranges are of other bytes. An ETag becomes
// a weak one (RFC 9110, section 8.8.1): the same answer would be made into the same again, so asking by If-None-Match is still
// worth it, while If-Match and If-Range, which want the same bytes, do not take a weak one. Last-Modified stays: it is a time,
// which is still true, and weak already. What an interceptor has set itself is its own word and stays, too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/header_list.h"

namespace fiso::link {

class BodyClaims {
 public:
  // Of a message as it came.
  BodyClaims(const HeaderList& headers, std::string_view body);
  // What has become of it: takes out what is not true any more.
  void settle(HeaderList& headers, std::string_view body) const;

 private:
  std::vector<std::pair<std::string_view, std::string>> claims_;  // those that there were
  size_t length_ = 0, hash_ = 0;                                  // of the body; only where there are claims
};

}  // namespace fiso::link
