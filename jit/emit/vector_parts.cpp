#include "jit/emit/vector_parts.h"

#include <algorithm>
#include <numeric>

namespace crease {

llvm::Value* part_of(llvm::IRBuilder<>& builder, llvm::Value* value, unsigned first, unsigned count) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  if (vector == nullptr) {
    auto* form = llvm::FixedVectorType::get(value->getType(), count);
    return builder.CreateInsertElement(llvm::PoisonValue::get(form), value, uint64_t{0});
  }
  if (vector->getNumElements() == count) return value;
  std::vector<int> order(count, -1);
  std::iota(order.begin(), order.begin() + std::min(vector->getNumElements(), count),
            static_cast<int>(first));
  return builder.CreateShuffleVector(value, order);
}

llvm::Value* joined(llvm::IRBuilder<>& builder, std::vector<llvm::Value*> parts, unsigned count,
                    unsigned lanes) {
  for (; parts.size() > 1; count *= 2) {
    std::vector<int> order(size_t{count} * 2);
    std::iota(order.begin(), order.end(), 0);
    std::vector<llvm::Value*> pairs;
    for (size_t i = 0; i < parts.size(); i += 2)
      pairs.push_back(builder.CreateShuffleVector(parts[i], parts[i + 1], order));
    parts = std::move(pairs);
  }
  if (lanes == count) return parts.front();
  if (lanes == 1) return builder.CreateExtractElement(parts.front(), uint64_t{0});
  std::vector<int> order(lanes);
  std::iota(order.begin(), order.end(), 0);
  return builder.CreateShuffleVector(parts.front(), order);
}

}  // namespace crease
