// Hash-consing: one node for each structure, for the life of the process. The table only ever grows and
// nothing observable depends on its history; it is guarded so that graphs may be built on several threads.
#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/node.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

uint64_t mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdULL;
}

uint64_t hash_of(const ScalarNode& node) {
  uint64_t hash = mix(static_cast<uint64_t>(node.kind), std::bit_cast<uint64_t>(node.constant));
  hash = mix(hash, static_cast<uint64_t>(node.position));
  hash = mix(hash, std::hash<std::string>{}(node.symbol));
  for (const Scalar& term : node.terms) hash = mix(hash, reinterpret_cast<uintptr_t>(term.id()));
  return hash;
}

bool same_structure(const ScalarNode& a, const ScalarNode& b) {
  if (a.kind != b.kind || a.position != b.position || a.symbol != b.symbol ||
      a.terms.size() != b.terms.size())
    return false;
  if (std::bit_cast<uint64_t>(a.constant) != std::bit_cast<uint64_t>(b.constant)) return false;
  for (size_t i = 0; i < a.terms.size(); ++i)
    if (!a.terms[i].same(b.terms[i])) return false;
  return true;
}

uint64_t arguments_of(const ScalarNode& node) {
  uint64_t bits = node.kind == ScalarKind::Argument ? uint64_t{1} << std::min(node.position, 63) : 0;
  for (const Scalar& term : node.terms) bits |= term.id()->arguments;
  return bits;
}

int labels_of(const ScalarNode& node) {
  int count = node.kind == ScalarKind::Index ? node.position + 1 : 0;
  for (const Scalar& term : node.terms) count = std::max(count, term.id()->labels);
  return count;
}

/// Whether what `leaf` says of constants and `known` of terms holds of a node, too.
template <class Leaf>
bool holds(const ScalarNode& node, bool ScalarNode::* known, Leaf&& leaf) {
  if (node.kind == ScalarKind::Constant) return leaf(node.constant);
  if (node.kind != ScalarKind::Select) return gives_truth(node.kind);
  return node.terms[1].id()->*known && node.terms[2].id()->*known;
}

/// What is known of a node from its terms, once: asked of a chain of choices at each of its ends, it would
/// take quadratic time and a stack as deep.
void derive_facts(ScalarNode& node) {
  const bool whole = node.kind == ScalarKind::Index || node.kind == ScalarKind::Size;
  node.arguments = arguments_of(node);
  node.labels = labels_of(node);
  node.is_truth = holds(node, &ScalarNode::is_truth, [](double c) { return c == 0 || c == 1; });
  node.is_finite = whole || holds(node, &ScalarNode::is_finite, [](double c) { return std::isfinite(c); });
}

}  // namespace

struct ScalarTable {
  static Scalar intern(ScalarNode node) {
    static std::mutex mutex;
    static std::deque<ScalarNode> nodes;  // addresses stay valid
    static std::unordered_multimap<uint64_t, const ScalarNode*> index;
    const std::scoped_lock lock(mutex);
    const uint64_t hash = hash_of(node);
    const auto [first, last] = index.equal_range(hash);
    for (auto it = first; it != last; ++it)
      if (same_structure(*it->second, node)) return Scalar(*it->second);
    derive_facts(node);
    nodes.push_back(std::move(node));
    index.emplace(hash, &nodes.back());
    return Scalar(nodes.back());
  }
};

Scalar intern(ScalarNode node) { return ScalarTable::intern(std::move(node)); }

Scalar::Scalar() : Scalar(0.0) {}
Scalar::Scalar(double constant)
    : Scalar(intern({.kind = ScalarKind::Constant, .constant = constant, .symbol = {}, .terms = {}})) {}
Scalar Scalar::argument(int position) {
  expect(position >= 0, "[scalar] argument {}: want 0 or more", position);
  return intern({.kind = ScalarKind::Argument, .position = position, .symbol = {}, .terms = {}});
}
Scalar Scalar::index(int label) {
  expect(label >= 0, "[scalar] label {}: want 0 or more", label);
  return intern({.kind = ScalarKind::Index, .position = label, .symbol = {}, .terms = {}});
}
Scalar Scalar::size(const std::string& symbol) {
  return intern({.kind = ScalarKind::Size, .symbol = symbol, .terms = {}});
}

ScalarKind Scalar::kind() const { return node_->kind; }
double Scalar::constant() const {
  ensure(kind() == ScalarKind::Constant, "constant() of {}", name_of(kind()));
  return node_->constant;
}
int Scalar::position() const { return node_->position; }
const std::string& Scalar::symbol() const { return node_->symbol; }
std::span<const Scalar> Scalar::terms() const { return node_->terms; }
bool Scalar::is_constant(double value) const {
  return kind() == ScalarKind::Constant && node_->constant == value;
}

bool depends_on_arguments(const Scalar& expression) { return expression.id()->arguments != 0; }

int arity(const Scalar& expression) {
  if (expression.id()->arguments >> 63 == 0)
    return static_cast<int>(std::bit_width(expression.id()->arguments));
  int count = 0;
  for (const Scalar& step : topological(expression))
    if (step.kind() == ScalarKind::Argument) count = std::max(count, step.position() + 1);
  return count;
}

bool depends_on(const Scalar& expression, int position) {
  if (position < 63) return (expression.id()->arguments >> position & 1) != 0;
  if (expression.id()->arguments >> 63 == 0) return false;
  return any_step(expression, [&](const Scalar& step) {
    return step.kind() == ScalarKind::Argument && step.position() == position;
  });
}

}  // namespace crease
