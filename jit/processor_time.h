// Processor time: what else runs on the machine does not count.
#pragma once

#include <time.h>

namespace crease {

inline double clock_seconds(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds of processor time that this thread has used.
inline double thread_seconds() noexcept { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }
/// The same of all threads of this process together.
inline double process_seconds() noexcept { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace crease
