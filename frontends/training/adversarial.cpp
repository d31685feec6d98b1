#include "frontends/training/adversarial.h"

#include <cmath>
#include <numbers>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

/// Normal numbers [batch, count], others in each step. Source: Box and Muller 1958.
Value normal_numbers(Graph& graph, const Value& counter, int64_t count, uint64_t seed,
                     const std::string& name, std::source_location where) {
  static const Op deviate{
      .name = "box_muller", .doc = "sqrt(-2 log(1 - u)) cos(2 pi v).", .body = [](Scalar u, Scalar v) {
        return sqrt(-2 * log1p(-u)) * cos(2 * std::numbers::pi * v);
      }};
  const Shape shape{"batch", count};
  const Value u = graph.random(shape, counter, seed_for(seed, name + ".radius"), where);
  const Value v = graph.random(shape, counter, seed_for(seed, name + ".angle"), where);
  const Value z = deviate(u, v, where);
  graph.set_name(z, name);
  return z;
}

void check(const std::vector<int64_t>& sizes, const AdversarialOptions& options, std::source_location where) {
  expect(options.latent > 0 && !sizes.empty(),
         "[adversarial_step] wants latent numbers and sizes of a sample: got {} and {} ({})", options.latent,
         to_string(sizes), to_string(where));
  expect(std::isfinite(options.real_target) && options.real_target > 0 && options.real_target <= 1,
         "[adversarial_step] the target of real samples must be above 0 and at most 1: got {} ({})",
         options.real_target, to_string(where));
  expect(static_cast<bool>(options.discriminator.rule) && static_cast<bool>(options.generator.rule),
         "[adversarial_step] an optimizer has no rule ({})", to_string(where));
}

/// A step under construction.
struct Players {
  Layer generator, discriminator;
  Shape sample;
  std::source_location where;

  Value generate(const Value& z) const {
    const Value made = generator(z, where);
    expect(made.shape() == sample, "[adversarial_step] the generator gives {}, want {} ({})",
           to_string(made.shape()), to_string(sample), to_string(where));
    return made;
  }
  Value judge(const Value& x) const {
    const Value logits = discriminator(x, where);
    expect(logits.shape() == (Shape{"batch", 1}),
           "[adversarial_step] the discriminator gives {}, want {} ({})", to_string(logits.shape()),
           to_string(Shape{"batch", 1}), to_string(where));
    return logits;
  }
};

}  // namespace

std::vector<Value> substituted(const std::vector<Value>& values,
                               const std::map<NodeId, Value>& replacements) {
  expect(!values.empty(), "[substituted] no value is given");
  Graph graph = values.front().graph();
  std::vector<NodeId> wanted;
  wanted.reserve(values.size());
  for (const Value& value : values) wanted.push_back(value.id());
  std::map<NodeId, Value> changed;
  for (const auto& [id, value] : replacements) {
    expect(value.same_graph(values.front()) && value.shape() == graph.node(id).shape &&
               value.type() == graph.node(id).type,
           "[substituted] {} is {} {}, its replacement {} {}", describe(graph, id),
           to_string(graph.node(id).type), to_string(graph.node(id).shape), to_string(value.type()),
           to_string(value.shape()));
    changed.emplace(id, value);
  }
  const auto now = [&](NodeId id) {
    const auto found = changed.find(id);
    return found == changed.end() ? graph.value(id) : found->second;
  };
  for (const NodeId id : ancestors(graph, wanted)) {
    if (changed.contains(id)) continue;
    const Node node = graph.node(id);  // a copy: appending moves the nodes
    std::vector<Value> operands;
    operands.reserve(node.operands.size());
    bool differs = false;
    for (const NodeId operand : node.operands) {
      operands.push_back(now(operand));
      differs = differs || operands.back().id() != operand;
    }
    if (differs) changed.emplace(id, graph.copy(node, operands));
  }
  std::vector<Value> results;
  results.reserve(wanted.size());
  for (const NodeId id : wanted) results.push_back(now(id));
  return results;
}

Graph adversarial_step(const Layer& generator, const Layer& discriminator, const std::vector<int64_t>& sizes,
                       const AdversarialOptions& options, std::source_location where) {
  check(sizes, options, where);
  Graph graph;
  Shape sample{"batch"};
  sample.insert(sample.end(), sizes.begin(), sizes.end());
  const Players players{.generator = generator.named("generator"),
                        .discriminator = discriminator.named("discriminator"),
                        .sample = sample,
                        .where = where};
  const Value x = graph.input("x", sample, Type::f32, where);
  const Value counter = graph.state("counter", Tensor::i64({}, {0}), where);
  graph.update(counter, add(counter, graph.constant(1, Type::i64, where), where));

  const Value first = players.generate(
      normal_numbers(graph, counter, options.latent, options.seed, "latent.discriminator", where));
  const Value on_real = players.judge(x), on_made = players.judge(first);
  // -t log D - (1 - t) log(1 - D) of a logit l is softplus(l) - t l.
  const Value discriminator_loss =
      mean(softplus(on_real) - on_real * options.real_target) + mean(softplus(on_made));
  const Value second = players.generate(
      normal_numbers(graph, counter, options.latent, options.seed, "latent.generator", where));
  const Value generator_loss = mean(softplus(-players.judge(second)));

  const std::vector<Value> judges = parameters_under(graph, "discriminator");
  const std::vector<Value> makers = parameters_under(graph, "generator");
  UpdateScope judging(graph, options.discriminator.learning_rate,
                      "discriminator." + options.discriminator.name, where, "discriminator.");
  std::map<NodeId, Value> after;
  const std::vector<Value> slopes = grad(discriminator_loss, judges, {}, where);
  for (size_t i = 0; i < judges.size(); ++i)
    after.emplace(judges[i].id(), options.discriminator.rule(judging, judges[i], slopes[i]));

  // Differentiated first, then with the new discriminator in the old one's place: no gradient flows through
  // the discriminator's own step.
  std::vector<Value> against = grad(generator_loss, makers, {}, where);
  against.push_back(generator_loss);
  against = substituted(against, after);
  UpdateScope making(graph, options.generator.learning_rate, "generator." + options.generator.name, where,
                     "generator.");
  for (size_t i = 0; i < makers.size(); ++i)
    graph.update(makers[i], options.generator.rule(making, makers[i], against[i]));
  for (const Value& parameter : judges) graph.update(parameter, after.at(parameter.id()));
  graph.output("discriminator_loss", discriminator_loss);
  graph.output("generator_loss", against.back());
  graph.output("sample", first);
  return graph;
}

Graph generator_of(const Layer& generator, int64_t latent, const NamedTensors& parameters) {
  Graph graph;
  const Value z = graph.input("z", {"batch", latent});
  graph.output("sample", generator.named("generator")(z));
  for (const NodeId id : graph.parameters()) {
    const std::string name = graph.node(id).name;
    const auto found = parameters.find(name);
    expect(found != parameters.end(), "[generator_of] there is no parameter '{}'", name);
    graph.set_parameter(name, found->second);
  }
  return graph;
}

}  // namespace crease
