#include "link/credentials.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/ascii.h"
#include "base/file_handle.h"
#include "components/base64.h"

namespace fiso::link {
namespace {

Error bad_secret(const SecretRef& ref, const std::string& why) {
  std::string where = ref.file_path.empty() ? "variable " + ref.env_var : ref.file_path;
  return Error(ErrorCode::kInvalidConfig, "the secret of " + where + " " + why);
}

Result<std::string> read_secret(const SecretRef& ref) {
  if (ref.file_path.empty()) {
    const char* value = std::getenv(ref.env_var.c_str());
    if (value == nullptr) return bad_secret(ref, "is not set");
    return std::string(value);
  }
  std::ifstream file(ref.file_path, std::ios::binary);
  std::ostringstream text;
  if (!file.is_open() || !(text << file.rdbuf())) return bad_secret(ref, "cannot be read: " + errno_text(errno));
  return std::string(trim(text.str()));
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

Result<Credential> read_credential(const AuthConfig& auth) {
  FISO_TRY(std::string secret, read_secret(auth.secret));
  if (secret.empty()) return bad_secret(auth.secret, "is empty");
  constexpr size_t kLongest = 16384;
  bool encodes = auth.type == AuthType::kBasic && !auth.username.empty();
  if (secret.size() > kLongest || (!encodes && !is_visible(secret)))
    return bad_secret(auth.secret, "holds what a header cannot carry");
  std::string header = auth.header.empty() ? "Authorization" : auth.header;
  if (auth.type == AuthType::kBearer) return Credential{header, Secret("Bearer " + secret)};
  if (auth.type == AuthType::kApiKey) return Credential{header, Secret(secret)};
  return Credential{header, Secret("Basic " + (encodes ? to_base64(auth.username + ":" + secret) : secret))};
}

}  // namespace fiso::link
