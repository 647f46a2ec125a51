#include "link/local_secret.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "link/testing/secret_source_contract.h"

namespace fiso::link {
namespace {

namespace fs = std::filesystem;
using testing::SecretMood;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/fiso-secret-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  // Written aside and renamed, so that it is another file each time.
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / "new", std::ios::binary) << text;
    fs::rename(path_ / "new", path_ / name);
    return file(name);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

class FileBench : public testing::SecretBench {
 public:
  std::unique_ptr<SecretSource> make_source(async::Shard&, async::BlockingPool& blocking) override {
    return std::make_unique<LocalSecret>(blocking, SecretRef{.file_path = folder_.file("secret")});
  }
  bool become(SecretMood mood) override {
    if (mood == SecretMood::kGives) folder_.write("secret", held_);
    if (mood == SecretMood::kRefuses) fs::remove(folder_.file("secret"));
    return mood == SecretMood::kGives || mood == SecretMood::kRefuses;
  }
  void hold(const std::string& secret) override {
    held_ = secret;
    folder_.write("secret", held_);
  }

 private:
  Folder folder_;
  std::string held_;
};

class VariableBench : public testing::SecretBench {
 public:
  std::unique_ptr<SecretSource> make_source(async::Shard&, async::BlockingPool& blocking) override {
    return std::make_unique<LocalSecret>(blocking, SecretRef{.env_var = "FISO_TEST_SECRET"});
  }
  bool become(SecretMood mood) override {
    if (mood == SecretMood::kGives) ::setenv("FISO_TEST_SECRET", held_.c_str(), 1);
    if (mood == SecretMood::kRefuses) ::unsetenv("FISO_TEST_SECRET");
    return mood == SecretMood::kGives || mood == SecretMood::kRefuses;
  }
  void hold(const std::string& secret) override {
    held_ = secret;
    become(SecretMood::kGives);
  }

 private:
  std::string held_;
};

}  // namespace
}  // namespace fiso::link

namespace fiso::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(File, SecretSourceContract, link::FileBench);
INSTANTIATE_TYPED_TEST_SUITE_P(Variable, SecretSourceContract, link::VariableBench);

}  // namespace fiso::testing

namespace fiso::link {
namespace {

std::string complaint(const SecretRef& ref) {
  auto secret = read_secret(ref);
  return secret.has_value() ? "" : secret.error().message();
}

TEST(ReadSecret, DropsWhiteSpaceAroundTheTextOfAFile) {
  Folder folder;
  EXPECT_EQ(read_secret({.file_path = folder.write("s", " \ta b\r\n\n")})->reveal(), "a b");
}

TEST(ReadSecret, SaysWhichFileOrVariableHasNone) {
  Folder folder;
  EXPECT_EQ(complaint({.file_path = "/not/there"}), "the secret of /not/there cannot be read: No such file or directory");
  EXPECT_EQ(complaint({.file_path = folder.write("s", " \n")}), "the secret of " + folder.file("s") + " is empty");
  EXPECT_EQ(complaint({.file_path = "/dev/null"}), "the secret of /dev/null is not a file");
  EXPECT_EQ(complaint({.file_path = folder.write("big", std::string((1 << 20) + 1, 'x'))}),
            "the secret of " + folder.file("big") + " is longer than 1MiB");
  ::unsetenv("FISO_TEST_NONE");
  EXPECT_EQ(complaint({.env_var = "FISO_TEST_NONE"}), "the secret of variable FISO_TEST_NONE is not set");
  ::setenv("FISO_TEST_NONE", "", 1);
  EXPECT_EQ(complaint({.env_var = "FISO_TEST_NONE"}), "the secret of variable FISO_TEST_NONE is empty");
}

TEST(FileWatch, TellsEachChangeOnce) {
  Folder folder;
  FileWatch watch(folder.write("s", "one"));
  EXPECT_FALSE(watch.has_changed());
  folder.write("s", "two");
  EXPECT_TRUE(watch.has_changed());
  EXPECT_FALSE(watch.has_changed());
  fs::remove(folder.file("s"));
  EXPECT_TRUE(watch.has_changed());
  EXPECT_FALSE(watch.has_changed());
  folder.write("s", "three");
  EXPECT_TRUE(watch.has_changed());
}

TEST(FileWatch, SeesAFileThatIsWrittenInPlace) {
  Folder folder;
  FileWatch watch(folder.write("s", "one"));
  std::ofstream(folder.file("s"), std::ios::app) << "more";
  EXPECT_TRUE(watch.has_changed());
}

}  // namespace
}  // namespace fiso::link
