// Scalars as text: infix arithmetic, functions for the rest, shared and deep parts named once: {t0 = exp(x0);
// t0/(1 + t0)}.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "graph/error.h"
#include "graph/scalar/node.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

using Kind = ScalarKind;

constexpr std::array<std::pair<Kind, std::string_view>, 30> names{{{Kind::Constant, "constant"},
                                                                   {Kind::Argument, "argument"},
                                                                   {Kind::Index, "index"},
                                                                   {Kind::Size, "size"},
                                                                   {Kind::Add, "add"},
                                                                   {Kind::Subtract, "subtract"},
                                                                   {Kind::Multiply, "multiply"},
                                                                   {Kind::Divide, "divide"},
                                                                   {Kind::Negate, "negate"},
                                                                   {Kind::Max, "max"},
                                                                   {Kind::Min, "min"},
                                                                   {Kind::Less, "less"},
                                                                   {Kind::LessEqual, "less_equal"},
                                                                   {Kind::Equal, "equal"},
                                                                   {Kind::And, "and"},
                                                                   {Kind::Or, "or"},
                                                                   {Kind::Not, "not"},
                                                                   {Kind::Select, "select"},
                                                                   {Kind::Exp, "exp"},
                                                                   {Kind::Expm1, "expm1"},
                                                                   {Kind::Log, "log"},
                                                                   {Kind::Log1p, "log1p"},
                                                                   {Kind::Sqrt, "sqrt"},
                                                                   {Kind::Sin, "sin"},
                                                                   {Kind::Cos, "cos"},
                                                                   {Kind::Tanh, "tanh"},
                                                                   {Kind::Sigmoid, "sigmoid"},
                                                                   {Kind::Softplus, "softplus"},
                                                                   {Kind::Erf, "erf"},
                                                                   {Kind::Floor, "floor"}}};

struct Infix {
  std::string_view symbol;
  int strength;
};

std::optional<Infix> infix(Kind kind) {
  switch (kind) {
    case Kind::Add: return Infix{" + ", 1};
    case Kind::Subtract: return Infix{" - ", 1};
    case Kind::Multiply: return Infix{"*", 2};
    case Kind::Divide: return Infix{"/", 2};
    default: return {};
  }
}

constexpr int atom_strength = 4, negate_strength = 3;

/// Steps inside one another before one gets a name: a body may be deeper than the stack of who prints it, and
/// than the parentheses and signs that who reads it takes, of which a step has two at most.
constexpr int most_nested = 100, most_read = 256;

class Printer {
 public:
  std::string print(const Scalar& root) {
    const std::vector<Scalar> steps = topological(root);
    for (const Scalar& node : steps)
      for (const Scalar& term : node.terms()) ++uses_[term.id()];
    std::unordered_map<const ScalarNode*, int> nested;
    std::string lets;
    for (const Scalar& node : steps) {
      int& depth = nested[node.id()];
      for (const Scalar& term : node.terms()) depth = std::max(depth, nested.at(term.id()) + 1);
      if (node.terms().empty() || (uses_[node.id()] < 2 && depth < most_nested)) continue;
      depth = 0;
      const std::string name = fmt::format("t{}", names_.size());
      lets += fmt::format("{} = {}; ", name, expand(node, 0));
      names_.emplace(node.id(), name);
    }
    return lets.empty() ? expand(root, 0) : fmt::format("{{{}{}}}", lets, show(root, 0));
  }

 private:
  std::string show(const Scalar& node, int strength) {
    const auto it = names_.find(node.id());
    return it != names_.end() ? it->second : expand(node, strength);
  }

  std::string expand(const Scalar& node, int strength) {
    const auto [text, own] = render(node);
    return own < strength ? "(" + text + ")" : text;
  }

  std::pair<std::string, int> render(const Scalar& node) {
    const auto t = node.terms();
    switch (node.kind()) {
      case Kind::Constant: return number(node.constant());
      case Kind::Argument: return {fmt::format("x{}", node.position()), atom_strength};
      case Kind::Index: return {fmt::format("i{}", node.position()), atom_strength};
      case Kind::Size: return {fmt::format("size({})", node.symbol()), atom_strength};
      case Kind::Negate: return {"-" + show(t[0], atom_strength), negate_strength};
      default: break;
    }
    if (const auto op = infix(node.kind()))
      return {show(t[0], op->strength) + std::string(op->symbol) + show(t[1], op->strength + 1),
              op->strength};
    std::string text = std::string(name_of(node.kind())) + "(";
    for (size_t i = 0; i < t.size(); ++i) text += (i > 0 ? ", " : "") + show(t[i], 0);
    return {text + ")", atom_strength};
  }

