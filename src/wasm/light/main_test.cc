// The main of these tests: the engine starts it again as its module compiler.
#include <gmock/gmock.h>

#include "wasm/compile_child.h"
#include "wasm/light/light_engine.h"

int main(int argc, char** argv) {
  if (fiso::wasm::started_to_compile(argc, argv)) return fiso::wasm::light::light_compiler_main(argv);
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
