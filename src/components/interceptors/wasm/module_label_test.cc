#include "components/interceptors/wasm/module_label.h"

#include <gtest/gtest.h>

namespace fiso::interceptors {
namespace {

TEST(ModuleLabel, IsTheFilesName) {
  EXPECT_EQ(module_label("/etc/fiso/m.wasm", {"/etc/fiso/m.wasm", "/etc/fiso/n.wasm", "/etc/m.wasm.old"}), "m.wasm");
  EXPECT_EQ(module_label("m.wasm", {}), "m.wasm");
  EXPECT_EQ(module_label("/m.wasm", {}), "m.wasm");
}

TEST(ModuleLabel, HasTheDirectoriesThatTellFilesOfOneNameApart) {
  std::vector<std::string> all{"/g/mx/m.wasm", "/g/my/m.wasm", "/h/my/m.wasm", "m.wasm", "xm.wasm"};
  EXPECT_EQ(module_label("/g/mx/m.wasm", all), "mx/m.wasm");
  EXPECT_EQ(module_label("/g/my/m.wasm", all), "g/my/m.wasm");
  EXPECT_EQ(module_label("/h/my/m.wasm", all), "h/my/m.wasm");
  EXPECT_EQ(module_label("m.wasm", all), "m.wasm");
  EXPECT_EQ(module_label("xm.wasm", all), "xm.wasm");
}

TEST(ModuleLabel, IsTheWholePathWhereNothingLessWillDo) {
  std::vector<std::string> all{"/a/m.wasm", "a/m.wasm"};
  EXPECT_EQ(module_label("/a/m.wasm", all), "/a/m.wasm");
  EXPECT_EQ(module_label("a/m.wasm", all), "a/m.wasm");
}

}  // namespace
}  // namespace fiso::interceptors
