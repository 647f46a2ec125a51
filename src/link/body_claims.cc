#include "link/body_claims.h"

#include <functional>

namespace fiso::link {
namespace {

constexpr std::string_view kEtag = "etag";
constexpr std::string_view kNames[] = {kEtag, "digest", "content-md5", "content-digest", "repr-digest", "accept-ranges"};

size_t hash_of(std::string_view body) { return std::hash<std::string_view>()(body); }

}  // namespace

BodyClaims::BodyClaims(const HeaderList& headers, std::string_view body) {
  for (std::string_view name : kNames)
    if (auto value = headers.find(name)) claims_.emplace_back(name, *value);
  if (claims_.empty()) return;
  length_ = body.size();
  hash_ = hash_of(body);
}

void BodyClaims::settle(HeaderList& headers, std::string_view body) const {
  if (claims_.empty() || (body.size() == length_ && hash_of(body) == hash_)) return;
  for (const auto& [name, value] : claims_) {
    if (headers.find(name) != value) continue;
    if (name != kEtag)
      headers.remove(name);
    else if (!value.starts_with("W/"))
      headers.set("ETag", "W/" + value);
  }
}

}  // namespace fiso::link
