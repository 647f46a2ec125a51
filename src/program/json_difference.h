// Where two JSON texts say different things.
//
// Members count whatever their order, the last of the same name; numbers by their value and exactly (75 is 75.0, and 2^53 + 1 is
// not 2^53); texts without regard to how they are escaped; elements in their order. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fiso::program {

// A line for each difference, the first `most` of them: "payload.total: expected 75, got 74". Both texts must be valid.
std::vector<std::string> json_differences(std::string_view expected, std::string_view actual, size_t most = 10);

// True if they are the same number, as JSON writes numbers.
bool is_same_number(std::string_view a, std::string_view b);

}  // namespace fiso::program
