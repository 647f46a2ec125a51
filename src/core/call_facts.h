// What an interceptor is told of a call to a target, beside the message itself.
#pragma once

#include <string_view>

namespace fiso::core {

struct CallFacts {
  enum class Direction {
    kOutbound,  // the request on its way to the target
    kInbound,   // the answer on its way back
  };
  Direction direction = Direction::kOutbound;
  std::string_view method;
  std::string_view path;  // and query, within the target
  std::string_view target;
  int status = 0;  // of the answer
};

}  // namespace fiso::core
