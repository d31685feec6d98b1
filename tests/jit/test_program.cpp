#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "jit/machine.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

TEST_CASE("elementwise maps of every size equal the interpreter bit for bit") {
  for (int64_t n : {0, 1, 7, 8, 15, 16, 17, 64, 67}) {
    CAPTURE(n);
    Graph graph;
    const Value x = graph.input("x", {n}), y = graph.input("y", {n});
    graph.output("relu", relu(x));
    graph.output("leaky", leaky_relu(0.25)(x + y) * 2.0 - y);
    graph.output("extrema", max(x, y) - min(x, y));
    graph.output("where", where(x < y, x, y * x));
    graph.output("compare", x <= y);
    check_both(graph, {{"x", dyadic(Type::f32, {n}, 1)}, {"y", dyadic(Type::f32, {n}, 2)}});
  }
}

TEST_CASE("matrix products, bias and activation equal the interpreter") {
  for (int64_t b : {1, 7, 16, 33})
    for (int64_t n : {1, 10, 16, 67}) {
      CAPTURE(b);
      CAPTURE(n);
      Graph graph;
      const Value x = graph.input("x", {"batch", 19}), w = graph.input("w", {19, n}),
                  c = graph.input("c", {n});
      graph.output("y", relu(matmul(x, w) + c));
      graph.output("t", matmul_transposed(x, transpose(w)));
      check_both(graph, {{"x", dyadic(Type::f32, {b, 19}, 1)},
                         {"w", dyadic(Type::f32, {19, n}, 2)},
                         {"c", dyadic(Type::f32, {n}, 3)}});
    }
}

TEST_CASE("reductions over any axes equal the interpreter") {
  for (int64_t b : {1, 3, 16, 17})
    for (int64_t n : {1, 8, 15, 64, 67}) {
      CAPTURE(b);
      CAPTURE(n);
      Graph graph;
      const Value x = graph.input("x", {"batch", n});
      graph.output("all", sum(x));
      graph.output("rows", sum(x, {1}, true));
      graph.output("columns", sum(x, {0}));
      graph.output("mean", mean(x, {0}) * 2.0);
      graph.output("most", reduce_max(x, {1}));
      graph.output("least", reduce_min(x, {0}));
      graph.output("least_of_all", reduce_min(x));
      graph.output("where", argmax(x, 1));
      graph.output("where_in_columns", argmin(x, 0));
      check_both(graph, {{"x", dyadic(Type::f32, {b, n}, 1)}}, 1);
    }
}

TEST_CASE("extrema carry NaN and the first position wins") {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  Graph graph;
  const Value x = graph.input("x", {4, 20});
  graph.output("max", reduce_max(x, {1}));
  graph.output("min", reduce_min(x, {1}));
  graph.output("argmax", argmax(x, 1));
  graph.output("argmin", argmin(x, 1));
  graph.output("down", reduce_max(x, {0}));
  graph.output("relu", relu(x));
  graph.output("pair", max(x, reverse(x, 1)));
  graph.output("other_pair", min(reverse(x, 1), x));
  graph.output("less", x < reverse(x, 1));
  Tensor data(Type::f32, {4, 20});
  data.set(3, nan);
  data.set(17, nan);
  data.set(25, infinity);
  data.set(26, infinity);
  data.set(47, -infinity);
  data.set(65, 1);
  data.set(75, 1);
  check_both(graph, {{"x", data}});
}

TEST_CASE("a number and its opposite compare as in the interpreter, zeros and NaN included") {
  const float infinity = std::numeric_limits<float>::infinity();
  Graph graph;
  const Value x = graph.input("x", {18});
  graph.output("max", 1.0 / max(x, -x));  // tells the zeros apart
  graph.output("max_after", 1.0 / max(-x, x));
  graph.output("min", 1.0 / min(x, -x));
  graph.output("min_after", 1.0 / min(-x, x));
  graph.output("less", x < -x);
  graph.output("less_after", -x < x);
  graph.output("less_equal", x <= -x);
  graph.output("less_equal_after", -x <= x);
  graph.output("equal", equal_to(x, -x));
  Tensor data = dyadic(Type::f32, {18}, 1);
  data.set(0, std::numeric_limits<float>::quiet_NaN());
  data.set(1, infinity);
  data.set(2, -infinity);
  data.set(3, 0.0);
  data.set(4, -0.0);
  data.set(17, -0.0);
  check_both(graph, {{"x", data}});
}

