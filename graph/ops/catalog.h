// All named operations in a fixed order: what text is parsed against, documentation is generated from, and
// laws are tested over.
#pragma once

#include <span>
#include <string>

#include "graph/op.h"

namespace crease {

/// One row: an operation (with default attributes), and how to make it with others.
struct CatalogRow {
  std::string name;
  Op op;
  /// Makes the operation from attributes; null if it has none.
  Op (*make)(const Attributes&) = nullptr;
};

/// The elementwise and fixed-pattern operations.
std::span<const CatalogRow> catalog();
/// The row of that name, or null.
const CatalogRow* find_op(std::string_view name);

}  // namespace crease
