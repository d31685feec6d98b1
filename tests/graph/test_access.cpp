#include "graph/access.h"

#include <doctest/doctest.h>

#include <array>

#include "graph/error.h"

using namespace crease;

namespace {

Resolved resolved(std::string_view pattern, std::vector<Shape> operands,
                  const std::map<std::string, Dim>& extents = {}, const Shape& result = {}) {
  return resolve(pattern, operands, extents, result);
}

std::string error_of(std::string_view pattern, std::vector<Shape> operands) {
  try {
    resolved(pattern, std::move(operands));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("patterns are unified with shapes, labels in order of appearance") {
  const Resolved found = resolved("b i, i j -> b j", {{"batch", 3}, {3, 5}});
  CHECK(found.shape == Shape{"batch", 5});
  CHECK(found.loops.labels == std::vector<Label>{{"b", "batch"}, {"i", 3}, {"j", 5}});
  CHECK(reduced_labels(found.loops) == std::vector<int>{1});
  CHECK(labels_of(found.loops.reads[1]) == std::vector<int>{1, 2});
  CHECK(is_plain(found.loops.write));
  CHECK_FALSE(is_elementwise(found.loops));
}

TEST_CASE("an ellipsis stands for the same leading dimensions everywhere") {
  CHECK(resolved("... i, i j -> ... j", {{"batch", 7, 3}, {3, 5}}).shape == Shape{"batch", 7, 5});
  CHECK(resolved("... i, i j -> ... j", {{3}, {3, 5}}).shape == Shape{5});
  CHECK(contains(error_of("... i, ... i -> ...", {{2, 3}, {3}}), "leading dimensions differ"));
  CHECK(contains(error_of("... i j -> ...", {{2}}), "wants at least 2 dimensions"));
}

TEST_CASE("affine positions have strides, dilation and offsets") {
  const Resolved found = resolved("n c 2*y+3*k-1, o c k -> n o y", {{1, 2, 9}, {4, 2, 3}}, {{"y", 3}});
  CHECK(found.shape == Shape{1, 4, 3});
  const AffineIndex& index = found.loops.reads[0][2];
  CHECK(index.offset == -1);
  CHECK(to_string(index, found.loops.labels) == "2*y+3*k-1");
  CHECK(to_string(found.loops) == "n c 2*y+3*k-1, o c k -> n o y");
  CHECK_FALSE(is_plain(found.loops.reads[0]));
}

TEST_CASE("terms of one label add up, and cancel") {
  const Resolved found = resolved("i+i-2*i+j -> i j", {{3}}, {{"i", 2}, {"j", 3}});
  CHECK(found.loops.reads[0][0].terms == std::vector<Term>{{1, 1}});
  CHECK(found.loops.reads[0][0].plain_label() == 1);
}

TEST_CASE("loops print as a pattern that resolves to the same loops") {
  const Resolved found = resolved("a -2*b+c+5 3, @0 -> c a", {{2, 9, 4}, {6}}, {{"b", 2}, {"c", 3}});
  const std::string text = to_string(found.loops);
  CHECK(text == "a -2*b+c+5 3, @0 -> c a");
  const std::vector<Shape> shapes{{2, 9, 4}, {6}};
  CHECK(resolve(text, shapes, {{"b", 2}, {"c", 3}}).loops == found.loops);
}

TEST_CASE("mismatches name label, sizes and operands") {
  CHECK(error_of("b i, i j -> b j", {{2, 3}, {4, 5}}) ==
        "dimension 'i' has size 3 in operand 0 (dimension 1) and size 4 in operand 1 (dimension 0)");
  CHECK(contains(error_of("i, i -> i", {{"batch"}, {"time"}}), "size batch in operand 0"));
  CHECK(contains(error_of("i, i -> i", {{"batch"}, {64}}), "size 64 in operand 1"));
  CHECK(contains(error_of("b i -> b", {{2}}), "operand 0 has shape [2] with 1 dimensions"));
  CHECK(contains(error_of("ij,jk->ik", {{2, 3}, {3, 4}}), "wants 1; 'ij' is one label, 'i j' are 2"));
  CHECK(contains(error_of("b -> b", {{2}, {2}}), "wants 1 operands, got 2"));
  CHECK(contains(error_of("2*i -> i", {{4}}), "label 'i' of pattern '2*i -> i' has no extent"));
  CHECK(contains(error_of("i -> 2*i", {{4}}), "its record must give the result's shape"));
  const std::vector<Shape> shapes{{4}};
  CHECK_THROWS_WITH_AS(resolve("i -> i", shapes, {{"i", 3}}), "label 'i' is given extent 3, operand 0 has 4",
                       Error);
}

TEST_CASE("patterns that cannot be read are errors") {
  for (const char* pattern :
       {"i", "i - > i", "i+ -> i", "+i -> i", "2* -> i", "2*3 -> i", "i* -> i", "@ -> i", "@x -> i",
        "i, j ... -> i", "99999999999999999999*i -> i", "i$ -> i", "3i -> i"})
    CHECK_THROWS_AS(parse_pattern(pattern), Error);
}

TEST_CASE("patterns without operands and with empty operands") {
  CHECK(parse_pattern("-> i").reads.empty());
  CHECK(parse_pattern(", i -> i").reads.size() == 2);
  const Resolved found = resolved(", i -> i", {{}, {3}});
  CHECK(found.loops.reads[0].empty());
  CHECK(found.shape == Shape{3});
}

TEST_CASE("broadcasting repeats size 1 and missing leading dimensions") {
  const auto shape_of = [](std::vector<Shape> shapes) { return broadcast(shapes).shape; };
  CHECK(shape_of({{2, 3}, {3}}) == Shape{2, 3});
  CHECK(shape_of({{2, 1}, {1, 3}}) == Shape{2, 3});
  CHECK(shape_of({{}, {"batch", 1}}) == Shape{"batch", 1});
  CHECK(shape_of({{"batch", 1}, {1, 3}}) == Shape{"batch", 3});
  CHECK(shape_of({{0, 3}, {1, 3}}) == Shape{0, 3});
  CHECK(shape_of({{1}, {0}}) == Shape{0});
  CHECK(shape_of({}) == Shape{});
  const std::vector<Shape> same{{2, 3}, {2, 3}};
  CHECK(is_elementwise(broadcast(same).loops));
  const std::vector<Shape> repeated{{2, 3}, {1, 3}};
  CHECK_FALSE(is_elementwise(broadcast(repeated).loops));
}

TEST_CASE("shapes that do not broadcast show both and the dimension") {
  const std::vector<Shape> shapes{{2, 3}, {4, 3}};
  CHECK_THROWS_WITH_AS(
      broadcast(shapes),
      "shapes [2, 3] and [4, 3] do not broadcast: dimension 2 from the right has size 2 and 4; sizes must "
      "be equal or 1",
      Error);
  const std::vector<Shape> named{{"batch"}, {"time"}};
  CHECK_THROWS_AS(broadcast(named), Error);
  const std::vector<Shape> named_and_number{{"batch"}, {2}};
  CHECK_THROWS_AS(broadcast(named_and_number), Error);
}
