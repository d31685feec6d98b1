#include "tests/graph/analysis/oracle_network.h"

#include <fstream>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/rational.h"

namespace crease::test {
namespace {

using Json = nlohmann::json;

double number(const Json& text) {
  return text.is_string() ? Rational::parse(text.get<std::string>()).to_double() : text.get<double>();
}

Shape shape_of(const Json& shape) {
  Shape result;
  for (const auto& size : shape) result.push_back(size.get<int64_t>());
  return result;
}

Tensor tensor_of(const Json& parameter) {
  std::vector<float> data;
  for (const auto& entry : parameter.at("data")) data.push_back(static_cast<float>(number(entry)));
  return Tensor::f32(parameter.at("shape").get<std::vector<int64_t>>(), data);
}

/// Builds node after node; images get a leading axis of size 1 where an operation wants one.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(const Json& network) : network_(network) {}

  OracleNetwork build() {
    for (const auto& input : network_.at("inputs"))
      name(input, result_.graph.input(input.at("name").get<std::string>(), shape_of(input.at("shape"))));
    for (const auto& parameter : network_.at("params")) {
      const NodeId first = result_.graph.size();
      add_parameter(parameter);
      add_parts(parameter, first);
    }
    for (const auto& node : network_.at("nodes")) {
      node_ = &node;
      const NodeId first = result_.graph.size();
      const Value value = apply(node.at("op").get<std::string>());
      add_parts(node, first);
      result_.graph.set_name(value, node.at("name").get<std::string>());
      name(node, value);
    }
    for (const auto& output : network_.at("outputs"))
      result_.graph.output(output.get<std::string>(), result_.values.at(output.get<std::string>()));
    return std::move(result_);
  }

 private:
  const Json& network_;
  const Json* node_ = nullptr;
  OracleNetwork result_;

  void name(const Json& object, const Value& value) {
    result_.values.emplace(object.at("name").get<std::string>(), value);
  }

  void add_parts(const Json& object, NodeId first) {
    std::vector<NodeId>& parts = result_.parts[object.at("name").get<std::string>()];
    for (NodeId id = first; id < result_.graph.size(); ++id)
      if (result_.graph.node(id).role == Role::Apply) parts.push_back(id);
  }

  void add_parameter(const Json& parameter) {
    const auto key = parameter.at("name").get<std::string>();
    const Tensor value = tensor_of(parameter);
    if (parameter.at("kind") == "const") return name(parameter, result_.graph.constant(value));
    Value weight = result_.graph.parameter(key, value);
    result_.parameters.push_back(key);
    if (parameter.at("kind") == "state") result_.state.insert(key);
    if (parameter.contains("fixed_zero")) weight = weight * mask(parameter, key, value);
    name(parameter, weight);
  }

  Value mask(const Json& parameter, const std::string& key, Tensor ones) {
    for (int64_t i = 0; i < ones.count(); ++i) ones.set(i, 1);
    for (const auto& entry : parameter.at("fixed_zero")) {
      ones.set(entry.get<int64_t>(), 0);
      result_.inert[key].insert(entry.get<int64_t>());
    }
    return result_.graph.constant(ones);
  }

  Value in(size_t k) const { return result_.values.at(node_->at("in")[k].get<std::string>()); }
  size_t inputs() const { return node_->at("in").size(); }
  double attribute(const char* key) const { return number(node_->at(key)); }

  static Value as_image(const Value& x) {
    Shape shape = x.shape();
    shape.insert(shape.begin(), 1);
    return reshape(x, shape);
  }
  static Value without_first(const Value& x) { return reshape(x, {x.shape().begin() + 1, x.shape().end()}); }

  /// One number a channel, so that it meets the first axis of `x`.
  Value by_channel(size_t k, const Value& x) const {
    Shape shape = in(k).shape();
    while (shape.size() < x.shape().size()) shape.push_back(1);
    return shape == in(k).shape() ? in(k) : reshape(in(k), shape);
  }

  Value linear() const {
    const Value x = reshape(in(0), {1, element_count(sizes_of(in(0).shape()))});
    const Value row = node_->value("tw", false) ? matmul(x, in(1)) : matmul_transposed(x, in(1));
    const Value y = without_first(row);
    return inputs() > 2 ? y + in(2) : y;
  }

  Value conv() const {
    const ConvOptions options{.stride = {node_->value("stride", 1)},
                              .padding = {node_->value("pad", 0)},
                              .groups = node_->value("groups", 1)};
    const Value y = without_first(conv2d(as_image(in(0)), in(1), options));
    return inputs() > 2 ? y + by_channel(2, y) : y;
  }

