// A value or an Error. Every call that can fail returns one; none of ours throws.
//
// A class rather than an alias, so that the compiler reports a Result that is dropped.
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace fiso {

template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT: an Error is a Result

  Error take_error() { return std::move(this->error()); }
};

}  // namespace fiso

#define FISO_CONCAT_(a, b) a##b
#define FISO_CONCAT(a, b) FISO_CONCAT_(a, b)
#define FISO_TRY_(keyword, name, declaration, ...) \
  auto name = __VA_ARGS__;                         \
  if (!name.has_value()) [[unlikely]]              \
    keyword name.take_error();                     \
  declaration = std::move(*name)
#define FISO_CHECK_OK_(keyword, name, ...)                     \
  if (auto name = __VA_ARGS__; !name.has_value()) [[unlikely]] \
  keyword name.take_error()

// FISO_TRY(int n, parse(text)); declares n, or returns the error. FISO_TRY_OK is for a Result of nothing.
#define FISO_TRY(declaration, ...) FISO_TRY_(return, FISO_CONCAT(fiso_try_, __LINE__), declaration, __VA_ARGS__)
#define FISO_TRY_OK(...) FISO_CHECK_OK_(return, FISO_CONCAT(fiso_try_, __LINE__), __VA_ARGS__)
// The same inside a coroutine; the expression may hold a co_await.
#define FISO_CO_TRY(declaration, ...) FISO_TRY_(co_return, FISO_CONCAT(fiso_try_, __LINE__), declaration, __VA_ARGS__)
#define FISO_CO_TRY_OK(...) FISO_CHECK_OK_(co_return, FISO_CONCAT(fiso_try_, __LINE__), __VA_ARGS__)
