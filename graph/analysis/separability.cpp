#include "graph/analysis/separability.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/error.h"
#include "graph/evaluate.h"

namespace crease {
namespace {

void validate(const std::vector<LabelledPoint>& points) {
  expect(!points.empty(), "[separability] no points");
  for (const LabelledPoint& point : points) {
    expect(point.label == 1 || point.label == -1, "[separability] label {}, want -1 or 1", point.label);
    expect(point.x.size() == points.front().x.size(), "[separability] a point of {} features after one of {}",
           point.x.size(), points.front().x.size());
  }
}

/// The perceptron on points of unit length, with the bias as one more feature; its last state.
Hyperplane guess(const std::vector<LabelledPoint>& points, int epochs) {
  const size_t n = points.front().x.size();
  std::vector<std::vector<double>> rows;
  for (const LabelledPoint& point : points) {
    std::vector<double> row;
    double norm = 1;
    for (const Rational& x : point.x) {
      row.push_back(x.to_double() * point.label);
      norm += row.back() * row.back();
    }
    row.push_back(point.label);
    for (double& x : row) x /= std::sqrt(norm);
    rows.push_back(std::move(row));
  }
  std::vector<double> w(n + 1, 0);
  for (bool wrong = true; wrong && epochs > 0; --epochs) {
    wrong = false;
    for (const auto& row : rows) {
      double side = 0;
      for (size_t i = 0; i <= n; ++i) side += w[i] * row[i];
      if (side > 0) continue;
      wrong = true;
      for (size_t i = 0; i <= n; ++i) w[i] += row[i];
    }
  }
  Hyperplane plane;
  for (size_t i = 0; i < n; ++i) plane.w.push_back(Rational::of(w[i]));
  plane.b = Rational::of(w[n]);
  return plane;
}

/// label (w . x + b) >= 1 for every point: a solution, or Farkas multipliers.
Separability by_program(const std::vector<LabelledPoint>& points) {
  const size_t n = points.front().x.size();
  std::vector<LinearConstraint> constraints;
  for (const LabelledPoint& point : points) {
    LinearConstraint constraint{{}, -1};
    for (const Rational& x : point.x) constraint.a.push_back(x * Rational(-point.label));
    constraint.a.emplace_back(-point.label);
    constraints.push_back(std::move(constraint));
  }
  LpResult result = maximise(std::vector<Rational>(n + 1, 0), constraints);
  Separability answer;
  if (result.status == LpStatus::Infeasible) {
    Rational sum;
    for (const Rational& multiplier : result.duals) sum += multiplier;
    for (Rational& multiplier : result.duals) multiplier /= sum;
    answer.multipliers = std::move(result.duals);
    return answer;
  }
  const Rational b = result.x.back();
  result.x.pop_back();
  answer.plane = Hyperplane{std::move(result.x), b};
  return answer;
}

}  // namespace

bool separates(const Hyperplane& plane, const std::vector<LabelledPoint>& points) {
  return std::ranges::all_of(points, [&](const LabelledPoint& point) {
    Rational side = plane.b;
    for (size_t i = 0; i < plane.w.size(); ++i) side += plane.w[i] * point.x[i];
    return side.sign() == point.label;
  });
}

bool refutes(const std::vector<Rational>& multipliers, const std::vector<LabelledPoint>& points) {
  if (multipliers.size() != points.size() || points.empty()) return false;
  std::vector<Rational> sum(points.front().x.size() + 1, 0);
  bool any = false;
  for (size_t k = 0; k < points.size(); ++k) {
    if (multipliers[k].sign() < 0) return false;
    any = any || multipliers[k].sign() > 0;
    const Rational signed_multiplier = multipliers[k] * Rational(points[k].label);
    for (size_t i = 0; i < points[k].x.size(); ++i) sum[i] += signed_multiplier * points[k].x[i];
    sum.back() += signed_multiplier;
  }
  return any && std::ranges::all_of(sum, [](const Rational& s) { return s.is_zero(); });
}

Separability separability(const std::vector<LabelledPoint>& points, const SeparabilityOptions& options) {
  validate(points);
  Hyperplane plane = guess(points, options.perceptron_epochs);
  if (separates(plane, points)) return {std::move(plane), {}};
  const auto entries = static_cast<int64_t>(points.size() * (points.front().x.size() + 1));
  if (entries > options.lp_entries) return {};
  Separability answer = by_program(points);
  ensure(answer.plane ? separates(*answer.plane, points) : refutes(*answer.multipliers, points),
         "[separability] the linear program's answer does not hold");
  return answer;
}

std::vector<LabelledPoint> labelled_points(const Value& tensor, const std::string& input,
                                           const Tensor& samples, const std::vector<int>& labels) {
  const Tensor values = evaluate(tensor, {{input, samples}});
  expect(!values.sizes().empty() && values.sizes()[0] == static_cast<int64_t>(labels.size()),
         "[separability] {} labels for values of shape {}", labels.size(), to_string(values.sizes()));
  std::vector<LabelledPoint> points;
  const int64_t features = labels.empty() ? 0 : values.count() / static_cast<int64_t>(labels.size());
  for (size_t k = 0; k < labels.size(); ++k) {
    LabelledPoint point{{}, labels[k]};
    for (int64_t i = 0; i < features; ++i)
      point.x.push_back(Rational::of(values.at(static_cast<int64_t>(k) * features + i)));
    points.push_back(std::move(point));
  }
  return points;
}

Finding separability_finding(const std::string& subject, const std::vector<LabelledPoint>& points) {
  const Separability answer = separability(points);
  Finding finding{
      .id = "separability", .subject = subject, .level = Level::Observed, .sentences = {}, .certificate = {}};
  nlohmann::ordered_json evidence{{"points", points.size()}};
  if (answer.plane) {
    finding.verdict = Verdict::Proved;
    finding.sentences.push_back(
        fmt::format("{} points are linearly separable at {}", points.size(), subject));
    evidence["w"] = texts(answer.plane->w);
    evidence["b"] = to_string(answer.plane->b);
  } else if (answer.multipliers) {
    finding.verdict = Verdict::Refuted;
    finding.sentences.push_back(fmt::format(
        "{} points are not linearly separable at {}: the hulls of the classes meet", points.size(), subject));
    evidence["farkas"] = texts(*answer.multipliers);
  } else {
    finding.sentences.push_back(
        fmt::format("no hyperplane was found for {} points at {}, and the linear program is too large",
                    points.size(), subject));
  }
  finding.evidence = evidence.dump();
  return finding;
}

}  // namespace crease
