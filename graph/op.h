// One operation is one record of data. Shapes, evaluation, derivatives, analyses, code and documentation are
// read from it.
//
//   const Op relu{.name = "relu", .doc = "max(x, 0), elementwise.", .body = [](Scalar x) { return max(x, 0);
//   }}; relu(x)   // a Value
#pragma once

#include <concepts>
#include <map>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "graph/access.h"
#include "graph/scalar.h"

namespace crease {

class Value;

/// How the values at points that write the same element are put together. Assign: at most one point an
/// element, the rest of the result is 0. ArgMax/ArgMin: the position (row-major over the reduced labels) of
/// the extremum, as i64; the first one.
enum class Combine : uint8_t { Assign, Sum, Product, Max, Min, ArgMax, ArgMin };
std::string_view to_string(Combine combine);
Combine parse_combine(std::string_view name);
/// ArgMax and ArgMin.
constexpr bool gives_position(Combine combine) {
  return combine == Combine::ArgMax || combine == Combine::ArgMin;
}

/// The scalar body of an operation: an expression over Argument(0..arity-1), made from a lambda over Scalars.
struct Body {
  int arity = 0;
  Scalar expression;

  Body() = default;
  Body(int count, Scalar result) : arity(count), expression(result) {}
  template <class F>
    requires std::invocable<F>
  Body(F f) : Body(0, f()) {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires std::invocable<F, Scalar>
  Body(F f) : Body(1, f(Scalar::argument(0))) {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires std::invocable<F, Scalar, Scalar>
  Body(F f) : Body(2, f(Scalar::argument(0), Scalar::argument(1))) {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires std::invocable<F, Scalar, Scalar, Scalar>
  Body(F f)  // NOLINT(google-explicit-constructor)
      : Body(3, f(Scalar::argument(0), Scalar::argument(1), Scalar::argument(2))) {}
};

/// What element type the result has.
enum class ResultType : uint8_t { Promoted, Boolean, Index };  // of the floating operands; bool; i64

/// A named number that an operation was made with (slope = 0.01, stride = 2); printed, and needed to read it
/// back.
using Attributes = std::vector<std::pair<std::string, double>>;

/// The record of an operation.
struct Op {
  std::string name;
  std::string doc;
  /// Loop pattern (see parse_pattern). Empty: elementwise with NumPy broadcasting.
  std::string loops = {};
  Body body;
  Combine combine = Combine::Assign;
  Attributes attributes = {};
  /// Extents of labels that no operand determines, and the result's shape where the pattern does not give it.
  std::map<std::string, Dim> extents = {};
  Shape result = {};
  ResultType type = ResultType::Promoted;

  /// Applies the operation. Errors: Error naming the operation, the shapes and the source lines of the
  /// operands.
  Value operator()(const Value& x, std::source_location where = std::source_location::current()) const;
  Value operator()(const Value& x, const Value& y,
                   std::source_location where = std::source_location::current()) const;
  Value operator()(const Value& x, const Value& y, const Value& z,
                   std::source_location where = std::source_location::current()) const;
};

/// What is wrong with a record over these loops and operands: its body asks for operands or loops that are
/// not there, or it looks up by what holds no integers; empty if it is sound.
std::vector<std::string> problems(const Op& op, const Loops& loops, std::span<const Type> operands);

/// The attributes that say what a derivative is at a singular point and that the body does not show: "order"
/// (the selection and the ranks of a k-th smallest element), "slope_at_0" (the root of a norm). Operations
/// that differ in them are different, and passes keep them.
Attributes conventions(const Op& op);

/// The arithmetic in which a body runs: f64 if any operand or the result is, else f32 if any operand is, else
/// integers (see graph/integers.h).
Type compute_type(std::span<const Type> operands, Type result);

/// The closed set of shapes an operation can have; analyses and lowering switch over it.
enum class Family : uint8_t { Map, Contraction, Reduction, Movement, Lookup };
/// Derived: Lookup if an access looks up; Contraction if a product of several operands is summed; Reduction
/// if anything else is combined; Movement if the body is its only argument under changed accesses; else Map.
Family family(const Op& op, const Loops& loops);
std::string_view to_string(Family family);

}  // namespace crease
