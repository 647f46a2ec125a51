// A config struct for people and for editors: a markdown reference and a JSON Schema, both from its StructSpec.
//
// Output is a function of the spec alone, so that a generated page can be compared in CI.
#pragma once

#include <string>

#include "config/struct_spec.h"

namespace fiso::config {

// The summary and a table with a row for each key; keys of nested structs are written out in full ("tls.certFile",
// "steps[].type", "targets.<name>.url"). Variants follow in tables of their own.
std::string to_markdown(const StructSpec& spec);

// Draft 2020-12, indented. Stricter than the reader in one thing: a key with nothing behind it is not offered.
std::string to_json_schema(const StructSpec& spec);

}  // namespace fiso::config
