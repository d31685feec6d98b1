// Layers: functions from Value to Value that own parameters. A layer makes its parameters in the graph of the
// value it is first called on; called again in that graph it uses the same ones.
//
//   auto net = sequential(linear(784, 256), relu, linear(256, 10));
//   Value logits = net(x);        // parameters "0.weight", "0.bias", "2.weight", "2.bias"
//
// Dropout and batch normalisation compute something else while a network is trained: net(x, Mode::Training).
// The two calls, in one graph or in two, have the same parameters. More layers: frontends/layers/.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <vector>

#include "frontends/init.h"
#include "graph/graph.h"

namespace crease {

class LayerScope;

/// What a network is applied for. Training: dropout drops, batch normalisation uses the batch's own moments,
/// and state such as running moments gets an update, which becomes part of the training step.
enum class Mode : uint8_t { Evaluation, Training };

/// A layer. Copies are the same layer: they share weights. Not for use by two threads at once.
class Layer {
 public:
  /// What a layer computes, with a scope to make parameters in.
  using Build = std::function<Value(const Value& x, LayerScope& scope)>;

  /// An operation of one argument, such as relu.
  Layer(const Op& op);  // NOLINT(google-explicit-constructor): sequential(linear(2, 2), relu)
  /// A function of a value, such as tanh, exp or abs: of those that share a name the one that is meant.
  Layer(Value (*function)(const Operand&));  // NOLINT(google-explicit-constructor)
  /// Any function of one Value without parameters of its own.
  template <class F>
    requires(std::is_invocable_r_v<Value, const std::remove_cvref_t<F>&, const Value&> &&
             !std::same_as<std::remove_cvref_t<F>, Layer> && !std::same_as<std::remove_cvref_t<F>, Op>)
  Layer(F function)  // NOLINT(google-explicit-constructor)
      : Layer("function", [function = std::move(function)](const Value& x, LayerScope&) -> Value {
          return function(x);
        }) {}
  /// A layer of the user's own, made of `parts` (applied by scope.apply). `kind` names it where it has no
  /// position in a sequential.
  Layer(const std::string& kind, Build build, std::vector<Layer> parts = {});
  // Copies only, as they cost as little as moves: what was moved from is the same layer still.
  Layer(const Layer&) = default;
  Layer& operator=(const Layer&) = default;
  ~Layer() = default;

  /// Applies the layer. Parameters that it makes are named after its path: names given by `named`, else
  /// positions; a layer used on its own is named by its kind ("linear.weight", then "linear1.weight"), and
  /// has that name in other graphs too, unless it is taken there. Name the layers whose parameters go from
  /// one graph to another.
  /// Errors: Error if x does not fit, or a given name is taken by another layer of the graph.
  Value operator()(const Value& x, std::source_location where = std::source_location::current()) const;
  Value operator()(const Value& x, Mode mode,
                   std::source_location where = std::source_location::current()) const;

  /// The same description as a new layer with its own weights, under this name.
  Layer named(const std::string& name) const;
  /// The same description as a new layer with its own weights, started from this seed. Default seed: 0.
  Layer seeded(uint64_t seed) const;

  struct State;

 private:
  friend class LayerScope;
  explicit Layer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// Where a layer under construction makes its parameters.
class LayerScope {
 public:
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;
  /// How many parts the layer was made of.
  int part_count() const;
  /// Part number `position` applied to x.
  Value apply(int position, const Value& x) const;
  /// The layer's parameter of that name; made on first use, from the seed and its full name.
  Value parameter(const std::string& name, std::vector<int64_t> sizes, Type type, const Init& init,
                  Fans fans = {}, std::source_location where = std::source_location::current());
  /// A parameter that no optimizer changes: counters, running moments.
  Value state(const std::string& name, const Tensor& initial, std::source_location where);
  /// After each training step, the state takes `value`. Errors: Error if the layer did so already in this
  /// graph: a layer with state can be used once in training mode.
  void assign(const Value& state, const Value& value, std::source_location where);
  /// What the network is applied for.
  Mode mode() const { return mode_; }
  /// A seed of this layer for a purpose.
  uint64_t seed_of(const std::string& purpose) const;
  /// "encoder.0".
  const std::string& path() const { return path_; }
  /// Where the outermost layer was called.
  std::source_location where() const { return where_; }

 private:
  friend class Layer;
  friend struct Layer::State;
  struct Use;
  LayerScope(const std::vector<Layer>& parts, Use& use, Graph graph, uint64_t seed, Mode mode,
             std::source_location where);
  Value made_once(const std::string& name, const std::function<Value(const std::string& full_name)>& make);
  std::string full_name(const std::string& name) const;
  const std::vector<Layer>* parts_;
  Use* use_;
  Graph graph_;
  std::string path_;
  uint64_t seed_;
  Mode mode_;
  std::source_location where_;
};

/// The parameters under a path that can be trained (floating, no state), in the order of the graph: "encoder"
/// has "encoder.0.weight". An empty path: all. Errors: Error that lists the names if there are none.
std::vector<Value> parameters_under(const Graph& graph, const std::string& path);

struct LinearOptions {
  bool bias = true;
  Init init = he_normal;
  Init bias_init = zeros;
};

/// y = x W + b. Shapes: x [..., in], weight [in, out], bias [out] -> [..., out]. Parameters have x's type.
/// Errors: Error unless in and out are positive and x is floating with last dimension `in`.
Layer linear(int64_t in, int64_t out, const LinearOptions& options = {},
             std::source_location where = std::source_location::current());

/// The layers one after the other.
Layer sequential(const std::vector<Layer>& layers);
template <class... Layers>
  requires(sizeof...(Layers) > 0 && (std::convertible_to<Layers, Layer> && ...))
Layer sequential(const Layers&... layers) {
  return sequential(std::vector<Layer>{Layer(layers)...});
}

/// A layer, or none.
struct OptionalLayer : std::optional<Layer> {
  OptionalLayer() = default;
  template <class F>
    requires(std::convertible_to<F, Layer>)
  OptionalLayer(const F& layer) : optional(Layer(layer)) {}                        // NOLINT
  OptionalLayer(Value (*function)(const Operand&)) : optional(Layer(function)) {}  // NOLINT
};
/// The same where a name that several functions share stands among the layers, as tanh does: of such a name
/// no template can take the type. More layers stand in braces: sequential({linear(2, 8), tanh, ...}).
Layer sequential(const OptionalLayer& first, const OptionalLayer& second, const OptionalLayer& third = {},
                 const OptionalLayer& fourth = {}, const OptionalLayer& fifth = {},
                 const OptionalLayer& sixth = {}, const OptionalLayer& seventh = {},
                 const OptionalLayer& eighth = {}, const OptionalLayer& ninth = {},
                 const OptionalLayer& tenth = {}, const OptionalLayer& eleventh = {},
                 const OptionalLayer& twelfth = {});

}  // namespace crease
