// The guests that `fiso module new` begins with: real files of the tree (guests/templates/LANGUAGE/KIND/), kept in the program.
//
// A guest is made of any/any, any/KIND, LANGUAGE/any and LANGUAGE/KIND; of files of the same path the last one counts. In their
// text
// @NAME@ is the guest's name. Pure but for write_guest().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fiso::program {

enum class GuestKind { kInterceptor, kApp };
std::string_view to_string(GuestKind kind);

// `path` is LANGUAGE/KIND/FILE.
struct TemplateFile {
  std::string_view path;
  std::string_view text;
};

// All of them; the source of this one is generated (cmake/embed_templates.cmake).
std::span<const TemplateFile> template_files();

// c, go, python, rust: those that have files.
std::vector<std::string> guest_languages();

// A name is that of a folder, a module and an app at once: lower-case letters, digits, - and _, a letter first, 40 at most.
// kInvalidInput says so.
Result<> check_guest_name(const std::string& name);

struct GuestFile {
  std::string path;  // in the guest's folder
  std::string text;
};

// By path.
std::vector<GuestFile> make_guest(std::string_view name, std::string_view language, GuestKind kind);

// Makes the folder, which must not be there, and the files in it. kRejected if it is there.
Result<> write_guest(const std::string& folder, const std::vector<GuestFile>& files);

}  // namespace fiso::program
