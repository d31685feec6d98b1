// The outer loops of a kernel, shared by the ways in which what they surround is emitted. Private to
// emission.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "jit/emit/kernel_values.h"

namespace crease {

/// One, or in a jammed loop one for each of the turns side by side.
using Scopes = std::vector<Scope>;

class KernelNest {
 public:
  KernelNest(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
             const KernelSchedule& schedule, const KernelArguments& arguments)
      : emitter_(emitter),
        kernel_(kernel),
        schedule_(schedule),
        values_(emitter, kernel, buffers, schedule, arguments) {}

 protected:
  /// The place outside of all loops, with what it determines.
  Scopes start();
  /// All outer loops, `innermost` in them; begin and end (null: all turns) are of the outermost.
  void outer_loops(Scopes& scopes, llvm::Value* begin, llvm::Value* end,
                   const std::function<void(Scopes&)>& innermost, size_t depth = 0);

  /// Emits everything that this place determines and no reduction of phase `phase` or later delays.
  void ready(Scopes& scopes, int phase = 0) { ready(scopes, phase, needed(kernel_)); }
  void ready(Scopes& scopes, int phase, const std::vector<bool>& wanted);
  /// The place inside of a loop: one for each turn that runs side by side.
  Scopes entered(const Scopes& scopes, int loop, llvm::Value* index, llvm::Value* mask);
  /// Runs `body` for each turn of a loop, by lanes if it is the vector loop, with a mask for the rest;
  /// several turns side by side if it is the jammed loop.
  void each_turn(const ScheduledLoop& loop, const Scopes& scopes, llvm::Value* begin, llvm::Value* end,
                 const std::function<void(Scopes&)>& body);
  /// begin + the greatest multiple of the lanes that is <= end - begin.
  llvm::Value* whole_vectors(llvm::Value* begin, llvm::Value* end);

  /// The row-major number of the turns that these loops stand at.
  llvm::Value* number_of(const Scope& scope, std::span<const ScheduledLoop> loops) const;
  void set_results(Scope& scope, size_t reduction, llvm::Value* total);
  /// What follows the one reduction of a kernel without stores in inner loops, at a point.
  void store_result(Scopes& point, llvm::Value* total);

  Emitter& emitter_;
  const Kernel& kernel_;
  const KernelSchedule& schedule_;
  KernelValues values_;
};

/// Kernels that are matrix products, and convolutions: `scratch` is memory of schedule.scratch() elements;
/// begin and end as those of emit_kernel.
void emit_contraction_nest(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                           const KernelSchedule& schedule, const KernelArguments& arguments,
                           llvm::Value* scratch, llvm::Value* begin, llvm::Value* end);
void emit_convolution_nest(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                           const KernelSchedule& schedule, const KernelArguments& arguments,
                           llvm::Value* scratch, llvm::Value* begin, llvm::Value* end);

}  // namespace crease
