#include "graph/rewrite/unroll.h"

#include <map>

#include "graph/error.h"
#include "graph/ops/movement.h"
#include "graph/rewrite/rewrite.h"
#include "graph/scan.h"

namespace crease {
namespace {

Shape under(const Dim& length, const Shape& shape) {
  Shape result{length};
  result.insert(result.end(), shape.begin(), shape.end());
  return result;
}

class Unroller {
 public:
  Value remake(Graph& to, const Node& node, const std::vector<Value>& operands) {
    return node.role == Role::Scan ? result_of(to, node, operands) : to.copy(node, operands);
  }

 private:
  /// What the steps of a loop made, in the order in which the elements lie.
  struct Steps {
    std::vector<std::vector<Value>> values;  // values[t][n]: of node n of the body
    std::vector<Value> carries;              // after the last step
  };
  using Key = std::pair<const Scan*, std::vector<NodeId>>;

  Value result_of(Graph& to, const Node& node, const std::vector<Value>& operands) {
    const Scan& scan = *node.scan;
    const Steps& steps = steps_of(to, scan, operands, node.where);
    if (scan.is_final(node.result)) return steps.carries[static_cast<size_t>(node.result)];
    const Node& source = scan.body.node(scan.source(node.result));
    if (steps.values.empty()) return to.constant(nothing(source, node.where), node.where);
    std::vector<Value> parts;
    for (const std::vector<Value>& step : steps.values)
      parts.push_back(
          reshape({step[static_cast<size_t>(scan.source(node.result))], node.where}, under(1, source.shape)));
    return parts.size() == 1 ? parts.front() : concat(parts, 0, node.where);
  }

  /// Siblings share their steps.
  const Steps& steps_of(Graph& to, const Scan& scan, const std::vector<Value>& operands,
                        std::source_location where) {
    Key key{&scan, {}};
    for (const Value& operand : operands) key.second.push_back(operand.id());
    const auto known = done_.find(key);
    if (known != done_.end()) return known->second;
    return done_.emplace(std::move(key), made(to, scan, operands, where)).first->second;
  }

  Steps made(Graph& to, const Scan& scan, const std::vector<Value>& operands, std::source_location where) {
    expect(!scan.length.is_symbol(), "[unroll] a loop of length '{}': want a number of steps (at {})",
           to_string(scan.length), to_string(where));
    const auto carries = static_cast<std::ptrdiff_t>(scan.carries);
    const auto length = static_cast<size_t>(scan.length.size());
    Steps steps{.values = std::vector<std::vector<Value>>(length),
                .carries = {operands.begin(), operands.begin() + carries}};
    for (size_t turn = 0; turn < length; ++turn) {
      const size_t t = scan.reverse ? length - 1 - turn : turn;
      std::vector<Value> inputs = steps.carries;
      for (int s = 0; s < scan.sequences; ++s)
        inputs.push_back(element(operands[static_cast<size_t>(scan.carries + s)], t, where));
      inputs.insert(inputs.end(), operands.begin() + carries + scan.sequences, operands.end());
      steps.values[t] = step(to, scan.body, inputs);
      for (int c = 0; c < scan.carries; ++c)
        steps.carries[static_cast<size_t>(c)] = steps.values[t][static_cast<size_t>(scan.source(c))];
    }
    return steps;
  }

  static Value element(const Value& sequence, size_t t, std::source_location where) {
    const auto at = static_cast<int64_t>(t);
    const Shape shape(sequence.shape().begin() + 1, sequence.shape().end());
    return reshape({slice({sequence, where}, 0, at, at + 1), where}, shape);
  }

  /// The values of the body's nodes over these inputs.
  std::vector<Value> step(Graph& to, const Graph& body, const std::vector<Value>& inputs) {
    std::vector<Value> values;
    size_t input = 0;
    for (NodeId id = 0; id < body.size(); ++id) {
      const Node& node = body.node(id);
      if (node.role == Role::Input) {
        values.push_back(inputs[input++]);
        continue;
      }
      std::vector<Value> operands;
      for (const NodeId operand : node.operands) operands.push_back(values[static_cast<size_t>(operand)]);
      values.push_back(remake(to, node, operands));
      if (node.role == Role::Apply && !node.tie && body.tie()) to.set_tie(values.back(), *body.tie());
    }
    return values;
  }

  static Tensor nothing(const Node& source, std::source_location where) {
    std::vector<int64_t> sizes{0};
    for (const Dim& dim : source.shape) {
      expect(!dim.is_symbol(), "[unroll] a loop of no steps stacks results with dimension '{}' (at {})",
             to_string(dim), to_string(where));
      sizes.push_back(dim.size());
    }
    return {source.type, sizes};
  }

  std::map<Key, Steps> done_;
};

}  // namespace

Rewrite unroll(const Graph& graph) {
  Unroller unroller;
  return rebuild(graph, [&](Graph& to, const Node& node, const std::vector<Value>& operands) {
    return unroller.remake(to, node, operands);
  });
}

}  // namespace crease
