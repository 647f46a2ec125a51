#include "link/credential.h"

#include <openssl/evp.h>

#include <algorithm>

namespace fiso::link {
namespace {

constexpr size_t kLongest = 16384;

}  // namespace

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

Result<Credential> make_credential(const AuthConfig& auth, const Secret& secret) {
  const std::string& text = secret.reveal();
  if (text.empty()) return Error(ErrorCode::kInvalidConfig, "the secret is empty");
  bool encodes = auth.type == AuthType::kBasic && !auth.username.empty();
  if (text.size() > kLongest || (!encodes && !is_visible(text)))
    return Error(ErrorCode::kInvalidConfig, "the secret holds what a header cannot carry");
  std::string header = auth.header.empty() ? "Authorization" : auth.header;
  switch (auth.type) {
    case AuthType::kApiKey: return Credential{header, secret};
    case AuthType::kBasic: return Credential{header, Secret("Basic " + (encodes ? base64(auth.username + ":" + text) : text))};
    default: return Credential{header, Secret("Bearer " + text)};
  }
}

}  // namespace fiso::link
