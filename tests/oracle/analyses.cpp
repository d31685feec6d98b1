// oracle_analyses FILE: holds the analyses against exact answers. Every field of the file is checked; one
// that is not known is a failure, never skipped.
#include <fstream>

#include "graph/rational.h"
#include "tests/oracle/analyses/fields.h"
#include "tests/oracle/report.h"

namespace crease::oracle {
namespace {

/// The row of a table whose name this is.
template <class Row>
const Row* find(std::span<const Row> rows, std::string_view name, std::string_view Row::* key) {
  for (const Row& row : rows)
    if (row.*key == name) return &row;
  return nullptr;
}

/// One field; what throws has failed.
template <class Check>
void run(Report& report, const std::string& id, const std::string& field, const Check& check) {
  Outcome outcome;
  try {
    check(outcome);
  } catch (const std::exception& error) {
    outcome.check(false, "{}", error.what());
  }
  report.check(id, field, outcome.failure().empty(), outcome.failure());
}

bool has_fields_below(std::string_view path) {
  for (const Field& field : network_fields())
    if (field.path.starts_with(path) && field.path.substr(path.size()).starts_with('/')) return true;
  return false;
}

void check_network_fields(Report& report, const std::string& id, const std::string& path,
                          const Json& expected, const Network& network) {
  if (const Field* field = find(network_fields(), path, &Field::path))
    return run(report, id, path, [&](Outcome& outcome) { field->check(expected, network, outcome); });
  if (expected.is_object() && has_fields_below(path)) {
    for (const auto& [key, value] : expected.items())
      check_network_fields(report, id, path + "/" + key, value, network);
    return;
  }
  report.check(id, path, false, "a field that is not known");
}

/// Every key of a description, at any depth, is known.
void check_keys(Report& report, const std::string& id, const Json& json, Described what) {
  for (const std::string& path : unknown_keys(json, what))
    report.check(id, path, false, "a field that is not known");
}

/// Builds a case and checks it; one that cannot be built is one failure, and the others go on.
template <class Check>
void guarded(Report& report, const std::string& id, Check check) {
  try {
    check();
  } catch (const std::exception& error) {
    report.check(id, "case", false, error.what());
  }
}

void check_network(Report& report, const Json& json) {
  const std::string id = json.at("id");
  check_keys(report, id, json, Described::Network);
  check_keys(report, id, json.at("expected"), Described::Expected);
  const Network network(json);
  for (const auto& [key, value] : json.at("expected").items())
    check_network_fields(report, id, key, value, network);
}

void check_activation(Report& report, const Json& json) {
  const std::string id = json.at("name");
  const Scalar body = activation_body(id);
  for (const auto& [key, value] : json.items()) {
    if (key == "name" || key == "note") continue;
    if (const ActivationField* field = find(activation_fields(), key, &ActivationField::name))
      run(report, id, key, [&](Outcome& outcome) { field->check(value, body, outcome); });
    else
      report.check(id, key, false, "a field that is not known");
  }
}

void check_pair_fields(Report& report, const Json& json) {
  const std::string id = json.at("id");
  check_keys(report, id, json, Described::Pair);
  check_keys(report, id, json.at("a"), Described::Network);
  check_keys(report, id, json.at("b"), Described::Network);
  run(report, id, "pair", [&](Outcome& outcome) { check_pair(json, outcome); });
}

void check_file(Report& report, const Json& file) {
  check_keys(report, "file", file, Described::File);
  report.check("file", "schema", file.at("schema") == "graph-analysis-oracle/1",
               "not graph-analysis-oracle/1");
  for (const Json& json : file.value("activations", Json::array()))
    guarded(report, json.value("name", "(no name)"), [&] { check_activation(report, json); });
  for (const Json& json : file.value("networks", Json::array()))
    guarded(report, json.value("id", "(no id)"), [&] { check_network(report, json); });
  for (const Json& json : file.value("pairs", Json::array()))
    guarded(report, json.value("id", "(no id)"), [&] { check_pair_fields(report, json); });
}

}  // namespace
}  // namespace crease::oracle

int main(int count, char** arguments) {
  using namespace crease::oracle;
  if (count != 2) {
    fmt::print(stderr, "usage: oracle_analyses FILE\n");
    return 2;
  }
  std::ifstream stream(arguments[1]);
  const Json file = Json::parse(stream, nullptr, false);
  if (!file.is_object()) {
    fmt::print(stderr, "oracle_analyses: '{}' cannot be read as JSON\n", arguments[1]);
    return 2;
  }
  Report report;
  try {
    check_file(report, file);
  } catch (const std::exception& error) {
    report.check("file", "form", false, error.what());
  }
  return report.print() ? 0 : 1;
}
