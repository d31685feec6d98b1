// docs/activations.md is what the catalogue and the analyses say, and compiled activations are near their
// value.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "frontends/file.h"
#include "graph/analysis/saturation.h"
#include "graph/ops/activation.h"
#include "graph/piecewise.h"
#include "jit/program.h"
#include "tests/files.h"
#include "tests/laws/subjects.h"

namespace crease {
namespace {

std::vector<Op> all_activations() {
  std::vector<Op> rows;
  for (const Op* row : activations()) rows.push_back(*row);
  rows.push_back(leaky_relu());
  rows.push_back(exponential_linear(0.75));
  rows.push_back(clip(-1, 1));
  return rows;
}

/// Range of a body that is not piecewise linear: least and greatest value on a grid; unbounded if it grows.
std::string sampled_range(const Scalar& body) {
  const auto value = [&](double x) { return evaluate(body, {.arguments = {&x, 1}}); };
  double low = value(0), high = low;
  for (int i = -40000; i <= 40000; ++i) {
    low = std::min(low, value(i / 1000.0));
    high = std::max(high, value(i / 1000.0));
  }
  const double left = value(-1e8), right = value(1e8);
  const auto grows = [&](double sign) { return sign * left > 1e3 || sign * right > 1e3; };
  low = std::min({low, left, right});
  high = std::max({high, left, right});
  // Limits that are approached or reached within rounding read as their five digits.
  const auto text = [](double v) { return fmt::format("{:.5g}", std::abs(v) < 1e-15 ? 0.0 : v); };
  return fmt::format("{} to {}", grows(-1) ? "-inf" : text(low), grows(1) ? "inf" : text(high));
}

std::string range_of(const Scalar& body) {
  const auto table = piecewise_linear(body);
  if (!table) return sampled_range(body);
  const RationalRange exact = range(*table);
  return fmt::format("{} to {}", exact.low ? to_string(*exact.low) : "-inf",
                     exact.high ? to_string(*exact.high) : "inf");
}

std::string kinks_of_row(const Scalar& body) {
  std::string text;
  for (const double at : laws::kinks_of(body)) text += fmt::format("{}{}", text.empty() ? "" : ", ", at);
  return text.empty() ? "none" : text;
}

constexpr std::string_view heading = "| name | f(x), source | range | kinks | saturation |\n";

/// The table of the page; what stands before it is the page's own.
std::string documentation() {
  std::string text = std::string(heading) + "| --- | --- | --- | --- | --- |\n";
  for (const Op& row : all_activations()) {
    const Scalar& body = row.body.expression;
    const Saturation facts = saturation(body);
    std::string doc = row.doc;
    for (size_t at = 0; (at = doc.find('|', at)) != std::string::npos; at += 2) doc.replace(at, 1, "\\|");
    text += fmt::format("| {} | {} | {} | {} | {}, {} |\n", row.name, doc, range_of(body), kinks_of_row(body),
                        to_string(facts.left), to_string(facts.right));
  }
  return text;
}

TEST_CASE("docs/activations.md says what the records and the analyses say") {
  const auto path = test::source_file("docs/activations.md");
  const std::string page = read_file(path), got = documentation();
  const size_t table = page.find(heading);
  REQUIRE(table != std::string::npos);
  if (std::getenv("CREASE_UPDATE_GOLDEN") != nullptr)
    write_file_atomically(path, page.substr(0, table) + got);
  CHECK_EQ(got, page.substr(table));
}

TEST_CASE("compiled activations are within 4 units of 2^-23 max(|x|, |f(x)|) of their value") {
  constexpr int64_t count = 20001;
  Tensor x(Type::f32, {count});
  for (int64_t i = 0; i < count; ++i)
    x.set(i, 12 * std::pow(static_cast<double>(i - count / 2) / (count / 2.0), 3));
  for (const Op& row : all_activations()) {
    Graph graph;
    graph.output("y", row(graph.input("x", {count})));
    const Tensor y = compile(graph)({{"x", x}}).at("y");
    double worst = 0;
    for (int64_t i = 0; i < count; ++i) {
      const double at = x.at(i), exact = evaluate(row.body.expression, {.arguments = {&at, 1}});
      const double unit = 0x1p-23 * std::max({std::abs(at), std::abs(exact), 0x1p-126});
      worst = std::max(worst, std::abs(y.at(i) - exact) / unit);
    }
    CAPTURE(row.name);
    CHECK(worst <= 4);
  }
}

}  // namespace
}  // namespace crease
