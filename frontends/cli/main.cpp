// The command `crease`. Exit status: 0 done, 1 an error of data or options, 2 a wrong command line, 3 and
// 4 answers that are not yes (see `crease check`, `crease equivalent`), 130 interrupted.
#include <crease/version.h>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "frontends/cli/commands.h"
#include "frontends/cli/usage.h"
#include "graph/error.h"

int main(int count, char** arguments) {
  using namespace crease::cli;
  // A file that reaches the limit of its size is an error of writing it, as a full disk is, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App application{"crease: networks as graphs, differentiated, proved, and compiled to native code"};
  application.require_subcommand(1);
  application.set_version_flag("--version", "crease " CREASE_VERSION);
  application.footer("Example:\n  crease train --data digits --hidden 64 --epochs 20 --save my-model");
  Action action;
  for (const auto add :
       {add_demo, add_train, add_inspect, add_eval, add_predict, add_dump, add_check, add_prove, add_balance,
        add_canonical, add_simplify, add_equivalent, add_convert, add_doctor})
    add(application, action);
  refuse_wrong_texts(application);
  try {
    refuse_unknown_words(application, {arguments + 1, arguments + count});
    application.parse(count, arguments);
    const int status = action();
    crease::expect(std::fflush(stdout) == 0 && std::ferror(stdout) == 0,
                   "what was to be printed could not be written: is the disk full?");
    return status;
  } catch (const CLI::ParseError& problem) {
    return application.exit(problem) == 0 ? 0 : 2;
  } catch (const crease::Error& problem) {
    fmt::print(stderr, "crease: {}\n", problem.what());
  } catch (const crease::Bug& problem) {
    fmt::print(stderr, "crease: a bug in crease itself, please report it: {}\n", problem.what());
  } catch (const std::exception& problem) {
    fmt::print(stderr, "crease: {}\n", problem.what());
  }
  return 1;
}
