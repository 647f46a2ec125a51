#include "link/local_secret.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "base/ascii.h"
#include "base/file_handle.h"

namespace fiso::link {
namespace {

constexpr size_t kLongestFile = 1 << 20;
constexpr std::chrono::seconds kLookPatience{1};

Error bad_secret(const SecretRef& ref, const std::string& why) {
  std::string where = ref.file_path.empty() ? "variable " + ref.env_var : ref.file_path;
  return Error(ErrorCode::kInvalidConfig, "the secret of " + where + " " + why);
}

Result<std::string> read_variable(const SecretRef& ref) {
  const char* value = std::getenv(ref.env_var.c_str());
  if (value == nullptr) return bad_secret(ref, "is not set");
  return std::string(value);
}

// A pipe would hold the start up, a device might never end.
Result<std::string> read_file(const SecretRef& ref) {
  std::error_code error;
  bool is_file = std::filesystem::is_regular_file(ref.file_path, error);
  if (error) return bad_secret(ref, "cannot be read: " + error.message());
  if (!is_file) return bad_secret(ref, "is not a file");
  std::ifstream file(ref.file_path, std::ios::binary);
  if (!file.is_open()) return bad_secret(ref, "cannot be read: " + errno_text(errno));
  std::string text(kLongestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return bad_secret(ref, "cannot be read: " + errno_text(errno));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kLongestFile) return bad_secret(ref, "is longer than 1MiB");
  return std::string(trim(text));
}

}  // namespace

Result<Secret> read_secret(const SecretRef& ref) {
  Result<std::string> text = ref.file_path.empty() ? read_variable(ref) : read_file(ref);
  if (!text.has_value()) return text.take_error();
  if (text->empty()) return bad_secret(ref, "is empty");
  return Secret(std::move(*text));
}

LocalSecret::LocalSecret(async::BlockingPool& blocking, const SecretRef& ref)
    : read_(blocking, [ref] { return read_secret(ref); }) {
  if (ref.file_path.empty()) return;
  struct Looks {
    FileWatch watch;
    int changes = 0;
  };
  // Of the job alone, which runs once at a time. It counts, since nobody may be waiting any more when it returns.
  look_.emplace(blocking, [looks = std::make_shared<Looks>(FileWatch(ref.file_path))] {
    if (looks->watch.has_changed()) ++looks->changes;
    return looks->changes;
  });
}

Task<Result<Lease>> LocalSecret::fetch(MonotonicTime deadline) {
  FISO_CO_TRY(Result<Secret> secret, co_await read_.run(deadline));
  if (!secret.has_value()) co_return secret.take_error();
  co_return Lease{.value = std::move(*secret)};
}

Task<bool> LocalSecret::has_changed() {
  if (!look_.has_value()) co_return false;
  Result<int> changes = co_await look_->run(std::chrono::steady_clock::now() + kLookPatience);
  co_return changes.has_value() && std::exchange(changes_, *changes) != *changes;  // else it is seen at the next look
}

void LocalSecret::abort() {
  read_.abort();
  if (look_.has_value()) look_->abort();
}

}  // namespace fiso::link
