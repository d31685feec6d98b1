#include "frontends/layers.h"

#include <algorithm>
#include <cctype>
#include <list>
#include <map>

#include "graph/error.h"
#include "graph/listed.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

namespace crease {

/// The parameters that a layer has made in one graph, which it does not keep alive.
struct LayerScope::Use {
  std::weak_ptr<const void> graph;
  std::string path;
  std::map<std::string, NodeId> parameters;
};

struct Layer::State {
  std::string kind;
  Build build;
  std::vector<Layer> parts = {};
  std::optional<std::string> name = {};
  std::optional<uint64_t> seed = {};
  std::optional<std::string> own_path = {};  // where it was first used on its own, if it has no name
  std::list<LayerScope::Use> uses = {};      // a list: scopes keep references

  LayerScope::Use& use_in(const Value& x, const std::function<std::string()>& path) {
    std::erase_if(uses, [](const auto& use) { return use.graph.expired(); });
    const auto graph = x.graph_identity();
    const auto found = std::ranges::find_if(uses, [&](const auto& use) { return use.graph.lock() == graph; });
    if (found != uses.end()) return *found;
    return uses.emplace_back(graph, path(), std::map<std::string, NodeId>{});
  }

  /// A copy without weights; a part that occurs twice stays one part.
  std::shared_ptr<State> fresh(std::map<const State*, std::shared_ptr<State>>& done) const {
    auto& copy = done[this];
    if (copy) return copy;
    copy = std::make_shared<State>(State{.kind = kind, .build = build, .name = name, .seed = seed});
    const auto result = copy;
    for (const Layer& part : parts) result->parts.push_back(Layer(part.state_->fresh(done)));
    return result;
  }

