#include "server/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace fiso::server {

std::vector<std::string> normalise_arguments(int argc, char** argv, const CLI::App& app) {
  std::vector<std::string> normal;
  const CLI::App* command = &app;  // whose options the words are
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--") {
      normal.insert(normal.end(), argv + i, argv + argc);
      break;
    }
    if (!word.starts_with('-')) {
      normal.push_back(word);
      auto inner = command->get_subcommands([&](const CLI::App* one) { return one->get_name() == word; });
      if (!inner.empty()) command = inner.front();
      continue;
    }
    bool go_style = word.size() > 2 && word[0] == '-' && word[1] != '-';
    if (go_style) word.insert(0, "-");
    size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const CLI::Option* option = command->get_option_no_throw(word.substr(0, equals));
    bool takes_value = option != nullptr && option->get_items_expected_max() > 0;
    normal.push_back(takes_value ? word.substr(0, equals) : word);
    if (!takes_value) continue;
    if (equals != std::string::npos) {
      normal.push_back(word.substr(equals + 1));
    } else if (i + 1 < argc) {
      normal.emplace_back(argv[++i]);
    }
  }
  return normal;
}

std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  for (CLI::Option* option : app.get_options()) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  try {
    std::vector<std::string> words = normalise_arguments(argc, argv, app);
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app.parse(words);
  } catch (const CLI::Success& success) {  // help or version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "error: %s\nRun %s -help for what there is.\n", error.what(), app.get_name().c_str());
    return 2;
  }
  return std::nullopt;
}

void fill_from_environment(std::string& value, const char* variable, std::string_view otherwise) {
  if (!value.empty()) return;
  const char* said = std::getenv(variable);
  value = said != nullptr && *said != '\0' ? std::string_view(said) : otherwise;
}

}  // namespace fiso::server
