#include "frontends/layers/recurrent.h"

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/scan.h"

namespace crease {
namespace {

/// What the three layers share: the state's size, the gates in one matrix, one product with the input before
/// the loop for all steps at once.
struct Cell {
  const char* kind;
  int64_t in, hidden, gates;
  RecurrentOptions options;
  std::source_location where;
};

void check(const Cell& cell, const Value& x, const LayerScope& scope) {
  const bool fits = x.shape().size() == 3 && x.shape()[2] == Dim(cell.in) && is_floating(x.type());
  expect(fits, "[{}] the input does not fit: got {}{}, want floating [{}, {}] (layer '{}', {})", cell.kind,
         to_string(x.type()), to_string(x.shape()), cell.options.time_first ? "time, n" : "n, time", cell.in,
         scope.path(), to_string(cell.where));
}

/// x W + b for every step: [time, n, gates * hidden].
Value projected(const Cell& cell, const Value& x, LayerScope& scope, const Init& bias_init) {
  const int64_t width = cell.gates * cell.hidden;
  const Fans fans{.in = cell.in, .out = cell.hidden};
  const Value weight =
      scope.parameter("weight", {cell.in, width}, x.type(), cell.options.init, fans, cell.where);
  const Value bias = scope.parameter("bias", {width}, x.type(), bias_init, fans, cell.where);
  const Value all = add(matmul(x, weight, cell.where), bias, cell.where);
  return cell.options.time_first ? all : transpose({all, cell.where}, {1, 0, 2});
}

/// One matrix [hidden, hidden] for each gate, side by side.
Init side_by_side(const Init& one, int64_t gates) {
  return [=](const InitRequest& request) {
    const int64_t rows = request.sizes[0], columns = request.sizes[1] / gates;
    Tensor joined(request.type, request.sizes);
    for (int64_t gate = 0; gate < gates; ++gate) {
      InitRequest part = request;
      part.sizes = {rows, columns};
      part.seed = seed_for(request.seed, std::to_string(gate));
      const Tensor values = one(part);
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
          joined.set(i * request.sizes[1] + gate * columns + j, values.at(i * columns + j));
    }
    return joined;
  };
}

Value hidden_weight(const Cell& cell, Type type, LayerScope& scope) {
  const Fans fans{.in = cell.hidden, .out = cell.hidden};
  return scope.parameter("hidden_weight", {cell.hidden, cell.gates * cell.hidden}, type,
                         side_by_side(cell.options.hidden_init, cell.gates), fans, cell.where);
}

/// The loop from zero states over the projected input; the first carry is the one that is given out.
Value run(const Cell& cell, const Value& steps, size_t states, const std::vector<Value>& invariants,
          const std::function<std::vector<Value>(const ScanArguments&)>& next) {
  Graph graph = steps.graph();
  const Value zero = graph.constant(Tensor(steps.type(), {1, 1}), cell.where);
  const Value start = broadcast_to({zero, cell.where}, {steps.shape()[1], cell.hidden});
  const ScanResult result = scan(
      std::vector<Value>(states, start), {steps}, invariants,
      [&](const ScanArguments& now) {
        const std::vector<Value> carries = next(now);
        return ScanStep{.carries = carries, .outputs = {carries[0]}};
      },
      {.reverse = cell.options.reverse, .checkpoint = cell.options.checkpoint}, cell.where);
  return cell.options.time_first ? result.outputs[0] : transpose({result.outputs[0], cell.where}, {1, 0, 2});
}

Value gate(const Cell& cell, const Value& all, int64_t number) {
  return slice({all, cell.where}, 1, number * cell.hidden, (number + 1) * cell.hidden);
}

void check_sizes(const Cell& cell) {
  expect(cell.in > 0 && cell.hidden > 0, "[{}] sizes must be positive: got {} -> {} ({})", cell.kind, cell.in,
         cell.hidden, to_string(cell.where));
}

}  // namespace

Layer rnn(int64_t in, int64_t hidden, const RecurrentOptions& options, std::source_location where) {
  const Cell cell{.kind = "rnn", .in = in, .hidden = hidden, .gates = 1, .options = options, .where = where};
  check_sizes(cell);
  return Layer("rnn", [=](const Value& x, LayerScope& scope) {
    check(cell, x, scope);
    const Value steps = projected(cell, x, scope, zeros);
    return run(cell, steps, 1, {hidden_weight(cell, x.type(), scope)}, [&](const ScanArguments& now) {
      return std::vector{tanh_op(now.elements[0] + matmul(now.carries[0], now.invariants[0], where), where)};
    });
  });
}

Layer gru(int64_t in, int64_t hidden, const RecurrentOptions& options, std::source_location where) {
  const Cell cell{.kind = "gru", .in = in, .hidden = hidden, .gates = 3, .options = options, .where = where};
  check_sizes(cell);
  return Layer("gru", [=](const Value& x, LayerScope& scope) {
    check(cell, x, scope);
    const Value steps = projected(cell, x, scope, zeros);
    const Value own_bias = scope.parameter("hidden_bias", {hidden}, x.type(), zeros, {}, where);
    const std::vector<Value> invariants{hidden_weight(cell, x.type(), scope), own_bias};
    return run(cell, steps, 1, invariants, [&](const ScanArguments& now) {
      const Value& h = now.carries[0];
      const Value before = now.elements[0], own = matmul(h, now.invariants[0], where);
      const Value reset = sigmoid_op(gate(cell, before, 0) + gate(cell, own, 0), where);
      const Value keep = sigmoid_op(gate(cell, before, 1) + gate(cell, own, 1), where);
      const Value fresh =
          tanh_op(gate(cell, before, 2) + reset * (gate(cell, own, 2) + now.invariants[1]), where);
      return std::vector{fresh + keep * (h - fresh)};
    });
  });
}

Layer lstm(int64_t in, int64_t hidden, const LstmOptions& options, std::source_location where) {
  const Cell cell{.kind = "lstm", .in = in, .hidden = hidden, .gates = 4, .options = options, .where = where};
  check_sizes(cell);
  const auto bias_init = [=](const InitRequest& request) {
    Tensor bias(request.type, request.sizes);
    for (int64_t j = hidden; j < 2 * hidden; ++j) bias.set(j, options.forget_bias);
    return bias;
  };
  return Layer("lstm", [=](const Value& x, LayerScope& scope) {
    check(cell, x, scope);
    const Value steps = projected(cell, x, scope, bias_init);
    return run(cell, steps, 2, {hidden_weight(cell, x.type(), scope)}, [&](const ScanArguments& now) {
      const Value all = now.elements[0] + matmul(now.carries[0], now.invariants[0], where);
      const Value in_gate = sigmoid_op(gate(cell, all, 0), where);
      const Value forget = sigmoid_op(gate(cell, all, 1), where);
      const Value fresh = tanh_op(gate(cell, all, 2), where);
      const Value out_gate = sigmoid_op(gate(cell, all, 3), where);
      const Value c = forget * now.carries[1] + in_gate * fresh;
      return std::vector{out_gate * tanh_op(c, where), c};
    });
  });
}

}  // namespace crease
