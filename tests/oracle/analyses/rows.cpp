#include "tests/oracle/analyses/rows.h"

namespace crease::oracle {
namespace {

void drop_zeros(Row& row, Field2 field) {
  if (field == Field2::Yes)
    for (auto& [column, value] : row) value = value - 2 * (value / 2).floor();
  std::erase_if(row, [](const auto& entry) { return entry.second.is_zero(); });
}

}  // namespace

int64_t rank(const std::vector<Row>& rows, Field2 field) {
  std::vector<Row> pivots;
  for (Row row : rows) {
    drop_zeros(row, field);
    for (const Row& other : pivots) {
      const auto found = row.find(other.begin()->first);
      if (found == row.end()) continue;
      const Rational factor = found->second / other.begin()->second;
      for (const auto& [column, value] : other) row[column] -= factor * value;
      drop_zeros(row, field);
    }
    if (!row.empty()) pivots.push_back(row);
  }
  return static_cast<int64_t>(pivots.size());
}

}  // namespace crease::oracle
