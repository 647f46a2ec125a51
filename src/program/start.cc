#include "program/start.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "wasm/light/light_engine.h"

namespace fiso::program {
namespace {

// The number of a closed stream would be given to the next file that is opened, and that one would get what we print.
void open_closed_streams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

int fail(const std::error_code& code) {
  const char* advice = "";
  if (code == std::errc::too_many_files_open) advice = ": more descriptors are needed (ulimit -n, LimitNOFILE)";
  if (code == std::errc::resource_unavailable_try_again)
    advice = ": more threads are needed (ulimit -u, TasksMax, pids of the container)";
  std::fprintf(stderr, "error: %s%s\n", code.message().c_str(), advice);
  return 1;
}

}  // namespace

int start(int argc, char** argv, const std::function<int()>& main) {
  open_closed_streams();
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  try {
    return main();
  } catch (const std::system_error& error) {
    return fail(error.code());
  } catch (const boost::system::system_error& error) {
    return fail(error.code());
  }
}

}  // namespace fiso::program
