#include "graph/rewrite/identities.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

constexpr Keeps all{.left = true, .right = true, .mid = true, .value = true, .min_norm = true};
constexpr Keeps none{};

Value part(const Value& x, int64_t i) { return slice(x, 0, i, i + 1); }
Value zero(const Value& x) { return x.graph().handle().constant(0.0, x.type()); }
Value first(const Value& x) { return part(x, 0); }
Value second(const Value& x) { return part(x, 1); }
Value same(const Value& x) { return x; }
Value rectified(const Value& x) { return relu(x); }

// Sources: the rows are those of the table of rewrites that are not free in the kink survey of this project,
// and the spellings of relu, |x|, max and x that its oracle groups.
constexpr std::array<KinkIdentity, 20> rows{{
    {"relu(relu(x)) = relu(x)",
     [](const Value& x) { return relu(relu(x)); },
     rectified,
     {.left = true, .right = true, .min_norm = true}},
    {"max(x, 0) = relu(x)", [](const Value& x) { return max(x, zero(x)); }, rectified, all, false,
     "the constant is none of the operands that vary"},
    {"relu(a x) = a relu(x)", [](const Value& x) { return relu(x * 3); },
     [](const Value& x) { return relu(x) * 3; }, all, false, "a > 0"},
    {"relu(x) = (x + |x|)/2",
     rectified,
     [](const Value& x) { return (x + abs(x)) * 0.5; },
     {.left = true, .right = true, .mid = true, .value = true}},
    {"x + relu(-x) = relu(x)",
     [](const Value& x) { return x + relu(-x); },
     rectified,
     {.mid = true},
     true,
     "",
     true},
    {"x - relu(x) = -relu(-x)",
     [](const Value& x) { return x - relu(x); },
     [](const Value& x) { return -relu(-x); },
     {.mid = true},
     true},
    {"relu(x) - relu(-x) = x",
     [](const Value& x) { return relu(x) - relu(-x); },
     same,
     {.mid = true},
     false,
     "",
     true},
    {"where(x > 0, x, 0) = relu(x)",
     [](const Value& x) { return where(x > zero(x), x, zero(x)); },
     rectified,
     {.left = true, .min_norm = true}},
    {"where(x >= 0, x, 0) = relu(x)",
     [](const Value& x) { return where(x >= zero(x), x, zero(x)); },
     rectified,
     {.right = true}},
    {"max(x, -x) = |x|", [](const Value& x) { return max(x, -x); }, [](const Value& x) { return abs(x); },
     all, false, "", true},
    {"relu(x) + relu(-x) = |x|",
     [](const Value& x) { return relu(x) + relu(-x); },
     [](const Value& x) { return abs(x); },
     {.mid = true, .min_norm = true},
     false,
     "",
     true},
    {"|-x| = |x|",
     [](const Value& x) { return abs(-x); },
     [](const Value& x) { return abs(x); },
     {.mid = true, .min_norm = true},
     true},
    {"sqrt(x x) = |x|", [](const Value& x) { return sqrt(x * x); }, [](const Value& x) { return abs(x); },
     none, false, "x x neither overflows nor underflows"},
    {"max(a, b) = max(b, a)",
     [](const Value& x) { return max(first(x), second(x)); },
     [](const Value& x) { return max(second(x), first(x)); },
     {.mid = true, .min_norm = true},
     true},
    {"max(a, b) = b + relu(a - b)",
     [](const Value& x) { return max(first(x), second(x)); },
     [](const Value& x) { return second(x) + relu(first(x) - second(x)); },
     {.left = true, .right = true, .mid = true, .value = true}},
    {"min(a, b) = -max(-a, -b)",
     [](const Value& x) { return min(first(x), second(x)); },
     [](const Value& x) { return -max(-first(x), -second(x)); },
     {.mid = true, .min_norm = true},
     true},
    {"max(x, x) = x", [](const Value& x) { return max(x, x); }, same, all},
    {"min(max(x, lo), hi) = clip(x)", [](const Value& x) { return min(max(x, zero(x) - 1), zero(x) + 1); },
     [](const Value& x) { return clip(-1, 1)(x); }, all, false, "lo < hi"},
    {"max over (a, b) = max(a, b)", [](const Value& x) { return reduce_max(x, {0}, true); },
     [](const Value& x) { return max(first(x), second(x)); }, all},
    {"max over relu(x) = relu(max over x)",
     [](const Value& x) { return reduce_max(relu(x)); },
     [](const Value& x) { return relu(reduce_max(x)); },
     {.left = true, .min_norm = true}},
}};

}  // namespace

std::span<const KinkIdentity> kink_identities() { return rows; }

bool is_free(const KinkIdentity& row, const Tie& tie) {
  switch (tie.rule()) {
    case Tie::Rule::Left: return row.keeps.left;
    case Tie::Rule::Right: return row.keeps.right;
    case Tie::Rule::Mid: return row.keeps.mid;
    case Tie::Rule::Value: return row.keeps.value;
    case Tie::Rule::MinNorm: return row.keeps.min_norm;
    case Tie::Rule::Trap: return false;
  }
  return false;
}

std::optional<Tie> exchanged(const Tie& tie) {
  switch (tie.rule()) {
    case Tie::Rule::Left: return Tie::right;
    case Tie::Rule::Right: return Tie::left;
    case Tie::Rule::Mid: return Tie::mid;
    case Tie::Rule::Value: return Tie::value(1 - tie.weight());
    case Tie::Rule::MinNorm:
    case Tie::Rule::Trap: return {};
  }
  return {};
}

std::string kept_gradients(const KinkIdentity& row) {
  const std::array<std::pair<const char*, bool>, 5> rules{{{"left", row.keeps.left},
                                                           {"right", row.keeps.right},
                                                           {"mid", row.keeps.mid},
                                                           {"value(s)", row.keeps.value},
                                                           {"min_norm", row.keeps.min_norm}}};
  std::vector<std::string> kept;
  for (const auto& [name, keeps] : rules)
    if (keeps) kept.emplace_back(name);
  if (kept.empty()) return "gradients under no rule";
  if (kept.size() == rules.size()) return "gradients under every rule but trap";
  return fmt::format("gradients under {}", fmt::join(kept, ", "));
}

}  // namespace crease
