// Values of a kernel's instructions while its loops are emitted: every instruction once, in the outermost
// loop where its operands are known.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "jit/address.h"
#include "jit/emit/emitter.h"
#include "jit/kernel.h"
#include "jit/schedule.h"

namespace crease {

/// What a kernel's code reads from outside.
struct KernelArguments {
  std::map<int, llvm::Value*> pointers;         // by buffer
  std::map<std::string, llvm::Value*> symbols;  // sizes of named dimensions
};

/// What is known at one place of the loop nest. Copied when a loop is entered.
struct Scope {
  std::vector<int> turn;             // of each jammed loop: which of the turns side by side
  std::vector<llvm::Value*> index;   // by loop; the vector loop's first lane
  std::vector<llvm::Value*> digit;   // by loop, where several became one: its own value, in all lanes
  uint64_t entered = 0;              // loops
  std::vector<llvm::Value*> values;  // by instruction; null: not known yet
  std::vector<llvm::Value*> offset;  // by distinct address: elements so far; null: 0
  std::vector<int64_t> beyond;       // by distinct address: elements behind that, for the turn
  llvm::Value* mask = nullptr;       // lanes that count; null: all
  std::vector<bool> stored;          // by store: done as soon as its value was known
};

/// Turns of a loop: [begin, end); `some`: there is at least one.
struct Turns {
  llvm::Value *begin, *end;
  bool some = false;
};

class KernelValues {
 public:
  KernelValues(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
               const KernelSchedule& schedule, const KernelArguments& arguments);

  /// The scope outside of all loops.
  Scope start();
  /// Enters a loop at a value of its index. `beside`: scopes that have entered it, at other turns of the
  /// jammed loops; the offsets that are the same there are taken over.
  void enter(Scope& scope, int loop, llvm::Value* index, std::span<const Scope> beside = {});
  /// All turns of a loop, or fewer: without those at its ends where one of `conditions`, which must all hold
  /// for anything to happen, is false whatever the turns of jammed loops and the lanes.
  Turns turns_inside(const Scope& scope, const ScheduledLoop& loop, std::span<const int> conditions) const;
  /// Takes over the values that are the same in one of the scopes beside this one.
  void share(std::span<const Scope> beside, Scope& to) const;
  /// Emits all instructions of `wanted` that the loops entered determine and that need no reduction of phase
  /// `phase` or later.
  void emit_ready(Scope& scope, int phase, const std::vector<bool>& wanted);
  /// Nothing if it has been stored before.
  void emit_store(Scope& scope, size_t store);
  /// Asks for the memory that reads and stores touch in a tile of `rows` turns of `row_loop` and `columns` of
  /// the vector loop, from where the scope stands: for those that both loops move, by whole lines.
  void prefetch_tile(const Scope& scope, int row_loop, int rows, int columns);
  /// Asks for the memory that a store will write by whole vectors in the next turn of `loop`, where that lies
  /// so far on that no processor foresees it.
  void prefetch_next(const Scope& scope, size_t store, int loop);

  /// From now on entering a loop does not move the addresses of these reads, unless others share them.
  void retire(const std::vector<int>& reads);
  /// Address that a read has where the loops entered stand, and its stride along a loop.
  llvm::Value* pointer_of(const Scope& scope, int instruction);
  llvm::Value* stride_of(int instruction, int loop) const;

  llvm::Value* size(const Extent& extent) const;
  /// Whether an instruction has a value of its own in each lane.
  bool is_vector(int instruction) const;
  bool has_vector_loop(uint64_t loops) const;
  uint64_t loops_of(int instruction) const;
  uint64_t loops_of(const Store& store) const;
  int phase_of(int instruction) const;
  int phase_of(const Store& store) const;
  /// Instructions that any of `roots` needs, without those behind other reductions.
  std::vector<bool> closure(const std::vector<int>& roots) const;

 private:
  bool leaves_some(const Scope& scope, const Instruction& inside, int loop) const;
  llvm::Value* rest_of(const Scope& scope, const Position& position, int loop) const;
  void enter_digits(Scope& scope, int loop, llvm::Value* index);
  const Scope* same_turn(std::span<const Scope> beside, const Scope& scope, uint64_t loops) const;
  bool is_beside(const Address::Step& step) const;
  int turn_of(const Scope& scope, int loop) const;
  uint64_t loops_moving(const Address& address) const;
  bool is_ready(const Scope& scope, size_t instruction, int phase, const std::vector<bool>& wanted) const;
  void emit_straight(Scope& scope, int phase, const std::vector<bool>& wanted);
  llvm::Value* emit(Scope& scope, int instruction);
  bool is_stored_alone(const Store& store) const;
  void store_early(Scope& scope, size_t instruction);
  llvm::Constant* lane_numbers(int64_t step) const;
  llvm::Value* emit_position(Scope& scope, const Position& position);
  llvm::Value* emit_read(Scope& scope, int instruction);
  llvm::Value* emit_offset(const Scope& scope, size_t access);
  llvm::Value* lane_pointers(Scope& scope, size_t access, llvm::Value* base, Type type);
  llvm::Value* load(Scope& scope, size_t access, int buffer, llvm::Value* condition, bool vector);
  void write(Scope& scope, size_t access, int buffer, llvm::Value* value, llvm::Value* condition);
  void prefetch_lines(const Scope& scope, size_t access, int buffer, int row_loop, int rows, int columns,
                      bool write);
  llvm::Value* byte_of(const Scope& scope, size_t access, int buffer);
  llvm::Value* load_bits(Scope& scope, size_t access, int buffer, bool vector);
  void write_bits(Scope& scope, size_t access, int buffer, llvm::Value* value);
  void write_scalar(llvm::Value* pointer, llvm::Value* value, llvm::Value* condition);
  llvm::Value* lanes_mask(const Scope& scope, llvm::Value* condition) const;
  void step_by_rows(Address& address) const;
  const Address::Step* rows_of(size_t access) const;
  int64_t along_row(size_t access) const;
  llvm::Value* load_rows(const Address::Step& rows, int64_t along, llvm::Value* pointer,
                         llvm::FixedVectorType* form, llvm::Align align, llvm::Value* mask);
  bool is_contiguous(const Scope& scope, size_t access) const;
  bool is_every_second(const Scope& scope, size_t access) const;
  llvm::Value* every_second(llvm::Value* mask, unsigned lanes);
  llvm::Value* load_every_second(llvm::Value* pointer, llvm::FixedVectorType* form, llvm::Align align,
                                 llvm::Value* mask);
  llvm::Value* zero_memory();
  const Address& address(size_t access) const { return addresses_[access_[access]]; }
  llvm::Value* same_form(llvm::Value* value, bool vector) const;

  Emitter& emitter_;
  const Kernel& kernel_;
  const std::vector<Buffer>& buffers_;
  const KernelSchedule& schedule_;
  const KernelArguments& arguments_;
  std::vector<Address> addresses_;  // distinct
  std::vector<size_t> access_;      // of instructions, then of stores: number of their address
  std::vector<bool> active_;        // by address: loops that are entered move it
  std::vector<uint64_t> loops_;     // by instruction; one that needs an absorbed loop needs the absorbing one
  uint64_t conditioned_ = 0;        // loops whose value is used as a number
  std::vector<int> phases_;
  std::vector<bool> may_store_early_;  // by store
};

}  // namespace crease
