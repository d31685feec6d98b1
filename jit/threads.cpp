#include "jit/threads.h"

#include <pthread.h>
#include <sched.h>

#include <memory>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "graph/error.h"

namespace crease {
namespace {

/// About 50 microseconds: longer than the serial code between two regions of a step, shorter than a wake-up
/// that anybody would notice.
constexpr int spins_before_sleep = 2000;

void pause() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/// Processors that this thread may use.
cpu_set_t allowed_processors() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}

/// How often this process or an ancestor was forked off since the first pool was made.
int forks() noexcept {
  static std::atomic<int> count{0};
  static const int watched = pthread_atfork(nullptr, nullptr, [] { ++count; });
  return watched == 0 ? count.load(std::memory_order_relaxed) : 0;
}

}  // namespace

ThreadPool::ThreadPool(int threads, Subnormals subnormals) : subnormals_(subnormals), forks_(forks()) {
  const cpu_set_t allowed = allowed_processors();
  processors_ = CPU_COUNT(&allowed);
  try {
    for (int part = 1; part < threads; ++part) workers_.emplace_back([this, part] { work(part); });
  } catch (const std::system_error& error) {
    stop_ = true;
    ++region_;
    region_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    fail("[threads] the system gave {} of {} threads: {}", workers_.size() + 1, threads, error.what());
  }
}

ThreadPool::~ThreadPool() {
  if (is_forked()) {
    // There is nothing to join or to detach here: POSIX, fork.
    for (std::thread& worker : workers_) std::construct_at(&worker);
    return;
  }
  stop_ = true;
  ++region_;
  region_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(PartFunction function, void* const* buffers, const int64_t* dims) noexcept {
  const auto parts = static_cast<int64_t>(workers_.size()) + 1;
  if (workers_.empty()) return function(buffers, dims, 0, parts);
  if (is_forked()) {
    for (int64_t part = 0; part < parts; ++part) function(buffers, dims, part, parts);
    return;
  }
  processor_ = sched_getcpu();
  function_ = function;
  buffers_ = buffers;
  dims_ = dims;
  running_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  region_.fetch_add(1, std::memory_order_release);
  region_.notify_all();
  function(buffers, dims, 0, parts);
  for (int spins = 0; running_.load(std::memory_order_acquire) != 0; ++spins) {
    pause();
    // A worker without a processor of its own needs this one.
    if (spins > spins_before_sleep) std::this_thread::yield();
  }
}

bool ThreadPool::is_forked() const noexcept { return forks_ != forks(); }

/// Some schedulers put a thread that wakes where its waker runs, and leave it there: two threads then take
/// turns on one processor. Moved once, a worker stays while it spins; all processors stay open to it.
void ThreadPool::step_aside() const noexcept {
  if (static_cast<int>(workers_.size()) >= processors_ || sched_getcpu() != processor_) return;
  const cpu_set_t allowed = allowed_processors();
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<size_t>(processor_), &others);
  if (CPU_COUNT(&others) == 0) return;
  sched_setaffinity(0, sizeof others, &others);
  sched_setaffinity(0, sizeof allowed, &allowed);
}

void ThreadPool::work(int part) noexcept {
  const FloatMode mode(subnormals_);
  uint32_t seen = 0;
  for (;;) {
    for (int spins = 0; region_.load(std::memory_order_acquire) == seen && spins < spins_before_sleep;
         ++spins)
      pause();
    region_.wait(seen, std::memory_order_acquire);
    if (stop_) return;
    seen = region_.load(std::memory_order_acquire);
    step_aside();
    function_(buffers_, dims_, part, static_cast<int64_t>(workers_.size()) + 1);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace crease
