// Kernels as text.
#include "graph/error.h"
#include "jit/kernel.h"

namespace crease {
namespace {

std::string join(const std::vector<std::string>& parts, std::string_view between) {
  return fmt::format("{}", fmt::join(parts, between));
}

std::string text_of(const Place& place, const Kernel& kernel) {
  std::vector<std::string> parts;
  for (const Position& position : place) parts.push_back(to_string(position, kernel));
  return "[" + join(parts, ", ") + "]";
}

std::string text_of(const std::vector<int>& operands) {
  std::string text;
  for (int operand : operands) text += fmt::format(" %{}", operand);
  return text;
}

std::string name_of_buffer(int buffer, const std::vector<Buffer>& buffers) {
  return buffers.at(static_cast<size_t>(buffer)).name;
}

std::string text_of(const Instruction& it, const Kernel& kernel, const std::vector<Buffer>& buffers) {
  switch (it.kind) {
    case InstructionKind::Constant: return fmt::format("{}", it.constant);
    case InstructionKind::Size: return fmt::format("size({})", it.symbol);
    case InstructionKind::Affine: return to_string(it.place[0], kernel);
    case InstructionKind::Inside:
      return fmt::format("0 <= {} < {}", to_string(it.place[0], kernel), to_string(it.extent));
    case InstructionKind::Read:
      return fmt::format("read {}{}{}", name_of_buffer(it.buffer, buffers), text_of(it.place, kernel),
                         it.operands.empty() ? "" : " where" + text_of(it.operands));
    case InstructionKind::Convert: return "convert" + text_of(it.operands);
    case InstructionKind::Round: return "bf16" + text_of(it.operands);
    case InstructionKind::Split: return fmt::format("parts({}){}", it.constant, text_of(it.operands));
    case InstructionKind::Compute: return std::string(name_of(it.function)) + text_of(it.operands);
    case InstructionKind::Uniform: return fmt::format("uniform({}){}", it.seed, text_of(it.operands));
    case InstructionKind::Reduced: return fmt::format("result of ${}", it.reduction);
  }
  return "";
}

std::string condition_of(int condition) { return condition < 0 ? "" : fmt::format(" where %{}", condition); }

std::string text_of(const Store& store, const Kernel& kernel, const std::vector<Buffer>& buffers) {
  const std::string how =
      store.combine == Combine::Assign ? "=" : fmt::format("{}=", to_string(store.combine));
  return fmt::format("  {}{} {} %{}{}\n", name_of_buffer(store.buffer, buffers), text_of(store.place, kernel),
                     how, store.value, condition_of(store.condition));
}

std::string text_of(const std::vector<Loop>& loops, size_t first, size_t last) {
  std::vector<std::string> parts;
  for (size_t i = first; i < last; ++i)
    parts.push_back(fmt::format("{} < {}", loops[i].name, to_string(loops[i].extent)));
  return join(parts, ", ");
}

std::string_view text_of(BufferKind kind) {
  switch (kind) {
    case BufferKind::Input: return "input";
    case BufferKind::Parameter: return "parameter";
    case BufferKind::Constant: return "constant";
    case BufferKind::Result: return "result";
    case BufferKind::Next: return "next";
    case BufferKind::Intermediate: return "intermediate";
    case BufferKind::Carried: return "carried";
  }
  return "";
}

}  // namespace

std::string to_string(const Position& position, const Kernel& kernel) {
  std::string text;
  for (const Term& term : position.terms) {
    const std::string& name = kernel.loops.at(static_cast<size_t>(term.label)).name;
    if (term.coefficient < 0) text += "-";
    if (term.coefficient > 0 && !text.empty()) text += "+";
    const int64_t size = term.coefficient < 0 ? -term.coefficient : term.coefficient;
    if (size != 1) text += fmt::format("{}*", size);
    text += name;
  }
  if (position.value >= 0) text += fmt::format("{}%{}", text.empty() ? "" : "+", position.value);
  if (position.offset != 0 || text.empty())
    text += fmt::format("{}{}", position.offset >= 0 && !text.empty() ? "+" : "", position.offset);
  return text;
}

std::string to_string(const Kernel& kernel, const std::vector<Buffer>& buffers) {
  const size_t outer = static_cast<size_t>(kernel.outer);
  const std::string inner = text_of(kernel.loops, outer, kernel.loops.size());
  std::string text = fmt::format("kernel {}({}{}{})\n", kernel.name, text_of(kernel.loops, 0, outer),
                                 inner.empty() ? "" : "; ", inner);
  for (size_t i = 0; i < kernel.code.size(); ++i)
    text += fmt::format("  %{}: {} = {}\n", i, to_string(kernel.code[i].type),
                        text_of(kernel.code[i], kernel, buffers));
  for (size_t i = 0; i < kernel.reductions.size(); ++i) {
    const Reduction& reduction = kernel.reductions[i];
    text += fmt::format("  ${}: {} = {} %{}{}\n", i, to_string(reduction.type), to_string(reduction.combine),
                        reduction.value, condition_of(reduction.condition));
  }
  for (const Store& store : kernel.stores) text += text_of(store, kernel, buffers);
  return text;
}

std::string to_string(const Kernels& program) {
  std::string text;
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const Buffer& buffer = program.buffers[i];
    text += fmt::format("buffer {}: {} {}{}", buffer.name, text_of(buffer.kind), to_string(buffer.type),
                        to_string(buffer.shape));
    if (buffer.bits) text += " as bits";
    if (buffer.alias >= 0) text += " = " + name_of_buffer(buffer.alias, program.buffers);
    if (buffer.element_of >= 0) text += fmt::format(" in turn of loop {}", buffer.element_of);
    if (buffer.source >= 0) text += " of " + name_of_buffer(buffer.source, program.buffers);
    text += "\n";
  }
  for (size_t i = 0; i < program.step_loops.size(); ++i) {
    const StepLoop& loop = program.step_loops[i];
    text += fmt::format("loop {}: {} turns{}{}\n", i, to_string(loop.turns), loop.reverse ? ", reverse" : "",
                        loop.parent < 0 ? "" : fmt::format(", in loop {}", loop.parent));
  }
  for (const Kernel& kernel : program.kernels) {
    text += kernel.step_loop < 0 ? "\n" : fmt::format("\nin loop {}: ", kernel.step_loop);
    text += to_string(kernel, program.buffers);
  }
  return text;
}

}  // namespace crease
