// What the answers of compilers mean. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace fiso::program {

struct GoVersion {
  int major = 0, minor = 0;
  constexpr auto operator<=>(const GoVersion&) const = default;
};

// Of what `go version` prints: "go version go1.24.1 linux/amd64".
std::optional<GoVersion> parse_go_version(std::string_view said);

}  // namespace fiso::program
