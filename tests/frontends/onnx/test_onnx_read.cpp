#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "frontends/file.h"
#include "frontends/onnx.h"
#include "graph/evaluate.h"
#include "tests/files.h"
#include "tests/frontends/onnx/model.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::OnnxModel;
using test::thrown_by;

std::string complaint(const OnnxModel& model, const OnnxOptions& options = {}) {
  return thrown_by([&] { model.read(options); });
}

/// y = x W + b with x [n, 2].
OnnxModel dense(const std::string& samples = "n") {
  OnnxModel model;
  model.input("x", {samples, "2"}).initializer("w", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6}));
  model.initializer("b", Tensor::f32({3}, {10, 20, 30})).add("Gemm", {"x", "w", "b"}).output("y");
  return model;
}

TEST_CASE("a layer of an ONNX file has parameters, and names of inputs, outputs and dimensions") {
  const Graph graph = dense().read();
  CHECK(graph.find("x").shape() == Shape{"n", 2});
  CHECK(graph.find("w").node().role == Role::Parameter);
  CHECK(graph.result("y").shape() == Shape{"n", 3});
  CHECK(evaluate(graph, {{"x", Tensor::f32({1, 2}, {1, -1})}}).at("y") == Tensor::f32({1, 3}, {7, 17, 27}));
  CHECK(graph.find("w").node().where.line() == 0);
}

TEST_CASE("dimensions get names after their input, numbers from the caller, or the name of the samples") {
  CHECK(dense("").read().find("x").shape() == Shape{"x_0", 2});
  CHECK(dense("my-batch.1").read().find("x").shape() == Shape{"my_batch_1", 2});
  CHECK(dense().read({.sizes = {{"n", 4}}}).find("x").shape() == Shape{4, 2});
  CHECK(dense("1").read().find("x").shape() == Shape{1, 2});
  CHECK(dense("1").read({.batch = "batch"}).result("y").shape() == Shape{"batch", 3});
  CHECK(dense("n").read({.batch = "batch"}).result("y").shape() == Shape{"n", 3});
  CHECK(holds(complaint(dense(), {.sizes = {{"m", 4}}}), "no dimension is named 'm'; there are: n"));
}

TEST_CASE("a shape with the number of samples of the export means any number of them") {
  const auto reshaped = [](const std::vector<std::string>& from, const std::vector<int64_t>& to) {
    OnnxModel model;
    model.input("x", from).initializer("shape", Tensor::i64({std::ssize(to)}, to));
    return model.add("Reshape", {"x", "shape"}).output("y").read({.batch = "batch"}).result("y").shape();
  };
  CHECK(reshaped({"1", "2", "3"}, {1, 6}) == Shape{"batch", 6});
  CHECK(reshaped({"1", "2", "3"}, {1, -1}) == Shape{"batch", 6});
  CHECK(reshaped({"1", "2", "3"}, {-1, 6}) == Shape{"batch", 6});
  CHECK(reshaped({"3", "2", "3"}, {3, 3, 2}) == Shape{"batch", 3, 2});
  CHECK(reshaped({"4", "4"}, {4, 2, 2}) == Shape{"batch", 2, 2});
}

TEST_CASE("sizes that are computed from shapes are followed") {
  // x [n, 2, 3] to [n, 6] as PyTorch writes x.view(x.shape[0], -1).
  OnnxModel model;
  model.input("x", {"n", "2", "3"}).initializer("zero", Tensor::i64({}, {0}));
  model.initializer("rest", Tensor::i64({1}, {-1})).initializer("first", Tensor::i64({1}, {0}));
  model.add("Shape", {"x"}, {"sizes"}).add("Gather", {"sizes", "zero"}, {"n"});
  model.add("Unsqueeze", {"n", "first"}, {"ns"}).add("Concat", {"ns", "rest"}, {"to"}).attribute("axis", 0);
  model.add("Reshape", {"x", "to"}).output("y");
  CHECK(model.read().result("y").shape() == Shape{"n", 6});
}

