// What must hold of kernels after every step.
#include <algorithm>

#include "graph/error.h"
#include "jit/kernel.h"

namespace crease {
namespace {

/// A part of a kernel: an instruction, or what its text says. Written out only where something is wrong.
struct Where {
  Where(int instruction) : number(instruction) {}  // NOLINT(google-explicit-constructor)
  Where(const char* part) : text(part) {}          // NOLINT(google-explicit-constructor)
  int number = -1;
  std::string_view text = {};
};

struct Checker {
  const Kernels& program;
  const Kernel& kernel;

  void check(bool condition, const Where& where, std::string_view what) const {
    if (condition) return;  // the texts below are long
    ensure(condition, "[kernel] {} of '{}' is wrong: {}\n{}",
           where.number < 0 ? std::string(where.text) : fmt::format("%{}", where.number), kernel.name, what,
           to_string(kernel, program.buffers));
  }
  void instruction(int number, int before, const Where& where) const {
    if (number >= 0 && number < before) return;
    check(number >= 0 && number < before, where, fmt::format("instruction %{} is not above", number));
  }
  bool is_boolean(int number) const { return kernel.code[static_cast<size_t>(number)].type == Type::boolean; }
  void condition(int number, const Where& where) const {
    if (number < 0) return;
    instruction(number, static_cast<int>(kernel.code.size()), where);
    check(is_boolean(number), where, "the condition is not boolean");
  }
  void place(const Place& place, int before, const Where& where) const {
    for (const Position& position : place) {
      for (const Term& term : position.terms)
        check(term.label >= 0 && term.label < static_cast<int>(kernel.loops.size()) && term.coefficient != 0,
              where, "a term names no loop");
      if (position.value < 0) continue;
      instruction(position.value, before, where);
      check(kernel.code[static_cast<size_t>(position.value)].type == Type::i64, where, "an index is not i64");
    }
  }
  void buffer_place(int buffer, const Place& at, int before, const Where& where) const {
    check(buffer >= 0 && buffer < static_cast<int>(program.buffers.size()), where, "no such buffer");
    check(program.buffers[static_cast<size_t>(buffer)].shape.size() == at.size(), where,
          "rank of place and buffer differ");
    place(at, before, where);
  }
  void code(int number) const {
    const Instruction& it = kernel.code[static_cast<size_t>(number)];
    const Where where = number;
    for (int operand : it.operands) instruction(operand, number, where);
    if (it.kind == InstructionKind::Read) {
      buffer_place(it.buffer, it.place, number, where);
      check(it.type == program.buffers[static_cast<size_t>(it.buffer)].type, where, "type of buffer differs");
      check(it.operands.empty() || (it.operands.size() == 1 && is_boolean(it.operands[0])), where,
            "a read has one boolean condition");
      return;
    }
    place(it.place, number, where);
    if (it.kind == InstructionKind::Reduced)
      check(it.reduction >= 0 && it.reduction < static_cast<int>(kernel.reductions.size()), where,
            "no such reduction");
  }
};

void verify(const Kernels& program, const Kernel& kernel) {
  const Checker checker{program, kernel};
  const int count = static_cast<int>(kernel.code.size());
  checker.check(kernel.loops.size() < 64 && kernel.outer <= static_cast<int>(kernel.loops.size()), "loops",
                "more than 63, or more outer loops than loops");
  for (int i = 0; i < count; ++i) checker.code(i);
  for (const Reduction& reduction : kernel.reductions) {
    checker.instruction(reduction.value, count, "reduction");
    checker.condition(reduction.condition, "reduction");
  }
  for (const Store& store : kernel.stores) {
    checker.instruction(store.value, count, "store");
    checker.condition(store.condition, "store");
    checker.buffer_place(store.buffer, store.place, count, "store");
    checker.check(kernel.code[static_cast<size_t>(store.value)].type ==
                      program.buffers[static_cast<size_t>(store.buffer)].type,
                  "store", "type of buffer differs");
  }
}

}  // namespace

void verify(const Kernels& program) {
  for (const Kernel& kernel : program.kernels) verify(program, kernel);
}

}  // namespace crease
