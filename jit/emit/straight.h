// Elementary functions of long code without loops: equal functions of different numbers are computed side by
// side, in the lanes of one vector.
#pragma once

#include <span>
#include <vector>

#include "jit/emit/emitter.h"
#include "jit/kernel.h"

namespace crease {

class SideBySide {
 public:
  explicit SideBySide(Emitter& emitter) : emitter_(emitter) {}

  /// function(x) of each of the numbers. The function is shared by the module. Numbers come as its arguments
  /// and return through memory: a vector that is loaded from memory where its lanes have just been stored one
  /// by one waits for all that came before, as no processor passes several stores on to one load.
  std::vector<llvm::Value*> emit(ScalarKind function, Type type, std::span<llvm::Value* const> numbers);

 private:
  llvm::Value* memory(Type type);
  llvm::Function* shared(ScalarKind function, Type type);

  Emitter& emitter_;
  llvm::Value* memory_[2] = {nullptr, nullptr};  // of f32, f64: one vector, in the caller's frame
};

}  // namespace crease
