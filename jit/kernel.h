// Kernels: what a graph is lowered to before any machine is chosen. A kernel is a nest of loops over a list
// of typed scalar instructions, reductions over the inner loops, and stores. No LLVM here.
//
//   for outer loops:
//     phase 0: for inner loops: reductions that need no other reduction
//     phase 1: for inner loops: reductions and stores that need the results of phase 0, ...
//     stores that need no inner loop
//
// An instruction is computed in the outermost loop where its operands are known, so what is written in the
// list has no cost of its own: the list is a graph, its order only says that operands come first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/access.h"
#include "graph/graph.h"
#include "graph/op.h"
#include "jit/extent.h"

namespace crease {

/// One loop, from 0 to extent - 1.
struct Loop {
  std::string name;
  Extent extent;
  bool operator==(const Loop&) const = default;
};

/// Sum of coefficient * loop, a constant, and the integer value of an instruction (-1: none). Term::label is
/// the number of a loop.
struct Position {
  std::vector<Term> terms = {};  // sorted by loop, no zero coefficients
  int64_t offset = 0;
  int value = -1;
  bool operator==(const Position&) const = default;
};

/// One position per dimension of a buffer.
using Place = std::vector<Position>;

enum class InstructionKind : uint8_t {
  Constant,  // `constant`
  Size,      // size of the named dimension `symbol`, i64
  Affine,    // value of `place[0]`, i64
  Inside,    // 0 <= place[0] < extent, boolean
  Read,      // element `place` of `buffer`; where the operand (a condition), if any, is false: 0, not read
  Convert,   // operand converted to `type`; floating to integer cuts off; to boolean: is not 0
  Round,     // operand, f32, rounded to bfloat16 (graph/precision.h), f32
  Split,     // operand, f32, as it is; a product may take it as the sum of `constant` bfloat16 numbers
  Compute,  // `function` of the operands, all of one type (Select: condition first); comparisons give boolean
  Uniform,  // random number in [0, 1): philox_uniform(seed, operand 0: counter, operand 1: index), f32
  Reduced,  // result of reduction number `reduction`
};

struct Instruction {
  InstructionKind kind = InstructionKind::Constant;
  Type type = Type::f32;
  std::vector<int> operands = {};  // earlier instructions
  double constant = 0;
  ScalarKind function = ScalarKind::Constant;
  int buffer = -1;
  Place place = {};
  Extent extent = {};
  int reduction = -1;
  uint64_t seed = 0;
  std::string symbol = {};
  bool operator==(const Instruction&) const = default;
};

/// Whether it computes a function by a polynomial: many dependent operations, worth a call.
bool is_elementary(const Instruction& instruction);

/// Puts `value` together over the inner loops where `condition` (-1: always) holds. ArgMax, ArgMin: the
/// row-major position over the inner loops of the first extremum.
struct Reduction {
  Combine combine = Combine::Sum;
  Type type = Type::f32;  // of the accumulator
  int value = -1;
  int condition = -1;
  bool operator==(const Reduction&) const = default;
};

/// buffer[place] combine= value, where `condition` (-1: always) holds.
struct Store {
  int buffer = -1;
  Place place = {};
  int value = -1;
  Combine combine = Combine::Assign;
  int condition = -1;
  bool operator==(const Store&) const = default;
};

struct Kernel {
  std::string name;
  std::vector<Loop> loops;  // outermost first
  int outer = 0;            // loops[0..outer) are outer, the others inner
  std::vector<Instruction> code;
  std::vector<Reduction> reductions;
  std::vector<Store> stores;
  std::vector<NodeId> nodes;  // what it computes, for messages and dumps
  int step_loop = -1;         // number of the innermost StepLoop it is in
};

enum class BufferKind : uint8_t {
  Input,      // bound by the caller
  Parameter,  // state
  Constant,
  Result,        // an output: memory of its own
  Next,          // the next value of parameter `source`; may share its memory
  Intermediate,  // a range of the arena
  Carried,       // the same, kept from one turn of a step loop to the next, or read after it
};

/// An array that kernels read and write. Row-major.
struct Buffer {
  BufferKind kind = BufferKind::Intermediate;
  std::string name;
  Type type = Type::f32;
  Shape shape;
  NodeId node = -1;
  /// This buffer is the memory of another one under this shape (a reshape), or -1.
  int alias = -1;
  /// Next: the buffer of the parameter. Carried: that of which this one is the next value.
  int source = -1;
  /// Truth values of one bit each; rows begin at whole bytes (see memory_shape).
  bool bits = false;
  /// Number of the step loop of which each turn has another element of `alias`, along its first dimension;
  /// -1: none.
  int element_of = -1;
  /// Constant.
  Tensor value = {};
};

/// A loop over whole kernels, for a scan: its kernels stand together, those of loops inside among them.
struct StepLoop {
  Extent turns;
  bool reverse = false;
  int parent = -1;                                // the step loop that this one is in
  std::vector<std::pair<int, int>> carries = {};  // buffers: next value, value
};

/// Dimensions as they lie in memory: those of the buffer, but rows of bits are padded to a multiple of 16, so
/// that rows share no byte and the masked end of a row may be written whole.
Shape memory_shape(const Buffer& buffer);
/// Bytes that a buffer takes.
Extent bytes_of(const Buffer& buffer);

/// A graph as kernels, in an order in which they may run.
struct Trap {
  int position;
  std::vector<int> operands;
};

struct Kernels {
  std::vector<std::string> symbols;  // named dimensions, in the order of the table that code reads
  std::vector<Buffer> buffers;
  std::vector<Kernel> kernels;
  std::vector<StepLoop> step_loops;
  /// Output name -> buffer.
  std::vector<std::pair<std::string, int>> outputs;
  /// Buffers of traps and of what tells of them (graph/trap.h), which are read after each run.
  std::vector<Trap> traps;
};

/// The buffer whose memory this one is.
int storage_of(const Kernels& program, int buffer);

/// The buffer with an address of its own that this one is a view of: the element of a step loop's turn, or
/// the storage.
int base_of(const Kernels& program, int buffer);
/// Whether kernel loop `inner` is `outer` or inside it; -1 is outside all.
bool is_within(const Kernels& program, int inner, int outer);

/// Appends an instruction unless an equal one exists; its number. Folds what needs no rounding decision:
/// Convert to the same type, conditions that always hold.
int append(Kernel& kernel, Instruction instruction);

/// The conditions, none of them an And, that must all hold for this one (-1: always) to hold.
std::vector<int> conjuncts(const Kernel& kernel, int condition);

// Short forms of append.
int constant(Kernel& kernel, Type type, double value);
int convert(Kernel& kernel, Type type, int operand);
int compute(Kernel& kernel, Type type, ScalarKind function, std::vector<int> operands);
int affine(Kernel& kernel, Position position);
/// Both conditions; -1 stands for "always".
int both(Kernel& kernel, int a, int b);

/// Loops that an instruction's value changes with, by instruction, as a bit set: bit i is loop i. Reduced:
/// those of its reduction's value without the inner ones.
std::vector<uint64_t> dependences(const Kernel& kernel);
/// Phase of each instruction: 0, or one more than that of the latest reduction it needs.
std::vector<int> phases(const Kernel& kernel);
/// Instructions that reductions and stores need.
std::vector<bool> needed(const Kernel& kernel);
/// Removes instructions and reductions that nothing needs, and renumbers.
void remove_unneeded(Kernel& kernel);
/// Position of exactly one loop with coefficient 1, nothing else: its number, else -1.
int plain_loop(const Position& position);
/// Adds coefficient * loop.
void add_term(Position& position, int loop, int64_t coefficient);
/// How far a position counts whose loops are its digits, that of one loop or 2 y + ky with ky < 2: it takes
/// each value from 0 on once. None for other positions.
std::optional<Extent> counted(const Position& position, const std::vector<Loop>& loops);
/// Kernels that combine what they write with what is there, or write at positions that do not count, run in
/// order and cannot be fused.
bool is_scatter(const Kernel& kernel);
/// The one reduction is a sum of products of two reads that nothing conditions: C = A B; both rounded, both
/// split into as many parts, or neither. Some result shares a factor with others: not the sums of A * B.
bool is_contraction(const Kernel& kernel);
/// The read of a factor of a product, which may be rounded or split: its number.
int read_of_factor(const Kernel& kernel, int factor);

std::string to_string(const Position& position, const Kernel& kernel);
/// Readable text; golden tests read it.
std::string to_string(const Kernel& kernel, const std::vector<Buffer>& buffers);
std::string to_string(const Kernels& program);

/// Checks operands, loops, types and buffers. Errors: Bug naming kernel and instruction.
void verify(const Kernels& program);

}  // namespace crease
