// Networks that PyTorch wrote, made by tests/frontends/onnx/models/make.py, against its own outputs.
#include <doctest/doctest.h>

#include <cmath>

#include "frontends/onnx.h"
#include "frontends/safetensors.h"
#include "graph/evaluate.h"
#include "jit/program.h"
#include "tests/files.h"

namespace crease {
namespace {

Tensor twice(const Tensor& x) {
  std::vector<int64_t> sizes = x.sizes();
  sizes[0] *= 2;
  Tensor result(x.type(), sizes);
  for (int64_t i = 0; i < result.count(); ++i) result.set(i, x.at(i % x.count()));
  return result;
}

void expect_close(const Tensor& got, const Tensor& want, double tolerance) {
  REQUIRE(got.sizes() == want.sizes());
  for (int64_t i = 0; i < want.count(); ++i)
    CHECK(std::abs(got.at(i) - want.at(i)) <= tolerance * (1 + std::abs(want.at(i))));
}

TEST_CASE("networks exported by PyTorch compute what they computed there") {
  const auto folder = test::source_file("tests/frontends/onnx/models");
  const auto answers = read_safetensors(folder / "answers.safetensors").tensors;
  for (const std::string name : {"dense", "image", "decoder", "recurrent", "attention"})
    for (const std::string kind : {"traced", "captured"}) {
      CAPTURE(name);
      CAPTURE(kind);
      const Tensor &x = answers.at(name + ".x"), &y = answers.at(name + ".y");
      // The capturing exporter writes the number of samples into the file; that of the loop's state stays.
      const bool fixed = name == "recurrent" && kind == "captured";
      const Graph network =
          read_onnx(folder / (name + "." + kind + ".onnx"), {.batch = fixed ? "" : "samples"});
      REQUIRE(network.outputs().size() == 1);
      CHECK(network.outputs()[0].name == "y");
      CHECK(network.result("y").shape()[0] == (fixed ? Dim(3) : Dim("samples")));
      expect_close(evaluate(network, {{"x", x}}).at("y"), y, 1e-6);
      if (!fixed) expect_close(evaluate(network, {{"x", twice(x)}}).at("y"), twice(y), 1e-6);
      expect_close(compile(network)({{"x", x}}).at("y"), y, 1e-5);
    }
}

TEST_CASE("an exported network has its parameters under their names, and running moments as state") {
  const auto folder = test::source_file("tests/frontends/onnx/models");
  const Graph network = read_onnx(folder / "dense.traced.onnx");
  CHECK(network.find("0.weight").shape() == Shape{8, 6});
  CHECK(network.find("21.bias").shape() == Shape{4});
  for (const NodeId id : network.parameters()) CHECK_FALSE(network.node(id).state);
  int moments = 0;
  const Graph image = read_onnx(folder / "image.captured.onnx");
  for (const NodeId id : image.parameters()) moments += image.node(id).state ? 1 : 0;
  CHECK(moments == 0);  // PyTorch merges batch normalisation into the convolutions before it
}

}  // namespace
}  // namespace crease
