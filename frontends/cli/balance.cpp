// crease balance: the same function with the smallest parameters.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "frontends/cli/box.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/cli/usage.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/analysis/balance/balance.h"
#include "graph/analysis/balance/range.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/decimals.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, output, format;
  std::vector<std::string> box, keep;
  bool real = false;
  int64_t samples = 64;
};

/// Parameters that keep their value: those named, and running statistics.
std::set<std::string> kept(const Graph& graph, const std::vector<std::string>& named) {
  std::set<std::string> result = running_statistics(graph);
  for (const std::string& name : named) result.insert(graph.find(name).node().name);
  return result;
}

/// "1/4", "8", "0.643".
std::string factor_text(double log2_factor) {
  const double whole = std::round(log2_factor);
  if (whole != log2_factor || std::abs(whole) > 62) return fmt::format("{:.4g}", std::exp2(log2_factor));
  const int64_t power = int64_t{1} << static_cast<int64_t>(std::abs(whole));
  return whole < 0 ? fmt::format("1/{}", power) : fmt::format("{}", power);
}

void print_factors(const Balance& found) {
  if (found.t.empty()) {
    fmt::print("no rescaling was found that leaves the outputs unchanged: the parameters stay as they are\n");
    return;
  }
  const auto [least, greatest] = std::ranges::minmax(found.t);
  const auto moved = std::ranges::count_if(found.t, [](double t) { return t != 0; });
  fmt::print("{} of {} factors differ from 1, from {} to {}\n", moved, found.t.size(), factor_text(least),
             factor_text(greatest));
}

std::string fit_text(const RangeFit& fit, NarrowFormat format) {
  if (format == NarrowFormat::Int8)
    return fmt::format("the weakest row or column of a weight matrix reaches {:.1f} of 127 steps", fit.steps);
  return fmt::format(
      "|parameters| from {:.3g} to {:.3g}; {} too large, {} below the normal numbers; {} computed "
      "tensors seen too large",
      fit.smallest, fit.largest, fit.too_large, fit.too_small, fit.overflowing.size());
}

/// Whether no rescaling changes an element of a tensor; some element, if none is named.
bool is_pinned(const ScalingGroup& group, NodeId tensor, std::optional<int64_t> element = {}) {
  const auto exponents = group.exponents(tensor);
  if (exponents.empty()) return true;
  if (element) return exponents[static_cast<size_t>(*element)].empty();
  return std::ranges::any_of(exponents, [](const auto& form) { return form.empty(); });
}

/// Tensors that overflow whatever the factors are, or still do.
void print_overflows(const Graph& graph, const ScalingGroup& group, const RangeFit& fit) {
  for (const OverflowingTensor& tensor : fit.overflowing) {
    fmt::print("  {} reaches {:.3g}{}\n", node_key(graph, tensor.tensor), tensor.largest,
               is_pinned(group, tensor.tensor) ? ": its scale is fixed, no rescaling helps" : "");
  }
}

/// Factors that make a floating format fit worse are not taken: then all are 1.
Balance kept_if_better(const Graph& graph, const ScalingGroup& group, Balance found,
                       const Arguments& arguments, const std::optional<GivenBox>& box) {
  const NarrowFormat format = parse_narrow_format(arguments.format);
  const auto faults = [&](const Graph& network) {
    if (box) {
      const BoxFit fit = box_fit(network, format, box->box, 0);
      return std::pair(static_cast<int64_t>(fit.overflowing.size()), std::log2(fit.bound));
    }
    const RangeFit fit = range_fit(network, format, arguments.samples);
    return std::pair(fit.too_large + static_cast<int64_t>(fit.overflowing.size()),
                     static_cast<double>(fit.too_small) - fit.steps);
  };
  if (faults(rescaled(graph, group, found.t)) < faults(graph)) return found;
  found.t.assign(found.t.size(), 0);
  found.squares_after = found.squares_before;
  return found;
}

void print_range(const Graph& before, const Graph& after, const ScalingGroup& group,
                 const Arguments& arguments) {
  const NarrowFormat format = parse_narrow_format(arguments.format);
  const RangeFit old_fit = range_fit(before, format, arguments.samples);
  const RangeFit new_fit = range_fit(after, format, arguments.samples);
  fmt::print("{} before: {}\n{} after:  {}\n", to_string(format), fit_text(old_fit, format),
             to_string(format), fit_text(new_fit, format));
  print_overflows(after, group, new_fit);
}

