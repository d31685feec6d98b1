// The report as JSON, schema "graph-analysis/1".
#include <nlohmann/json.hpp>

#include "frontends/report/boxes.h"
#include "graph/analysis/certificate.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

Json findings_of(const Report& report) {
  Json list = Json::array();
  for (const Finding& finding : report.findings)
    list.push_back({{"id", finding.id},
                    {"section", finding.section},
                    {"subject", finding.subject},
                    {"verdict", std::string(to_string(finding.verdict))},
                    {"level", std::string(to_string(finding.level))},
                    {"sentences", finding.sentences},
                    {"evidence", Json::parse(finding.evidence)}});
  for (const CheckedCertificate& certificate : report.certificates)
    list[certificate.finding]["certificate"] = certificate.id;
  return list;
}

Json certificates_of(const Report& report) {
  Json object = Json::object();
  for (const CheckedCertificate& checked : report.certificates)
    object[checked.id] = {{"checked", checked.accepted},
                          {"reason", checked.reason},
                          {"certificate", Json::parse(report.findings[checked.finding].certificate->json)}};
  return object;
}

std::string key_or_none(const Graph& graph, NodeId id) { return id < 0 ? "" : node_key(graph, id); }

Json nodes_of(const Report& report) {
  Json list = Json::array();
  for (NodeId id = 0; id < report.graph.size(); ++id) {
    const Node& node = report.graph.node(id);
    const Cost& cost = report.cost.nodes[static_cast<size_t>(id)];
    Json entry{{"key", node_key(report.graph, id)},
               {"role", std::string(role_name(node.role))},
               {"type", std::string(to_string(node.type))},
               {"shape", to_string(node.shape)}};
    if (node.role == Role::Apply) {
      Json operands = Json::array();
      for (const NodeId operand : node.operands) operands.push_back(node_key(report.graph, operand));
      entry["op"] = node.op->name;
      entry["operands"] = operands;
      entry["operations"] = cost.operations;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

Json structure_of(const Report& report) {
  Json stages = Json::array(), regions = Json::array();
  for (const NodeId id : report.structure.stages) stages.push_back(node_key(report.graph, id));
  for (const Region& region : report.structure.regions)
    regions.push_back({{"entry", node_key(report.graph, region.entry)},
                       {"exit", key_or_none(report.graph, region.exit)},
                       {"nodes", region.inside.size()},
                       {"residual", region.residual}});
  return {{"stages", stages}, {"regions", regions}};
}

}  // namespace

std::string to_json(const Report& report) {
  const Json json{{"schema", "graph-analysis/1"},
                  {"title", report.title},
                  {"graph", report.digest},
                  {"network", network_line(report.graph)},
                  {"box", report.box},
                  {"findings", findings_of(report)},
                  {"nodes", nodes_of(report)},
                  {"structure", structure_of(report)},
                  {"cost",
                   {{"operations", report.cost.total.operations},
                    {"bytes_read", report.cost.total.bytes_read},
                    {"bytes_written", report.cost.total.bytes_written},
                    {"parameters", report.cost.parameters},
                    {"parameter_bytes", report.cost.parameter_bytes}}},
                  {"certificates", certificates_of(report)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace);  // a title may be the name of a file
}

}  // namespace crease
