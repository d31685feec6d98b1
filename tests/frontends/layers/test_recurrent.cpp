#include "frontends/layers/recurrent.h"

#include "frontends/report.h"
#include "graph/ops/activation.h"
#include "graph/ops/movement.h"
#include "tests/frontends/layers/checks.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::irregular;
using List = std::vector<double>;

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// The recurrences, written over plain numbers: the reference.
struct Reference {
  int64_t n, time, in, hidden;
  Tensor x, w, u, b, d;

  /// Column j of x_t W + b, and of h U, for sample s.
  double before(int64_t s, int64_t t, int64_t j) const {
    const int64_t width = b.count();
    double sum = b.at(j);
    for (int64_t i = 0; i < in; ++i) sum += x.at((s * time + t) * in + i) * w.at(i * width + j);
    return sum;
  }
  double own(const List& h, int64_t s, int64_t j) const {
    double sum = 0;
    for (int64_t k = 0; k < hidden; ++k)
      sum += h[static_cast<size_t>(s * hidden + k)] * u.at(k * b.count() + j);
    return sum;
  }

  /// The states of all steps [n, time, hidden]; `step` gives the next h of one unit and may change its c.
  template <class Step>
  List run(const Step& step, bool reverse = false) const {
    List h(static_cast<size_t>(n * hidden)), c = h, all(static_cast<size_t>(n * time * hidden));
    for (int64_t turn = 0; turn < time; ++turn) {
      const int64_t t = reverse ? time - 1 - turn : turn;
      List next = h;
      for (int64_t s = 0; s < n; ++s)
        for (int64_t j = 0; j < hidden; ++j) {
          const auto unit = static_cast<size_t>(s * hidden + j);
          next[unit] = step(h, s, t, j, c[unit]);
          all[static_cast<size_t>((s * time + t) * hidden + j)] = next[unit];
        }
      h = next;
    }
    return all;
  }
};

/// The layer on f64 data with irregular parameters, and the same numbers for the reference.
struct Setting {
  Graph graph;
  Value y;
  Reference reference;

  Setting(const Layer& layer, const std::string& name, int64_t time) {
    y = layer(graph.input("x", {"n", "time", 3}, Type::f64));
    reference = {.n = 2, .time = time, .in = 3, .hidden = 4, .x = irregular(Type::f64, {2, time, 3}, 9)};
    int64_t seed = 2;
    for (const NodeId id : graph.parameters()) {
      const Node& node = graph.node(id);
      const Tensor value = irregular(Type::f64, sizes_of(node.shape), ++seed);
      const std::string parameter = node.name;
      if (parameter == name + ".weight") reference.w = value;
      if (parameter == name + ".hidden_weight") reference.u = value;
      if (parameter == name + ".bias") reference.b = value;
      if (parameter == name + ".hidden_bias") reference.d = value;
      graph.set_parameter(parameter, value);
    }
  }
  Tensor found() const { return evaluate(y, {{"x", reference.x}}); }
};

}  // namespace

TEST_CASE("a plain recurrent layer is h' = tanh(x W + h U + b), in both directions") {
  for (const bool reverse : {false, true})
    for (const int64_t time : {1, 5}) {
      const Setting it(rnn(3, 4, {.reverse = reverse}), "rnn", time);
      const Reference& r = it.reference;
      const List want = r.run([&](const List& h, int64_t s, int64_t t, int64_t j,
                                  double&) { return std::tanh(r.before(s, t, j) + r.own(h, s, j)); },
                              reverse);
      test::check_close(it.found(), want, 1e-13);
    }
}

TEST_CASE("a GRU layer is its equations") {
  const Setting it(gru(3, 4), "gru", 5);
  const Reference& r = it.reference;
  const List want = r.run([&](const List& h, int64_t s, int64_t t, int64_t j, double&) {
    const double reset = logistic(r.before(s, t, j) + r.own(h, s, j));
    const double keep = logistic(r.before(s, t, 4 + j) + r.own(h, s, 4 + j));
    const double fresh = std::tanh(r.before(s, t, 8 + j) + reset * (r.own(h, s, 8 + j) + r.d.at(j)));
    return (1 - keep) * fresh + keep * h[static_cast<size_t>(s * 4 + j)];
  });
  test::check_close(it.found(), want, 1e-13);
}

TEST_CASE("an LSTM layer is its equations, and forgets little at first") {
  const Setting it(lstm(3, 4), "lstm", 5);
  const Reference& r = it.reference;
  const List want = r.run([&](const List& h, int64_t s, int64_t t, int64_t j, double& c) {
    const auto gate = [&](int64_t k) { return r.before(s, t, 4 * k + j) + r.own(h, s, 4 * k + j); };
    c = logistic(gate(1)) * c + logistic(gate(0)) * std::tanh(gate(2));
    return logistic(gate(3)) * std::tanh(c);
  });
  test::check_close(it.found(), want, 1e-13);
  Graph graph;
  lstm(3, 2)(graph.input("x", {"n", "time", 3}));
  CHECK(graph.find("lstm.bias").node().value == Tensor::f32({8}, {0, 0, 1, 1, 0, 0, 0, 0}));
}

TEST_CASE("recurrent layers have true gradients and compile, time first or last") {
  for (const bool time_first : {false, true}) {
    CAPTURE(time_first);
    const Shape shape = time_first ? Shape{"time", "batch", 3} : Shape{"batch", "time", 3};
    const RecurrentOptions options{.time_first = time_first};
    LstmOptions long_options;
    long_options.time_first = time_first;
    test::check_layer([&] { return rnn(3, 4, options); }, shape, {3, 2, 3});
    test::check_layer([&] { return gru(3, 4, options); }, shape, {3, 2, 3});
    test::check_layer([&] { return lstm(3, 4, long_options); }, shape, {3, 2, 3});
  }
}

TEST_CASE("recurrent layers refuse what does not fit") {
  Graph graph;
  const Value x = graph.input("x", {"n", "time", 3});
  CHECK(test::holds(test::thrown_by([&] { lstm(4, 2)(x); }), "[lstm] the input does not fit"));
  CHECK(test::holds(test::thrown_by([&] { gru(3, 2)(reshape(x, {"n", "time", 3, 1})); }),
                    "want floating [n, time, 3]"));
  CHECK(test::holds(test::thrown_by([] { rnn(3, 0); }), "[rnn] sizes must be positive: got 3 -> 0"));
}

TEST_CASE("every analysis reads a network with a loop over time, and claims nothing of its inside") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 6, 3});
  const Value h = sequential(linear(3, 4), relu, lstm(4, 5), rnn(5, 2))(x);
  graph.output("y", linear(2, 2)(relu(reshape(slice(h, 1, 5, 6), {"batch", 2}))));
  const std::string text = to_text(analyze(graph), 0);
  CHECK(test::holds(text, "what a loop over time reads and computes is not looked at"));
  CHECK(test::holds(text, "no parameter that nothing else reads is added to what decides it"));
  CHECK(test::holds(text, "y is not proved affine in x"));
  CHECK(test::holds(text, "y is not known to be convex or concave"));
  CHECK_FALSE(test::holds(text, "REFUSED"));
  CHECK_FALSE(test::holds(text, "is a loop over time: it is affine"));
}

}  // namespace crease