TEST_CASE("what an operator of a file asks for and is not carried out is refused by name") {
  OnnxModel model;
  model.input("x", {"n", "2"}).add("Relu", {"x"}).attribute("leak", 1).output("y");
  CHECK(complaint(model) == "[onnx] model.onnx: node 0 (Relu): attribute 'leak' is not known here");

  OnnxModel pool;
  pool.input("x", {"n", "1", "8", "8"}).add("MaxPool", {"x"}, {"y", "indices"});
  pool.attribute("kernel_shape", std::vector<int64_t>{2, 2}).node().set_name("pool1");
  CHECK(holds(complaint(pool.output("y")),
              "node 0 'pool1' (MaxPool): result 1 ('indices') is not carried out"));

  OnnxModel more;
  more.input("x", {"2"}).add("Relu", {"x", "x"}).output("y");
  CHECK(holds(complaint(more), "input 1 ('x') is not known here"));

  OnnxModel trained;
  trained.input("x", {"2"}).initializer("yes", Tensor::scalar(Type::boolean, 1));
  trained.add("Dropout", {"x", "", "yes"}).output("y");
  CHECK(holds(complaint(trained), "networks are read for inference"));
}

TEST_CASE("operators that are not known are listed all at once") {
  OnnxModel model;
  model.input("x", {"2"}).add("Relu", {"x"}, {"a"}).add("Nose", {"a"}, {"b"}).add("Loop", {"b"}).output("y");
  CHECK(holds(complaint(model), "operators that are not read: node 1 (Nose), node 2 (Loop); docs/onnx.md"));
  OnnxModel foreign;
  foreign.input("x", {"2"}).add("Relu", {"x"}).output("y").node().set_domain("com.example");
  CHECK(holds(complaint(foreign), "node 0 (Relu) of domain com.example"));
  CHECK(std::ranges::is_sorted(onnx_operators()));
  CHECK(std::ranges::binary_search(onnx_operators(), "Conv"));
}

TEST_CASE("outputs are read alone, with nothing that they do not need") {
  OnnxModel model;
  model.input("x", {"2"}).input("text", {"2"}, onnx::TensorProto::STRING).add("Relu", {"x"}, {"h"});
  model.add("Exp", {"h"}).add("Nose", {"h", "text"}, {"z"}).output("y").output("z");
  CHECK(holds(complaint(model),
              "node 2 (Nose); docs/onnx.md lists those that are; outputs that do not need them can be read "
              "alone: y"));
  OnnxModel last;
  last.input("x", {"2"}).add("Relu", {"x"}, {"h"}).add("Nose", {"h", "x"}, {"y"}).add("Exp", {"y"}, {"z"});
  CHECK(
      complaint(last.output("z").output("y")).ends_with("values in front of them can be read as outputs: h"));
  const Graph graph = model.read({.outputs = {"y"}});
  CHECK(graph.inputs().size() == 1);
  CHECK(graph.outputs().size() == 1);
  CHECK(model.read({.outputs = {"h"}}).result("h").shape() == Shape{2});
  CHECK(
      holds(complaint(model, {.outputs = {"w"}}), "output 'w': nothing gives it; outputs of the file: y, z"));
}

TEST_CASE("docs/onnx.md lists the operators that are read, and no other") {
  std::istringstream page(read_file(test::source_file("docs/onnx.md")));
  std::vector<std::string> listed;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    inside = line.starts_with("| kind") || (inside && line.starts_with('|'));
    if (!inside || line.starts_with("| kind") || line.starts_with("| ---")) continue;
    std::istringstream names(line.substr(line.find('|', 1) + 1));
    for (std::string name; names >> name;)
      if (name != "|") listed.push_back(name);
  }
  std::ranges::sort(listed);
  CHECK(listed == onnx_operators());
}

