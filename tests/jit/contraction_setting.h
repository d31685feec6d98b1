// A matrix product as tests ask for it: sizes, how its matrices lie, what is known when it is compiled.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "jit/contraction.h"
#include "jit/emit/standalone.h"
#include "jit/machine.h"

namespace crease::test {

struct Size {
  int64_t m, n, k;
};

/// Which way a matrix lies: row by row or column by column, with `gap` unused elements between lines.
struct Layout {
  bool by_columns = false;
  int64_t gap = 0;
  int64_t row_stride(int64_t, int64_t columns) const { return by_columns ? 1 : columns + gap; }
  int64_t column_stride(int64_t rows, int64_t) const { return by_columns ? rows + gap : 1; }
  int64_t elements(int64_t rows, int64_t columns) const {
    return by_columns ? columns * (rows + gap) : rows * (columns + gap);
  }
};

struct Setting {
  Size sizes;
  Layout a = {}, b = {}, c = {};
  bool runtime_m = false, runtime_n = false, runtime_k = false, runtime_strides = false;
  bool prologues = false;
  bool rounded = false;  // to bfloat16, which dyadic() fits
  ContractionCase::Epilogue epilogue = ContractionCase::Epilogue::Store;
  std::optional<ContractionPlan> plan = {};
};

inline ContractionSizes sizes_of(const Setting& setting) {
  const auto [m, n, k] = setting.sizes;
  return {m,
          n,
          k,
          setting.a.row_stride(m, k),
          setting.a.column_stride(m, k),
          setting.b.row_stride(k, n),
          setting.b.column_stride(k, n),
          setting.c.row_stride(m, n),
          setting.c.column_stride(m, n)};
}

inline Extent named(bool runtime, int64_t value, const char* name) {
  return runtime ? Extent{1, {name}} : Extent{value, {}};
}

inline ContractionCase case_of(const Setting& setting, Type type) {
  const ContractionSizes s = sizes_of(setting);
  const auto stride = [&](int64_t value) {
    return named(setting.runtime_strides && value != 1, value, "stride");
  };
  return {.facts = {.type = type,
                    .m = named(setting.runtime_m, s.m, "m"),
                    .n = named(setting.runtime_n, s.n, "n"),
                    .k = named(setting.runtime_k, s.k, "k"),
                    .a_row = stride(s.a_row),
                    .a_column = stride(s.a_column),
                    .b_row = stride(s.b_row),
                    .b_column = stride(s.b_column),
                    .rounded = setting.rounded,
                    .prologue = setting.prologues},
          .c_row = stride(s.c_row),
          .c_column = stride(s.c_column),
          .epilogue = setting.epilogue,
          .scale = -0.5,
          .prologues = setting.prologues,
          .plan = setting.plan};
}

/// Every vector width this machine has.
inline std::vector<Machine> widths() {
  std::vector<Machine> machines;
  for (int bits = 128; bits <= host_machine().vector_bits; bits *= 2)
    machines.push_back(with_vector_bits(host_machine(), bits));
  return machines;
}

}  // namespace crease::test