  static std::pair<std::string, int> number(double value) {
    if (std::isnan(value)) return {"nan", atom_strength};
    return {fmt::format("{}", value), std::signbit(value) ? negate_strength : atom_strength};
  }

  std::unordered_map<const ScalarNode*, int> uses_;
  std::unordered_map<const ScalarNode*, std::string> names_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Scalar parse() {
    const Scalar result = accept('{') ? block() : sum();
    if (at_ < text_.size()) error("the end");
    return result;
  }

 private:
  [[noreturn]] void error(std::string_view wanted) const {
    fail("[scalar] cannot read '{}': want {} at column {}, got '{}'", text_, wanted, at_ + 1,
         at_ < text_.size() ? text_.substr(at_, 8) : "the end");
  }
  void blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool accept(char c) {
    blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    blanks();
    return true;
  }
  void require(char c) {
    if (!accept(c)) error(std::string("'") + c + "'");
  }

  std::string word() {
    blanks();
    const size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_'))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Scalar block() {
    while (true) {
      const size_t start = at_;
      const std::string name = word();
      if (name.starts_with('t') && accept('=')) {
        const Scalar value = sum();
        names_.insert_or_assign(name, value);
        require(';');
        continue;
      }
      at_ = start;
      const Scalar result = sum();
      require('}');
      return result;
    }
  }

  Scalar sum() {
    if (++depth_ > most_read) error(fmt::format("fewer than {} nested parentheses", most_read));
    Scalar left = product();
    while (true) {
      if (accept('+'))
        left = left + product();
      else if (accept('-'))
        left = left - product();
      else
        break;
    }
    --depth_;
    return left;
  }

  Scalar product() {
    Scalar left = factor();
    while (true) {
      if (accept('*'))
        left = left * factor();
      else if (accept('/'))
        left = left / factor();
      else
        return left;
    }
  }

  Scalar factor() {
    if (accept('-')) {
      if (++depth_ > most_read) error(fmt::format("fewer than {} nested signs", most_read));
      const Scalar x = factor();
      --depth_;
      return x.kind() == Kind::Constant ? Scalar(-x.constant()) : -x;
    }
    if (accept('(')) {
      const Scalar x = sum();
      require(')');
      return x;
    }
    blanks();
    const bool digit = at_ < text_.size() &&
                       (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '.');
    return digit ? number() : named();
  }

  Scalar number() {
    double value = 0;
    const auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (code != std::errc()) error("a number");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  Scalar named() {
    const std::string name = word();
    if (name == "inf") return std::numeric_limits<double>::infinity();
    if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (const auto it = names_.find(name); it != names_.end()) return it->second;
    if (name == "size") {
      require('(');
      const std::string symbol = word();
      require(')');
      return Scalar::size(symbol);
    }
    if (name.size() > 1 && name.size() < 6 && (name[0] == 'x' || name[0] == 'i') &&
        name.find_first_not_of("0123456789", 1) == std::string::npos) {
      const int position = std::stoi(name.substr(1));
      return name[0] == 'x' ? Scalar::argument(position) : Scalar::index(position);
    }
    return call(name);
  }

  Scalar call(const std::string& name) {
    for (const auto& [kind, known] : names) {
      if (known != name || term_count(kind) == 0) continue;
      require('(');
      std::vector<Scalar> terms{sum()};
      while (accept(',')) terms.push_back(sum());
      require(')');
      if (static_cast<int>(terms.size()) != term_count(kind))
        error(fmt::format("{} terms of {}, not {}, before", term_count(kind), name, terms.size()));
      return make_scalar(kind, std::move(terms));
    }
    at_ -= name.size();
    error("an expression");
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  std::map<std::string, Scalar> names_;
};

}  // namespace

std::string_view name_of(ScalarKind kind) {
  for (const auto& [known, name] : names)
    if (known == kind) return name;
  return "?";
}

std::string to_string(const Scalar& expression) { return Printer().print(expression); }
Scalar parse_scalar(std::string_view text) { return Parser(text).parse(); }

}  // namespace crease