TEST_CASE("a graph that breaks the rules is refused") {
  OnnxModel undefined;
  undefined.input("x", {"2"}).add("Relu", {"later"}).add("Relu", {"x"}, {"later"}).output("y");
  CHECK(holds(complaint(undefined), "node 0 (Relu): it reads 'later', which nothing before it gives"));
  OnnxModel twice;
  twice.input("x", {"2"}).add("Relu", {"x"}).add("Relu", {"x"}).output("y");
  CHECK(holds(complaint(twice), "'y' has two values"));
  OnnxModel none;
  CHECK(holds(complaint(none.input("x", {"2"})), "the graph has no outputs"));
  CHECK(holds(complaint(none.output("z")), "output 'z': nothing gives it"));
  CHECK(holds(complaint(OnnxModel(0).output("y")), "operators of version 0"));
  CHECK(holds(complaint(OnnxModel(99).output("y")), "operators of version 99"));
  OnnxModel shape;
  shape.input("x", {"2", "3"}).initializer("w", Tensor::f32({2, 3}, std::vector<float>(6)));
  shape.add("MatMul", {"x", "w"}).output("y").node().set_name("dense1");
  CHECK(holds(complaint(shape), "node 0 'dense1' (MatMul): [matmul]"));
  OnnxModel half;
  half.input("x", {"2"}, onnx::TensorProto::FLOAT16).add("Relu", {"x"}).output("y");
  CHECK(holds(complaint(half), "input 'x': elements of type float16: crease has f32"));
}

TEST_CASE("an initializer has the values that its shape asks for") {
  const auto changed = [](auto change) {
    OnnxModel model = dense();
    change(*model.model.mutable_graph()->mutable_initializer(0));
    return complaint(model);
  };
  const std::string place = "[onnx] model.onnx: initializer 'w': ";
  CHECK(changed([](auto& w) { w.set_dims(0, -1); }) == place + "a dimension of size -1");
  CHECK(changed([](auto& w) { w.set_dims(0, int64_t{1} << 60); }).starts_with(place));
  CHECK(changed([](auto& w) { w.mutable_raw_data()->push_back('x'); }) ==
        place + "25 bytes for f32[2, 3], want 24");
  CHECK(changed([](auto& w) { w.clear_raw_data(); }) == place + "0 bytes for shape [2, 3]");
  CHECK(changed([](auto& w) {
          w.set_data_type(onnx::TensorProto::INT8);
        }).starts_with(place + "elements of type int8"));
  CHECK(changed([](auto& w) { w.set_data_type(77); }) == place + "elements of unknown type 77");
  CHECK(changed([](auto& w) { w.set_data_location(onnx::TensorProto::EXTERNAL); }) ==
        place + "its values are in another file, and this model is in none");
}

TEST_CASE("a file that is cut off, or none at all, is an error at every length") {
  const std::string bytes = dense().bytes();
  for (size_t length = 0; length < bytes.size(); ++length) {
    CAPTURE(length);
    const std::string message = thrown_by([&] { parse_onnx(bytes.substr(0, length), "model.onnx"); });
    CHECK(message.starts_with("[onnx] model.onnx: "));
  }
  CHECK(holds(thrown_by([] { parse_onnx("no model at all", "a"); }), "no ONNX file"));
}

TEST_CASE("names that crease does not have are changed, and stay different") {
  OnnxModel model;
  model.input("x 1", {"2"})
      .initializer("w*", Tensor::f32({2}, {1, 2}))
      .initializer("w+", Tensor::f32({2}, {3, 4}));
  model.add("Mul", {"x 1", "w*"}, {"a"}).add("Add", {"a", "w+"}).output("y");
  const Graph graph = model.read();
  CHECK(evaluate(graph, {{"x_1", Tensor::f32({2}, {1, 1})}}).at("y") == Tensor::f32({2}, {4, 6}));
  CHECK(graph.find("w_").node().value == Tensor::f32({2}, {1, 2}));
  CHECK(graph.find("w__1").node().value == Tensor::f32({2}, {3, 4}));
}

