// A compiled graph: native code, its memory, its state. No LLVM in this header.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/evaluate.h"
#include "graph/evaluate/float_mode.h"
#include "graph/graph.h"
#include "graph/precision.h"
#include "jit/machine_level.h"
#include "jit/profile.h"
#include "jit/rounding.h"

namespace crease {

struct CompileOptions {
  int threads = 1;
  /// What code may use of the processor. Errors: Error, naming the features, if the processor lacks some.
  MachineLevel level = MachineLevel::Native;
  /// Vector bits to emit for: 0 = the machine's widest; 128, 256, 512 otherwise. Errors: Error if the machine
  /// has less.
  int vector_bits = 0;
  /// Named dimensions fixed at compile time ({"batch", 64}): faster code, one size only. Short sums over
  /// them may be rounded otherwise than without (docs/numerics.md).
  Sizes specialise = {};
  /// false: no fusion, one kernel a node. For tests: results must agree.
  bool fuse = true;
  /// 0 fastest compile, 2 best code.
  int optimisation = 2;
  /// Precision of all matrix products that say nothing of their own (with_precision of graph/precision.h).
  Precision contraction = Precision::F32;
  /// What counts as 0: pinned for every call, on all threads, whatever the caller's own mode is. Errors:
  /// Error for Flush where the processor has no such mode.
  Subnormals subnormals = Subnormals::Keep;
  /// Which way every floating operation rounds. Up is for graphs of bounds (jit/bounds_program.h).
  Rounding rounding = Rounding::Nearest;
  /// Every kernel that can be split is shared by all threads, whether that pays or not. For tests: results
  /// must have the same bits.
  bool split_all = false;
  /// Matrix tiles by plain functions, wherever products in bf16 or in parts can use them. For tests.
  bool emulate_tiles = false;
  /// Greatest number of bytes for intermediate values (Program::arena_bytes), 0: any. Where more would be
  /// needed, some are computed again instead of being kept; results have the same bits. Errors: Error naming
  /// the least possible if the limit is less, and for a named dimension without a size.
  int64_t memory_limit = 0;
  /// Sizes of named dimensions that memory_limit is meant for, where specialise has none.
  Sizes memory_sizes = {};
  /// Tell gdb the names of kernels, and perf by the file perf-PID.map in the temporary directory.
  bool name_code = false;
  /// Time every kernel, for Program::profile (costs about 0.1 microseconds a kernel).
  bool profile = false;
  /// Keep the text of every step for Program::dumps (costs compile time).
  bool keep_dumps = false;
};

/// The text of each step of compilation, by name.
struct Dumps {
  std::string graph, simplified, kernels, fused, schedule, memory, llvm_ir, assembly;
};

/// Seconds spent in each step of compilation, in order.
using Timings = std::vector<std::pair<std::string, double>>;

/// A compiled graph. One call runs everything: forward, backward, updates. Parameters live inside the
/// program. Movable; clone() copies. A program may be run by one thread at a time: give each thread a clone.
/// One that was moved away can only be assigned to; run() does nothing. Errors (all others): Error that says
/// so.
class Program {
 public:
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  /// A program of the same code, for another thread: with memory of its own, and parameters of its own that
  /// are what these are now. Nothing is bound.
  Program clone() const;

  /// Binds, runs, and returns the outputs by name.
  /// Errors: those of bind; Error with the text of trapped().
  NamedTensors operator()(const Bindings& inputs);

  /// Binds inputs without running; those that no output and no update needs may be left out. Input tensors
  /// are shared, not copied, until the next bind. Errors: those of bind(graph, inputs); Error where there is
  /// no memory for these sizes: then nothing is bound; Error where another thread is seen to use the program.
  void bind(const Bindings& inputs);
  /// Runs with what is bound: no allocation, no exception. Errors: none; unbound programs do nothing.
  void run() noexcept;
  /// Under Tie::trap, what the last run hit: node, source line, and the first element that sits on a kink;
  /// none if it hit nothing. Derivatives through that node are 0 in such a run, and updates took place.
  std::optional<std::string> trapped() const;
  /// One output of the last run, copied. Errors: Error listing the names.
  Tensor output(const std::string& name) const;

  /// Current value of a parameter. Errors: Error listing the names.
  Tensor parameter(const std::string& name) const;
  NamedTensors parameters() const;
  /// Errors: Error for an unknown name, a wrong type or shape.
  void set_parameter(const std::string& name, const Tensor& value);

  const Dumps& dumps() const;
  const Timings& timings() const;
  /// Bytes of the arena that intermediate values share, for the sizes bound last.
  int64_t arena_bytes() const;
  int kernel_count() const;
  /// Time, operations and bytes of each kernel so far; empty unless compiled with options.profile.
  std::vector<KernelProfile> profile() const;
  /// The last runs as a Chrome trace; without events unless compiled with options.profile.
  std::string trace() const;

  struct Implementation;
  explicit Program(std::unique_ptr<Implementation> implementation);

 private:
  Implementation& implementation() const;
  std::unique_ptr<Implementation> implementation_;  // none once moved away
};

/// Compiles the outputs and updates of a graph.
/// Errors: Error for a graph that verify refuses, or without outputs and updates, or for options the machine
/// cannot serve.
Program compile(const Graph& graph, const CompileOptions& options = {});

}  // namespace crease
