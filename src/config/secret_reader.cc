// Secrets in a configuration: written out, or by the name of the variable or file that holds them.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "config/reader.h"

namespace fiso::config {
namespace {

constexpr size_t kMaxSecretBytes = 64 << 10;

bool is_variable_name(std::string_view name) {
  auto in_name = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && (name[0] < '0' || name[0] > '9') && std::all_of(name.begin(), name.end(), in_name);
}

// The content of a regular file; otherwise false and why not.
bool read_small_file(const std::string& path, std::string& content, std::string& why) {
  auto failed = [&] { return why = std::generic_category().message(errno), false; };
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hold us up
  if (fd < 0) return failed();
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat status{};
  if (::fstat(fd, &status) != 0) return failed();
  if (!S_ISREG(status.st_mode)) return why = "not a regular file", false;
  content.resize(kMaxSecretBytes + 1);
  size_t size = 0;
  ssize_t n = 0;
  while (size < content.size() && (n = ::read(fd, content.data() + size, content.size() - size)) > 0)
    size += static_cast<size_t>(n);
  if (n < 0) return failed();
  if (size > kMaxSecretBytes) return why = fmt::format("larger than {} bytes", kMaxSecretBytes), false;
  content.resize(size);
  return true;
}

void read_variable(const Reader& reader, const Node& name, Secret& value) {
  // A name that is none may be the secret itself, put in the wrong place: it is not quoted.
  if (!is_variable_name(name.text())) return reader.fail(name, "fromEnv must be the name of an environment variable");
  std::optional<std::string> found = reader.environment()(name.text());
  if (!found || found->empty())
    return reader.fail(name, "environment variable {value} is not set or empty: set it before the start", name.text());
  value = Secret(std::move(*found));
}

void read_file(const Reader& reader, const Node& path, Secret& value) {
  if (path.text().empty()) return reader.fail(path, "fromFile must be the path of a file");
  std::string content, why;
  if (!read_small_file(path.text(), content, why))
    return reader.fail(
        path, "{value}",
        fmt::format("cannot read secret file {}: {}: check the path and its permissions", quote(path.text()), why));
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  if (content.find('\0') != std::string::npos)
    return reader.fail(path, "{value}",
                       fmt::format("secret file {} holds the character NUL: it is not text", quote(path.text())));
  if (content.empty())
    return reader.fail(path, "{value}", fmt::format("secret file {} is empty: write the secret into it", quote(path.text())));
  value = Secret(std::move(content));
}

}  // namespace

void read_secret(const Reader& reader, const Node& node, Secret& value) {
  if (node.kind() == NodeKind::kText) {
    value = Secret(node.text());
    return;
  }
  std::vector<Entry> entries = node.entries();
  if (entries.size() == 1 && entries[0].value.kind() == NodeKind::kText) {
    if (entries[0].key.text() == "fromEnv") return read_variable(reader, entries[0].value, value);
    if (entries[0].key.text() == "fromFile") return read_file(reader, entries[0].value, value);
  }
  reader.fail(node, "expected a secret: text, {fromEnv: NAME} or {fromFile: PATH}");
}

}  // namespace fiso::config
