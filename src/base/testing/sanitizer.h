// Which sanitizers this build carries, for tests that must allow for what those need themselves.
#pragma once

namespace fiso::testing {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;  // needs memory, and keeps what was freed
#else
inline constexpr bool kSanitized = false;
#endif

#if __has_feature(undefined_behavior_sanitizer)
inline constexpr bool kChecksTypes = true;  // opens a pipe now and then to look at memory, and takes a failure for a finding
#else
inline constexpr bool kChecksTypes = false;
#endif

}  // namespace fiso::testing
