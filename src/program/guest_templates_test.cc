#include "program/guest_templates.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "json/scan.h"

namespace fiso::program {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

const std::map<std::string, std::string> kSources = {
    {"c", "guest.c"}, {"go", "main.go"}, {"python", "guest.py"}, {"rust", "guest.rs"}};

std::vector<std::string> paths_of(const std::vector<GuestFile>& files) {
  std::vector<std::string> paths;
  for (const GuestFile& file : files) paths.push_back(file.path);
  return paths;
}

TEST(GuestName, IsThatOfAFolderAModuleAndAnApp) {
  for (const char* name : {"a", "add-total", "add_total2", "python"}) EXPECT_TRUE(check_guest_name(name).has_value()) << name;
}

TEST(GuestName, LeadsNowhereElse) {
  for (const char* name : {"", ".", "..", "a/b", "/a", "A", "2a", "-a", "_a", "a b", "a.b", "a\n", "\xc3\xa4"}) {
    auto checked = check_guest_name(name);
    ASSERT_FALSE(checked.has_value()) << name;
    EXPECT_THAT(checked.error().message(), HasSubstr(std::string("\"") + name + "\" is no name for a guest: take lower-case"));
  }
  EXPECT_TRUE(check_guest_name(std::string(40, 'a')).has_value());
  EXPECT_FALSE(check_guest_name(std::string(41, 'a')).has_value());
}

TEST(GuestTemplates, AreThereForFourLanguages) { EXPECT_THAT(guest_languages(), ElementsAre("c", "go", "python", "rust")); }

TEST(GuestTemplates, HaveASourceAMakefileAPageAndCasesForEachLanguageAndKind) {
  for (const std::string& language : guest_languages())
    for (GuestKind kind : {GuestKind::kInterceptor, GuestKind::kApp}) {
      auto paths = paths_of(make_guest("x", language, kind));
      std::string source = kSources.at(language);
      EXPECT_THAT(paths, IsSupersetOf({source, std::string("Makefile"), std::string("README.md")})) << language;
      EXPECT_THAT(paths, Contains(HasSubstr("cases/")).Times(kind == GuestKind::kApp ? 6 : 4)) << language;
    }
}

TEST(GuestTemplates, AreNamedAndWhole) {
  for (const std::string& language : guest_languages())
    for (GuestKind kind : {GuestKind::kInterceptor, GuestKind::kApp})
      for (const GuestFile& file : make_guest("add-total", language, kind)) {
        EXPECT_EQ(file.text.find("@NAME@"), std::string::npos) << language << " " << file.path;
        EXPECT_TRUE(file.text.ends_with('\n')) << language << " " << file.path;
        if (file.path.ends_with(".json")) EXPECT_TRUE(json::validate(file.text).has_value()) << file.path;
      }
}

TEST(GuestTemplates, OfALanguageWinOverThoseOfAll) {
  auto page = [](const char* language) {
    for (const GuestFile& file : make_guest("x", language, GuestKind::kApp))
      if (file.path == "README.md") return file.text;
    return std::string();
  };
  EXPECT_THAT(page("python"), HasSubstr("FISO_PYTHON"));
  EXPECT_THAT(page("c"), HasSubstr("builds x.wasm"));
}

TEST(GuestFolder, IsWrittenOnceAndNeverOver) {
  std::string parent = ::testing::TempDir() + "/fiso-guest-folder-XXXXXX";
  ASSERT_NE(mkdtemp(parent.data()), nullptr);
  std::string folder = parent + "/x";
  ASSERT_TRUE(write_guest(folder, {{"a", "1\n"}, {"cases/b", "2\n"}}).has_value());
  std::ifstream inner(folder + "/cases/b");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(inner), {}), "2\n");
  auto again = write_guest(folder, {{"a", "3\n"}});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().message(), folder + " is there already: take another name, or remove it");
  std::filesystem::remove_all(parent);
}

}  // namespace
}  // namespace fiso::program
