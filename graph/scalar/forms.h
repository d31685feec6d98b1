// What can be read off the form of a body.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/scalar.h"
#include "graph/scalar/tape.h"

namespace crease {

/// Whether `test` holds for any step of a body. Each is looked at once, however often it is mentioned: a body
/// that mentions each step twice in the next one has exponentially many paths.
bool any_step(const Scalar& body, const std::function<bool(const Scalar&)>& test);

/// One step of a body, and the places of its terms among the steps before it.
struct BodyStep {
  Scalar node;
  std::vector<size_t> terms;
};
/// A body as steps: each once, terms before what mentions them.
std::vector<BodyStep> steps_of(const Scalar& body);

/// What `step(node, terms)` says of a body, where `terms` is what it said of the terms of the node. Each step
/// is asked once, however often it is mentioned.
template <class T, class Step>
T fold_steps(const Scalar& body, const Step& step) {
  std::unordered_map<const ScalarNode*, T> known;
  std::vector<T> terms;
  for (const Scalar& node : topological(body)) {
    terms.clear();
    for (const Scalar& term : node.terms()) terms.push_back(known.at(term.id()));
    known.emplace(node.id(), step(node, std::span<const T>(terms)));
  }
  return known.at(body.id());
}

/// The same where not all terms matter, as of a choice: `step(node, of)` asks for terms by `of(term)`. It
/// changes nothing before it has asked for all it needs: where a body is deep, a step that waits for its
/// terms is begun again when they are known, instead of a stack as deep.
template <class T, class Step>
T fold_asked(const Scalar& body, const Step& step) {
  constexpr int most_waiting = 256;
  struct TooDeep {
    Scalar term;
  };
  std::unordered_map<const ScalarNode*, T> known;
  int waiting = 0;
  const auto of = [&](const auto& self, const Scalar& node) -> const T& {
    if (const auto found = known.find(node.id()); found != known.end()) return found->second;
    if (waiting == most_waiting) throw TooDeep{node};
    ++waiting;
    T value = step(node, [&](const Scalar& term) -> const T& { return self(self, term); });
    --waiting;
    return known.emplace(node.id(), std::move(value)).first->second;
  };
  std::vector<Scalar> wanted{body};
  while (!wanted.empty()) {
    waiting = 0;
    try {
      of(of, wanted.back());
      wanted.pop_back();
    } catch (const TooDeep& deep) {
      wanted.push_back(deep.term);
    }
  }
  return known.at(body.id());
}

/// Whether one step of a body gives a whole number where its terms are whole: no division, no e^x, no 0.5;
/// nor floor, which integer arithmetic has no need of.
bool keeps_integers(const Scalar& step);

/// 1 + the greatest loop label that occurs in a body, 0 if none.
int label_count(const Scalar& body);
/// Whether a body reads where it is: the place along some loop.
bool mentions_labels(const Scalar& body);

/// How a body follows some of its arguments: not at all; as a sum of multiples of them; by maxima, minima and
/// choices of such sums, where what chooses does not follow them; or otherwise.
enum class Dependence : uint8_t { None, Affine, Piecewise, Other };
/// By the form alone, in the arguments k with `of[k]`; x - x counts as affine.
Dependence dependence(const Scalar& body, const std::vector<bool>& of);

/// Whether a kind gives a truth value, 0 or 1.
bool gives_truth(ScalarKind kind);

/// Whether a body may jump: it compares, decides or rounds down.
bool may_jump(const Scalar& body);

/// Whether a body is the sum of two operands, nothing else.
bool adds_operands(const Scalar& body);

/// The positions of the two different operands whose product a body is, if that is all it is.
std::optional<std::pair<size_t, size_t>> multiplied_operands(const Scalar& body);

}  // namespace crease
