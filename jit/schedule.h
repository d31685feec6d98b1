// How each kernel runs on a machine: order of its loops, which one is spread over vector lanes, and register
// tiles of contractions.
#pragma once

#include <optional>

#include "jit/contraction.h"
#include "jit/kernel.h"
#include "jit/machine.h"

namespace crease {

/// A loop as it is emitted: several neighbouring loops may have become one.
struct ScheduledLoop {
  int loop;       // the innermost of the loops that became one
  Extent extent;  // of all of them together
};

/// A kernel that is a matrix product: C[row, column] = sum over depth of A[row, depth] B[depth, column],
/// where other loops of the sum may go round that over depth.
struct ContractionSchedule {
  ContractionFacts facts;
  ContractionPlan plan;
  int row_loop, column_loop, depth_loop;
  int a, b;                            // the instructions that read the operands
  std::vector<int> around_loops = {};  // of facts.around
};

/// A kernel that is a convolution: sums of products of data and weights, of which the products that fall on
/// padding are left out. Its sums lie along the columns while they are made, and along the row
/// when they are stored.
struct ConvolutionSchedule {
  Type type = Type::f32;
  int data = -1, weight = -1;     // the instructions that read the factors
  int column_loop = -1;           // outer, of the weight: channels of the result
  int row_loop = -1;              // outer, of the data: positions of a row
  std::vector<int> guarded = {};  // inner, outermost first: the loops outside decide their conditions
  int side_loop = -1;             // inner: its conditions are those of single positions; -1: none
  /// The inner loop without conditions. Either innermost, or, where the results are few and each is the sum
  /// of many products (a weight's gradient), outside of all others: its turns add to sums in memory.
  int depth_loop = -1;
  int pass_loop = -1;
  std::vector<int> guards = {};           // conditions of guarded loops, by instruction
  std::vector<int> side_conditions = {};  // conditions of positions and the side loop
  int tile_rows = 1, tile_vectors = 1;    // positions and vectors of columns that are summed at once
  int64_t packed = 0, kept = 0;           // elements of scratch memory: weights, and sums between the passes
  /// What a row of sums reads of the data is copied for all its channels first, where they lie so far apart,
  /// a power of two, that they compete for a few sets of the first cache: elements from `line_begin` on of
  /// the row, in a place of `line` elements. 0: the data is read where it lies.
  int64_t line_begin = 0, line_elements = 0, line = 0;
  int64_t copied = 0;  // elements of scratch memory: all lines of a row
};

/// `turns` turns of a loop side by side; its extent is a multiple of them.
struct Jam {
  int loop, turns;
  bool operator==(const Jam&) const = default;
};

/// How a kernel is cut into ranges of `extent` turns, each of which begins at a multiple of `step`. Turns of
/// a contraction without outer loops are its rows or columns, else those of the outermost loop.
struct KernelSplit {
  Extent extent = {};
  int64_t step = 1;
  bool columns = false;
};

struct KernelSchedule {
  std::vector<ScheduledLoop> outer;  // outermost first; contractions: without row and column loop
  std::vector<ScheduledLoop> inner;
  /// By loop: the loop that it has become part of, with a stride that counts for nothing; -1: none. Where a
  /// condition asks for either, the loop has taken up one other, and its own extent is a power of two.
  std::vector<int> absorbed_by;
  int vector_loop = -1;  // spread over lanes, -1: none
  int lanes = 1;
  /// The loop round the vector loop, outer both, where a vector is several short rows: the vector loop has
  /// taken it up, but some reads do not run on from row to row. -1: none.
  int rows_loop = -1;
  /// Outer loops, two at most, of which some turns run side by side, so that reads that do not change with
  /// one are shared.
  std::vector<Jam> jams = {};
  std::optional<ContractionSchedule> contraction;
  std::optional<ConvolutionSchedule> convolution = {};  // outer: without row and column loop
  int threads = 1;                                      // that share the kernel, a range each
  /// Of a kernel that alternates with its neighbour, range by range (jit/schedule_pairs.h): turns of `split`
  /// in a range. 0: runs alone.
  int64_t block = 0;
  bool leads_pair = false;  // the neighbour is the kernel behind
  KernelSplit split = {};

  bool is_split() const { return threads > 1 || block > 0; }
  /// Calls that one run of the kernel takes, of each thread.
  int64_t calls() const { return block > 0 ? ceil_divide(split.extent.factor, block) : 1; }

  /// Scratch memory of one thread: elements of a type. Factor 0: none.
  std::pair<Type, Extent> scratch() const;
  /// Turns of this loop that run side by side: 1 for most.
  int turns_of(int loop) const;
};

struct Schedule {
  std::vector<KernelSchedule> kernels;
};

/// Whether a kernel writes bits: no ranges of columns, which would share bytes.
bool stores_bits(const Kernel& kernel, const std::vector<Buffer>& buffers);
/// A contraction cut along its rows or columns, in whole tiles.
KernelSplit split_of(const ContractionSchedule& contraction, bool columns, const Machine& machine);

/// How many threads there are, and which kernels they share.
struct Threads {
  int count = 1;
  bool split_all = false;  // every kernel that can be split, whether that pays or not
};

/// Schedules every kernel, and pairs those that alternate. With several threads, splits those for which that
/// pays by a model of the time of kernels, regions and bytes that move between cores; results have the same
/// bits for any number of threads. Assumes verify(program).
Schedule schedule(const Kernels& program, const Machine& machine, Threads threads = {});

/// Loops, lanes and tile of one kernel.
std::string to_string(const KernelSchedule& schedule, const Kernel& kernel);
/// One line a kernel.
std::string to_string(const Schedule& schedule, const Kernels& program);

/// Rough time of a scheduled kernel on one core.
double estimated_cycles(const Kernel& kernel, const std::vector<Buffer>& buffers, const KernelSchedule& plan,
                        const Machine& machine);

/// Rough number of turns; a named dimension counts as 64.
double estimate(const Extent& extent);

}  // namespace crease
