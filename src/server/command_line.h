// Command lines in the form that the documentation shows: `-name value`, `-name=value`, `--name`, the last of repeats counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {  // NOLINT: the name is theirs
class App;
}

namespace fiso::server {

// The arguments as CLI11 reads them: a single dash before a long name becomes two, and a value is a word of its own, whatever it
// looks like and also when it is empty. Behind the name of a subcommand the options are those of the subcommand.
std::vector<std::string> normalise_arguments(int argc, char** argv, const CLI::App& app);

// Parses into what `app` was declared with. An exit code where the program is to end: help or the version was shown (0), or what
// is wrong (2).
std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv);

// What no flag has said, or has left empty, is what the environment says, or the default where that says nothing. After parsing.
void fill_from_environment(std::string& value, const char* variable, std::string_view otherwise);

}  // namespace fiso::server
