// A number from [0, 1) that spreads what many processes would do at the same moment. Nothing secret may come of it. Thread-safe.
#pragma once

#include <random>

namespace fiso {

inline double random_part() {
  std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace fiso
