#include "server/apps_listen.h"

#include <cstdlib>

#include "components/listen_address.h"

namespace fiso::server {

Result<std::string> apps_listen_address() {
  const char* set = std::getenv("FISO_APPS_LISTEN");
  if (set == nullptr || *set == '\0') return std::string("127.0.0.1");
  auto address = find_listen_ip(set);
  if (!address.has_value())
    return Error(ErrorCode::kInvalidConfig,
                 "FISO_APPS_LISTEN: \"" + std::string(set) + "\" is not an IP address, such as 0.0.0.0 or ::1");
  return std::move(*address);
}

}  // namespace fiso::server
