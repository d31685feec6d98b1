// What the words of the command line stand for: optimizers, schedules, initial values, penalties.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autodiff/ties.h"
#include "frontends/init.h"
#include "frontends/optimizers.h"
#include "frontends/schedules.h"

namespace crease::cli {

// Texts of the help.
inline constexpr const char* optimizer_help = "sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw";
inline constexpr const char* schedule_help =
    "Learning rate over time: constant, cosine, cosine(LAST), step(EPOCHS,FACTOR), exponential(FACTOR) or "
    "plateau(EPOCHS,FACTOR)";
inline constexpr const char* tie_help =
    "Slope used at a kink: left, right, mid, value(S), min_norm or trap (an error where it would matter),\n"
    "or the tables pytorch, jax, tensorflow, tinygrad or mlx";
inline constexpr const char* machine_help =
    "What machine code may use of the processor: native, x86-64, x86-64-v2, x86-64-v3 or x86-64-v4";
inline constexpr const char* contractions_help =
    "Precision of matrix products: f32, bf16 (operands of 8 significant bits, sums and parameters in f32), "
    "or, for processors with matrix tiles (AMX), f32_split3 or f32_split (operands as sums of two or three "
    "such numbers)";
inline constexpr const char* init_help =
    "he_normal, he_uniform, glorot_normal, glorot_uniform, orthogonal, gain (normal, by the activation) or "
    "lsuv";

/// Without a rate or a decay: those of the optimizer. Errors: Error for an unknown name or a number that it
/// refuses.
Optimizer make_optimizer(const std::string& name, std::optional<double> learning_rate = {},
                         std::optional<double> weight_decay = {});

/// Errors: Error for another text than schedule_help explains, and those of the schedule.
Schedule make_schedule(const std::string& text, double warm_up_epochs = 0);

/// Initial weights; "gain" uses that of the activation. Errors: Error for an unknown name, those of gain_of.
Init make_init(const std::string& name, const std::string& activation);

/// A rule at kinks, or rules by operation.
struct Slopes {
  std::optional<Tie> tie = {};
  std::optional<TieTable> table = {};
};
/// What tie_help explains. Errors: Error for another text.
Slopes parse_slopes(const std::string& text);

/// Bytes of "64M", "512K", "2G" or "4096": binary multiples. Errors: Error for another text, or none at all.
int64_t parse_bytes(const std::string& text);

/// A word with numbers: "step(10,0.5)".
struct Call {
  std::string name;
  std::vector<double> numbers = {};
};
/// None if the text has another form.
std::optional<Call> parse_call(const std::string& text);

}  // namespace crease::cli
