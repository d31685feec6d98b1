// RNN, GRU and LSTM: one loop over time for each direction.
#include "frontends/onnx/operators.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/scan.h"

namespace crease::onnx {
namespace {

/// What the three have in common: x [time, n, in], W [d, gates hidden, in], R [d, gates hidden, hidden],
/// B [d, 2 gates hidden], start [d, n, hidden].
struct Recurrence {
  NodeReader& node;
  int64_t gates;
  std::vector<int> start_inputs;  // of the carries
  std::string direction = node.text("direction", "forward");
  int64_t hidden = node.integer("hidden_size", 0);
  bool batch_first = node.integer("layout", 0) != 0;
  Value x = {}, weight = {}, hidden_weight = {};
  std::optional<Value> bias = {};

  int64_t directions() const { return direction == "bidirectional" ? 2 : 1; }
};

/// Element k of the first axis.
Value part(const Value& of, int64_t k) { return squeeze(slice(of, 0, k, k + 1), 0); }

Value with_directions_first(const Recurrence& it, const Value& state) {
  return it.batch_first ? transpose(state, {1, 0, 2}) : state;
}

Recurrence read_recurrence(NodeReader& node, int64_t gates, const std::vector<int>& starts) {
  Recurrence it{.node = node, .gates = gates, .start_inputs = starts};
  expect(it.direction == "forward" || it.direction == "reverse" || it.direction == "bidirectional",
         "direction '{}'", it.direction);
  expect(!node.has_attribute("clip"), "clip is not carried out");
  expect(!node.has(4), "sequence_lens is not carried out: all sequences have the same length");
  expect(it.hidden > 0 && it.hidden < (int64_t{1} << 31), "hidden_size {}", it.hidden);
  const Value x = node.value(0);
  it.x = it.batch_first ? transpose(x, {1, 0, 2}) : x;
  it.weight = node.value(1);
  it.hidden_weight = node.value(2);
  it.bias = node.optional_value(3);
  const int64_t d = it.directions(), width = gates * it.hidden;
  expect(it.hidden > 0 && x.shape().size() == 3, "hidden_size {} and x {}", it.hidden, to_string(x.shape()));
  expect(it.weight.shape() == Shape({d, width, x.shape()[2]}) &&
             it.hidden_weight.shape() == Shape({d, width, it.hidden}) &&
             (!it.bias || it.bias->shape() == Shape({d, 2 * width})),
         "W {}, R {} or B do not fit hidden_size {} and x {}", to_string(it.weight.shape()),
         to_string(it.hidden_weight.shape()), it.hidden, to_string(x.shape()));
  return it;
}

/// Errors: Error unless the activations are these in every direction, or not named.
void expect_activations(NodeReader& node, const std::vector<std::string>& names, int64_t directions) {
  const std::vector<std::string> given = node.texts("activations");
  std::vector<std::string> all;
  for (int64_t d = 0; d < directions; ++d) all.insert(all.end(), names.begin(), names.end());
  expect(given.empty() || given == all, "activations other than {} are not carried out",
         fmt::join(names, ", "));
}

bool is_zero(const Tensor& tensor) {
  for (int64_t i = 0; i < tensor.count(); ++i)
    if (tensor.at(i) != 0) return false;
  return true;
}

Value start_of(const Recurrence& it, int input, int64_t d) {
  const Shape shape{it.x.shape()[1], it.hidden};
  // Zeros for the number of samples of the export serve any number of them.
  const bool zeros = !it.node.has(input) || (it.node.is_constant(input) && is_zero(it.node.constant(input)));
  if (!zeros) return part(with_directions_first(it, it.node.value(input)), d);
  return broadcast_to(it.node.graph().constant(Tensor(it.x.type(), {1, 1})), shape);
}

Value gate(const Value& all, int64_t number, int64_t hidden) {
  return slice(all, 1, number * hidden, (number + 1) * hidden);
}

/// The next carries from x W + b, the carries, R and the other half of the bias.
using Cell = std::function<std::vector<Value>(const Value& projected, const ScanArguments& now)>;

/// Bias of one direction: that of W, or that of R.
Value half_bias(const Recurrence& it, int64_t d, int half) {
  const int64_t width = it.gates * it.hidden;
  return slice(part(*it.bias, d), 0, half * width, (half + 1) * width);
}

/// Results Y [time, d, n, hidden], Y_h and Y_c [d, n, hidden].
Results run(const Recurrence& it, const Cell& cell) {
  std::vector<Value> sequences;
  std::vector<std::vector<Value>> last(it.start_inputs.size());
  for (int64_t d = 0; d < it.directions(); ++d) {
    Value steps = matmul_transposed(it.x, part(it.weight, d));
    if (it.bias) steps = steps + half_bias(it, d, 0);
    std::vector<Value> starts, invariants{part(it.hidden_weight, d)};
    for (const int input : it.start_inputs) starts.push_back(start_of(it, input, d));
    if (it.bias) invariants.push_back(half_bias(it, d, 1));
    const ScanResult result = scan(starts, {steps}, invariants,
                                   [&](const ScanArguments& now) {
                                     const std::vector<Value> carries = cell(now.elements[0], now);
                                     return ScanStep{.carries = carries, .outputs = {carries[0]}};
                                   },
                                   {.reverse = it.direction == "reverse" || d == 1});
    sequences.push_back(result.outputs[0]);
    for (size_t k = 0; k < last.size(); ++k) last[k].push_back(result.carries[k]);
  }
  const Value y = stack(sequences, it.batch_first ? 2 : 1);
  Results results{it.batch_first ? transpose(y, {1, 0, 2, 3}) : y};
  for (const auto& carries : last) results.emplace_back(stack(carries, it.batch_first ? 1 : 0));
  return results;
}

/// h R + the bias of R.
Value recurrent(const ScanArguments& now) {
  const Value own = matmul_transposed(now.carries[0], now.invariants[0]);
  return now.invariants.size() > 1 ? own + now.invariants[1] : own;
}

Results read_rnn(NodeReader& node) {
  const Recurrence it = read_recurrence(node, 1, {5});
  const std::vector<std::string> names = node.texts("activations");
  const bool rectified = !names.empty() && names[0] == "Relu";
  expect_activations(node, {rectified ? "Relu" : "Tanh"}, it.directions());
  return run(it, [&](const Value& x, const ScanArguments& now) {
    return std::vector{(rectified ? relu : tanh_op)(x + recurrent(now))};
  });
}

/// Gates in the order z, r, h. Source: docs/Operators.md, GRU.
Results read_gru(NodeReader& node) {
  const Recurrence it = read_recurrence(node, 3, {5});
  expect_activations(node, {"Sigmoid", "Tanh"}, it.directions());
  const bool before_reset = node.integer("linear_before_reset", 0) != 0;
  return run(it, [&](const Value& x, const ScanArguments& now) {
    const auto of = [&](const Value& all, int64_t k) { return gate(all, k, it.hidden); };
    const Value& h = now.carries[0];
    const Value own = recurrent(now);
    const Value keep = sigmoid(of(x, 0) + of(own, 0)), reset = sigmoid(of(x, 1) + of(own, 1));
    Value inner = reset * of(own, 2);
    if (!before_reset) {
      const Value weight = slice(now.invariants[0], 0, 2 * it.hidden, 3 * it.hidden);
      inner = matmul_transposed(reset * h, weight);
      if (it.bias) inner = inner + slice(now.invariants[1], 0, 2 * it.hidden, 3 * it.hidden);
    }
    const Value fresh = tanh(of(x, 2) + inner);
    return std::vector{fresh + keep * (h - fresh)};
  });
}

/// Gates in the order i, o, f, c. Source: docs/Operators.md, LSTM.
Results read_lstm(NodeReader& node) {
  const Recurrence it = read_recurrence(node, 4, {5, 6});
  expect_activations(node, {"Sigmoid", "Tanh", "Tanh"}, it.directions());
  expect(!node.has(7), "peepholes are not carried out");
  expect(node.integer("input_forget", 0) == 0, "input_forget is not carried out");
  return run(it, [&](const Value& x, const ScanArguments& now) {
    const Value all = x + recurrent(now);
    const auto of = [&](int64_t k) { return gate(all, k, it.hidden); };
    const Value c = sigmoid(of(2)) * now.carries[1] + sigmoid(of(0)) * tanh(of(3));
    return std::vector{sigmoid(of(1)) * tanh(c), c};
  });
}

constexpr OperatorRow rows[] = {{"GRU", read_gru}, {"LSTM", read_lstm}, {"RNN", read_rnn}};

}  // namespace

std::span<const OperatorRow> recurrent_operators() { return rows; }

}  // namespace crease::onnx