TEST_CASE("movements equal the interpreter") {
  for (int64_t n : {2, 16, 19}) {
    CAPTURE(n);
    Graph graph;
    const Value x = graph.input("x", {"batch", 3, n});
    graph.output("reshape", reshape(x, {"batch", 3 * n}) + 1.0);
    graph.output("flat_product", relu(flatten(relu(x))));
    graph.output("transpose", transpose(x, {2, 0, 1}));
    graph.output("slice", slice(x, 2, 1, n, 2));
    graph.output("pad", pad(x, 2, 2, 3) * 2.0);
    graph.output("concat", concat({x, x * 2.0, relu(x)}, 1));
    graph.output("reverse", reverse(x, 2));
    graph.output("broadcast", broadcast_to(slice(x, 1, 0, 1), {"batch", 3, n}));
    check_both(graph, {{"x", dyadic(Type::f32, {5, 3, n}, 1)}});
  }
}

TEST_CASE("lookups equal the interpreter, indices outside give zero") {
  Graph graph;
  const Value table = graph.input("table", {7, 19}), index = graph.input("index", {"batch"}, Type::i32);
  graph.output("gather", gather(table, index));
  graph.output("one_hot", one_hot(index, 7));
  graph.output("pick", pick(gather(table, index), index));
  check_both(graph,
             {{"table", dyadic(Type::f32, {7, 19}, 1)}, {"index", integers(Type::i32, {33}, -1, 7, 2)}});
}

TEST_CASE("convolutions and pooling equal the interpreter") {
  for (int64_t stride : {1, 2}) {
    CAPTURE(stride);
    Graph graph;
    const Value x = graph.input("x", {"batch", 2, 9, 11}), kernel = graph.input("kernel", {3, 2, 3, 3});
    graph.output("y", relu(conv2d(x, kernel, {.stride = {stride}, .padding = {1}})));
    graph.output("max", max_pool2d(x, {.window = {3}, .stride = {stride}, .padding = {1}}));
    graph.output("average", average_pool2d(x, {.window = {2}}));
    check_both(graph,
               {{"x", dyadic(Type::f32, {2, 2, 9, 11}, 1)}, {"kernel", dyadic(Type::f32, {3, 2, 3, 3}, 2)}});
  }
}

TEST_CASE("integers and f64 equal the interpreter") {
  Graph graph;
  const Value i = graph.input("i", {"batch", 17}, Type::i64), j = graph.input("j", {17}, Type::i32);
  const Value d = graph.input("d", {"batch", 17}, Type::f64);
  graph.output("sum", i + j);
  graph.output("product", i * j - 3.0);
  graph.output("most", reduce_max(i, {0}));
  graph.output("total", sum(i));
  graph.output("less", i < j);
  graph.output("d", matmul(transpose(d), d) + sum(relu(d)));
  graph.output("small", reduce_min(j));
  check_both(graph, {{"i", integers(Type::i64, {5, 17}, -50, 50, 1)},
                     {"j", integers(Type::i32, {17}, -50, 50, 2)},
                     {"d", dyadic(Type::f64, {5, 17}, 3)}});
}

TEST_CASE("elementary functions keep within their accuracy") {
  Graph graph;
  const Value x = graph.input("x", {67});
  const Value positive = x * x + 0.125;
  graph.output("exp", exp(x));
  graph.output("log", log(positive));
  graph.output("tanh", tanh(x));
  graph.output("sigmoid", sigmoid(x));
  graph.output("softplus", softplus(x));
  graph.output("sqrt", sqrt(positive));
  graph.output("sin", sin(x));
  check_both(graph, {{"x", real(Type::f32, {67}, 1)}}, 4, 0.1);
  // 1 + erf cancels: an ulp of erf below 1, times |x| / 2, is left. Without fused multiply-add erf is up to
  // 2 ulp further off.
  Graph cancelling;
  cancelling.output("gelu", gelu(cancelling.input("x", {67})));
  const double ulp = at_level(host_machine(), test::at_test_level({}).level).fma ? 2 : 5;
  check_both(cancelling, {{"x", real(Type::f32, {67}, 1)}}, ulp, 0.5);
}

