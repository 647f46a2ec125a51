// Whether this build carries a sanitizer, whose own memory the bounds of some tests must allow for.
#pragma once

namespace fiso::wasm::testing {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace fiso::wasm::testing