TEST_CASE("an output that is an initializer keeps its name") {
  OnnxModel model;
  model.input("x", {"2"}).initializer("w", Tensor::f32({2}, {1, 2})).add("Mul", {"x", "w"});
  const Graph graph = model.output("y").output("w").read();
  CHECK(evaluate(graph, {{"x", Tensor::f32({2}, {3, 4})}}).at("w") == Tensor::f32({2}, {1, 2}));
  CHECK(graph.find("w").node().role == Role::Parameter);
}

TEST_CASE("a number beside a value becomes part of the operation") {
  OnnxModel model;
  model.input("x", {"2"})
      .initializer("zero", Tensor::scalar(Type::f32, 0))
      .add("Max", {"x", "zero"})
      .output("y");
  const Graph graph = model.read();
  CHECK(graph.result("y").node().operands.size() == 1);
  OnnxModel clip;
  clip.input("x", {"2"})
      .initializer("zero", Tensor::scalar(Type::f32, 0))
      .add("Clip", {"x", "zero"})
      .output("y");
  CHECK(clip.read().result("y").node().op->name == "relu");
}

TEST_CASE("an activation is one operation, whatever its factors are, and stays one when it is written") {
  const auto of = [](const char* type, float alpha) {
    OnnxModel model;
    model.input("x", {"n", "2"}).add(type, {"x"}).real("alpha", alpha).output("y");
    return model.read();
  };
  for (const char* type : {"Elu", "Celu"}) {
    CAPTURE(type);
    const Graph network = of(type, 0.7F);
    CHECK(network.result("y").node().op->name == "exponential_linear");
    CHECK(network.size() == 2);
    const Graph again = parse_onnx(format_onnx(network), "again");
    CHECK(again.result("y").node().op->body.expression.same(network.result("y").node().op->body.expression));
    CHECK(of(type, 1).result("y").node().op->name != "exponential_linear");
  }
}

TEST_CASE("a product of a value with itself is a square, whose bounds know that") {
  OnnxModel model;
  model.input("x", {"n", "2"}).add("Mul", {"x", "x"}).output("y");
  CHECK(model.read().result("y").node().op->name == "square");
}

TEST_CASE("no padding is no node") {
  OnnxModel model;
  model.input("x", {"n", "1", "4", "4"}).add("AveragePool", {"x"}).output("y");
  model.attribute("kernel_shape", std::vector<int64_t>{2, 2}).attribute("count_include_pad", 1);
  const Graph network = model.read();
  CHECK(network.size() == 3);  // x, sums of windows, and their division
}

/// y of one node over x.
Tensor computed(OnnxModel model, const Tensor& x) {
  return evaluate(model.output("y").read(), {{"x", x}}).at("y");
}

TEST_CASE("operators keep to the standard at their edges") {
  // (x - value) + value would lose x beside a great value, and all of it beside an infinite one.
  for (const double value : {1e30, -std::numeric_limits<double>::infinity()}) {
    OnnxModel pad;
    pad.input("x", {"2"}).initializer("pads", Tensor::i64({2}, {1, 0}));
    pad.initializer("v", Tensor::scalar(Type::f32, value)).add("Pad", {"x", "pads", "v"});
    CHECK(computed(pad, Tensor::f32({2}, {1, 2})) == Tensor::f32({3}, {static_cast<float>(value), 1, 2}));
  }
  // A reduction over no axes is the operation of one element.
  OnnxModel norm(18);
  norm.input("x", {"2"}).add("ReduceL1", {"x"}).attribute("noop_with_empty_axes", 1);
  CHECK(computed(norm, Tensor::f32({2}, {-3, 2})) == Tensor::f32({2}, {3, 2}));
  OnnxModel square;
  square.input("x", {}).add("ReduceSumSquare", {"x"});
  CHECK(computed(square, Tensor::scalar(Type::f32, -3)) == Tensor::scalar(Type::f32, 9));
  // Integers beyond 2^53 are no doubles.
  constexpr int64_t great = (int64_t{1} << 53) + 1;
  OnnxModel sum;
  sum.input("x", {"1"}, onnx::TensorProto::INT64)
      .initializer("n", Tensor::i64({1}, {great}))
      .add("Add", {"x", "n"});
  CHECK(computed(sum, Tensor::i64({1}, {2})) == Tensor::i64({1}, {great + 2}));
  OnnxModel power;
  power.input("x", {"1"}).initializer("p", Tensor::scalar(Type::f32, 101)).add("Pow", {"x", "p"});
  CHECK(computed(power, Tensor::f32({1}, {-1})) == Tensor::f32({1}, {-1}));
  OnnxModel squeeze;
  squeeze.input("x", {"1", "2"}).initializer("axes", Tensor(Type::i64, {0})).add("Squeeze", {"x", "axes"});
  CHECK(computed(squeeze, Tensor::f32({1, 2}, {1, 2})) == Tensor::f32({2}, {1, 2}));
}