TEST_CASE("random numbers are those of the interpreter") {
  Graph graph;
  const Value counter = graph.input("counter", {}, Type::i64);
  graph.output("u", graph.random({"batch", 19}, counter, 0x123456789ABCDEF0));
  graph.output("v", graph.random({7}, counter, 3) * 2.0);
  const Value x = graph.input("x", {"batch"});
  graph.output("x", x);
  check_both(graph, {{"counter", Tensor::scalar(Type::i64, 77)}, {"x", dyadic(Type::f32, {5}, 1)}});
}

TEST_CASE("parameters are updated, also those that others read and those that change places") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8});
  const Value w = graph.parameter("w", dyadic(Type::f32, {8, 20}, 1)),
              v = graph.parameter("v", dyadic(Type::f32, {20}, 2));
  const Value a = graph.parameter("a", dyadic(Type::f32, {6}, 3)),
              b = graph.parameter("b", dyadic(Type::f32, {6}, 4));
  const Value y = matmul(x, w);
  graph.output("y", y);
  graph.output("old_a", a);
  graph.update(w, w - matmul(transpose(x), y) * 0.0625);
  graph.update(v, v + sum(y, {0}));
  graph.update(a, b);
  graph.update(b, a + 1.0);
  check_both(graph, {{"x", dyadic(Type::f32, {4, 8}, 5)}});
}

TEST_CASE("a parameter is read before its next value takes its place, whatever is known first") {
  for (int64_t n : {5, 16, 131}) {
    CAPTURE(n);
    Graph graph;
    const Value x = graph.input("x", {n});
    const Value p = graph.parameter("p", dyadic(Type::f32, {n}, 1));
    const Value next = x * 2.0;
    graph.update(p, next);
    graph.output("sum", next + p);
    graph.output("twice", relu(next) * 2.0);
    check_both(graph, {{"x", dyadic(Type::f32, {n}, 2)}});
  }
}

TEST_CASE("a parameter keeps its shape where its next value is a view of another one") {
  Graph graph;
  const Value p = graph.parameter("p", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Value q = graph.parameter("q", Tensor::f32({6}, {1, 2, 3, 4, 5, 6}));
  graph.update(p, reshape(reverse(q, 0) * 2.0, {2, 3}));
  graph.output("sum", sum(p));
  Program program = compile(graph);
  for (int step = 0; step < 3; ++step) {
    program({});
    const Tensor now = program.parameter("p");
    CHECK(now.sizes() == std::vector<int64_t>{2, 3});
    CHECK(now.at(0) == 12);
    program.set_parameter("p", now);
  }
}

TEST_CASE("threads do once what lies outside of a loop of one turn") {
  Graph graph;
  const Value total = graph.parameter("total", Tensor::f32({}, {1})),
              one = graph.parameter("one", Tensor::f32({1}, {3}));
  const Value next = total * 0.5 + 3.0;
  graph.update(total, next);
  graph.update(one, one * next);
  Program program = compile(graph, {.threads = 3, .split_all = true});
  REQUIRE_EQ(program.kernel_count(), 1);
  float wanted = 1;
  for (int step = 0; step < 200; ++step) {
    program({});
    wanted = wanted * 0.5F + 3;
    CHECK_EQ(program.parameter("total").at(0), wanted);
  }
}

TEST_CASE("sizes beyond all memory are refused when they are bound, and the next ones that fit run") {
  Graph graph;
  const Value x = graph.input("x", {"n"});
  const Dim n("n");
  const Value cube = reshape(x, {n, 1, 1, 1}) * reshape(x, {1, n, 1, 1}) * reshape(x, {1, 1, n, 1}) *
                     reshape(x, {1, 1, 1, n});
  const Value kept = exp_op(-cube);
  graph.output("y", sum(sum(kept, {1, 2, 3}) + reduce_max(kept, {0, 1, 2})));
  Program program = compile(graph, {.fuse = false});
  const Bindings small{{"x", dyadic(Type::f32, {3}, 1)}};
  const double wanted = program(small).at("y").item();
  CHECK_THROWS_WITH_AS(program.bind({{"x", Tensor(Type::f32, {1 << 16})}}), doctest::Contains("2^62"), Error);
  CHECK_THROWS_AS(program.bind({{"x", Tensor(Type::f32, {1 << 12})}}), Error);
  program.run();  // nothing is bound: it does nothing
  CHECK_EQ(program(small).at("y").item(), wanted);
}

TEST_CASE("truth values and bytes equal the interpreter") {
  Graph graph;
  const Value mask = graph.input("mask", {"batch", 19}, Type::boolean), x = graph.input("x", {"batch", 19});
  const Value byte = graph.input("byte", {19}, Type::u8);
  graph.output("kept", where(mask, x, x * 0.5));
  graph.output("not", logical_not(mask));
  graph.output("and", logical_and(mask, x < 0.5 * x));
  graph.output("bytes", x * byte);
  graph.output("most", reduce_max(byte));
  check_both(graph, {{"mask", integers(Type::boolean, {5, 19}, 0, 1, 1)},
                     {"x", dyadic(Type::f32, {5, 19}, 2)},
                     {"byte", integers(Type::u8, {19}, 0, 255, 3)}});
}

TEST_CASE("a condition of numbers holds unless it is 0, NaN and -0 included, as in the interpreter") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Type type : {Type::f32, Type::f64, Type::i32, Type::u8}) {
    Graph graph;
    const Value condition = graph.input("c", {19}, type), x = graph.input("x", {19}, Type::f64);
    graph.output("where", where_op(condition, x, -x));
    graph.output("not", logical_not(condition));
    graph.output("and", logical_and(condition, x));
    graph.output("or", logical_or(condition, x));
    Tensor c(type, {19});
    for (int64_t i = 0; i < 19; ++i) c.set(i, i % 2 == 0 ? 0 : static_cast<double>(i) / 2);
    if (is_floating(type)) c.set(2, -0.0), c.set(4, std::nan("")), c.set(6, -infinity);
    Tensor numbers = dyadic(Type::f64, {19}, 1);
    numbers.set(3, 0);
    check_both(graph, {{"c", c}, {"x", numbers}});
  }
}

