#include "frontends/cli/usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <ranges>

#include "frontends/near_name.h"

namespace crease::cli {
namespace {

/// What is wrong with the text of a whole number; empty if nothing is.
template <class Number>
std::string wrong_number(const std::string& text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return {};
  return fmt::format("got '{}', want a whole number from {} to {}", text, std::numeric_limits<Number>::min(),
                     std::numeric_limits<Number>::max());
}

/// The same for any text that an option takes.
std::string wrong_text(const std::string& text) {
  if (text.empty()) return "got an empty text; leave the option out instead";
  if (text.starts_with("--"))
    return fmt::format("got '{}', an option; a file of this name is ./{}", text, text);
  if (text.starts_with('=')) return fmt::format("got '{}'; write a blank for the =", text);
  return {};
}

/// Whether a word such as "--smt2" or "--model cnn" holds, given or by default.
bool holds(const CLI::App& command, const std::string& word) {
  const size_t space = word.find(' ');
  const CLI::Option& option = *command.get_option(word.substr(0, space));
  const std::string value = option.empty() ? option.get_default_str() : option.results().back();
  return space == std::string::npos ? !value.empty() : value == word.substr(space + 1);
}

}  // namespace

void refuse_idle(const CLI::App& command, const std::vector<Idle>& table) {
  const auto is_held = [&](const char* word) { return holds(command, word); };
  for (const Idle& idle : table)
    for (const char* option : idle.options) {
      if (command.get_option(option)->empty()) continue;
      if (!idle.without.empty() && std::ranges::none_of(idle.without, is_held))
        throw CLI::ValidationError(
            option, fmt::format("changes nothing without {}", fmt::join(idle.without, " or ")));
      const auto found = std::ranges::find_if(idle.beside, is_held);
      if (found != idle.beside.end())
        throw CLI::ValidationError(
            option, fmt::format("changes nothing beside {}: leave one of the two out", *found));
    }
}

CLI::Option* add_sizes(CLI::App& command, const std::string& name, std::vector<int64_t>& sizes,
                       const std::string& help) {
  const auto read = [name, &sizes](const std::string& text) {
    sizes.clear();
    for (const auto piece : std::views::split(text, ',')) {  // of "256,,8" one is empty
      const std::string part(piece.begin(), piece.end());
      const std::string problem = wrong_number<int64_t>(part);
      if (!problem.empty()) throw CLI::ValidationError(name, problem);
      sizes.push_back(std::stoll(part));
      if (sizes.back() < 1)
        throw CLI::ValidationError(name, fmt::format("got {}, want sizes of at least 1", part));
    }
  };
  return command.add_option_function<std::string>(name, read, help)
      ->type_name("N,N,...")
      ->default_str(fmt::format("{}", fmt::join(sizes, ",")));
}

void refuse_wrong_texts(CLI::App& application) {
  for (CLI::App* command : application.get_subcommands([](CLI::App*) { return true; }))
    for (CLI::Option* option : command->get_options([](CLI::Option*) { return true; })) {
      const std::string type = option->get_type_name();
      if (type == "INT") option->check(CLI::Validator(wrong_number<int64_t>, ""));
      if (type == "UINT") option->check(CLI::Validator(wrong_number<uint64_t>, ""));
      if (option->get_items_expected_max() > 0) option->check(CLI::Validator(wrong_text, ""));
    }
}

namespace {

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> subcommand_names(const CLI::App& application) {
  std::vector<std::string> names;
  for (const CLI::App* command : application.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

}  // namespace

void refuse_unknown_words(const CLI::App& application, const std::vector<std::string>& words) {
  const CLI::App* command = &application;
  for (const std::string& word : words) {
    if (word == "--") return;  // what follows is no option
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      const std::vector<std::string> names = option_names(*command);
      if (std::ranges::find(names, name) == names.end())
        throw CLI::ValidationError(name, "no such option" + did_you_mean(name, names));
    } else if (command == &application && !word.starts_with('-')) {
      const std::vector<std::string> names = subcommand_names(application);
      if (std::ranges::find(names, word) == names.end())
        throw CLI::ValidationError(word, fmt::format("no such subcommand: want one of {}{}",
                                                     fmt::join(names, ", "), did_you_mean(word, names)));
      command = application.get_subcommand(word);
    }
  }
}

}  // namespace crease::cli
