#include "tests/oracle/kinks/derivatives.h"

#include <cstring>

#include "autodiff/directional.h"
#include "autodiff/lock.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"

namespace crease::oracle {

const std::vector<std::string> rule_names{"left", "right", "mid", "minnorm"};
const std::vector<std::string> framework_names{"pytorch", "jax", "tf", "tinygrad", "mlx"};

namespace {

constexpr int64_t lengths[] = {1, 7, 8, 15, 16, 17, 64, 67};

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

GradOptions rule(size_t i) {
  const Tie ties[] = {Tie::left, Tie::right, Tie::mid, Tie::min_norm};
  return {.tie = ties[i]};
}

GradOptions framework(size_t i) {
  TieTable (*const tables[])() = {ties::pytorch, ties::jax, ties::tensorflow, ties::tinygrad, ties::mlx};
  TieTable table = tables[i]();
  table.by_operation.emplace("soft_shrink", Tie::min_norm);  // 0 in all of them; an operation of this test
  return {.table = table};
}

}  // namespace

Derivatives::Derivatives(const Json& expression, size_t variables, const Setting& setting)
    : json_(expression), setting_(setting), expression_(variables, setting) {
  const Value value = expression_.simplified(expression_.build(expression)), loss = sum(value);
  const std::vector<Value>&x = expression_.variables(), &d = expression_.direction();
  output("value", {&value, 1});
  for (size_t i = 0; i < rule_names.size(); ++i) output(rule_names[i], grad(loss, x, rule(i)));
  for (size_t i = 0; i < framework_names.size(); ++i) output(framework_names[i], grad(loss, x, framework(i)));
  output("ieee", grad(loss, x, {.at_pole = AtPole::Ieee}));
  output("zero", grad(loss, x, {.at_pole = AtPole::Zero}));
  output("one_sided", jvp({&value, 1}, x, d));
  std::vector<std::vector<Value>> basis{d};
  const LockedGradient first = locked_grad(loss, x, basis);
  output("unresolved", {&first.unresolved, 1});
  output("hits", {&first.hits, 1});
  for (size_t i = 0; i < variables; ++i) {
    basis.emplace_back();
    for (size_t j = 0; j < variables; ++j) basis.back().push_back(expression_.filled(i == j ? 1 : 0));
  }
  const LockedGradient locked = locked_grad(loss, x, basis);
  output("locked", locked.gradient);
  output("derivative", {&locked.derivatives[0], 1});
  // Exact along d, like the locks: the derivative of the smooth piece that d enters.
  const std::vector<Value> curvature = jvp(locked.gradient, x, d);
  Value second = curvature[0] * d[0];
  for (size_t i = 1; i < variables; ++i) second = second + curvature[i] * d[i];
  output("second", {&second, 1});
  for (const int optimisation : {0, 2})
    for (const bool fuse : {false, true})
      programs_.push_back(
          compile(expression_.graph(),
                  {.fuse = fuse, .optimisation = optimisation, .subnormals = setting.subnormals}));
}

void Derivatives::output(const std::string& name, std::span<const Value> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    outputs_[name].push_back(name + std::to_string(i));
    expression_.graph().output(outputs_[name].back(), values[i]);
  }
}

Numbers Derivatives::read(const std::map<std::string, Tensor>& results, int64_t lanes,
                          const std::string& name, Report& report) const {
  Numbers numbers;
  for (const auto& [output, names] : outputs_) {
    bool equal = true;
    for (const std::string& part : names) {
      const Tensor& tensor = results.at(part);
      for (int64_t i = 1; i < tensor.count(); ++i) equal = equal && same_bits(tensor.at(i), tensor.at(0));
      const bool total = output == "hits" || output == "unresolved" || output == "derivative";
      numbers[output].push_back(tensor.at(0) / static_cast<double>(total ? lanes : 1));
    }
    report.check(name, "lanes", equal, fmt::format("{} of {} lanes differ", output, lanes));
  }
  return numbers;
}

Numbers Derivatives::interpret(const Point& at, const Point& direction) const {
  Report one_lane;
  return read(evaluate(expression_.graph(), expression_.bind(1, at, direction), setting_.subnormals), 1, "",
              one_lane);
}

std::vector<Numbers> Derivatives::run(const Point& at, const Point& direction, const std::string& name,
                                      Report& report) {
  std::vector<Numbers> all;
  for (const int64_t lanes : lengths) {
    const Bindings bindings = expression_.bind(lanes, at, direction);
    all.push_back(read(evaluate(expression_.graph(), bindings, setting_.subnormals), lanes, name, report));
    for (Program& program : programs_) all.push_back(read(program(bindings), lanes, name, report));
  }
  return all;
}

bool Derivatives::traps(const Point& at) {
  try {
    Expression expression(at.size(), setting_);
    const Value loss = sum(expression.build(json_));
    const std::vector<Value> gradient = grad(loss, expression.variables(), {.tie = Tie::trap});
    for (size_t i = 0; i < gradient.size(); ++i)
      expression.graph().output("g" + std::to_string(i), gradient[i]);
    evaluate(expression.graph(), expression.bind(1, at, Point(at.size(), 1.0)));
    return false;
  } catch (const Error&) {
    return true;
  }
}

}  // namespace crease::oracle
