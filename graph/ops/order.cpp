#include "graph/ops/order.h"

#include <limits>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/axes.h"

namespace crease {
namespace {

constexpr std::string_view order_attribute = "order";

/// Reads of x at its own element, and along one axis at another.
struct Reads {
  Access own, other;
};

/// rank[.., i, ..] = how many elements j along the axis are <= element i.
Value ranks(const Operand& x, int64_t k, int axis) {
  const Shape& shape = x.value.shape();
  Resolved resolved{.shape = shape};
  Reads reads;
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    resolved.loops.labels.push_back({"d" + std::to_string(d), shape[static_cast<size_t>(d)]});
    reads.own.push_back({.terms = {{d, 1}}});
  }
  const int other = static_cast<int>(shape.size());
  resolved.loops.labels.push_back({"other", shape[static_cast<size_t>(axis)]});
  reads.other = reads.own;
  reads.other[static_cast<size_t>(axis)] = {.terms = {{other, 1}}};
  resolved.loops.write = reads.own;
  resolved.loops.reads = {reads.own, reads.other};
  auto op =
      std::make_shared<Op>(Op{.name = "rank",
                              .doc = "How many elements along the axis are <= this one.",
                              .body = [](Scalar own, Scalar another) { return select(another <= own, 1, 0); },
                              .combine = Combine::Sum,
                              .attributes = {{std::string(order_attribute), static_cast<double>(k)}}});
  return x.value.graph().apply_resolved(op, std::move(resolved), {x.value, x.value}, x.value.type(), x.where);
}

}  // namespace

Value kth_smallest(const Operand& x, int64_t k, int axis) {
  const Shape& shape = x.value.shape();
  axis = checked_axis("kth_smallest", axis, shape, x.where);
  const Dim size = shape[static_cast<size_t>(axis)];
  expect(!size.is_symbol() && k >= 0 && k < size.size(),
         "[kth_smallest] no element number {} along axis {} of {} (at {})", k, axis, to_string(shape),
         to_string(x.where));
  expect(is_floating(x.value.type()), "[kth_smallest] wants floating point, got {} (at {})",
         to_string(x.value.type()), to_string(x.where));
  Resolved resolved;
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    const Dim& extent = shape[static_cast<size_t>(d)];
    resolved.loops.labels.push_back({"d" + std::to_string(d), extent});
    if (d == axis) continue;
    resolved.loops.write.push_back({.terms = {{d, 1}}});
    resolved.shape.push_back(extent);
  }
  Access own;
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) own.push_back({.terms = {{d, 1}}});
  resolved.loops.reads = {own, own};
  auto op = std::make_shared<Op>(Op{.name = "kth_smallest",
                                    .doc = "The least element whose rank is above k, along one axis.",
                                    .body =
                                        [=](Scalar element, Scalar rank) {
                                          return select(rank > static_cast<double>(k), element,
                                                        std::numeric_limits<double>::infinity());
                                        },
                                    .combine = Combine::Min,
                                    .attributes = {{std::string(order_attribute), static_cast<double>(k)}}});
  return x.value.graph().apply_resolved(op, std::move(resolved), {x.value, ranks(x, k, axis)}, x.value.type(),
                                        x.where);
}

std::optional<int64_t> order_of(const Op& op) {
  for (const auto& [name, value] : op.attributes)
    if (name == order_attribute) return static_cast<int64_t>(value);
  return {};
}

}  // namespace crease
