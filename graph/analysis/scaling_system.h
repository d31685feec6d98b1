// Homogeneous linear equations over many unknowns of which nearly all say that two are equal: union-find
// takes those, sparse exact elimination what is left.
#pragma once

#include <memory>
#include <vector>

#include "graph/analysis/scaling_law.h"

namespace crease {

/// A system over unknowns 0..count-1, all equations with right side 0. Add equations, then solve, then ask.
template <class Field>
class HomogeneousSystem {
 public:
  explicit HomogeneousSystem(int count);
  ~HomogeneousSystem();
  HomogeneousSystem(HomogeneousSystem&&) noexcept;
  HomogeneousSystem& operator=(HomogeneousSystem&&) noexcept;

  /// form = 0. Cost: nearly constant for one unknown and for the difference of two.
  void add(const LinearForm<Field>& form);
  /// Takes in the equations of three or more unknowns. Call once, after the last add.
  void solve();

  /// The form over free unknowns (one stands for its class) that equals `form` in every solution.
  LinearForm<Field> reduced(const LinearForm<Field>& form);

  /// Declares that solutions differ only where some form given here differs: takes `form` (reduced) as a
  /// coordinate if it is independent of the earlier ones. Returns the free unknown that carries it, or -1.
  int observe(const LinearForm<Field>& form);
  /// `form` over the coordinates 0, 1, ... of observe, other free unknowns set to 0.
  LinearForm<Field> in_coordinates(const LinearForm<Field>& form);
  int coordinate_count() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

extern template class HomogeneousSystem<Rational>;
extern template class HomogeneousSystem<Parity2>;

}  // namespace crease
