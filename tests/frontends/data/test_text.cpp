#include "frontends/data/text.h"

#include <doctest/doctest.h>

#include "tests/files.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::thrown_by;

std::vector<int32_t> numbers(const Tensor& tensor) {
  const auto values = tensor.read<int32_t>();
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("characters become numbers in the order of their code points, and back") {
  const CharacterText text = character_text("bä€a𝄞b");
  CHECK_EQ(text.alphabet, std::vector<std::string>{"a", "b", "ä", "€", "𝄞"});
  CHECK_EQ(numbers(text.codes), std::vector<int32_t>{1, 2, 3, 0, 4, 1});
  CHECK_EQ(text.decode(text.encode("€ab")), "€ab");
}

TEST_CASE("what is not UTF-8, not in the alphabet or empty is refused, with the place") {
  for (const char* bad : {"ab\xff", "ab\xc3", "ab\xe2\x82", "ab\xc0\x80", "ab\x80"})
    CHECK(holds(thrown_by([&] { character_text(bad, "a.txt"); }), "'a.txt' byte 2: not UTF-8"));
  CHECK(holds(thrown_by([] { character_text(""); }), "is empty"));
  const CharacterText text = character_text("abc");
  CHECK(holds(thrown_by([&] { text.encode("abx"); }), "character 2 ('x') is not in the alphabet of 3"));
  const std::vector<int32_t> beyond{3};
  CHECK(holds(thrown_by([&] { text.decode(beyond); }), "3 is no character of an alphabet of 3"));
}

TEST_CASE("windows hold what follows each of their characters") {
  const CharacterText text = character_text("abcdefg");
  const Dataset data = windows(text, {.length = 3});
  CHECK_EQ(data.x.sizes(), std::vector<int64_t>{2, 3});
  CHECK_EQ(numbers(data.x), std::vector<int32_t>{0, 1, 2, 3, 4, 5});
  CHECK_EQ(numbers(data.y), std::vector<int32_t>{1, 2, 3, 4, 5, 6});
  CHECK_EQ(windows(text, {.length = 3, .stride = 1}).size(), 4);
  CHECK_EQ(windows(text, {.length = 3, .begin = 1, .end = 6}).size(), 1);
  CHECK_EQ(windows(text, {.length = 6}).size(), 1);
  CHECK_NOTHROW(validate(data));
  CHECK(holds(thrown_by([&] { windows(text, {.length = 7}); }), "no window of 7 characters"));
}

TEST_CASE("Shakespeare is read") {
  const auto file = test::shared_file("data/tinyshakespeare/input.txt");
  if (!file) return;
  const CharacterText text = read_text(*file);
  CHECK_EQ(text.codes.count(), 1115394);
  CHECK_EQ(text.alphabet.size(), 65U);
}

}  // namespace crease
