// A few threads that run parts of one kernel at a time. Between regions they spin for a moment, then sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace crease {

/// Part `part` of `parts` of a kernel.
using PartFunction = void (*)(void* const* buffers, const int64_t* dims, int64_t part, int64_t parts);

class ThreadPool {
 public:
  /// `threads` counts the caller: 1 makes no thread. Errors: Error if the system refuses a thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs all parts, the first on this thread, and returns when all are done. Neither allocates nor locks.
  void run(PartFunction function, void* const* buffers, const int64_t* dims) noexcept;

 private:
  void work(int part) noexcept;

  std::atomic<uint32_t> region_{0};  // counts regions
  std::atomic<int> running_{0};      // workers that have not finished the region
  std::atomic<bool> stop_{false};
  PartFunction function_ = nullptr;
  void* const* buffers_ = nullptr;
  const int64_t* dims_ = nullptr;
  std::vector<std::thread> workers_;
};

/// What compiled code is given to split a kernel: run(pool, function, buffers, dims).
struct Parallel {
  void (*run)(void* pool, PartFunction function, void* const* buffers, const int64_t* dims);
  void* pool;
};

/// IEEE arithmetic on this thread while it lives: subnormals are numbers, exceptions do not trap. Restores
/// what was.
class IeeeMode {
 public:
  IeeeMode() noexcept;
  ~IeeeMode();
  IeeeMode(const IeeeMode&) = delete;
  IeeeMode& operator=(const IeeeMode&) = delete;

 private:
  unsigned saved_ = 0;
};

}  // namespace crease
