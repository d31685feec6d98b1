// Casts between all types: compiled code and the interpreter agree to the bit.
#include "graph/integers.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

constexpr Type types[] = {Type::f64, Type::f32, Type::i64, Type::i32, Type::u8, Type::boolean};

/// Numbers that casts treat differently, as far as the type holds them.
Tensor telling(Type type) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> numbers{0,     -0.0, 0.5,        -0.5,   1,      -1.75,   2.5,     255,
                                    256.5, 300,  -3e9,       3e9,    0x1p31, -0x1p31, inf,     -inf,
                                    1e300, 0.1,  16777217.0, 0x1p63, 0x1p62, 1e-320,  -0x1p63, std::nan("")};
  Tensor tensor(type, {static_cast<int64_t>(numbers.size()) + 3});
  for (size_t i = 0; i < numbers.size(); ++i) tensor.set(static_cast<int64_t>(i), numbers[i]);
  const int64_t tie = (int64_t{1} << 60) + (int64_t{1} << 36);
  int64_t at = static_cast<int64_t>(numbers.size());
  for (const int64_t whole : {tie, tie + 1, -tie - 1}) set_integer(tensor, at++, whole);
  return tensor;
}

}  // namespace

TEST_CASE("casts give the bits of the interpreter, at every level of the processor") {
  const std::optional<MachineLevel> highest = level_of(host_machine());
  for (const Type from : types) {
    Graph graph;
    const Value x = graph.input("x", {"n"}, from);
    for (const Type to : types) {
      graph.output(fmt::format("to_{}", to_string(to)), cast(x, to));
      graph.output(fmt::format("back_{}", to_string(to)), cast(cast(x, to), from));
    }
    const Tensor all = telling(from);
    for (const MachineLevel level :
         {MachineLevel::Native, MachineLevel::V1, MachineLevel::V2, MachineLevel::V3, MachineLevel::V4}) {
      if (level != MachineLevel::Native && !(highest && level <= *highest)) continue;
      for (const bool fuse : {false, true}) {
        CAPTURE(to_string(from));
        CAPTURE(fuse);
        check_program(graph, {{"x", all}}, {.level = level, .fuse = fuse});
      }
    }
    check_program(graph, {{"x", all.rows(0, 5)}}, {.vector_bits = 128});
    check_program(graph, {{"x", all.rows(0, 0)}});
  }
}

TEST_CASE("casts are fused with what is around them") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 19}), w = graph.input("w", {19, 5}, Type::f64);
  const Value scaled = cast(matmul(cast(x, Type::f64), w), Type::f32);
  graph.output("y", scaled * cast(scaled > 0, Type::f32));
  graph.output("share", mean(cast(scaled > 0, Type::f32)));
  graph.output("whole", sum(cast(x * 4.0, Type::i32), 1));
  check_both(graph, {{"x", dyadic(Type::f32, {6, 19}, 3)}, {"w", dyadic(Type::f64, {19, 5}, 4)}});
}
