// The subcommands of `crease`, one file each. Every function adds its own to the application; what it returns
// from `run` is the exit status.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace crease::cli {

/// What to do once the command line is read.
using Action = std::function<int()>;

void add_convert(CLI::App& application, Action& action);
void add_demo(CLI::App& application, Action& action);
void add_train(CLI::App& application, Action& action);
void add_inspect(CLI::App& application, Action& action);
void add_eval(CLI::App& application, Action& action);
void add_predict(CLI::App& application, Action& action);
void add_dump(CLI::App& application, Action& action);
void add_check(CLI::App& application, Action& action);
void add_prove(CLI::App& application, Action& action);
void add_balance(CLI::App& application, Action& action);
void add_canonical(CLI::App& application, Action& action);
void add_equivalent(CLI::App& application, Action& action);
void add_simplify(CLI::App& application, Action& action);
void add_doctor(CLI::App& application, Action& action);

}  // namespace crease::cli
