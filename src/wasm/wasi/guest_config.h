// What all instances of one configured guest have in common: arguments, environment, directories, limits.
//
// Immutable and thread-safe; it outlives the guests made from it. Directories are opened once, when it is made, so a preopen
// stays what it was even if its path is renamed meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/stop_request.h"
#include "base/units.h"
#include "wasm/wasi/host_file.h"

namespace fiso::wasm::wasi {

// Beyond one of these the guest gets an errno; beyond `output` it is to be stopped as well.
struct GuestLimits {
  Bytes output = 10_MiB;  // stdout of one run
  uint32_t fds = 256;
  Bytes stderr_line = 4_KiB;    // the rest of a longer line is dropped
  uint32_t stderr_lines = 256;  // of one run; the rest is dropped
  uint32_t poll_subscriptions = 1024;
  uint32_t iovecs = 16 * 1024;
};

struct PreopenOptions {
  std::string guest_path;
  std::string host_path;
  Access access = Access::kReadWrite;
};

// Descriptors of the host to be a guest's stdin, stdout and stderr; -1 for one that is not passed through. They are duplicated.
struct PassThrough {
  std::array<int, 3> fds = {-1, -1, -1};
  StopRequest stop;  // ends whatever waits for one of them
};

struct GuestOptions {
  std::vector<std::string> args;  // args[0] is the program's name
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<PreopenOptions> preopens;
  GuestLimits limits;
  PassThrough pass_through;
  // The guest sees its input as the file kInputFilePath as well.
  bool stdin_file = false;
};

// The directory and the only file of GuestOptions::stdin_file, both in memory. Absolute, since a Go guest resolves a
// relative path in the first preopen, whichever that is.
inline constexpr std::string_view kInputDirectory = "/stdin";
inline constexpr std::string_view kInputFileName = "input.json";
inline constexpr std::string_view kInputFilePath = "/stdin/input.json";

// Strings as args_get and environ_get hand them out: one after the other, each with its NUL.
struct StringBlock {
  std::string bytes;
  std::vector<uint32_t> offsets;
};

class GuestConfig {
 public:
  // kInvalidConfig for a directory that cannot be opened, a string with a NUL, or a kernel without openat2(2).
  static Result<std::shared_ptr<const GuestConfig>> open(GuestOptions options);

  // The same with one more variable, unless there is one of that name.
  std::shared_ptr<const GuestConfig> with_variable(const std::string& name, const std::string& value) const;

  struct Preopen {
    std::string guest_path;
    HostFileRef directory;
  };

  const StringBlock& args() const { return args_; }
  const StringBlock& env() const { return env_; }
  const std::vector<Preopen>& preopens() const { return preopens_; }
  // stdin, stdout and stderr; null for one that is not the host's.
  const std::array<HostFileRef, 3>& streams() const { return streams_; }
  StopRequest stop() const { return options_.pass_through.stop; }
  const GuestLimits& limits() const { return options_.limits; }
  bool stdin_file() const { return options_.stdin_file; }
  // What all this was made from, for engines that open directories themselves.
  const GuestOptions& options() const { return options_; }
  // True if guests can reach files of the host, which may block.
  bool has_files() const { return has_streams_ || !preopens_.empty(); }

 private:
  GuestConfig() = default;
  StringBlock args_;
  StringBlock env_;
  std::vector<Preopen> preopens_;
  std::array<HostFileRef, 3> streams_;
  bool has_streams_ = false;
  GuestOptions options_;
};

}  // namespace fiso::wasm::wasi
