#include "program/module_cases.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fiso::program {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class ModuleCases : public ::testing::Test {
 protected:
  ModuleCases() {
    std::string made = ::testing::TempDir() + "/fiso-cases-XXXXXX";
    folder_ = mkdtemp(made.data());
  }
  ~ModuleCases() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text = "") const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  std::string guest_or_error(const std::string& path) const {
    auto found = find_tested_guest(path);
    return found.has_value() ? found->module + found->script : found.error().describe();
  }
  std::string cases_error() const {
    auto found = read_cases(folder_);
    return found.has_value() ? "" : found.error().describe();
  }

  std::string folder_;
};

TEST_F(ModuleCases, AFolderHasTheGuestThatIsAloneInIt) {
  EXPECT_EQ(guest_or_error(folder_), folder_ + ": there is no module here: build it first, or name it");
  write("guest.c");
  std::string module = write("x.wasm");
  EXPECT_EQ(guest_or_error(folder_), module);
  write("y.wasm");
  EXPECT_EQ(guest_or_error(folder_), folder_ + ": which one is to be tested: x.wasm, y.wasm? Name it");
  std::string own = write(std::filesystem::path(folder_).filename().string() + ".wasm");
  EXPECT_EQ(guest_or_error(folder_), own);
  EXPECT_EQ(guest_or_error(folder_ + "/."), folder_ + "/./" + std::filesystem::path(own).filename().string());
}

TEST_F(ModuleCases, AScriptIsTheGuestAndNotThePythonBesideIt) {
  std::string script = write("guest.py");
  EXPECT_EQ(find_tested_guest(folder_)->script, script);
  write("python.wasm");
  EXPECT_EQ(find_tested_guest(folder_)->script, script);
  write("other.py");
  EXPECT_EQ(guest_or_error(folder_), folder_ + ": which one is to be tested: guest.py, other.py? Name it");
  std::filesystem::remove(script);
  std::filesystem::remove(folder_ + "/other.py");
  EXPECT_EQ(find_tested_guest(folder_)->module, folder_ + "/python.wasm");
}

TEST_F(ModuleCases, AGuestCanBeNamed) {
  std::string module = write("x.wasm"), script = write("y.py");
  EXPECT_EQ(find_tested_guest(module)->module, module);
  EXPECT_EQ(find_tested_guest(module)->folder, folder_);
  EXPECT_EQ(find_tested_guest(script)->script, script);
  EXPECT_THAT(guest_or_error(write("z.c")), EndsWith("z.c: expected a folder, a module (*.wasm) or a script in Python (*.py)"));
  EXPECT_EQ(guest_or_error(folder_ + "/none"), folder_ + "/none: No such file or directory");
}

TEST_F(ModuleCases, AreReadByNameAsOneLineEach) {
  write("b.input.json", "{\n  \"payload\": 1\n}\n");
  write("b.expected.json", "{\"payload\": 2}\n");
  write("a.input.json", R"({"method": "GET", "path": "/"})");
  write("a.expected.json", "{}");
  write("notes.json");
  auto cases = read_cases(folder_);
  ASSERT_TRUE(cases.has_value()) << cases.error().describe();
  EXPECT_THAT(*cases, ::testing::ElementsAre(GuestCase{"a", R"({"method":"GET","path":"/"})", "{}", GuestKind::kApp},
                                             GuestCase{"b", R"({"payload":1})", "{\"payload\": 2}\n", GuestKind::kInterceptor}));
}

TEST_F(ModuleCases, ACallToATargetIsAnInterceptors) {
  write("a.input.json", R"({"payload": null, "method": "GET", "path": "/", "target": "t"})");
  write("a.expected.json", "{}");
  EXPECT_EQ(read_cases(folder_)->front().kind, GuestKind::kInterceptor);
}

TEST_F(ModuleCases, NoneAtAllAndHalvesAreErrors) {
  EXPECT_THAT(cases_error(), HasSubstr(folder_ + ": there are no cases here: a case is NAME.input.json"));
  write("a.input.json", "{\"payload\":1}");
  EXPECT_THAT(cases_error(), HasSubstr(folder_ + "/a.expected.json is missing"));
  write("a.expected.json", "1");
  EXPECT_EQ(cases_error(), "");
  write("b.expected.json", "1");
  EXPECT_THAT(cases_error(), HasSubstr(folder_ + "/b.input.json is missing"));
  EXPECT_THAT(read_cases(folder_ + "/none").error().describe(), HasSubstr("/none: there is no such folder of cases: a case is"));
}

TEST_F(ModuleCases, WhatIsNotJsonIsToldWithItsPlace) {
  write("a.input.json", "{\"payload\":\n  1,,\n}");
  write("a.expected.json", "1");
  EXPECT_THAT(cases_error(), HasSubstr(folder_ + "/a.input.json:2:5: this is not JSON: "));
  write("a.input.json", "[1]");
  EXPECT_THAT(cases_error(), HasSubstr("a.input.json:1:1: this is neither an event, which has \"payload\""));
  write("a.input.json", "{\"payload\":1}");
  write("a.expected.json", "");
  EXPECT_THAT(cases_error(), HasSubstr(folder_ + "/a.expected.json:1:1: this is not JSON: "));
}

}  // namespace
}  // namespace fiso::program
