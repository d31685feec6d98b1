// oracle_certificates FILE [NETWORKS]: holds the checker against certificates of which it is known whether
// they prove their claim. NETWORKS describes the networks that they speak of; default: analyses.json in the
// folder of FILE. A field that is not known is a failure, never skipped.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "graph/analysis/check.h"
#include "tests/oracle/certificates/translate.h"

namespace {

using crease::oracle::Json;

Json read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return Json::parse(file, nullptr, false);
}

/// Why a case fails; empty if it does not.
std::string failure(const Json& claim, const std::map<std::string, crease::test::OracleNetwork>& networks,
                    const std::map<std::string, std::string>& digests) {
  static const std::set<std::string> fields{"name", "network", "expect", "cert"};
  for (const auto& [key, value] : claim.items())
    if (!fields.contains(key)) return "field '" + key + "' is not known";
  const std::string expected = claim.at("expect"), id = claim.at("network");
  if (expected != "accepted" && expected != "rejected") return "expectation '" + expected + "' is not known";
  if (!networks.contains(id)) return "network '" + id + "' is not described";
  const crease::test::OracleNetwork& network = networks.at(id);
  const Json certificate = crease::oracle::translated(claim.at("cert"), network, digests.at(id));
  const crease::CheckResult result = crease::check(certificate.dump(), network.graph);
  if (result.accepted == (expected == "accepted")) return "";
  return fmt::format("{}, want {}: {}", result.accepted ? "accepted" : "rejected", expected, result.reason);
}

int run(const Json& claims, const Json& described) {
  std::map<std::string, crease::test::OracleNetwork> networks;
  std::map<std::string, std::string> digests;
  for (const Json& network : described.at("networks")) {
    networks.emplace(network.at("id"), crease::test::build_network(network));
    digests.emplace(network.at("id"), crease::oracle::digest_of(network));
  }
  int passed = 0, failed = 0;
  for (const auto& [key, value] : claims.items())
    if (key != "schema" && key != "certs") fmt::print("FAIL field '{}' is not known\n", key), ++failed;
  if (claims.at("schema") != "graph-cert/1") fmt::print("FAIL the schema is not graph-cert/1\n"), ++failed;
  for (const Json& claim : claims.at("certs")) {
    std::string problem;
    try {
      problem = failure(claim, networks, digests);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (problem.empty()) {
      ++passed;
      continue;
    }
    ++failed;
    fmt::print("FAIL {}: {}\n", claim.value("name", "(no name)"), problem);
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 && count != 3) {
    fmt::print(stderr, "usage: oracle_certificates FILE [NETWORKS]\n");
    return 2;
  }
  const std::filesystem::path file = arguments[1];
  const std::filesystem::path networks =
      count == 3 ? std::filesystem::path(arguments[2]) : file.parent_path() / "analyses.json";
  const Json claims = read(file), described = read(networks);
  for (const auto& [path, json] : {std::pair{file, claims}, std::pair{networks, described}})
    if (!json.is_object()) {
      fmt::print(stderr, "oracle_certificates: '{}' cannot be read as JSON\n", path.string());
      return 2;
    }
  try {
    return run(claims, described);
  } catch (const std::exception& problem) {
    fmt::print(stderr, "oracle_certificates: {}\n", problem.what());
    return 2;
  }
}
