#include "config/file_text.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/check.h"

namespace fiso::config {
namespace {

class FileTextTest : public ::testing::Test {
 protected:
  FileTextTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-text-XXXXXX").string();
    FISO_CHECK(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~FileTextTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string path(const std::string& name) { return directory_ + "/" + name; }
  std::string why_not(const std::string& name) {
    auto text = read_file_text(path(name));
    return text.has_value() ? "it was read" : text.error().message();
  }

  std::string directory_;
};

TEST_F(FileTextTest, IsAllThatTheFileHolds) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{16384}, size_t{100'000}}) {
    std::ofstream(path("a")) << std::string(size, 'x');
    auto text = read_file_text(path("a"));
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(*text, std::string(size, 'x'));
  }
}

TEST_F(FileTextTest, TellsWhyItCannotBeRead) {
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", path("link"));
  std::filesystem::create_symlink("loop", path("loop"));
  EXPECT_EQ(why_not("missing"), "No such file or directory");
  EXPECT_EQ(why_not("link"), "it is a link that leads nowhere");
  EXPECT_EQ(why_not("loop"), "Too many levels of symbolic links");
  EXPECT_EQ(why_not("fifo"), "it is not a regular file");
  EXPECT_EQ(why_not("."), "it is a directory");
}

TEST_F(FileTextTest, TellsThatItMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  std::ofstream(path("secret")) << "x";
  std::filesystem::permissions(path("secret"), std::filesystem::perms::none);
  EXPECT_EQ(why_not("secret"), "Permission denied");
}

}  // namespace
}  // namespace fiso::config
