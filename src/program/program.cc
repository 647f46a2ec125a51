#include "program/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "program/engines.h"
#include "program/fiso_command.h"
#include "server/aio_cli.h"
#include "server/apps_cli.h"
#include "server/flow_cli.h"
#include "server/link_cli.h"
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

// What every program does first. Event loops and threads are made while it starts, and libraries throw where there are none.
template <class Main>
int run(int argc, char** argv, Main main) {
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

}  // namespace

int flow_program(int argc, char** argv, const std::string& name) {
  return run(argc, argv, [&] { return server::flow_main(argc, argv, name, light_engine(name + "-wasmer")); });
}

int flow_wasmer_program(int argc, char** argv, const std::string& name) {
  return run(argc, argv, [&] { return server::flow_main(argc, argv, name, all_engines()); });
}

int link_program(int argc, char** argv, const std::string& name) {
  return run(argc, argv, [&] { return server::link_main(argc, argv, name, {.engines = light_engine("fiso-wasmer-link")}); });
}

int wasmer_link_program(int argc, char** argv, const std::string& name) {
  return run(argc, argv, [&] { return server::link_main(argc, argv, name, {.engines = all_engines(), .runs_apps = true}); });
}

int wasmer_aio_program(int argc, char** argv, const std::string& name) {
  return run(argc, argv, [&] { return server::aio_main(argc, argv, name, all_engines()); });
}

int wasmer_program(int argc, char** argv, const std::string& name) {
  return run(argc, argv, [&] { return server::apps_main(argc, argv, name, all_engines()); });
}

int fiso_program(int argc, char** argv) {
  return run(argc, argv, [&] { return fiso_command(argc, argv); });
}

}  // namespace fiso::program
