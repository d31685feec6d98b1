// The report as one page: no request leaves it, names are data and never markup.
#include <nlohmann/json.hpp>

#include "frontends/report/boxes.h"
#include "frontends/report/fold_picture.h"
#include "frontends/report/network_json.h"
#include "graph/analysis/certificate.h"

namespace crease {
namespace embedded {
extern const unsigned char report_page[], report_style[], report_network[], report_drawing[],
    report_rescaling[], report_regions[], report_main[];
extern const unsigned long report_page_size, report_style_size, report_network_size, report_drawing_size,
    report_rescaling_size, report_regions_size, report_main_size;
}  // namespace embedded
namespace {

using Json = nlohmann::ordered_json;

/// What a leaf is, what another node does with the data.
std::string class_text(const Node& node, NodeClass node_class) {
  const bool leaf = node.role != Role::Apply && node.role != Role::Scan;
  return std::string(leaf ? role_name(node.role) : to_string(node_class));
}

Json drawing_json(const Graph& graph) {
  const NodeFacts facts = node_facts(graph);
  const BoxGraph picture = boxes_of(graph, facts);
  Json boxes = Json::array(), arrows = Json::array();
  for (const Box& box : picture.boxes) {
    NodeClass widest = NodeClass::Constant;
    Json members = Json::array();
    for (const NodeId id : box.members) {
      const auto place = static_cast<size_t>(id);
      widest = std::max(widest, facts.classes[place]);
      members.push_back({{"key", node_key(graph, id)},
                         {"shape", to_string(graph.node(id).shape)},
                         {"class", class_text(graph.node(id), facts.classes[place])},
                         {"scales", facts.scales[place]},
                         {"saturation", facts.saturations[place]}});
    }
    boxes.push_back({{"label", box.label},
                     {"layer", box.layer},
                     {"class", std::string(to_string(widest))},
                     {"sink", facts.sinks[static_cast<size_t>(box.members.back())]},
                     {"members", std::move(members)}});
  }
  for (const Arrow& arrow : picture.arrows) arrows.push_back({arrow.from, arrow.to, arrow.label});
  return {{"boxes", std::move(boxes)}, {"arrows", std::move(arrows)}};
}

/// JSON inside a script element: no character of it can end the element or begin a comment.
std::string inert(const std::string& json) {
  std::string text;
  for (const char c : json) {
    if (c == '<')
      text += "\\u003c";
    else if (c == '>')
      text += "\\u003e";
    else if (c == '&')
      text += "\\u0026";
    else
      text += c;
  }
  return text;
}

std::string text_of(const unsigned char* bytes, unsigned long size) {
  return {reinterpret_cast<const char*>(bytes), size};  // NOLINT: the bytes of a text file
}

/// `page` with the mark replaced.
void fill(std::string& page, const std::string& mark, const std::string& text) {
  page.replace(page.find(mark), mark.size(), text);
}

}  // namespace

std::string to_html(const Report& report) {
  using namespace embedded;
  const auto [folds, no_folds] = fold_picture_explained(report.graph);
  std::string page = text_of(report_page, report_page_size);
  fill(page, "/* style */", text_of(report_style, report_style_size));
  fill(page, "/* script */",
       text_of(report_network, report_network_size) + text_of(report_drawing, report_drawing_size) +
           text_of(report_rescaling, report_rescaling_size) + text_of(report_regions, report_regions_size) +
           text_of(report_main, report_main_size));
  // The data last: nothing is looked for in it.
  fill(page, "/* data */",
       inert(Json{{"report", Json::parse(to_json(report))},
                  {"drawing", drawing_json(report.graph)},
                  {"network", Json::parse(network_json(report.graph))},
                  {"folds", folds ? Json::parse(to_json(*folds)) : Json()},
                  {"no_folds", no_folds}}
                 .dump(-1, ' ', false, Json::error_handler_t::replace)));
  return page;
}

}  // namespace crease
