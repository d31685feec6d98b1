#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "frontends/models.h"
#include "frontends/report/boxes.h"
#include "frontends/report/network_json.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

using namespace crease;
using Json = nlohmann::ordered_json;

namespace {

Graph rectifiers(const std::vector<int64_t>& widths) {
  return network(mlp(widths, relu, {.bias_init = uniform(-1, 1)}), widths.front());
}

/// The data of a page: what stands in its script element of type application/json.
std::string data_of(const std::string& page) {
  const std::string begin = R"(<script type="application/json" id="data">)";
  const size_t from = page.find(begin) + begin.size();
  return page.substr(from, page.find("</script>", from) - from);
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a page has the findings of the JSON form, and nothing is left to fill in") {
  const Report report = analyze(rectifiers({4, 3, 2}), {.title = "small"});
  const std::string page = to_html(report);
  CHECK_EQ(Json::parse(data_of(page)).at("report"), Json::parse(to_json(report)));
  CHECK_EQ(count(page, "/* script */") + count(page, "/* style */") + count(page, "/* data */"), 0U);
}

TEST_CASE("nothing in a page leads to the network") {
  const std::string page = to_html(analyze(rectifiers({4, 3, 2})));
  CHECK_EQ(count(page, "http://www.w3.org/2000/svg"), 1U);  // the name of a namespace, never fetched
  CHECK_EQ(count(page, "://"), 1U);
  CHECK_EQ(count(page, "src="), 0U);
  CHECK_EQ(count(page, "fetch("), 0U);
  CHECK_EQ(count(page, "@import"), 0U);
}

TEST_CASE("names cannot end the script element that holds them") {
  const Report report = analyze(rectifiers({4, 3, 2}), {.title = "</script><!--<script>&lt;"});
  const std::string page = to_html(report);
  CHECK_EQ(count(page, "</script>"), 2U);
  CHECK_EQ(Json::parse(data_of(page)).at("report").at("title"), "</script><!--<script>&lt;");
}

TEST_CASE("a small graph is drawn node by node, with arrows that lead down") {
  const Graph graph = rectifiers({4, 3, 2});
  const BoxGraph picture = boxes_of(graph, node_facts(graph));
  CHECK_EQ(picture.boxes.size(), 6U);  // x, product, sum, relu, product, sum
  CHECK_EQ(picture.arrows.size(), 5U);
  for (const Arrow& arrow : picture.arrows)
    CHECK_LT(picture.boxes[static_cast<size_t>(arrow.from)].layer,
             picture.boxes[static_cast<size_t>(arrow.to)].layer);
}

TEST_CASE("an input is no constant: not in the page, nor in the picture") {
  const Report report = analyze(rectifiers({4, 3, 2}));
  const Json boxes = Json::parse(data_of(to_html(report))).at("drawing").at("boxes");
  CHECK_EQ(boxes.at(0).at("class"), "affine");
  CHECK_EQ(boxes.at(0).at("members").at(0).at("class"), "input");
  CHECK_EQ(boxes.at(1).at("members").at(0).at("class"), "affine");
  const NodeFacts facts = node_facts(report.graph);
  for (const NodeId id : report.graph.inputs())
    CHECK(facts.classes[static_cast<size_t>(id)] == NodeClass::Affine);
  for (const NodeId id : report.graph.parameters())
    CHECK(facts.classes[static_cast<size_t>(id)] == NodeClass::Constant);
}

TEST_CASE("a page without a picture of the linear pieces says why") {
  const auto data = [](const std::vector<int64_t>& widths) {
    return Json::parse(data_of(to_html(analyze(rectifiers(widths), {.regions = 1}))));
  };
  const Json many = data({2, 64, 1});
  CHECK(many.at("folds").is_null());
  const auto reason = many.at("no_folds").get<std::string>();
  CAPTURE(reason);
  CHECK(reason.starts_with("the linear pieces for inputs from -2 to 2 are not all known: "));
  CHECK_NE(reason.find("600"), std::string::npos);
  CHECK_EQ(data({2, 4, 1}).at("no_folds"), "");
  CHECK_EQ(data({4, 3, 2}).at("no_folds"), "");
}

TEST_CASE("a large graph is folded into at most as many boxes as are wanted, each node in one of them") {
  const Graph graph = rectifiers(std::vector<int64_t>(301, 2));
  const NodeFacts facts = node_facts(graph);
  for (const size_t limit : {300U, 50U, 7U, 1U}) {
    const BoxGraph picture = boxes_of(graph, facts, limit);
    CHECK_LE(picture.boxes.size(), limit);
    size_t members = 0;
    for (const Box& box : picture.boxes) members += box.members.size();
    CHECK_EQ(members, 1U + 300U * 2U + 299U);
    for (const Arrow& arrow : picture.arrows) CHECK_LT(arrow.from, arrow.to);
  }
}

TEST_CASE("folds of a deep graph begin where its layers begin") {
  const Graph graph = rectifiers(std::vector<int64_t>(401, 2));  // more layers than boxes
  const BoxGraph picture = boxes_of(graph, node_facts(graph));
  CHECK_GT(picture.boxes.size(), 200U);
  for (size_t i = 1; i < picture.boxes.size(); ++i)
    CHECK_EQ(graph.node(picture.boxes[i].members.front()).op->name, "matmul");
}

TEST_CASE("the network in a page has every node, and exponents for every parameter element") {
  const Graph graph = rectifiers({4, 3, 2});
  const Json json = Json::parse(network_json(graph));
  CHECK_EQ(json.at("nodes").size(), static_cast<size_t>(graph.size()));
  CHECK_EQ(json.at("scaling").at("coordinates").size(), 3U);
  for (const Json& parameter : json.at("scaling").at("parameters")) {
    const auto& node = graph.node(parameter.at("node").get<NodeId>());
    CHECK_EQ(parameter.at("form").size(), static_cast<size_t>(node.value.count()));
  }
}

TEST_CASE("a network of many parameters stays out of the page, with the reason") {
  const Json json = Json::parse(network_json(rectifiers({4, 3, 2}), 10));
  CHECK_EQ(json.size(), 1U);
  CHECK_EQ(json.at("reason"), "more than 10 parameter values are not kept in a page");
}
