// Rows of a convolution: the sums of all positions of a row and some vectors of channels, in tiles that stay
// in registers. Products that fall on padding are not made.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "jit/emit/emitter.h"
#include "jit/kernel.h"
#include "jit/schedule.h"

namespace crease {

/// Where an operand lies; strides in elements, i64, by number of the loop.
struct ConvolutionOperands {
  llvm::Value* pointer;  // element where the loops that are entered stand
  std::vector<llvm::Value*> strides;
};

class ConvolutionEmitter {
 public:
  /// Positions of a row from `first` on.
  struct Tile {
    int64_t first, rows;
  };
  /// Whether the guards hold, from the indices of the guarded loops (i1).
  using Inside = std::function<llvm::Value*(std::span<llvm::Value* const>)>;
  using Ask = std::function<void(const Tile& tile, llvm::Value* turn)>;

  /// `scratch`: memory of schedule.scratch(). Makes a square of stack memory for a row's sums.
  ConvolutionEmitter(Emitter& emitter, const Kernel& kernel, const KernelSchedule& schedule,
                     llvm::Value* scratch);

  /// Copies the weights, of one pass if there are passes, to scratch memory as the tiles read them.
  void pack(const ConvolutionOperands& weight);

  /// Copies what the row reads of the data, if the schedule says so: from here on sum_row reads the copy.
  void copy_row(const ConvolutionOperands& data, const Inside& inside);

  /// Sums the row for the columns of one panel, tile by tile. `ask` is called in each turn of the guarded
  /// loops that is summed, `turn` of guarded_turns(): the place to ask for memory that comes next, a little
  /// at a time.
  void sum_row(const ConvolutionOperands& data, llvm::Value* panel, const Inside& inside, const Ask& ask);
  int64_t guarded_turns() const;
  /// Asks for a share of the weights of the next pass: that of row number `row` of `rows` in `turn`.
  void ask_for_next_pass(const ConvolutionOperands& weight, llvm::Value* row, int64_t rows,
                         llvm::Value* turn);

  // With passes the sums of all rows are in scratch memory, that of row number `row` (i64) in its place.
  void clear_sums();
  /// From here on sum_row adds to the sums of this row, and recall_row takes them up for `sums`.
  void add_to(llvm::Value* row) { row_ = row; }
  void recall_row(llvm::Value* panel);

  /// A vector of the sums: from `position` of the row on, for column number `column` of the panel.
  llvm::Value* sums(llvm::Value* column, llvm::Value* position);

  int64_t columns_of_panel() const { return width_; }
  int64_t panels() const { return (extent(plan_.column_loop) + width_ - 1) / width_; }

 private:
  using Sums = std::vector<llvm::Value*>;

  int64_t extent(int loop) const;
  llvm::Align align() const { return llvm::Align(static_cast<uint64_t>(size_of(plan_.type))); }
  int64_t elements_in_one_piece(const ConvolutionOperands& weight) const;
  llvm::Value* at(llvm::Value* base, llvm::Value* index) const;
  llvm::Value* stride(const ConvolutionOperands& operand, int loop) const;
  llvm::Value* stepped(llvm::Value* pointer, const ConvolutionOperands& operand, int loop,
                       llvm::Value* turns);
  void copy_lines(llvm::Value* data, llvm::Value* block, const ConvolutionOperands& operand);
  Sums guarded_loops(size_t depth, const Tile& tile, Sums sums, std::vector<llvm::Value*> indices);
  Sums side_loops(const Tile& tile, Sums sums, std::span<llvm::Value* const> indices);
  Sums all_sides(const Tile& tile, Sums sums, llvm::Value* data, llvm::Value* weight);
  int64_t turns_alike(const Tile& tile, int64_t side) const;
  Sums depth_loop(const Tile& tile, int64_t side, const Sums& sums, llvm::Value* data, llvm::Value* weight);
  Sums products(std::span<const int64_t> rows, std::span<llvm::Value* const> sums, llvm::Value* data,
                llvm::Value* weight);
  std::vector<Tile> tiles() const;
  llvm::Value* kept_sum(const Tile& tile, llvm::Value* panel, size_t number);
  void keep(const Tile& tile, const Sums& sums);

  Emitter& emitter_;
  llvm::IRBuilder<>& builder_;
  const Kernel& kernel_;
  const ConvolutionSchedule& plan_;
  int lanes_;
  int64_t width_;       // columns of a panel
  int64_t row_stride_;  // of the kept sums: a row, in whole vectors
  int64_t panel_size_;  // elements of the packed weights of one panel
  llvm::FixedVectorType* vector_;
  llvm::Value *scratch_, *kept_, *lines_;
  // Of the row that is being summed.
  const ConvolutionOperands* data_ = nullptr;
  llvm::Value* panel_ = nullptr;
  llvm::Value* row_ = nullptr;
  const Inside* inside_ = nullptr;
  const Ask* ask_ = nullptr;
};

}  // namespace crease
