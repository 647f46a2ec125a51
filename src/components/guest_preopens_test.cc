#include "components/guest_preopens.h"

#include <gtest/gtest.h>

#include "config/spec.h"

namespace fiso {
namespace {

struct Guest {
  std::map<std::string, std::string> preopens;
};

std::string errors_of(const std::string& text) {
  config::Errors errors;
  Guest guest;
  auto spec = config::Spec<Guest>("guest", "")
                  .field("preopens", &Guest::preopens, "")
                  .check({"preopens"}, [](const Guest& read, auto& report) { check_preopen_names(read.preopens, report); });
  auto document = config::Document::parse(text, "x.yaml", errors);
  if (document.has_value()) spec.parse(document->root(), "", guest, errors);
  return errors.render();
}

TEST(GuestPreopens, EveryEntryThatCannotBeMeantIsToldAtItsPlace) {
  constexpr char kWrite[] = ": write /guest/path: /host/path, the first without . and .. in it\n";
  EXPECT_EQ(errors_of("preopens: {/: /a, /b: '/b:ro', /c/d/: c}"), "");
  EXPECT_EQ(errors_of("preopens:\n  c: /tmp\n  '': /tmp\n  /a/../b: /tmp\n  /./a: /tmp\n  /ok: /tmp\n  /d: ':ro'\n  /e: ''\n"),
            std::string("x.yaml:2:3: preopens.c") + kWrite + "x.yaml:3:3: preopens[\"\"]" + kWrite +
                "x.yaml:4:3: preopens[\"/a/../b\"]" + kWrite + "x.yaml:5:3: preopens[\"/./a\"]" + kWrite +
                "x.yaml:7:3: preopens[\"/d\"]: write /guest/path: /host/path, with :ro after it for read-only\n" +
                "x.yaml:8:3: preopens[\"/e\"]: write /guest/path: /host/path, with :ro after it for read-only\n");
}

TEST(GuestPreopens, OneDirectoryIsThereOnce) {
  EXPECT_EQ(errors_of("preopens:\n  /a: /tmp\n  /a/: /var\n  //a: /usr\n"),
            "x.yaml:2:3: preopens[\"/a\"]: the directory is there already, as //a\n"
            "x.yaml:3:3: preopens[\"/a/\"]: the directory is there already, as //a\n");
}

TEST(GuestPreopens, APathIsPlainWithoutTheSlashesThatChangeNothing) {
  EXPECT_EQ(plain_guest_path("/"), "/");
  EXPECT_EQ(plain_guest_path("//a///b//"), "/a/b");
  EXPECT_EQ(plain_guest_path("/..a/b."), "/..a/b.");
  for (const char* path : {"", "a", "./a", "/..", "/a/.", "/a/../b"}) EXPECT_EQ(plain_guest_path(path), std::nullopt) << path;
}

}  // namespace
}  // namespace fiso
