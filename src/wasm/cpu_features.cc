#include "wasm/cpu_features.h"

#include <sys/auxv.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fiso::wasm {

#if defined(__x86_64__)
std::string cpu_features() {
  struct Leaf {
    unsigned number;
    unsigned part;
  };
  std::string text;
  for (Leaf leaf : {Leaf{1, 0}, Leaf{7, 0}, Leaf{0xd, 1}, Leaf{0x80000001, 0}}) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid_count(leaf.number, leaf.part, &a, &b, &c, &d) == 0) continue;
    if (leaf.number == 1) b = 0;  // says among others which of the CPUs this is
    for (unsigned value : {a, b, c, d}) text += std::to_string(value) + " ";
  }
  return text;
}
#else
std::string cpu_features() { return std::to_string(getauxval(AT_HWCAP)) + " " + std::to_string(getauxval(AT_HWCAP2)); }
#endif

}  // namespace fiso::wasm
