// What all emitters share: where instructions go, what machine they are for, and small helpers.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <string_view>

#include "graph/type.h"
#include "jit/machine.h"
#include "jit/rounding.h"

namespace crease {

struct Emitter {
  llvm::Module& module;
  llvm::IRBuilder<>& builder;
  const Machine& machine;
  Rounding rounding = Rounding::Nearest;

  llvm::LLVMContext& context() const { return module.getContext(); }
  /// Type of an element in memory: float, double, i64, i32, i8 (u8 and boolean).
  llvm::Type* memory_type(Type type) const;
  /// Type of a value in registers: as in memory, but i1 for boolean.
  llvm::Type* value_type(Type type) const;
  llvm::Value* i64(int64_t value) const;
  /// base + index elements of `type`.
  llvm::Value* element(llvm::Value* base, llvm::Value* index, Type type) const;
  /// Addresses of `lanes` elements that lie `stride` elements apart, from `first` on.
  llvm::Value* lane_pointers(llvm::Value* first, llvm::Value* stride, int lanes, Type type) const;
  /// The smaller of two signed numbers.
  llvm::Value* minimum(llvm::Value* a, llvm::Value* b) const;
  /// Lanes of a vector of `lanes` elements from `first` on that are below `end`: <lanes x i1>.
  llvm::Value* lanes_below(llvm::Value* first, llvm::Value* end, int lanes) const;
  /// The vector at `from`, without the lanes that `mask` leaves out, which are 0 and not touched; null: all.
  llvm::Value* load_vector(llvm::Type* form, llvm::Value* from, llvm::Align align, llvm::Value* mask) const;
  void store_vector(llvm::Value* vector, llvm::Value* to, llvm::Align align, llvm::Value* mask) const;
  /// Memory on the stack, aligned to 64 bytes, made in the function's entry block.
  llvm::AllocaInst* stack_memory(llvm::Type* type) const;
  /// Asks for a line of memory, which need not exist, in the first cache; `write`: to be changed.
  void prefetch(llvm::Value* pointer, bool write) const;
};

/// Lanes of a vector; 1 of a scalar.
unsigned lanes_of(const llvm::Value* value);

/// for (i = begin; i < end; i += step) body(i). The builder ends behind the loop. Loops with constant bounds
/// that run exactly once become straight code. The exit test is at the bottom; a test before the loop guards
/// against no turns unless the bounds are constant.
void emit_loop(Emitter& emitter, llvm::Value* begin, llvm::Value* end, int64_t step, std::string_view name,
               const std::function<void(llvm::Value* index)>& body);

}  // namespace crease
