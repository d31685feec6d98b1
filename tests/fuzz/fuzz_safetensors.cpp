#include "frontends/safetensors.h"
#include "graph/error.h"
#include "tests/fuzz/fuzz.h"

namespace crease {

std::vector<std::string> fuzz::seeds() {
  Tensor flags(Type::boolean, {2});
  flags.set(1, 1);
  return {format_safetensors({}),
          format_safetensors({{"w", Tensor::f32({1, 2}, {1, 2})}, {"b", flags}}, {{"k", "v\n\xc3\xa9"}}),
          format_safetensors({{"empty", Tensor(Type::i64, {0})}, {"scalar", Tensor::scalar(Type::f64, 1)}})};
}

/// What was read must also come back: reading what it writes gives the same.
void fuzz::read(std::string_view bytes) {
  const TensorFile file = parse_safetensors(bytes, "input");
  const TensorFile again = parse_safetensors(format_safetensors(file.tensors, file.metadata), "again");
  ensure(again.tensors == file.tensors && again.metadata == file.metadata, "a safetensors file changed");
}

}  // namespace crease
