// Keeps every rule that bad.cc breaks.
#include <string>
#include <utility>

namespace fiso::lint {

constexpr int kLimit = 3;

enum class Colour { kRed, kGreen };

class Counter {
 public:
  int next() { return ++count_; }

 private:
  int count_ = 0;
};

std::string keep(std::string text) {
  std::string moved = std::move(text);
  return moved;
}

int* nowhere() { return nullptr; }

}  // namespace fiso::lint
