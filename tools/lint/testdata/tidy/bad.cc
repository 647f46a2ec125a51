// One finding per function or type; self_test.py knows which.
#include <string>
#include <utility>

namespace fiso::lint {

enum class Colour { Red };

class counter {
  int count = 0;
};

std::string keep(std::string text) {
  std::string moved = std::move(text);
  return text + moved;
}

int* nowhere() { return 0; }

int spinCount(int n) {
  int spins = 0;
  for (int i = 0; i < n;) ++spins;
  return spins;
}

}  // namespace fiso::lint
