#include "graph/type.h"

#include <doctest/doctest.h>

#include <limits>

#include "graph/error.h"

using namespace crease;

TEST_CASE("element types print and read back, with their sizes") {
  for (const Type type : {Type::f64, Type::f32, Type::i64, Type::i32, Type::u8, Type::boolean})
    CHECK(parse_type(to_string(type)) == type);
  CHECK(size_of(Type::f64) == 8);
  CHECK(size_of(Type::i32) == 4);
  CHECK(size_of(Type::boolean) == 1);
  CHECK_THROWS_WITH_AS(parse_type("float"),
                       "unknown element type 'float': want one of f64, f32, i64, i32, u8, bool", Error);
}

TEST_CASE("promotion is symmetric, and floating types win over integers") {
  CHECK(promote(Type::f32, Type::i64) == Type::f32);
  CHECK(promote(Type::f32, Type::f64) == Type::f64);
  CHECK(promote(Type::u8, Type::boolean) == Type::u8);
  for (const Type a : {Type::f64, Type::f32, Type::i64, Type::i32, Type::u8, Type::boolean}) {
    CHECK(promote(a, a) == a);
    for (const Type b : {Type::f64, Type::f32, Type::i64, Type::i32, Type::u8, Type::boolean})
      CHECK(promote(a, b) == promote(b, a));
  }
}

TEST_CASE("dimensions are sizes or names") {
  const Shape shape{"batch", 784};
  CHECK(to_string(shape) == "[batch, 784]");
  CHECK(to_string(Shape()) == "[]");
  CHECK(shape[0].is_symbol());
  CHECK(shape[1].size() == 784);
  CHECK(has_symbol(shape));
  CHECK_FALSE(has_symbol({3, 0}));
  CHECK(Dim("batch") == Dim("batch"));
  CHECK_FALSE(Dim("batch") == Dim("time"));
  CHECK_FALSE(Dim("batch") == Dim(1));
  CHECK_THROWS_WITH_AS(shape[0].size(), "dimension 'batch' has no size before a program runs", Error);
  CHECK_THROWS_WITH_AS(sizes_of(shape), "dimension 'batch' has no size before a program runs", Error);
}

TEST_CASE("any integer is a size") {
  const std::vector<float> values(3);
  const Shape shape{values.size(), 2U, 2LL, int16_t{2}, uint64_t{2}, int64_t{2}};
  CHECK(shape == Shape{3, 2, 2, 2, 2, 2});
  CHECK(Dim(std::numeric_limits<int64_t>::max()).size() == std::numeric_limits<int64_t>::max());
  static_assert(!std::is_convertible_v<bool, Dim> && !std::is_convertible_v<double, Dim>);
}

TEST_CASE("dimensions that cannot be are errors") {
  CHECK_THROWS_WITH_AS(
      Dim(-1), "a dimension cannot have size -1: want 0 to 2^63 - 1, and every size written out", Error);
  CHECK_THROWS_WITH_AS(
      Dim(std::numeric_limits<size_t>::max()),
      "a dimension cannot have size 18446744073709551615: want 0 to 2^63 - 1, and every size written "
      "out",
      Error);
  CHECK_THROWS_AS(Dim(int8_t{-1}), Error);
  for (const char* name : {"", "2x", "a b", "a-b", "\xc3\xa9"}) CHECK_THROWS_AS(Dim{name}, Error);
}

TEST_CASE("element counts are checked against overflow") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({3, 4}) == 12);
  CHECK(element_count({int64_t{1} << 40, 0, int64_t{1} << 40}) == 0);
  CHECK_THROWS_AS(element_count({int64_t{1} << 40, int64_t{1} << 40}), Error);
  CHECK_THROWS_AS(element_count({int64_t{1} << 62}), Error);
}
