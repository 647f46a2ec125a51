// A value that cannot be printed: passwords, tokens, keys. There is no operator<<, no formatter and no implicit
// conversion; the one way to the bytes is reveal(), which is easy to search for.
#pragma once

#include <string>
#include <utility>

namespace fiso {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  const std::string& reveal() const { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

}  // namespace fiso
