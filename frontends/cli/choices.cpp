#include "frontends/cli/choices.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "frontends/models.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

/// The options of an optimizer with what the command line says.
template <class Options>
Options with(Options options, std::optional<double> rate, std::optional<double> decay) {
  options.learning_rate = rate.value_or(options.learning_rate);
  options.weight_decay = decay.value_or(options.weight_decay);
  return options;
}

int whole(const Call& call, size_t position) {
  const double number = call.numbers[position];
  expect(number == std::floor(number) && number >= 0 && number <= std::numeric_limits<int>::max(),
         "[schedule] {} counts whole epochs: got {}", call.name, number);
  return static_cast<int>(number);
}

Schedule named_schedule(const Call& call, const std::string& text) {
  const size_t count = call.numbers.size();
  if (call.name == "constant" && count == 0) return constant_rate();
  if (call.name == "cosine" && count <= 1) return cosine_decay(count == 1 ? call.numbers[0] : 0);
  if (call.name == "step" && count == 2) return step_decay(call.numbers[0], call.numbers[1]);
  if (call.name == "exponential" && count == 1) return exponential_decay(call.numbers[0]);
  if (call.name == "plateau" && count == 2)
    return reduce_on_plateau({.factor = call.numbers[1], .patience = whole(call, 0)});
  fail(
      "[schedule] unknown schedule '{}': want constant, cosine, cosine(LAST), step(EPOCHS,FACTOR), "
      "exponential(FACTOR) or plateau(EPOCHS,FACTOR)",
      text);
}

}  // namespace

Optimizer make_optimizer(const std::string& name, std::optional<double> learning_rate,
                         std::optional<double> weight_decay) {
  if (name == "sgd") return sgd(with(SgdOptions{}, learning_rate, weight_decay));
  if (name == "momentum") return momentum(with(MomentumOptions{}, learning_rate, weight_decay));
  if (name == "nesterov") return nesterov(with(MomentumOptions{}, learning_rate, weight_decay));
  if (name == "adagrad") return adagrad(with(AdagradOptions{}, learning_rate, weight_decay));
  if (name == "rmsprop") return rmsprop(with(RmspropOptions{}, learning_rate, weight_decay));
  if (name == "adam") return adam(with(AdamOptions{}, learning_rate, weight_decay));
  if (name == "adamw") return adamw(with(AdamWOptions{}, learning_rate, weight_decay));
  fail("[optimizer] unknown name '{}': want {}", name, optimizer_help);
}

std::optional<Call> parse_call(const std::string& text) {
  const size_t open = text.find('(');
  if (open == std::string::npos) return Call{.name = text};
  if (!text.ends_with(')')) return {};
  Call call{.name = text.substr(0, open)};
  const char* place = text.data() + open + 1;
  const char* const end = text.data() + text.size() - 1;
  while (true) {
    double number = 0;
    const auto [next, code] = std::from_chars(place, end, number);
    if (code != std::errc()) return {};
    call.numbers.push_back(number);
    if (next == end) return call;
    if (*next != ',') return {};
    place = next + 1;
  }
}

Schedule make_schedule(const std::string& text, double warm_up_epochs) {
  const std::optional<Call> call = parse_call(text);
  const Schedule schedule = named_schedule(call.value_or(Call{}), text);
  return warm_up_epochs == 0 ? schedule : warm_up(warm_up_epochs, schedule);
}

Init make_init(const std::string& name, const std::string& activation) {
  if (name == "he_normal") return he_normal;
  if (name == "he_uniform") return he_uniform;
  if (name == "glorot_normal") return glorot_normal;
  if (name == "glorot_uniform") return glorot_uniform;
  if (name == "orthogonal" || name == "lsuv") return orthogonal();
  if (name == "gain") {
    expect(activation != "maxout" && activation != "prelu" && activation != "rrelu",
           "[init] gain is that of an activation of the catalogue: '{}' is a layer; want another --init",
           activation);
    return fan_normal(gain_of(activation_named(activation)));
  }
  fail("[init] unknown name '{}': want {}", name, init_help);
}

Slopes parse_slopes(const std::string& text) {
  if (std::optional<TieTable> table = ties::named(text)) return {.table = std::move(table)};
  try {
    return {.tie = parse_tie(text)};
  } catch (const Error& problem) {
    fail("{}; or the tables pytorch, jax, tensorflow, tinygrad or mlx", problem.what());
  }
}

int64_t parse_bytes(const std::string& text) {
  int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const std::string_view units = "KMG";
  const size_t power = unit.empty() ? 0 : units.find(unit) + 1;  // 0 as well where it is not found
  constexpr int64_t most = int64_t{1} << 40;
  expect(
      code == std::errc() && number > 0 && number <= most && unit.size() <= 1 && (unit.empty() || power > 0),
      "[memory] size: got '{}', want a positive number of bytes, or of KiB, MiB or GiB with K, M or G: 64M",
      text);
  return power == 0 ? number : std::min(number, most >> (10 * power)) << (10 * power);
}

}  // namespace crease::cli
