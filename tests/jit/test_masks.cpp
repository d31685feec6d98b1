#include "jit/masks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

using Kinked = std::function<Value(const Value&)>;

/// Integers in {-1, 0, 1}: products that are 0 are frequent, and all results exact.
Tensor coarse(Type type, std::vector<int64_t> sizes) { return integers(type, std::move(sizes), -1, 1, 7); }

/// Gradients of sum((kinked(x W) V)^2) through a hidden layer of n units, whose numbers hit kinks often.
Graph hidden_layer(int64_t n, const Kinked& kinked, const Tie& tie, Type type = Type::f32) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3}, type);
  const Value w = graph.parameter("w", dyadic(type, {3, n}, 1));
  const Value v = graph.parameter("v", coarse(type, {n, 2}));
  const Value hidden = kinked(matmul(x, w));
  const Value loss = sum(square(matmul(hidden, v)));
  const std::vector<Value> gradients = grad(loss, std::vector<Value>{w, x}, {.tie = tie});
  graph.output("dw", gradients[0]);
  graph.output("dx", gradients[1]);
  return graph;
}

Program compiled(const Graph& graph, CompileOptions options = {}) {
  options.keep_dumps = true;
  return compile(graph, options);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Registers of at least 8 numbers: else masks of matrix products stay bytes.
bool has_wide_vectors() { return host_machine().vector_bits >= 256; }

}  // namespace

TEST_CASE("the argument of relu is stored as bits, and not as a number") {
  if (!has_wide_vectors()) return;
  const Program program = compiled(hidden_layer(64, [](const Value& u) { return relu(u); }, Tie::left));
  const std::string& fused = program.dumps().fused;
  CHECK(has(fused, "bool[batch, 64] as bits"));
  CHECK(has(program.dumps().memory, ".mask: 8*batch bytes"));
  // Nothing but bits and relu's value is stored by the kernel of the hidden layer.
  CHECK(!has(program.dumps().memory, "matmul_2:"));
}

namespace {

/// The bytes of all masks and the text of the backward kernel that reads them.
struct Backward {
  int64_t mask_bytes = 0;  // for one row
  std::string kernel;
};

Backward backward(const Tie& tie, const Kinked& kinked, const std::string& name) {
  const Program program = compiled(hidden_layer(64, kinked, tie));
  Backward result;
  std::istringstream lines(program.dumps().memory);
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(": "); has(line.substr(0, at), ".mask"))
      result.mask_bytes += std::stoll(line.substr(at + 2));
  const std::string& text = program.dumps().fused;
  const size_t start = text.find("kernel d_matmul_d_" + name);
  REQUIRE(start != std::string::npos);
  result.kernel = text.substr(start, text.find("\n\n", start) - start);
  return result;
}

}  // namespace

TEST_CASE("a mask is one bit an element under left and right, and both have one backward kernel") {
  if (!has_wide_vectors()) return;
  const std::vector<std::pair<std::string, Kinked>> bodies{
      {"relu", [](const Value& u) { return relu(u); }},
      {"abs", [](const Value& u) { return abs_op(u); }},
      {"leaky_relu", [](const Value& u) { return leaky_relu(0.25)(u); }},
      {"steep", [](const Value& u) {
         return Op{
             .name = "steep", .doc = "Two slopes.", .body = [](Scalar x) { return max(0.5 * x, 2 * x); }}(u);
       }}};
  for (const auto& [name, body] : bodies) {
    CAPTURE(name);
    const Backward left = backward(Tie::left, body, name), right = backward(Tie::right, body, name);
    CHECK(left.mask_bytes == 64 / 8);
    CHECK(right.mask_bytes == 64 / 8);
    CHECK(left.kernel == right.kernel);
    CHECK(!has(left.kernel, " less"));
    CHECK(!has(left.kernel, "equal"));
    // A third slope at the kink needs a second bit, and nothing else does.
    CHECK(backward(Tie::mid, body, name).mask_bytes == 2 * 64 / 8);
  }
  CHECK(backward(Tie::min_norm, bodies[0].second, "relu").kernel ==
        backward(Tie::left, bodies[0].second, "relu").kernel);
  CHECK(backward(Tie::min_norm, bodies[1].second, "abs").mask_bytes == 2 * 64 / 8);
}

TEST_CASE("masks of every length agree with the interpreter under every rule") {
  const Kinked kinked = [](const Value& u) { return relu(u); };
  for (int64_t n = 1; n <= 70; ++n) {
    const Tie tie = std::vector<Tie>{Tie::left, Tie::right, Tie::mid, Tie::value(0.25),
                                     Tie::min_norm}[static_cast<size_t>(n % 5)];
    CAPTURE(n);
    CAPTURE(to_string(tie));
    const Graph graph = hidden_layer(n, kinked, tie);
    check_program(graph, {{"x", coarse(Type::f32, {1 + n % 4, 3})}});
  }
}

TEST_CASE("masks at every vector width, in both types, with odd rows") {
  for (Type type : {Type::f32, Type::f64})
    for (int bits : {128, 256, 512}) {
      if (bits > host_machine().vector_bits) continue;
      for (int64_t n : {5, 8, 13, 16, 31, 40, 67}) {
        CAPTURE(bits);
        CAPTURE(n);
        const Graph graph = hidden_layer(n, [](const Value& u) { return relu(u); }, Tie::right, type);
        check_program(graph, {{"x", coarse(type, {7, 3})}}, {.vector_bits = bits});
      }
    }
}

