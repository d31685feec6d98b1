#include "frontends/onnx.h"
#include "graph/error.h"
#include "tests/frontends/onnx/model.h"
#include "tests/fuzz/fuzz.h"

namespace crease {
namespace {

using test::OnnxModel;

std::string dense() {
  OnnxModel model;
  model.input("x", {"n", "2"}).initializer("w", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6}));
  model.initializer("b", Tensor::f32({3}, {1, 2, 3})).add("Gemm", {"x", "w", "b"}, {"h"});
  return model.add("Softmax", {"h"}).attribute("axis", -1).output("y").bytes();
}

std::string image() {
  OnnxModel model;
  model.input("x", {"n", "1", "5", "5"}).initializer("w", Tensor(Type::f32, {2, 1, 3, 3}));
  model.add("Conv", {"x", "w"}, {"h"}).attribute("pads", std::vector<int64_t>{1, 0, 1, 0});
  model.add("MaxPool", {"h"}, {"p"}).attribute("kernel_shape", std::vector<int64_t>{2, 2});
  return model.attribute("ceil_mode", 1).add("Flatten", {"p"}).output("y").bytes();
}

/// x.view(x.shape[0], -1), sliced, looked up in, and put together again.
std::string moved() {
  OnnxModel model;
  model.input("x", {"n", "2", "3"}).initializer("zero", Tensor::i64({}, {0}));
  model.initializer("first", Tensor::i64({1}, {0})).initializer("last", Tensor::i64({1}, {-1}));
  model.add("Shape", {"x"}, {"s"})
      .add("Gather", {"s", "zero"}, {"n"})
      .add("Unsqueeze", {"n", "first"}, {"ns"});
  model.add("Concat", {"ns", "last"}, {"to"}).attribute("axis", 0).add("Reshape", {"x", "to"}, {"flat"});
  model.initializer("one", Tensor::i64({1}, {1})).initializer("four", Tensor::i64({1}, {4}));
  model.add("Slice", {"flat", "one", "four", "one"}, {"part"});
  model.add("Gather", {"part", "last"}, {"column"}).attribute("axis", 1);
  return model.add("Concat", {"part", "column"}).attribute("axis", 1).output("y").bytes();
}

std::string loop() {
  OnnxModel model;
  model.input("x", {"4", "n", "2"}).initializer("w", Tensor(Type::f32, {1, 9, 2}));
  model.initializer("r", Tensor(Type::f32, {1, 9, 3})).add("GRU", {"x", "w", "r"}, {"y", "h"});
  return model.attribute("hidden_size", 3).output("y").output("h").bytes();
}

}  // namespace

std::vector<std::string> fuzz::seeds() { return {dense(), image(), moved(), loop()}; }

/// As exported, and, where it can be, for any number of samples.
void fuzz::read(std::string_view bytes) {
  parse_onnx(bytes, "input");
  try {
    parse_onnx(bytes, "input", {.batch = "batch"});
  } catch (const Error&) {
  }
}

}  // namespace crease
