#include "jit/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "jit/kernel.h"
#include "jit/processor_time.h"

namespace crease {
namespace {

double count(const Extent& extent, const Sizes& sizes) {
  return static_cast<double>(value_of(extent, sizes));
}

double turns(const Kernel& kernel, uint64_t loops, const Sizes& sizes) {
  double all = 1;
  for (size_t l = 0; l < kernel.loops.size(); ++l)
    if ((loops >> l & 1) != 0) all *= count(kernel.loops[l].extent, sizes);
  return all;
}

double operations_of(const Instruction& it) {
  if (it.kind == InstructionKind::Uniform) return 60;
  if (it.kind != InstructionKind::Compute || !is_floating(it.type)) return 0;
  return is_elementary(it) ? 20 : 1;
}

/// JSON string contents: names of kernels are plain, but a parameter's name may hold anything.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  }
  return result;
}

}  // namespace

ProfileRecorder::ProfileRecorder(size_t kernels) : runs_(kernels, 0), seconds_(kernels, 0) {
  ring_.resize(kept_spans);
  reading_ = 1;
  for (int i = 0; i < 32; ++i) {
    const double before = thread_seconds();
    reading_ = std::min(reading_, thread_seconds() - before);
  }
}

void ProfileRecorder::mark(int kernel) noexcept {
  const double used = thread_seconds();
  const Clock::time_point now = Clock::now();
  if (kernel >= 0) {
    const auto seconds = [&](Clock::time_point at) {
      return std::chrono::duration<double>(at - start_).count();
    };
    const KernelSpan span{kernel, seconds(last_), seconds(now)};
    ++runs_[static_cast<size_t>(kernel)];
    seconds_[static_cast<size_t>(kernel)] += std::max(0.0, used - last_used_ - reading_);
    ring_[recorded_++ % kept_spans] = span;
  }
  last_ = Clock::now();
  last_used_ = thread_seconds();
}

std::vector<KernelSpan> ProfileRecorder::spans() const {
  const size_t kept = std::min(recorded_, kept_spans);
  std::vector<KernelSpan> result;
  for (size_t i = recorded_ - kept; i < recorded_; ++i) result.push_back(ring_[i % kept_spans]);
  return result;
}

KernelProfile kernel_cost(const Kernels& program, size_t number, const Sizes& sizes) {
  const Kernel& kernel = program.kernels[number];
  const std::vector<uint64_t> loops = dependences(kernel);
  const std::vector<bool> wanted = needed(kernel);
  KernelProfile cost{.name = kernel.name};
  std::set<int> buffers;
  for (size_t i = 0; i < kernel.code.size(); ++i) {
    if (!wanted[i]) continue;
    cost.operations += operations_of(kernel.code[i]) * turns(kernel, loops[i], sizes);
    if (kernel.code[i].kind == InstructionKind::Read) buffers.insert(kernel.code[i].buffer);
  }
  for (const Reduction& reduction : kernel.reductions)
    if (is_floating(reduction.type)) cost.operations += turns(kernel, ~uint64_t{0}, sizes);
  const auto bytes = [&](int buffer) {
    const Buffer& it = program.buffers[static_cast<size_t>(buffer)];
    return static_cast<double>(size_of(it.type)) * count(extent_of(it.shape), sizes);
  };
  for (const int buffer : buffers) cost.bytes += bytes(buffer);
  for (const Store& store : kernel.stores) cost.bytes += bytes(store.buffer);
  return cost;
}

std::string to_string(const std::vector<KernelProfile>& profile, double flops, double bandwidth) {
  std::vector<const KernelProfile*> rows;
  double all = 0;
  for (const KernelProfile& it : profile) {
    rows.push_back(&it);
    all += it.seconds;
  }
  std::ranges::stable_sort(rows, std::greater{}, &KernelProfile::seconds);
  std::string text = fmt::format("{:>10} {:>6} {:>9} {:>8} {:>9}  kernel\n", "us a run", "share", "GFLOP/s",
                                 "GB/s", "of limit");
  for (const KernelProfile* it : rows) {
    if (it->runs == 0 || it->seconds <= 0) continue;
    const double seconds = it->seconds / static_cast<double>(it->runs);
    double limit = 0;
    if (flops > 0) limit = std::max(limit, it->operations / flops / it->threads);
    if (bandwidth > 0) limit = std::max(limit, it->bytes / bandwidth);
    text += fmt::format("{:10.2f} {:5.1f}% {:9.1f} {:8.1f} {:>9}  {}{}\n", seconds * 1e6,
                        100 * it->seconds / all, it->operations / seconds / 1e9, it->bytes / seconds / 1e9,
                        limit > 0 ? fmt::format("{:.0f}%", 100 * limit / seconds) : "", it->name,
                        it->threads > 1 ? fmt::format(" ({} threads)", it->threads) : "");
  }
  return text;
}

std::string chrome_trace(const std::vector<KernelProfile>& profile, const std::vector<KernelSpan>& spans) {
  std::string events;
  for (const KernelSpan& span : spans) {
    const KernelProfile& kernel = profile[static_cast<size_t>(span.kernel)];
    events += fmt::format(
        "{}\n{{\"name\":\"{}\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":{:.3f},\"dur\":{:.3f},\"args\":{{"
        "\"operations\":{:.0f},\"bytes\":{:.0f},\"threads\":{}}}}}",
        events.empty() ? "" : ",", escaped(kernel.name), span.begin * 1e6, (span.end - span.begin) * 1e6,
        kernel.operations / static_cast<double>(kernel.calls),
        kernel.bytes / static_cast<double>(kernel.calls), kernel.threads);
  }
  return "{\"traceEvents\":[" + events + "\n],\"displayTimeUnit\":\"ns\"}\n";
}

}  // namespace crease
