#include "tests/oracle/kinks/numbers.h"

#include <algorithm>

namespace crease::oracle {
namespace {

constexpr double slack = 1e-9;

double dot(const Point& a, const Point& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The point of the hull nearest to the origin, by Frank-Wolfe steps between pairs of vertices.
Point nearest(const std::vector<Point>& vertices) {
  std::vector<double> weights(vertices.size(), 0.0);
  weights[0] = 1;
  Point at = vertices[0];
  for (int step = 0; step < 20000; ++step) {
    size_t best = 0, worst = 0;
    bool found = false;
    for (size_t i = 0; i < vertices.size(); ++i) {
      if (dot(vertices[i], at) < dot(vertices[best], at)) best = i;
      if (weights[i] > 0 && (!found || dot(vertices[i], at) > dot(vertices[worst], at)))
        worst = i, found = true;
    }
    Point move(at.size());
    for (size_t i = 0; i < at.size(); ++i) move[i] = vertices[best][i] - vertices[worst][i];
    const double length = dot(move, move);
    if (length == 0 || -dot(move, at) <= 0) break;
    const double share = std::min(weights[worst], -dot(move, at) / length);
    weights[best] += share;
    weights[worst] -= share;
    for (size_t i = 0; i < at.size(); ++i) at[i] += share * move[i];
  }
  return at;
}

}  // namespace

double number(const Json& json) {
  if (json.is_number()) return json;
  expect(json.is_string(), "[oracle] a number or text was expected: {}", json.dump());
  const std::string text = json;
  size_t read = 0;
  const double first = std::stod(text, &read);
  return read < text.size() && text[read] == '/' ? first / std::stod(text.substr(read + 1)) : first;
}

Point point(const Json& json) {
  Point result;
  for (const Json& entry : json) result.push_back(number(entry));
  return result;
}

bool agrees(double got, double want, double tolerance) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return true;
  return std::abs(got - want) <= tolerance * std::max(1.0, std::abs(want));
}

bool agrees(const Point& got, const Point& want, double tolerance) {
  return got.size() == want.size() && std::equal(got.begin(), got.end(), want.begin(),
                                                 [&](double a, double b) { return agrees(a, b, tolerance); });
}

bool contains(const std::vector<Point>& list, const Point& wanted, double tolerance) {
  return std::any_of(list.begin(), list.end(), [&](const Point& p) { return agrees(p, wanted, tolerance); });
}

bool in_hull(const std::vector<Point>& vertices, const Point& p) {
  if (vertices.empty() || std::any_of(p.begin(), p.end(), [](double v) { return !std::isfinite(v); }))
    return false;
  std::vector<Point> around = vertices;
  for (Point& vertex : around)
    for (size_t i = 0; i < p.size(); ++i) vertex[i] -= p[i];
  const Point rest = nearest(around);
  return dot(rest, rest) <= slack;
}

}  // namespace crease::oracle
