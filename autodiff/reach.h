// What a derivative must visit, and the checks that all derivative calls share.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// For each node: whether it depends on a variable and an output depends on it. Variables are ends: a path
/// that goes through one variable into another counts for both. No path goes through what is held constant
/// (graph/ops/hold.h), so that no derivative does.
std::vector<bool> between(const Graph& graph, ValueSpan outputs, ValueSpan wrt);

/// The same, through comparisons and other nodes that are no floating point too: what a variable can change
/// at all.
std::vector<bool> reached(const Graph& graph, ValueSpan outputs, ValueSpan wrt);

/// Errors: Error unless the loss is one floating-point number; says how to reduce it.
void check_loss(const char* call, const Value& loss, const std::source_location& where);

/// Errors: Error naming `call` if there is nothing to differentiate, a value is of another graph, or a
/// variable is no floating point.
void check_derivative(const char* call, ValueSpan outputs, ValueSpan wrt, const std::source_location& where);

/// Errors: Error naming `call`, which states facts of the function, if derivatives hold a part of it
/// constant.
void check_not_held(const char* call, ValueSpan outputs, ValueSpan wrt, const std::source_location& where);

/// Errors: Error unless `value` has the shape, type and graph of `like`.
void check_like(const char* call, const char* role, const Value& value, const Value& like,
                const std::source_location& where);

}  // namespace crease
