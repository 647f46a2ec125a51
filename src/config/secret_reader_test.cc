#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "config/spec.h"

namespace fiso::config {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Config {
  Secret password;
};

class SecretReader : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "fiso-secret-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }

  std::string write(const std::string& content) {
    std::string path = folder_ + "/secret";
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  // The secret, or the complaints.
  std::string read(const std::string& yaml) {
    Errors errors;
    Config config;
    auto document = Document::parse("password: " + yaml, "f.yaml", errors);
    auto environment = [this](const std::string& name) -> std::optional<std::string> {
      auto found = environment_.find(name);
      return found != environment_.end() ? std::optional(found->second) : std::nullopt;
    };
    bool good =
        document &&
        Spec<Config>("c", "").field("password", &Config::password, "").parse(document->root(), "", config, errors, environment);
    return good ? config.password.reveal() : errors.render();
  }

  std::string folder_;
  std::map<std::string, std::string> environment_ = {{"TOKEN", "s3cret"}, {"EMPTY", ""}};
};

TEST_F(SecretReader, TakesWhatIsWrittenOut) {
  EXPECT_EQ(read("hunter2"), "hunter2");
  EXPECT_EQ(read("'007'"), "007");
  EXPECT_EQ(read("007"), "007");
}

TEST_F(SecretReader, TakesAVariable) { EXPECT_EQ(read("{fromEnv: TOKEN}"), "s3cret"); }

TEST_F(SecretReader, ANameThatIsNotSetIsAnError) {
  EXPECT_EQ(read("{fromEnv: MISSING}"),
            "f.yaml:1:21: password: environment variable MISSING is not set or empty: set it before the start\n");
  EXPECT_EQ(read("{fromEnv: EMPTY}"),
            "f.yaml:1:21: password: environment variable EMPTY is not set or empty: set it before the start\n");
}

TEST_F(SecretReader, TheProcessEnvironmentIsTheDefault) {
  ::setenv("FISO_SECRET_READER_TEST", "from the process", 1);
  EXPECT_EQ(process_environment()("FISO_SECRET_READER_TEST"), "from the process");
  EXPECT_EQ(process_environment()("FISO_SECRET_READER_TEST_MISSING"), std::nullopt);
}

TEST_F(SecretReader, TakesAFileWithoutItsLastLineBreak) {
  EXPECT_EQ(read("{fromFile: " + write("s3cret") + "}"), "s3cret");
  EXPECT_EQ(read("{fromFile: " + write("s3cret\n") + "}"), "s3cret");
  EXPECT_EQ(read("{fromFile: " + write("two\nlines\r\n") + "}"), "two\nlines");
  EXPECT_EQ(read("{fromFile: " + write(" spaces \n\n") + "}"), " spaces \n");
}

TEST_F(SecretReader, AFileThatGivesNothingIsAnError) {
  EXPECT_THAT(read("{fromFile: " + folder_ + "/none}"),
              HasSubstr("/none\": No such file or directory: check the path and its permissions"));
  EXPECT_THAT(read("{fromFile: " + folder_ + "}"), HasSubstr("not a regular file"));
  EXPECT_THAT(read("{fromFile: " + write("\n") + "}"), HasSubstr("is empty: write the secret into it"));
  EXPECT_THAT(read("{fromFile: " + write(std::string(70'000, 's')) + "}"), HasSubstr("larger than 65536 bytes"));
  EXPECT_THAT(read("{fromFile: ''}"), HasSubstr("fromFile must be the path of a file"));
}

TEST_F(SecretReader, AFifoDoesNotHoldItUp) {
  std::string path = folder_ + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(read("{fromFile: " + path + "}"), HasSubstr("not a regular file"));
}

TEST_F(SecretReader, ComplaintsNeverQuoteWhatMayBeTheSecret) {
  for (const char* yaml : {"[hunter2]", "{hunter2: x}", "{value: hunter2}", "{fromEnv: hunter2!}", "{fromEnv: [hunter2]}",
                           "{fromEnv: hunter2, fromFile: hunter2}", "{fromenv: hunter2}", "{fromEnv: hunter2-x}"}) {
    std::string complaint = read(yaml);
    EXPECT_THAT(complaint, HasSubstr("f.yaml:1:")) << yaml;
    EXPECT_THAT(complaint, Not(HasSubstr("hunter2"))) << yaml;
  }
}

TEST_F(SecretReader, AMapOfSecretsDoesNotQuoteWhatStandsInItsPlace) {
  struct Headers {
    std::map<std::string, Secret> headers;
  };
  auto spec = Spec<Headers>("h", "").field("headers", &Headers::headers, "");
  for (const char* yaml :
       {"headers: hunter2", "headers: [hunter2]", "headers: {X: [hunter2]}", "headers: {X: {fromEnv: 'hunter2 '}}"}) {
    Errors errors;
    Headers headers;
    spec.parse(Document::parse(yaml, "f.yaml", errors)->root(), "", headers, errors);
    EXPECT_EQ(errors.size(), 1u) << yaml;
    EXPECT_THAT(errors.render(), Not(HasSubstr("hunter2")));
  }
}

TEST_F(SecretReader, ARequiredSecretMustNotBeEmpty) {
  Errors errors;
  Config config;
  auto document = Document::parse("password: ''", "f.yaml", errors);
  Spec<Config>("c", "").required("password", &Config::password, "").parse(document->root(), "auth", config, errors);
  EXPECT_EQ(errors.render(), "f.yaml:1:11: auth.password: auth.password is required\n");
}

}  // namespace
}  // namespace fiso::config
