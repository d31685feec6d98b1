#include "graph/analysis/scaling_system.h"

#include <boost/pending/disjoint_sets.hpp>
#include <unordered_map>

#include "graph/error.h"

namespace crease {
namespace {

/// Rows in echelon form: each row has a pivot that later rows do not contain.
template <class Field>
struct Echelon {
  std::vector<LinearForm<Field>> rows;     // coefficient of the pivot is 1
  std::unordered_map<int, size_t> row_of;  // by pivot

  /// The form without pivots of the rows, modulo the rows.
  void reduce(LinearForm<Field>& form) const {
    // A row brings in only pivots of later rows, so the loop ends after each row was used once.
    for (bool changed = true; changed;) {
      changed = false;
      for (auto term = form.begin(); term != form.end(); ++term) {
        const auto row = row_of.find(term->first);
        if (row == row_of.end()) continue;
        const Field factor = -term->second;
        add_to(form, rows[row->second], factor);
        changed = true;
        break;
      }
    }
  }

  /// Adds a reduced, nonempty form; its last unknown is the pivot.
  int insert(LinearForm<Field> form) {
    const auto [pivot, coefficient] = *form.rbegin();
    for (auto& term : form) term.second = term.second / coefficient;
    row_of.emplace(pivot, rows.size());
    rows.push_back(std::move(form));
    return pivot;
  }
};

}  // namespace

template <class Field>
struct HomogeneousSystem<Field>::Parts {
  boost::disjoint_sets_with_storage<> sets;  // element 0: those that are 0; unknown k is element k + 1
  std::vector<LinearForm<Field>> pending;
  Echelon<Field> equations, observed;
  std::vector<int> coordinates;                // free unknown of each
  std::unordered_map<int, int> coordinate_of;  // by free unknown

  explicit Parts(int count) : sets(static_cast<size_t>(count) + 1) {}

  /// The unknown that stands for the class, or -1 if the class is 0.
  int representative(int unknown) {
    const size_t root = sets.find_set(static_cast<size_t>(unknown) + 1);
    return root == sets.find_set(size_t{0}) ? -1 : static_cast<int>(root) - 1;
  }

  LinearForm<Field> by_class(const LinearForm<Field>& form) {
    LinearForm<Field> result;
    for (const auto& [unknown, coefficient] : form)
      if (const int root = representative(unknown); root >= 0)
        add_to(result, LinearForm<Field>{{root, Field(1)}}, coefficient);
    return result;
  }

  /// Whether union-find could take the equation.
  bool merge(const LinearForm<Field>& form) {
    if (form.empty()) return true;
    const auto first = form.begin(), last = std::prev(form.end());
    if (form.size() == 1) {
      sets.union_set(size_t{0}, static_cast<size_t>(first->first) + 1);
      return true;
    }
    if (form.size() != 2 || !(first->second + last->second).is_zero()) return false;
    sets.union_set(static_cast<size_t>(first->first) + 1, static_cast<size_t>(last->first) + 1);
    return true;
  }
};

template <class Field>
HomogeneousSystem<Field>::HomogeneousSystem(int count) : parts_(std::make_unique<Parts>(count)) {}
template <class Field>
HomogeneousSystem<Field>::~HomogeneousSystem() = default;
template <class Field>
HomogeneousSystem<Field>::HomogeneousSystem(HomogeneousSystem&&) noexcept = default;
template <class Field>
HomogeneousSystem<Field>& HomogeneousSystem<Field>::operator=(HomogeneousSystem&&) noexcept = default;

template <class Field>
void HomogeneousSystem<Field>::add(const LinearForm<Field>& form) {
  if (!parts_->merge(form)) parts_->pending.push_back(form);
}

template <class Field>
void HomogeneousSystem<Field>::solve() {
  // Merging classes shortens other equations, which may then merge classes in turn.
  for (size_t before = parts_->pending.size() + 1; parts_->pending.size() < before;) {
    before = parts_->pending.size();
    std::erase_if(parts_->pending, [&](const auto& form) { return parts_->merge(parts_->by_class(form)); });
  }
  for (const auto& form : parts_->pending) {
    LinearForm<Field> row = reduced(form);
    if (!row.empty()) parts_->equations.insert(std::move(row));
  }
  parts_->pending.clear();
}

template <class Field>
LinearForm<Field> HomogeneousSystem<Field>::reduced(const LinearForm<Field>& form) {
  LinearForm<Field> result = parts_->by_class(form);
  parts_->equations.reduce(result);
  return result;
}

template <class Field>
int HomogeneousSystem<Field>::observe(const LinearForm<Field>& form) {
  LinearForm<Field> row = reduced(form);
  parts_->observed.reduce(row);
  if (row.empty()) return -1;
  const int pivot = parts_->observed.insert(std::move(row));
  parts_->coordinate_of.emplace(pivot, coordinate_count());
  parts_->coordinates.push_back(pivot);
  return pivot;
}

template <class Field>
LinearForm<Field> HomogeneousSystem<Field>::in_coordinates(const LinearForm<Field>& form) {
  LinearForm<Field> result;
  for (const auto& [unknown, coefficient] : reduced(form))
    if (const auto found = parts_->coordinate_of.find(unknown); found != parts_->coordinate_of.end())
      result.emplace(found->second, coefficient);
  return result;
}

template <class Field>
int HomogeneousSystem<Field>::coordinate_count() const {
  return static_cast<int>(parts_->coordinates.size());
}

template class HomogeneousSystem<Rational>;
template class HomogeneousSystem<Parity2>;

}  // namespace crease
