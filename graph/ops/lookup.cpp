#include "graph/ops/lookup.h"

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/activation.h"

namespace crease {
namespace {

void expect_index(const char* name, const Operand& index, const std::source_location& where) {
  expect(!is_floating(index.value.type()) && index.value.type() != Type::boolean,
         "[{}] the index must be an integer, got {} (at {})", name, to_string(index.value.type()),
         to_string(where));
}

}  // namespace

Value gather(const Operand& table, const Operand& index) {
  expect_index("gather", index, table.where);
  const Shape &rows = table.value.shape(), &at = index.value.shape();
  expect(!rows.empty(), "[gather] the table has no dimension to look up (at {})", to_string(table.where));
  expect(table.value.same_graph(index.value), "[gather] table and index belong to different graphs (at {})",
         to_string(table.where));
  Resolved resolved;
  Loops& loops = resolved.loops;
  loops.reads = {{{.lookup = 1}}, {}};
  for (size_t d = 0; d + 1 < rows.size() + at.size(); ++d) {
    const bool of_index = d < at.size();
    const Dim& extent = of_index ? at[d] : rows[d - at.size() + 1];
    const AffineIndex plain{.terms = {{static_cast<int>(d), 1}}};
    loops.labels.push_back({"d" + std::to_string(d), extent});
    loops.reads[of_index ? 1 : 0].push_back(plain);
    loops.write.push_back(plain);
    resolved.shape.push_back(extent);
  }
  auto op = std::make_shared<Op>(Op{.name = "gather",
                                    .doc = "Rows of a table by index; 0 for an index outside.",
                                    .body = [](Scalar x, Scalar) { return x; }});
  return table.value.graph().apply_resolved(op, std::move(resolved), {table.value, index.value},
                                            table.value.type(), table.where);
}

Value pick(const Operand& x, const Operand& index) {
  expect_index("pick", index, x.where);
  static const Op op{.name = "pick",
                     .doc = "y[b] = x[b, index[b]]; 0 for an index outside.",
                     .loops = "b @1, b -> b",
                     .body = [](Scalar value, Scalar) { return value; }};
  return op(x.value, index.value, x.where);
}

Value one_hot(const Operand& index, int64_t classes, Type type) {
  expect_index("one_hot", index, index.where);
  expect(classes > 0, "[one_hot] {} classes (at {})", classes, to_string(index.where));
  const Shape& shape = index.value.shape();
  Resolved resolved;
  resolved.loops.reads.emplace_back();
  for (size_t d = 0; d <= shape.size(); ++d) {
    const AffineIndex plain{.terms = {{static_cast<int>(d), 1}}};
    const Dim extent = d < shape.size() ? shape[d] : Dim(classes);
    resolved.loops.labels.push_back({"d" + std::to_string(d), extent});
    if (d < shape.size()) resolved.loops.reads[0].push_back(plain);
    resolved.loops.write.push_back(plain);
    resolved.shape.push_back(extent);
  }
  const Scalar hit = equal(Scalar::argument(0), Scalar::index(static_cast<int>(shape.size())));
  auto op = std::make_shared<Op>(
      Op{.name = "one_hot", .doc = "1 at the index, else 0.", .body = Body(1, select(hit, 1, 0))});
  return index.value.graph().apply_resolved(op, std::move(resolved), {index.value}, type, index.where);
}

}  // namespace crease