  std::shared_ptr<State> fresh() const {
    std::map<const State*, std::shared_ptr<State>> done;
    return fresh(done);
  }
};

namespace {

bool starts_path(const std::string& parameter, const std::string& path) {
  // An unnamed sequential at the top numbers its parts, so any number at the start is taken by one.
  if (path.empty()) return std::isdigit(static_cast<unsigned char>(parameter.front())) != 0;
  return parameter.starts_with(path + ".");
}

bool is_taken(const Graph& graph, const std::string& path) {
  return std::ranges::any_of(graph.parameters(),
                             [&](NodeId id) { return starts_path(graph.node(id).name, path); });
}

std::string free_path(const Graph& graph, const std::string& kind) {
  const std::string first = kind == "sequential" ? "" : kind;
  if (!is_taken(graph, first)) return first;
  for (int number = 1;; ++number) {
    const std::string path = fmt::format("{}{}", kind, number);
    if (!is_taken(graph, path)) return path;
  }
}

}  // namespace

Layer::Layer(const Op& op)
    : Layer(op.name, [op](const Value& x, LayerScope& scope) { return op(x, scope.where()); }) {}

Layer::Layer(Value (*function)(const Operand&))
    : Layer("function",
            [function](const Value& x, LayerScope& scope) { return function({x, scope.where()}); }) {}

Layer::Layer(const std::string& kind, Build build, std::vector<Layer> parts)
    : state_(std::make_shared<State>(
          State{.kind = kind, .build = std::move(build), .parts = std::move(parts)})) {}

Value Layer::operator()(const Value& x, std::source_location where) const {
  return (*this)(x, Mode::Evaluation, where);
}

Value Layer::operator()(const Value& x, Mode mode, std::source_location where) const {
  expect(x.valid(), "[{}] the argument belongs to no graph ({})", state_->kind, to_string(where));
  const Graph graph = x.graph();
  auto& use = state_->use_in(x, [&] {
    if (!state_->name) {
      // The same path in every graph, in whatever order layers are used there: parameters go by their names.
      if (state_->own_path && !is_taken(graph, *state_->own_path)) return *state_->own_path;
      const std::string path = free_path(graph, state_->kind);
      if (!state_->own_path) state_->own_path = path;
      return path;
    }
    expect(!is_taken(graph, *state_->name),
           "[{}] the name '{}' is taken by another layer of this graph: give each layer its own name ({})",
           state_->kind, *state_->name, to_string(where));
    return *state_->name;
  });
  LayerScope scope(state_->parts, use, x.graph(), state_->seed.value_or(0), mode, where);
  return state_->build(x, scope);
}

Layer Layer::named(const std::string& name) const {
  expect(!name.empty(), "[{}] a layer's name must not be empty", state_->kind);
  auto state = state_->fresh();
  state->name = name;
  return Layer(std::move(state));
}

Layer Layer::seeded(uint64_t seed) const {
  auto state = state_->fresh();
  state->seed = seed;
  return Layer(std::move(state));
}

LayerScope::LayerScope(const std::vector<Layer>& parts, Use& use, Graph graph, uint64_t seed, Mode mode,
                       std::source_location where)
    : parts_(&parts),
      use_(&use),
      graph_(std::move(graph)),
      path_(use.path),
      seed_(seed),
      mode_(mode),
      where_(where) {}

int LayerScope::part_count() const { return static_cast<int>(parts_->size()); }

Value LayerScope::apply(int position, const Value& x) const {
  Layer::State& part = *parts_->at(static_cast<size_t>(position)).state_;
  Use& use = part.use_in(x, [&] {
    const std::string own = part.name.value_or(std::to_string(position));
    return path_.empty() ? own : path_ + "." + own;
  });
  LayerScope scope(part.parts, use, x.graph(), part.seed.value_or(seed_), mode_, where_);
  return part.build(x, scope);
}

Value LayerScope::parameter(const std::string& name, std::vector<int64_t> sizes, Type type, const Init& init,
                            Fans fans, std::source_location where) {
  return made_once(name, [&](const std::string& full) {
    const InitRequest request{
        .type = type, .sizes = std::move(sizes), .fans = fans, .seed = seed_for(seed_, full)};
    return graph_.parameter(full, init(request), where);
  });
}

Value LayerScope::state(const std::string& name, const Tensor& initial, std::source_location where) {
  return made_once(name, [&](const std::string& full) { return graph_.state(full, initial, where); });
}

Value LayerScope::made_once(const std::string& name,
                            const std::function<Value(const std::string& full_name)>& make) {
  const auto found = use_->parameters.find(name);
  if (found != use_->parameters.end()) return graph_.value(found->second);
  const Value made = make(full_name(name));
  use_->parameters.emplace(name, made.id());
  return made;
}

void LayerScope::assign(const Value& state, const Value& value, std::source_location where) {
  const bool taken = std::ranges::any_of(
      graph_.updates(), [&](const Update& update) { return update.parameter == state.id(); });
  expect(!taken, "[{}] '{}' would be updated twice in one step: use the layer once in training mode ({})",
         path_, state.node().name, to_string(where));
  graph_.update(state, value);
}

std::string LayerScope::full_name(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

uint64_t LayerScope::seed_of(const std::string& purpose) const { return seed_for(seed_, full_name(purpose)); }

std::vector<Value> parameters_under(const Graph& graph, const std::string& path) {
  std::vector<Value> found;
  std::vector<std::string> names;
  for (const NodeId id : graph.parameters()) {
    const Node& node = graph.node(id);
    if (node.state || !is_floating(node.type)) continue;
    names.push_back(node.name);
    if (path.empty() || node.name.starts_with(path + ".")) found.push_back(graph.value(id));
  }
  expect(!found.empty(), "[parameters_under] no parameter under '{}'; there are: {}", path, listed(names));
  return found;
}

Layer linear(int64_t in, int64_t out, const LinearOptions& options, std::source_location where) {
  expect(in > 0 && out > 0, "[linear] sizes must be positive: got in {}, out {} ({})", in, out,
         to_string(where));
  return Layer("linear", [=](const Value& x, LayerScope& scope) {
    const bool fits = !x.shape().empty() && x.shape().back() == Dim(in) && is_floating(x.type());
    expect(fits, "[linear] the input does not fit: got {} {}, want floating [..., {}] (layer '{}', {})",
           to_string(x.type()), to_string(x.shape()), in, scope.path(), to_string(where));
    const Fans fans{.in = in, .out = out};
    const Value weight = scope.parameter("weight", {in, out}, x.type(), options.init, fans, where);
    Value y = matmul(x, weight, where);
    if (options.bias) {
      y = add(y, scope.parameter("bias", {out}, x.type(), options.bias_init, fans, where), where);
    }
    y.graph().set_name(y, scope.path());
    return y;
  });
}

Layer sequential(const std::vector<Layer>& layers) {
  const auto build = [](const Value& x, LayerScope& scope) {
    Value y = x;
    for (int position = 0; position < scope.part_count(); ++position) y = scope.apply(position, y);
    return y;
  };
  return Layer("sequential", build, layers);
}

Layer sequential(const OptionalLayer& first, const OptionalLayer& second, const OptionalLayer& third,
                 const OptionalLayer& fourth, const OptionalLayer& fifth, const OptionalLayer& sixth,
                 const OptionalLayer& seventh, const OptionalLayer& eighth, const OptionalLayer& ninth,
                 const OptionalLayer& tenth, const OptionalLayer& eleventh, const OptionalLayer& twelfth) {
  std::vector<Layer> layers;
  for (const OptionalLayer* layer : {&first, &second, &third, &fourth, &fifth, &sixth, &seventh, &eighth,
                                     &ninth, &tenth, &eleventh, &twelfth})
    if (*layer) layers.push_back(**layer);
  return sequential(layers);
}

}  // namespace crease
