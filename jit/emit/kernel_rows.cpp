// Reads of vectors that are several short rows (jit/schedule_rows.h).
#include <algorithm>

#include "jit/emit/kernel_values.h"

namespace crease {
namespace {

std::vector<int> lanes_from(int first, int count, int step) {
  std::vector<int> list;
  for (int i = 0; i < count; ++i) list.push_back(first + i * step);
  return list;
}

}  // namespace

/// How the rows of a read lie that are joined to vectors but do not run on; null for others.
const Address::Step* KernelValues::rows_of(size_t access) const {
  const auto found =
      std::ranges::find_if(address(access).loops, [](const Address::Step& step) { return step.turns > 1; });
  return found == address(access).loops.end() ? nullptr : &*found;
}

int64_t KernelValues::along_row(size_t access) const {
  const Instruction& it = kernel_.code[access];
  const Shape shape = memory_shape(buffers_[static_cast<size_t>(it.buffer)]);
  return address_of(it.place, shape).stride(schedule_.vector_loop).factor;
}

/// A vector of rows: neighbours, or every second element, or one element in all of a row's lanes.
llvm::Value* KernelValues::load_rows(const Address::Step& rows, int64_t along, llvm::Value* pointer,
                                     llvm::FixedVectorType* form, llvm::Align align, llvm::Value* mask) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const int lanes = static_cast<int>(form->getNumElements()), length = static_cast<int>(rows.turns);
  const int count = lanes / length;
  const auto part_of_mask = [&](const std::vector<int>& which) {
    return mask == nullptr ? nullptr : builder.CreateShuffleVector(mask, which);
  };
  const auto vector_of = [&](int elements) {
    return llvm::FixedVectorType::get(form->getElementType(), static_cast<unsigned>(elements));
  };
  if (along == 0) {
    llvm::Value* each =
        emitter_.load_vector(vector_of(count), pointer, align, part_of_mask(lanes_from(0, count, length)));
    std::vector<int> repeated;
    for (int lane = 0; lane < lanes; ++lane) repeated.push_back(lane / length);
    return builder.CreateShuffleVector(each, repeated);
  }
  std::vector<llvm::Value*> parts;
  for (int row = 0; row < count; ++row) {
    llvm::Value* from =
        builder.CreateGEP(form->getElementType(), pointer, emitter_.i64(row * rows.stride.factor));
    llvm::Value* which = part_of_mask(lanes_from(row * length, length, 1));
    parts.push_back(along == 2 ? load_every_second(from, vector_of(length), align, which)
                               : emitter_.load_vector(vector_of(length), from, align, which));
  }
  for (int size = 2 * length; parts.size() > 1; size *= 2) {
    for (size_t i = 0; i < parts.size() / 2; ++i)
      parts[i] = builder.CreateShuffleVector(parts[2 * i], parts[2 * i + 1], lanes_from(0, size, 1));
    parts.resize(parts.size() / 2);
  }
  return parts[0];
}

}  // namespace crease
