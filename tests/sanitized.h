// Whether this build is watched by a sanitizer that takes much time and memory of its own: then
// neither says anything of the library's.
#pragma once

namespace mapwire::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace mapwire::testing
