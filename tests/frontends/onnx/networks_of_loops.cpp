#include "frontends/layers.h"
#include "frontends/layers/recurrent.h"
#include "graph/ops/arithmetic.h"
#include "graph/scan.h"
#include "tests/frontends/layers/irregular.h"
#include "tests/frontends/onnx/networks.h"

namespace crease::test {
namespace {

Network recurrent(const char* name, const Layer& layer, const Shape& shape,
                  const std::vector<int64_t>& sizes) {
  Network result{.name = name, .graph = {}, .inputs = {{"x", irregular(Type::f32, sizes)}}};
  const Value x = result.graph.input("x", shape);
  result.graph.output("y", sequential(layer, linear(4, 2))(x));
  return result;
}

/// Sums of x and its greatest element so far, from the end: a final carry, a stacked output and an invariant.
Network of_several_results() {
  Network result{.name = "several_results", .graph = {}, .inputs = {{"x", irregular(Type::f32, {5, 2})}}};
  const Value x = result.graph.input("x", {"time", 2});
  const Value factor = exp(result.graph.parameter("factor", Tensor::f32({2}, {0.5, 0.25})));
  const Value start = result.graph.constant(Tensor(Type::f32, {2}));
  const ScanResult made = scan({start, start}, {x}, {factor},
                               [](const ScanArguments& arguments) {
                                 const Value total =
                                     arguments.carries[0] + arguments.elements[0] * arguments.invariants[0];
                                 const Value greatest = max(arguments.carries[1], total);
                                 return ScanStep{.carries = {total, greatest}, .outputs = {greatest - total}};
                               },
                               {.reverse = true});
  result.graph.output("total", made.carries[0]);
  result.graph.output("below", made.outputs[0]);
  return result;
}

Network of_last_carry() {
  Network result{.name = "last_carry", .graph = {}, .inputs = {{"x", irregular(Type::f32, {5, 2})}}};
  const Value x = result.graph.input("x", {"time", 2});
  const Value start = result.graph.constant(Tensor(Type::f32, {2}));
  const auto step = [](const ScanArguments& arguments) {
    return ScanStep{.carries = {tanh(arguments.carries[0] + arguments.elements[0])}};
  };
  result.graph.output("y", scan({start}, {x}, {}, step).carries[0]);
  return result;
}

}  // namespace

std::vector<Network> written_loops() {
  const Shape known{3, 5, 2}, named{"n", "time", 2};
  return {recurrent("rnn", rnn(2, 4), named, {3, 5, 2}),
          recurrent("rnn_known", rnn(2, 4), known, {3, 5, 2}),
          recurrent("gru", gru(2, 4), named, {3, 5, 2}),
          recurrent("lstm", lstm(2, 4), named, {3, 5, 2}),
          recurrent("lstm_reverse", lstm(2, 4, {{.reverse = true}}), named, {3, 5, 2}),
          recurrent("lstm_twice", sequential(lstm(2, 4), lstm(4, 4)), named, {3, 5, 2}),
          recurrent("lstm_time_first", lstm(2, 4, {{.time_first = true}}), {"time", "n", 2}, {5, 3, 2}),
          of_several_results(),
          of_last_carry()};
}

}  // namespace crease::test