TEST_CASE("bodies with several kinks, and kinks between two numbers") {
  const std::vector<Kinked> bodies{
      [](const Value& u) { return abs_op(u); },           [](const Value& u) { return leaky_relu(0.25)(u); },
      [](const Value& u) { return hard_tanh(u); },        [](const Value& u) { return maximum(u, u * 0.5); },
      [](const Value& u) { return relu(relu(u) - 1.0); },
  };
  for (const Kinked& body : bodies)
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid})
      for (int64_t n : {11, 33}) {
        CAPTURE(n);
        check_program(hidden_layer(n, body, tie), {{"x", coarse(Type::f32, {5, 3})}});
      }
}

TEST_CASE("a number that is read for its own sake is compared again, not masked") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value w = graph.parameter("w", dyadic(Type::f32, {3, 32}, 1));
  const Value v = graph.parameter("v", coarse(Type::f32, {32, 2}));
  const Value u = matmul(x, w);
  const Value loss = sum(square(matmul(relu(u), v)));
  graph.output("u", u);
  graph.output("dw", grad(loss, w, {.tie = Tie::right}));
  const Program program = compiled(graph);
  CHECK(!has(program.dumps().fused, "as bits"));
  check_program(graph, {{"x", coarse(Type::f32, {5, 3})}});
}

TEST_CASE("NaN below a mask stays NaN, by one bit where the loss tells and by two where it does not") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const bool squared : {true, false}) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 3});
    const Value w = graph.parameter("w", dyadic(Type::f32, {3, 32}, 1));
    const Value y = relu(matmul(x, w));
    const Value dx = grad(sum(squared ? square(y) : y * 2.0), x);
    graph.output("y", sum(y));
    graph.output("dx", dx);
    Tensor at = integers(Type::f32, {2, 3}, -1, 1, 7);
    at.set(0, nan);
    check_program(graph, {{"x", at}});
    CHECK(std::isnan(evaluate(graph, {{"x", at}}).at("dx").at(1)));
    CHECK(!std::isnan(evaluate(graph, {{"x", at}}).at("dx").at(4)));
  }
  check_program(hidden_layer(
                    24, [](const Value& u) { return relu(u); }, Tie::left),
                {{"x", Tensor::f32({2, 3}, {static_cast<float>(nan), 0, 1, 1, 0, -1})}});
}

TEST_CASE("threads that share a mask share no byte of it") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 64});
  const Value w = graph.parameter("w", dyadic(Type::f32, {64, 509}, 1));
  const Value v = graph.parameter("v", dyadic(Type::f32, {509, 64}, 2));
  const Value loss = sum(square(matmul(relu(matmul(x, w)), v)));
  const std::vector<Value> gradients = grad(loss, std::vector<Value>{w, v}, {.tie = Tie::right});
  graph.output("dw", gradients[0]);
  graph.output("dv", gradients[1]);
  const Bindings inputs{{"x", coarse(Type::f32, {96, 64})}};
  const CompileOptions one{.specialise = {{"batch", 96}}};
  CompileOptions two = one;
  two.threads = 2;
  two.split_all = true;  // whether it pays depends on the machine
  Program split = compiled(graph, two);
  REQUIRE(has(split.dumps().schedule, "2 threads"));
  REQUIRE(has(split.dumps().fused, "as bits") == has_wide_vectors());
  Program whole = compile(graph, one);
  const auto want = whole(inputs);
  for (int round = 0; round < 20; ++round) {
    const auto got = split(inputs);
    for (const char* name : {"dw", "dv"}) check_close(got.at(name), want.at(name));
  }
}

TEST_CASE("rows of bits that vectors of elementary functions leave a rest of end in their own bytes") {
  const int64_t rows = 64, columns = 100;
  Graph graph;
  const Value x = graph.input("x", {rows, columns}), u = graph.input("u", {rows, columns});
  const Value s = graph.parameter("s", dyadic(Type::f32, {columns}, 3)),
              w = graph.parameter("w", dyadic(Type::f32, {columns, 8}, 4));
  const Value hidden = tanh_op(relu(exp_op(x) * s - u));
  graph.output("ds", grad(sum(square(matmul(hidden, w))), s));
  Program one = compile(graph), two = compiled(graph, {.threads = 2, .split_all = true});
  REQUIRE(has(two.dumps().fused, "as bits") == has_wide_vectors());
  const Bindings inputs{{"x", dyadic(Type::f32, {rows, columns}, 1)},
                        {"u", dyadic(Type::f32, {rows, columns}, 2)}};
  const Tensor want = one(inputs).at("ds");
  for (int round = 0; round < 100; ++round) check_close(two(inputs).at("ds"), want);
}

TEST_CASE("rows of bits are padded to 16 and numbers keep their size") {
  Buffer buffer{.type = Type::boolean, .shape = {"batch", 13}};
  CHECK(to_string(bytes_of(buffer)) == "13*batch");
  buffer.bits = true;
  CHECK(to_string(memory_shape(buffer)) == "[batch, 16]");
  CHECK(to_string(bytes_of(buffer)) == "2*batch");
}
