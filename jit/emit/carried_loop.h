// A counted loop that carries values from pass to pass: the form that keeps pointers and sums in registers.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "jit/emit/emitter.h"

namespace crease {

/// Emits `count` (i64) passes of a body that gets the carried values and returns the next ones. Gives the
/// values after the last pass; a count of 0 gives the initial values. The builder ends behind the loop.
/// `some`: the count is never 0, which need not be asked then; what stays the same in the loop can leave it.
std::vector<llvm::Value*> emit_carried_loop(
    Emitter& emitter, llvm::Value* count, std::span<llvm::Value* const> initial,
    const std::function<std::vector<llvm::Value*>(std::span<llvm::Value* const>)>& body, bool some = false);

/// Whether `value` is the constant `number`.
bool is_number(const llvm::Value* value, int64_t number);

}  // namespace crease
