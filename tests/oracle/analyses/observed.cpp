// What is seen on the case's data, sums over paths, and warnings.
#include "tests/graph/analysis/oracle_facts.h"
#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

void take(const test::Failures& failures, Outcome& outcome) {
  for (const std::string& failure : failures) outcome.check(false, "{}", failure);
}

void check_separable(const std::string& where, const Json& expected, const Network& network,
                     Outcome& outcome) {
  const Json& labels = network.json.at("expected").at("extra").at("labels");
  take(test::check_separable(network.built, network.json.at("data"), labels, {{where, expected}}), outcome);
}

}  // namespace

void check_path_norm(const Json& expected, const Network& network, Outcome& outcome) {
  take(test::check_path_norm(network.built, expected), outcome);
}

void check_data(const Json& expected, const Network& network, Outcome& outcome) {
  take(test::check_data(network.built, network.json.at("data"), expected), outcome);
}

void check_lint(const Json& expected, const Network& network, Outcome& outcome) {
  take(test::check_lint(network.built, expected), outcome);
}

void check_labels(const Json& expected, const Network& network, Outcome& outcome) {
  outcome.check(expected.size() == network.json.at("data").size(), "{} labels for {} samples",
                expected.size(), network.json.at("data").size());
  for (const Json& label : expected)
    outcome.check(label == 1 || label == -1, "the label {} is not 1 or -1", label.dump());
}

void check_separable_input(const Json& expected, const Network& network, Outcome& outcome) {
  check_separable("input", expected, network, outcome);
}

void check_separable_hidden(const Json& expected, const Network& network, Outcome& outcome) {
  check_separable("hidden", expected, network, outcome);
}

}  // namespace crease::oracle