TEST_CASE("images are resized as the standard says, twice the size by copies") {
  const auto resized = [](const std::string& mode, const std::string& places, float scale) {
    OnnxModel model;
    model.input("x", {"n", "1", "4"}).initializer("scales", Tensor::f32({3}, {1, 1, scale}));
    model.add("Resize", {"x", "", "scales"}).attribute("mode", mode);
    return model.attribute("coordinate_transformation_mode", places).output("y").read();
  };
  const Tensor x = Tensor::f32({1, 1, 4}, {1, 2, 3, 4});
  const auto y = [&](const Graph& network) { return evaluate(network, {{"x", x}}).at("y"); };
  const Graph copied = resized("nearest", "asymmetric", 2);
  CHECK(y(copied) == Tensor::f32({1, 1, 8}, {1, 1, 2, 2, 3, 3, 4, 4}));
  CHECK(std::ranges::all_of(copied.inputs(), [&](NodeId id) { return copied.node(id).name == "x"; }));
  CHECK(copied.size() == 4);  // x, an axis more, its repetition, both in one: no weights
  CHECK(y(resized("nearest", "half_pixel", 0.5)) == Tensor::f32({1, 1, 2}, {1, 3}));
  CHECK(y(resized("linear", "half_pixel", 2)) ==
        Tensor::f32({1, 1, 8}, {1, 1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f, 4}));
  CHECK(y(resized("linear", "align_corners", 1.75)) ==
        Tensor::f32({1, 1, 7}, {1, 1.5f, 2, 2.5f, 3, 3.5f, 4}));
  const auto refused = [&](const char* mode, const char* places) {
    return thrown_by([&] { resized(mode, places, 2); });
  };
  CHECK(holds(refused("area", "half_pixel"), "mode 'area' is not carried out"));
  CHECK(holds(refused("linear", "tf_crop_and_resize"),
              "coordinate_transformation_mode 'tf_crop_and_resize' is not carried out"));
}

TEST_CASE("places that are known may be counted from the end") {
  for (const std::string op : {"Gather", "GatherElements"}) {
    CAPTURE(op);
    OnnxModel model;
    model.input("x", {"3"}).initializer("i", Tensor::i64({2}, {-1, 0})).add(op, {"x", "i"});
    CHECK(computed(model, Tensor::f32({3}, {5, 6, 7})) == Tensor::f32({2}, {7, 5}));
    OnnxModel outside;
    outside.input("x", {"3"}).initializer("i", Tensor::i64({2}, {-4, 0})).add(op, {"x", "i"});
    CHECK(holds(complaint(outside.output("y")), "element -4 of 3"));
  }
}