/// What is proved over a box, and what stands in the way.
void print_box(const Graph& after, const ScalingGroup& group, const GivenBox& box,
               const Arguments& arguments) {
  const NarrowFormat format = parse_narrow_format(arguments.format);
  const BoxFit fit = box_fit(after, format, box.box, arguments.samples);
  fmt::print("the box: {}\n", fmt::join(box.lines, "\n         "));
  const double limit = greatest_number(format);
  if (fit.overflowing.empty()) {
    fmt::print("no node overflows {} on the box {}: proved; the largest bound is {}, at {}\n",
               to_string(format), box.name, at_most_text(fit.bound), node_key(after, fit.largest));
    return;
  }
  fmt::print("{} nodes are not proved to fit {} on the box {}\n", fit.overflowing.size(), to_string(format),
             box.name);
  for (const BoxOverflow& each : fit.overflowing) {
    const bool pinned = is_pinned(group, each.tensor, each.element), reached = each.reached > limit;
    fmt::print("  {}[{}] {} {}{}\n", node_key(after, each.tensor), each.element,
               reached ? "reaches" : "may reach", at_most_text(reached ? each.reached : each.bound),
               !pinned   ? ": no powers of two were found that bring it down without raising another"
               : reached ? ": its scale is fixed, so no rescaling helps"
                         : ": its scale is fixed, so no rescaling lowers this bound");
  }
}

/// Runs both networks. Errors: Error if powers of two changed a bit.
void compare_outputs(const Graph& before, const Graph& after, const Arguments& arguments) {
  if (arguments.real) {
    fmt::print(
        "outputs differ by {:.2g} of their size at most, on {} random inputs: factors are real numbers\n",
        output_difference(before, after, arguments.samples), arguments.samples);
    return;
  }
  expect(same_outputs(before, after, arguments.samples),
         "[balance] outputs are not the same to the bit, since numbers left the range of the element type: "
         "nothing is written; --real gives outputs equal up to rounding");
  fmt::print("outputs bit-identical on {} random inputs\n", arguments.samples);
}

int run(const Arguments& arguments) {
  Model model = open_model(arguments.model);
  expect_free(arguments.output);
  const Graph before = analyzed_graph(model.network);
  const ScalingGroup group = scaling_group(before, {.fixed = kept(before, arguments.keep)});
  BalanceOptions options{.powers_of_two = !arguments.real};
  std::optional<GivenBox> box;
  if (!arguments.box.empty()) {
    box = given_box(arguments.box, model);
    options.box = box->box;
  }
  if (!arguments.format.empty()) {
    options.goal = BalanceGoal::Range;
    options.samples = parse_narrow_format(arguments.format) == NarrowFormat::Int8 ? 0 : arguments.samples;
  }
  Balance found = balance(before, group, options);
  expect(std::isfinite(found.squares_before),
         "[balance] '{}' has parameters that are not finite numbers: nothing can be balanced",
         arguments.model);
  if (!arguments.format.empty()) found = kept_if_better(before, group, std::move(found), arguments, box);
  const Graph after = rescaled(before, group, found.t);
  fmt::print("sum of squares {:.6g} -> {:.6g}; {} over {}: {:.6g}\n", found.squares_before,
             found.squares_after, found.attained ? "least" : "infimum, not reached,", rescaling_scope(before),
             found.squares_least);
  print_factors(found);
  for (const EscapingUnit& unit : found.escaping) fmt::print("  {}\n", escape_sentence(before, unit));
  if (!arguments.format.empty()) print_range(before, after, group, arguments);
  if (box) print_box(after, group, *box, arguments);
  compare_outputs(before, after, arguments);
  set_parameters(model.network, parameters_of(after));
  save_new_model(arguments.output, model);
  fmt::print("saved to {}\n", arguments.output);
  return 0;
}

}  // namespace

void add_balance(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "balance",
      "Rescale the units of a saved network so that its parameters are smallest; its outputs stay");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, model_help)->required();
  command.add_option("-o,--output", arguments->output, "Folder for the balanced network; must not exist yet")
      ->required();
  command.add_flag(
      "--real", arguments->real,
      "Any positive factors, not powers of two alone: the least sum, outputs equal up to rounding");
  command
      .add_option("--range", arguments->format,
                  "Make the greatest sizes even instead, for fp16, bf16 or int8 numbers")
      ->check(CLI::IsMember({"fp16", "bf16", "int8"}));
  add_box(command, arguments->box,
          "With --range fp16 or bf16: prove that nothing overflows for inputs in a box.");
  command.add_option("--keep", arguments->keep,
                     "Parameters that keep their value; running statistics (running_...) always do");
  command.add_option("--samples", arguments->samples, "Random inputs on which both networks are run")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.footer(
      "Examples:\n  crease balance my-model -o balanced\n  crease balance my-model -o for-fp16 --range fp16 "
      "--box "
      "0,255\n  crease balance my-model -o for-int8 --range int8 "
      "--real");
  command.callback([&command, &action, arguments] {
    refuse_idle(command, {{.options = {"--box"}, .without = {"--range fp16", "--range bf16"}}});
    action = [arguments] { return run(*arguments); };
  });
}

}  // namespace crease::cli