  Value product() const {
    const Value left = node_->value("ta", false) ? transpose(in(0)) : in(0);
    return node_->value("tb", false) ? matmul_transposed(left, in(1)) : matmul(left, in(1));
  }

  template <class Pool>
  Value pooled(const Pool& pool) const {
    const int64_t window = node_->at("k").get<int64_t>();
    return without_first(pool(as_image(in(0)), {.window = {window},
                                                .stride = {node_->value("stride", window)},
                                                .padding = {node_->value("pad", 0)}}));
  }

  Value joined() const {
    std::vector<Value> parts;
    for (size_t k = 0; k < inputs(); ++k) parts.push_back(in(k));
    return concat(parts, 0);
  }

  Value batch_norm_inference() const {
    const auto channel = [&](size_t k) { return by_channel(k, in(0)); };
    return channel(1) * (in(0) - channel(3)) / sqrt(channel(4) + attribute("eps")) + channel(2);
  }

  /// Statistics over one sample, and its pixels, stand for those over a batch: the laws are the same.
  Value batch_norm_training() const {
    const bool image = in(0).shape().size() == 3;
    const Value row = image ? in(0) : as_image(in(0));
    const Axes axes = image ? Axes{1, 2} : Axes{0};
    const Value centered = row - mean(row, axes, true);
    const Value variance = mean(centered * centered, axes, true);
    const double epsilon = attribute("eps");
    const Value deviation = sqrt(epsilon == 0 ? variance : variance + epsilon);
    if (image) return by_channel(1, row) * centered / deviation + by_channel(2, row);
    return without_first(in(1) * centered / deviation + in(2));
  }

  Value softmax() const {
    const Value powers = exp(in(0) - reduce_max(in(0), {-1}, true));
    return powers / sum(powers, {-1}, true);
  }

  /// combine(combine(in 0, in 1), in 2) and so on.
  template <class Combine>
  Value folded(const Combine& combine) const {
    Value value = in(0);
    for (size_t k = 1; k < inputs(); ++k) value = combine(value, in(k));
    return value;
  }

  Value apply(const std::string& op) {
    if (op == "linear") return linear();
    if (op == "conv2d") return conv();
    if (op == "matmul") return product();
    if (op == "concat") return joined();
    if (op == "slice")
      return slice(in(0), 0, node_->at("start").get<int64_t>(), node_->at("stop").get<int64_t>());
    if (op == "maxout") return maxout(in(0), node_->at("k").get<int64_t>());
    if (op == "batchnorm_inf") return batch_norm_inference();
    if (op == "batchnorm_train") return batch_norm_training();
    if (op == "softmax") return softmax();
    if (op == "global_avgpool") return mean(in(0), {1, 2});
    if (op == "maxpool2d")
      return pooled([](const Value& x, const PoolOptions& p) { return max_pool2d(x, p); });
    if (op == "avgpool2d")
      return pooled([](const Value& x, const PoolOptions& p) { return average_pool2d(x, p); });
    if (op == "flatten") return reshape(in(0), {element_count(sizes_of(in(0).shape()))});
    if (op == "transpose") return transpose(in(0));
    return map(op);
  }

  Value map(const std::string& op) const {
    if (op == "add") return folded([](const Value& a, const Value& b) { return a + b; });
    if (op == "sub") return in(0) - in(1);
    if (op == "mul") return folded([](const Value& a, const Value& b) { return a * b; });
    if (op == "max") return folded([](const Value& a, const Value& b) { return max(a, b); });
    if (op == "min") return folded([](const Value& a, const Value& b) { return min(a, b); });
    if (op == "neg") return -in(0);
    if (op == "scale") return in(0) * attribute("c");
    if (op == "leaky_relu") return leaky_relu(attribute("slope"))(in(0));
    if (op == "prelu") return prelu(in(0), by_channel(1, in(0)));
    if (op == "square") return in(0) * in(0);
    if (op == "exp") return exp(in(0));
    if (op == "relu_sq") return squared_relu(in(0));
    if (op == "clip") return clip(attribute("lo"), attribute("hi"))(in(0));
    if (op == "hard_sigmoid") return clip(0, 1)(in(0) * attribute("alpha") + attribute("beta"));
    for (const Op* activation : activations())
      if (activation->name == op) return (*activation)(in(0));
    fail("[oracle] unknown operation {}", op);
  }
};

}  // namespace

nlohmann::json read_oracle(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

OracleNetwork build_network(const nlohmann::json& network) { return NetworkBuilder(network).build(); }

}  // namespace crease::test
