#include "autodiff/scan_body.h"

#include <algorithm>

#include "graph/error.h"
#include "graph/trap.h"

namespace crease {

BodyBuilder::BodyBuilder(const Scan& scan, const std::optional<Tie>& tie) : scan_(scan) {
  if (tie) body_.set_tie(*tie);
  copies_.resize(static_cast<size_t>(scan_.body.size()));
}

Value BodyBuilder::add(Section section, int k, const std::string& name, const Source& operand, bool copied) {
  const NodeId id = scan_.body.inputs()[static_cast<size_t>(k)];
  const Value input = add_like(section, id, name, operand);
  if (copied) copies_[static_cast<size_t>(id)] = input;
  return input;
}

Value BodyBuilder::add_like(Section section, NodeId id, const std::string& name, const Source& operand) {
  const Node& node = scan_.body.node(id);
  const Value input = body_.input(name, node.shape, node.type, node.where);
  inputs_.push_back({section, input.id(), operand});
  return input;
}

Value BodyBuilder::copy(NodeId wanted) {
  for (const NodeId id : ancestors(scan_.body, {&wanted, 1})) {
    Value& value = copies_[static_cast<size_t>(id)];
    if (value.valid()) continue;
    std::vector<Value> over;
    for (const NodeId operand : scan_.body.node(id).operands)
      over.push_back(copies_[static_cast<size_t>(operand)]);
    const Node& node = scan_.body.node(id);
    value = body_.copy(node, over);
    if (node.role == Role::Apply && !node.tie && scan_.body.tie()) body_.set_tie(value, *scan_.body.tie());
  }
  return copies_[static_cast<size_t>(wanted)];
}

void BodyBuilder::read_instead(NodeId id, const Source& sequence) {
  const Value& value = copies_[static_cast<size_t>(id)];
  if (value.valid()) read_.emplace(value.id(), sequence);
}

bool BodyBuilder::is_outside(NodeId id) const {
  const auto input = std::ranges::find(inputs_, id, &Input::id);
  return read_.contains(id) || (input != inputs_.end() && input->section != Section::Carry);
}

OuterOperand BodyBuilder::outside(NodeId id) const {
  if (const auto read = read_.find(id); read != read_.end()) return {read->second(), true};
  const auto input = std::ranges::find(inputs_, id, &Input::id);
  return {input->operand(), input->section == Section::Sequence};
}

void BodyBuilder::output(const Value& value) {
  body_.output(fmt::format("result{}", body_.outputs().size()), value);
}

BodyBuilder::Loop BodyBuilder::finish(int carries, bool reverse) const {
  const std::vector<bool> needed = needed_nodes();
  const auto made = std::make_shared<Scan>(
      Scan{.body = {}, .carries = carries, .sequences = 0, .length = scan_.length, .reverse = reverse});
  Loop loop{.scan = made, .operands = {}};
  std::vector<Value> values(needed.size());
  const auto add_input = [&](NodeId id, const std::string& name, const Source& operand) {
    const Node& node = body_.node(id);
    values[static_cast<size_t>(id)] = made->body.input(name, node.shape, node.type, node.where);
    loop.operands.push_back(operand());
  };
  for (const Section section : {Section::Carry, Section::Sequence, Section::Invariant}) {
    for (const Input& input : inputs_)
      if (input.section == section && (section == Section::Carry || needed[static_cast<size_t>(input.id)]))
        add_input(input.id, body_.node(input.id).name, input.operand);
    if (section != Section::Sequence) continue;
    for (const auto& [id, sequence] : read_)
      if (needed[static_cast<size_t>(id)]) add_input(id, fmt::format("kept{}", id), sequence);
    made->sequences = static_cast<int>(loop.operands.size()) - carries;
  }
  copy_needed(needed, values, made->body);
  for (NodeId id = 0; id < made->body.size(); ++id)
    expect(!is_trap(made->body.node(id)),
           "[grad] Tie::trap does not watch kinks inside a loop over time ({}): give another tie, or write "
           "the steps one after the other",
           describe(made->body, id));
  return loop;
}

std::vector<bool> BodyBuilder::needed_nodes() const {
  std::vector<bool> needed(static_cast<size_t>(body_.size()));
  for (const Output& output : body_.outputs()) needed[static_cast<size_t>(output.node)] = true;
  for (NodeId id = body_.size(); id-- > 0;) {
    if (!needed[static_cast<size_t>(id)] || read_.contains(id)) continue;
    for (const NodeId operand : body_.node(id).operands) needed[static_cast<size_t>(operand)] = true;
  }
  return needed;
}

void BodyBuilder::copy_needed(const std::vector<bool>& needed, std::vector<Value>& values, Graph& to) const {
  for (NodeId id = 0; id < body_.size(); ++id) {
    Value& value = values[static_cast<size_t>(id)];
    if (!needed[static_cast<size_t>(id)] || value.valid()) continue;
    std::vector<Value> over;
    for (const NodeId operand : body_.node(id).operands) over.push_back(values[static_cast<size_t>(operand)]);
    value = to.copy(body_.node(id), over);
  }
  for (const Output& output : body_.outputs())
    to.output(output.name, values[static_cast<size_t>(output.node)]);
}

}  // namespace crease
