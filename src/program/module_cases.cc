#include "program/module_cases.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "config/file_text.h"
#include "json/scan.h"
#include "json/text.h"

namespace fiso::program {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInput = ".input.json";
constexpr std::string_view kExpected = ".expected.json";
constexpr std::string_view kPython = "python.wasm";

Error wrong(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

// Names of the regular files in a folder, sorted.
Result<std::vector<std::string>> files_in(const std::string& folder) {
  std::error_code failed;
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code unknown;
    if (at->is_regular_file(unknown)) names.push_back(at->path().filename().string());
  }
  if (failed) return wrong(folder + ": " + failed.message());
  std::ranges::sort(names);
  return names;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string own_name(const std::string& folder) {
  std::error_code failed;
  fs::path whole = fs::canonical(folder, failed);
  return failed ? "" : whole.filename().string();
}

Result<TestedGuest> find_in_folder(const std::string& folder) {
  FISO_TRY(std::vector<std::string> names, files_in(folder));
  std::vector<std::string> modules, scripts;
  for (std::string& name : names) {
    if (name.ends_with(".wasm")) modules.push_back(name);
    if (name.ends_with(".py")) scripts.push_back(name);
  }
  if (!scripts.empty()) std::erase(modules, kPython);
  auto at = [&](const std::string& name) { return (fs::path(folder) / name).string(); };
  std::string of_folder = own_name(folder) + ".wasm";
  if (std::ranges::find(modules, of_folder) != modules.end()) modules = {of_folder};
  if (modules.size() == 1) return TestedGuest{.module = at(modules.front()), .folder = folder};
  if (modules.empty() && scripts.size() == 1) return TestedGuest{.script = at(scripts.front()), .folder = folder};
  if (modules.empty() && scripts.empty()) return wrong(folder + ": there is no module here: build it first, or name it");
  modules.insert(modules.end(), scripts.begin(), scripts.end());
  return wrong(folder + ": which one is to be tested: " + join(modules) + "? Name it");
}

// `line:column` of a byte.
std::string place_in(std::string_view text, size_t byte) {
  std::string_view before = text.substr(0, byte);
  size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return std::to_string(std::ranges::count(before, '\n') + 1) + ":" + std::to_string(before.size() - line_begin + 1);
}

// The reader of JSON tells the byte, in the error's context.
Error not_json(const std::string& file, std::string_view text, const Error& error) {
  constexpr std::string_view kPlace = "JSON at byte ";
  std::string told = error.describe();
  size_t byte = 0;
  if (size_t at = told.find(kPlace); at != std::string::npos)
    std::from_chars(told.data() + at + kPlace.size(), told.data() + told.size(), byte);
  return wrong(file + ":" + place_in(text, byte) + ": this is not JSON: " + error.message());
}

Result<std::string> read_json(const std::string& file) {
  auto text = config::read_file_text(file);
  if (!text.has_value()) return wrong(file + ": " + text.error().message());
  if (auto valid = json::validate(*text); !valid.has_value()) return not_json(file, *text, valid.error());
  return text;
}

Result<GuestKind> kind_of_input(const std::string& file, std::string_view input) {
  auto document = json::Document::parse(input);
  if (document.has_value() && document->is_object()) {
    // The message of a call to a target has "method" and "path" too.
    if (document->find("payload").has_value() || document->find("payloadBase64").has_value()) return GuestKind::kInterceptor;
    if (document->find("method").has_value() && document->find("path").has_value()) return GuestKind::kApp;
  }
  return wrong(file +
               ":1:1: this is neither an event, which has \"payload\" (docs/guests.md), nor a request, which has \"method\" and "
               "\"path\" (docs/apps-guide.md)");
}

Result<GuestCase> read_case(const std::string& folder, const std::string& name) {
  std::string input_file = (fs::path(folder) / (name + std::string(kInput))).string();
  FISO_TRY(std::string input, read_json(input_file));
  GuestCase made{.name = name, .input = {}, .expected = {}, .kind = GuestKind::kInterceptor};
  json::compact(input, made.input);
  FISO_TRY(made.kind, kind_of_input(input_file, made.input));
  FISO_TRY(made.expected, read_json((fs::path(folder) / (name + std::string(kExpected))).string()));
  return made;
}

}  // namespace

Result<TestedGuest> find_tested_guest(const std::string& path) {
  std::error_code failed;
  fs::file_status status = fs::status(path, failed);
  if (!fs::exists(status))
    return wrong(path + ": " + (failed ? failed : std::make_error_code(std::errc::no_such_file_or_directory)).message());
  if (fs::is_directory(status)) return find_in_folder(path);
  std::string folder = fs::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  if (path.ends_with(".wasm")) return TestedGuest{.module = path, .folder = folder};
  if (path.ends_with(".py")) return TestedGuest{.script = path, .folder = folder};
  return wrong(path + ": expected a folder, a module (*.wasm) or a script in Python (*.py)");
}

Result<std::vector<GuestCase>> read_cases(const std::string& folder) {
  std::error_code failed;
  constexpr char kHow[] = "a case is NAME.input.json, which the guest reads, and NAME.expected.json, which it must answer";
  if (!fs::is_directory(folder, failed)) return wrong(folder + ": there is no such folder of cases: " + kHow);
  FISO_TRY(std::vector<std::string> files, files_in(folder));
  std::map<std::string, int> halves;
  for (const std::string& file : files)
    for (std::string_view end : {kInput, kExpected})
      if (file.size() > end.size() && file.ends_with(end))
        halves[file.substr(0, file.size() - end.size())] += end == kInput ? 1 : 2;
  if (halves.empty()) return wrong(folder + ": there are no cases here: " + kHow);
  std::vector<GuestCase> cases;
  for (const auto& [name, half] : halves) {
    if (half != 3) {
      std::string_view missing = half == 1 ? kExpected : kInput;
      return wrong(folder + "/" + name + std::string(missing) + " is missing: " + kHow);
    }
    FISO_TRY(GuestCase one, read_case(folder, name));
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace fiso::program
