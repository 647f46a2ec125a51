#include "program/guest_templates.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "base/file_handle.h"

namespace fiso::program {
namespace {

constexpr std::string_view kAny = "any";
constexpr std::string_view kNameMark = "@NAME@";
constexpr size_t kLongestName = 40;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool may_be_in_name(char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

std::string with_name(std::string_view text, std::string_view name) {
  std::string made;
  for (size_t at = text.find(kNameMark); at != std::string_view::npos; at = text.find(kNameMark)) {
    made.append(text.substr(0, at)).append(name);
    text.remove_prefix(at + kNameMark.size());
  }
  return made.append(text);
}

Result<> write_file(const std::filesystem::path& path, std::string_view text) {
  FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  std::span bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  if (!file || !write_all(file.get(), bytes)) return Error(ErrorCode::kInternal, errno_text(errno)).with_context(path.string());
  return {};
}

}  // namespace

std::string_view to_string(GuestKind kind) { return kind == GuestKind::kInterceptor ? "interceptor" : "app"; }

std::vector<std::string> guest_languages() {
  std::set<std::string> languages;
  for (const TemplateFile& file : template_files()) languages.emplace(file.path.substr(0, file.path.find('/')));
  languages.erase(std::string(kAny));
  return {languages.begin(), languages.end()};
}

Result<> check_guest_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= kLongestName && is_lower(name.front()) && std::ranges::all_of(name, may_be_in_name);
  if (good) return {};
  return Error(ErrorCode::kInvalidInput,
               "\"" + name +
                   "\" is no name for a guest: take lower-case letters, digits, - and _, a letter first, "
                   "such as add-total");
}

std::vector<GuestFile> make_guest(std::string_view name, std::string_view language, GuestKind kind) {
  std::map<std::string, std::string> files;
  for (std::string_view of_language : {kAny, language})
    for (std::string_view of_kind : {kAny, to_string(kind)}) {
      std::string folder = std::string(of_language) + "/" + std::string(of_kind) + "/";
      for (const TemplateFile& file : template_files())
        if (file.path.starts_with(folder)) files[std::string(file.path.substr(folder.size()))] = with_name(file.text, name);
    }
  std::vector<GuestFile> made;
  for (auto& [path, text] : files) made.push_back({path, std::move(text)});
  return made;
}

Result<> write_guest(const std::string& folder, const std::vector<GuestFile>& files) {
  if (::mkdir(folder.c_str(), 0777) != 0) {
    if (errno == EEXIST) return Error(ErrorCode::kRejected, folder + " is there already: take another name, or remove it");
    return Error(ErrorCode::kInternal, errno_text(errno)).with_context("make the folder " + folder);
  }
  for (const GuestFile& file : files) {
    std::filesystem::path path = std::filesystem::path(folder) / file.path;
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);  // what fails shows when the file is opened
    FISO_TRY_OK(write_file(path, file.text));
  }
  return {};
}

}  // namespace fiso::program