TEST_CASE("a program that was moved away says so, and runs nothing") {
  Graph graph;
  graph.output("y", relu(graph.input("x", {2})));
  Program program = compile(graph);
  Program moved = std::move(program);
  program.run();  // NOLINT(bugprone-use-after-move): what is asked here
  const char* away = "[program] this program was moved away: use the one that it was moved to";
  const Bindings at{{"x", Tensor::f32({2}, {-1, 2})}};
  CHECK_THROWS_WITH_AS(program(at), away, Error);
  CHECK_THROWS_WITH_AS(program.bind(at), away, Error);
  CHECK_THROWS_WITH_AS(program.output("y"), away, Error);
  CHECK_THROWS_WITH_AS(program.parameters(), away, Error);
  CHECK_THROWS_WITH_AS(program.kernel_count(), away, Error);
  CHECK_THROWS_WITH_AS(program.trace(), away, Error);
  program = std::move(moved);
  CHECK(program(at).at("y") == Tensor::f32({2}, {0, 2}));
}

TEST_CASE("a parameter of truth values takes 0 and 1 only") {
  Graph graph;
  const Value mask = graph.parameter("mask", Tensor(Type::boolean, {2}));
  graph.output("y", where(mask, graph.input("x", {2}), 0));
  Program program = compile(graph);
  Tensor value(Type::boolean, {2});
  value.write<uint8_t>()[0] = 255;
  CHECK_THROWS_WITH_AS(program.set_parameter("mask", value),
                       "parameter mask holds bool: got 255 at element 0, want 0 or 1", Error);
  value.write<uint8_t>()[0] = 1;
  program.set_parameter("mask", value);
  CHECK(program({{"x", Tensor::f32({2}, {3, 4})}}).at("y") == Tensor::f32({2}, {3, 0}));
}

TEST_CASE("every vector width computes the same functions") {
  for (int bits : {128, 256, 512}) {
    if (bits > host_machine().vector_bits) continue;
    CAPTURE(bits);
    Graph graph;
    const Value x = graph.input("x", {"batch", 21}), d = graph.input("d", {"batch", 21}, Type::f64);
    graph.output("sum", sum(relu(x), {1}));
    graph.output("softmax", exp(x) / sum(exp(x), {1}, true));
    graph.output("d", tanh(d) * sum(d, {0}));
    graph.output("where", argmax(x, 1));
    check_program(graph, {{"x", dyadic(Type::f32, {7, 21}, 1)}, {"d", dyadic(Type::f64, {7, 21}, 2)}},
                  {.vector_bits = bits}, 8, 1);
  }
}
