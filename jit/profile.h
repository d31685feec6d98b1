// Where the time of a step goes: one measurement a kernel, against what the kernel must compute and move.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/evaluate.h"

namespace crease {

struct Kernels;

/// What was measured of one kernel, over all runs since the program was made.
struct KernelProfile {
  std::string name;
  int64_t runs = 0;
  double seconds = 0;
  double operations = 0;  // of one run; a multiply-add counts as two, an elementary function as 20
  double bytes = 0;       // of one run: every element that it touches read or written once
  int threads = 1;
  int64_t calls = 1;  // of one run: a span each
};

/// One call of one kernel, in seconds since the first.
struct KernelSpan {
  int kernel;
  double begin, end;
};

/// Counts for compiled code: `mark` is called before the first kernel (with -1) and after each one. Times are
/// processor time of the calling thread, so that other programs do not count; spans are wall time.
class ProfileRecorder {
 public:
  /// Spans of the last runs are kept, this many.
  static constexpr size_t kept_spans = 4096;

  explicit ProfileRecorder(size_t kernels);
  void mark(int kernel) noexcept;

  const std::vector<int64_t>& runs() const { return runs_; }
  const std::vector<double>& seconds() const { return seconds_; }
  /// Oldest first.
  std::vector<KernelSpan> spans() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<int64_t> runs_;
  std::vector<double> seconds_;
  std::vector<KernelSpan> ring_;
  size_t recorded_ = 0;
  double reading_ = 0;  // seconds that reading the processor time takes
  double last_used_ = 0;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

/// Operations and bytes of a kernel for these sizes.
KernelProfile kernel_cost(const Kernels& program, size_t number, const Sizes& sizes);

/// A table, one line a kernel, longest first: time, share of the step, GFLOP/s, GB/s, and the share of the
/// limit max(operations / flops, bytes / bandwidth) where `flops` and `bandwidth`, a second, are given.
std::string to_string(const std::vector<KernelProfile>& profile, double flops = 0, double bandwidth = 0);

/// The spans as a Chrome trace (chrome://tracing, Perfetto): JSON, complete events in microseconds.
/// Source: Trace Event Format, "complete events".
std::string chrome_trace(const std::vector<KernelProfile>& profile, const std::vector<KernelSpan>& spans);

}  // namespace crease
