// The credentials of a target: the header that carries them, made from a secret that may change while we run.
//
// They fail closed: without a secret there is no header, and a request that needs one does not go out.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "link/target_config.h"

namespace fiso::link {

struct Credential {
  std::string header;
  Secret value;
};

// Reads the file or the variable and makes the header of it. Blocks. kInvalidConfig where there is no secret, or one that no
// header can carry; the message names the file or the variable, never the secret.
Result<Credential> read_credential(const AuthConfig& auth);

}  // namespace fiso::link
