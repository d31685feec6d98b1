// Kernels as native code. No LLVM in this header.
#pragma once

#include <memory>
#include <string>

#include "jit/memory.h"
#include "jit/program.h"
#include "jit/schedule.h"
#include "jit/threads.h"

namespace crease {

/// One step: all kernels in order. `buffers` holds the address of each buffer by number, then those of the
/// scratch memories; `dims` the sizes of the named dimensions in the order of Kernels::symbols.
/// `parallel` runs the parts of split kernels and takes the times of profiled ones; else it is not used.
using StepFunction = void (*)(void* const* buffers, const int64_t* dims, const Parallel* parallel);

/// Owns native code.
class NativeCode {
 public:
  struct Implementation;
  explicit NativeCode(std::unique_ptr<Implementation> implementation);
  NativeCode(NativeCode&&) noexcept;
  NativeCode& operator=(NativeCode&&) noexcept;
  ~NativeCode();
  StepFunction step() const;

 private:
  std::unique_ptr<Implementation> implementation_;
};

struct NativeOptions {
  int optimisation = 2;
  bool keep_text = false;
  bool profile = false;
  bool name_code = false;  // for perf and gdb
  Rounding rounding = Rounding::Nearest;
};

/// Emits, compiles and loads. Appends to `timings`; fills the texts of `dumps` if they are to be kept.
/// Errors: Error if the machine's code generator refuses; Bug if the emitted code is not valid.
NativeCode generate(const Kernels& program, const Schedule& schedule, const MemoryPlan& memory,
                    const Machine& machine, const NativeOptions& options, Timings& timings, Dumps& dumps);

}  // namespace crease
