// `env` of a guest's configuration: the variables that it finds, by name.
#pragma once

#include <map>
#include <string>

#include "base/secret.h"
#include "config/struct_spec.h"

namespace fiso {

// A rule for config::Spec::check: names that no guest could look up are errors, each at its key `env`.
void check_environment(const std::map<std::string, Secret>& env, config::Report& report);

}  // namespace fiso
