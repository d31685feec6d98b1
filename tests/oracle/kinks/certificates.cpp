// No certificate of a gradient claims more than the file allows, by the interpreter and compiled; and the
// exact checker accepts those of dyadic cases.
#include <algorithm>

#include "autodiff/certified_gradient.h"
#include "graph/analysis/check.h"
#include "graph/ops/reduction.h"
#include "tests/oracle/kinks/check.h"

namespace crease::oracle {
namespace {

CertifiedGradientFunction::Run compiled(const Graph& graph) {
  return [program = std::make_shared<Program>(compile(graph))](const Bindings& at) { return (*program)(at); };
}

/// A case as a gradient that is certified.
class Certified {
 public:
  Certified(const Json& expression, const Point& at, const Setting& setting)
      : expression_(at.size(), setting),
        loss_(sum(expression_.simplified(expression_.build(expression)))),
        at_(expression_.bind(1, at, Point(at.size(), 1.0))) {}

  CertifiedGradient run(const CertifyOptions& options, bool compile) const {
    return CertifiedGradientFunction(loss_, expression_.variables(), options,
                                     compile ? compiled : CertifiedGradientFunction::interpreted)(at_);
  }
  CheckResult check(const CertifiedGradient& result) const {
    return crease::check(gradient_certificate(loss_, expression_.variables(), at_, result), loss_.graph());
  }
  bool is_dyadic() const { return expression_.is_dyadic(); }
  static Point gradient(const CertifiedGradient& result) {
    Point all;
    for (const Tensor& part : result.gradient) all.push_back(part.at(0));
    return all;
  }
  static std::vector<std::vector<Tensor>> along(const Point& direction) {
    std::vector<std::vector<Tensor>> list(1);
    for (const double d : direction) list[0].push_back(Tensor::f64({1}, {d}));
    return list;
  }

 private:
  Expression expression_;
  Value loss_;
  Bindings at_;
};

std::string claims(const CertifiedGradient& result) {
  return fmt::format("{} of {}", to_string(result.claim), to_string(Certified::gradient(result)));
}

}  // namespace

void check_claims(const Json& json, Report& report) {
  std::vector<Point> limits, vertices;
  for (const Json& entry : json.at("b_subdifferential")) limits.push_back(point(entry));
  for (const Json& entry : json.at("clarke_vertices")) vertices.push_back(point(entry));
  const Certified certified(json.at("expression"), point(json.at("point")), {});
  const auto say = [&](bool holds, const std::string& what) {
    report.check(json.at("id"), "certificates", holds, what);
  };
  for (const Kinks kinks : {Kinks::Selection, Kinks::Direction, Kinks::Automatic})
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::min_norm})
      for (const bool compile : {false, true}) {
        if (compile && tie == Tie::mid) continue;
        const CertifiedGradient result = certified.run({.kinks = kinks, .gradient = {.tie = tie}}, compile);
        const Point g = Certified::gradient(result);
        const bool in_limits = contains(limits, g, 1e-9);
        if (result.claim == GradientClaim::Smooth) say(limits.size() == 1 && in_limits, claims(result));
        if (result.claim == GradientClaim::BStatic || result.claim == GradientClaim::BDirectional)
          say(in_limits, claims(result));
        if (result.claim == GradientClaim::ClarkeSingle) say(in_hull(vertices, g), claims(result));
        if (kinks == Kinks::Direction)
          say(result.claim != GradientClaim::Partial, "generic directions leave a kink undecided");
        if (!certified.is_dyadic() || result.claim == GradientClaim::NonLipschitz ||
            (kinks == Kinks::Selection && result.claim == GradientClaim::Partial))
          continue;
        const CheckResult checked = certified.check(result);
        say(checked.accepted, claims(result) + " refused: " + checked.reason);
      }
}

void check_special_claim(const Json& json, const Point& at, Type type, Report& report) {
  const std::string want = json.at("certificate");
  const auto begins = [&](const char* word) { return want.starts_with(word); };
  const Certified certified(json.at("expression"), at,
                            {.type = type, .fold = want.find("folding") != want.npos});
  const auto say = [&](const CertifiedGradient& result, GradientClaim claim) {
    report.check(json.at("id"), "certificate", result.claim == claim,
                 fmt::format("got {}, want {}", to_string(result.claim), want));
  };
  for (const bool compile : {false, true}) {
    if (begins("NON_LIPSCHITZ")) {
      say(certified.run({}, compile), GradientClaim::NonLipschitz);
    } else if (begins("DISCONTINUOUS")) {
      say(certified.run({}, compile), GradientClaim::Discontinuous);
    } else if (begins("SMOOTH")) {
      say(certified.run({}, compile), GradientClaim::Smooth);
    } else if (begins("B_SUBDIFF")) {
      for (const auto& [direction, gradient] : json.at("expected").at("locked_gradient").items()) {
        const auto along = Certified::along(point(Json::parse(direction)));
        CertifyOptions options;
        options.kinks = Kinks::Direction;
        options.along = along;
        const CertifiedGradient result = certified.run(options, compile);
        say(result, GradientClaim::BDirectional);
        report.check(json.at("id"), "certificate",
                     agrees(Certified::gradient(result), point(gradient), 1e-12), claims(result));
      }
    } else {
      report.check(json.at("id"), "certificate", false, "crease names no certificate '" + want + "'");
    }
  }
}

}  // namespace crease::oracle
