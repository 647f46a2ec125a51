// The credentials of a target: the header that carries them.
//
// They fail closed: without a secret there is no header, and a request that needs one does not go out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "link/auth_config.h"

namespace fiso::link {

struct Credential {
  std::string header;
  Secret value;
  uint64_t number = 0;  // counts those of a target, from 1
};

// The header that `secret` makes: of an OAuth2 target the secret is the access token. kInvalidConfig if it is empty, or no header
// can carry it; the message does not quote it.
Result<Credential> make_credential(const AuthConfig& auth, const Secret& secret);

std::string base64(std::string_view text);
// Neither white space nor control characters, nothing beyond ASCII.
bool is_visible(std::string_view text);

}  // namespace fiso::link