TEST_CASE("a dimension that brings samples together is not taken for their number") {
  const auto named = [](OnnxModel model) { return complaint(model.output("y"), {.batch = "batch"}); };
  OnnxModel softmax;
  softmax.input("x", {"1", "5"}).add("Softmax", {"x"}).attribute("axis", 0);
  CHECK(holds(named(softmax), "brings samples together, so that 'batch' cannot be any number"));
  OnnxModel product;
  product.input("x", {"1", "5"}).add("Gemm", {"x", "x"}).attribute("transB", 1);
  CHECK(holds(named(product), "output 'y' [batch, batch] has no dimension 'batch' of samples"));
  OnnxModel mean;
  mean.input("x", {"4", "5"}).add("ReduceMean", {"x"}, {"m"}).add("Sub", {"x", "m"});
  CHECK(holds(named(mean), "brings samples together"));
  OnnxModel squeezed;
  squeezed.input("x", {"1", "3"}).add("Squeeze", {"x"});
  CHECK(holds(named(squeezed), "whether a named size of [batch, 3] is 1 is not known"));
}

TEST_CASE("numbers of hostile files stay within what they are for") {
  const auto sliced = [](int64_t start, int64_t end, int64_t step) {
    OnnxModel model;
    model.input("x", {"1"})
        .initializer("q", Tensor::i64({3}, {5, 6, 7}))
        .initializer("s", Tensor::i64({1}, {start}));
    model.initializer("e", Tensor::i64({1}, {end})).initializer("a", Tensor::i64({1}, {0}));
    model.initializer("t", Tensor::i64({1}, {step})).add("Slice", {"q", "s", "e", "a", "t"}).output("y");
    return evaluate(model.read().result("y"));
  };
  constexpr int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
  CHECK(sliced(1, most, most) == Tensor::i64({1}, {6}));
  CHECK(sliced(2, least, least) == Tensor::i64({1}, {7}));
  CHECK(sliced(least, least, -1) == Tensor::i64({1}, {5}));
  CHECK(sliced(most, 0, -1) == Tensor::i64({2}, {7, 6}));

  OnnxModel work;
  work.input("x", {"2"}).initializer("n", Tensor::i64({2}, {2048, 2048}));
  work.add("ConstantOfShape", {"n"}, {"c"}).add("MatMul", {"c", "c"}, {"d"}).add("ReduceSum", {"d"}, {"s"});
  work.attribute("keepdims", 0).add("Add", {"x", "s"}).output("y");
  CHECK(holds(complaint(work), "constants that are wanted while the file is read take more than"));
  OnnxModel list;
  list.initializer("t", Tensor::i64({2}, {1, 2})).input("x", {"2"});
  std::string last = "t";
  for (int k = 0; k < 30; ++k, last = fmt::format("t{}", k))
    list.add("Concat", {last, last}, {fmt::format("t{}", k + 1)}).attribute("axis", 0);
  CHECK(holds(complaint(list.add("Reshape", {"x", "t30"}).output("y")), "a list of 131072 integers"));
  OnnxModel pads;
  pads.input("x", {"2"}).initializer("p", Tensor::i64({2}, {least, 0})).add("Pad", {"x", "p"}).output("y");
  CHECK(holds(complaint(pads), "pads beyond 2^31"));
  OnnxModel order;
  order.input("x", {"2", "3"})
      .add("Transpose", {"x"})
      .attribute("perm", std::vector<int64_t>{(int64_t{1} << 32) + 1, 0});
  CHECK(holds(complaint(order.output("y")), "axis 4294967297 of a value of rank 2"));
}

TEST_CASE("messages have neither lines of the reader nor what a terminal obeys") {
  OnnxModel model;
  model.input("x", {"2"}).input("y", {"3"}).add("Concat", {"x", "y"}, {"z"}).attribute("axis", 0);
  model.add("Add", {"z", "x"}, {"w"}).output("w").node().set_name("a\x1b[31m");
  const std::string message = complaint(model);
  CHECK(holds(message, "do not broadcast"));
  CHECK_FALSE(holds(message, ".cpp"));
  CHECK_FALSE(holds(message, "text form"));
  CHECK_FALSE(holds(message, "\x1b"));
}

}  // namespace
}  // namespace crease
