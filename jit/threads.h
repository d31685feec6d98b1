// A few threads that run parts of one kernel at a time. Between regions they spin for a moment, then sleep.
// A worker that finds itself on the caller's processor while there are others moves to one of them.
#pragma once

#include "graph/evaluate/float_mode.h"

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
  explicit ThreadPool(int threads, Subnormals subnormals = Subnormals::Keep);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs all parts, the first on this thread, and returns when all are done. Neither allocates nor locks. In
  /// a process forked from the pool's, where its threads are not, this thread runs them all.
  void run(PartFunction function, void* const* buffers, const int64_t* dims) noexcept;

 private:
  void work(int part) noexcept;
  void step_aside() const noexcept;
  bool is_forked() const noexcept;

  Subnormals subnormals_;
  std::atomic<uint32_t> region_{0};  // counts regions
  std::atomic<int> running_{0};      // workers that have not finished the region
  std::atomic<bool> stop_{false};
  PartFunction function_ = nullptr;
  void* const* buffers_ = nullptr;
  const int64_t* dims_ = nullptr;
  int forks_ = 0;       // of the process and its ancestors, when the pool was made
  int processor_ = -1;  // of the caller
  int processors_ = 1;  // that the threads may use
  std::vector<std::thread> workers_;
};

/// What compiled code is given: run(pool, function, buffers, dims) splits a kernel; mark(recorder, kernel)
/// stands before the first kernel (-1) and after each one, in code that is profiled.
struct Parallel {
  void (*run)(void* pool, PartFunction function, void* const* buffers, const int64_t* dims);
  void* pool;
  void (*mark)(void* recorder, int64_t kernel) = nullptr;
  void* recorder = nullptr;
};

}  // namespace crease
