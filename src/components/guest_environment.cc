#include "components/guest_environment.h"

namespace fiso {

void check_environment(const std::map<std::string, Secret>& env, config::Report& report) {
  for (const auto& [name, value] : env) {
    if (name.empty()) report.entry_error("env", name, "a variable needs a name");
    // A guest is handed NAME=VALUE, and takes the first = for the one between the two.
    if (name.find('=') != std::string::npos) report.entry_error("env", name, "the name of a variable cannot hold =");
    if (value.reveal().find('\0') != std::string::npos)
      report.entry_error("env", name, "the value holds the character NUL, which a guest would take for its end");
  }
}

}  // namespace fiso
