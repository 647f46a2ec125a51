// FISO_CHECK: what we assert about ourselves. A failed check is a bug of ours and ends the process with its place and
// values; what the world may do wrong is a Result, never a check.
#pragma once

#include <string_view>

namespace fiso {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view detail);
}

#define FISO_CHECK(condition, ...)                                                              \
  do {                                                                                          \
    if (!(condition)) [[unlikely]]                                                              \
      ::fiso::check_failed(__FILE_NAME__, __LINE__, #condition, std::string_view{__VA_ARGS__}); \
  } while (false)
