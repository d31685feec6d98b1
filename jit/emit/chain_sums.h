// The sums of several chains of multiply-adds, which are added up as the chains end.
#pragma once

#include <utility>
#include <vector>

#include "jit/emit/emit_scalar.h"

namespace crease {

/// Of four chains the first two are added, the last two, and both sums: at most three wait at a time.
class ChainSums {
 public:
  ChainSums(const Emitter& emitter, Type type) : emitter_(emitter), type_(type) {}

  /// One chain of each element.
  void add(std::vector<llvm::Value*> chains) {
    for (size_t number = ++count_; number % 2 == 0; number /= 2) {
      for (size_t i = 0; i < chains.size(); ++i)
        chains[i] = emit_combine(emitter_, Combine::Sum, type_, waiting_.back()[i], chains[i]);
      waiting_.pop_back();
    }
    waiting_.push_back(std::move(chains));
  }

  /// The sums, once a power of two of chains has been added.
  std::vector<llvm::Value*> total() && { return std::move(waiting_.front()); }

 private:
  const Emitter& emitter_;
  Type type_;
  size_t count_ = 0;
  std::vector<std::vector<llvm::Value*>> waiting_;
};

}  // namespace crease
