#include "frontends/data/idx.h"

#include <doctest/doctest.h>

#include "tests/frontends/gzip.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::gzipped;
using test::holds;
using test::thrown_by;

std::string operator""_b(const char* text, size_t size) { return {text, size}; }

/// 2 x 3 bytes.
std::string small() { return "\0\0\x08\x02\0\0\0\x02\0\0\0\x03\x01\x02\x03\xfd\xfe\xff"_b; }

std::string complaint(std::string_view bytes) {
  return thrown_by([&] { parse_idx(bytes, "file"); });
}

TEST_CASE("each type of idx values is read, the highest byte first") {
  const Tensor u8 = parse_idx(small(), "file");
  CHECK(u8.type() == Type::u8);
  CHECK(u8.sizes() == std::vector<int64_t>{2, 3});
  CHECK(std::vector<int>(u8.read<uint8_t>().begin(), u8.read<uint8_t>().end()) ==
        std::vector<int>{1, 2, 3, 253, 254, 255});
  CHECK(parse_idx("\0\0\x09\x01\0\0\0\x02\xff\x7f"_b, "i8") == Tensor::i32({2}, {-1, 127}));
  CHECK(parse_idx("\0\0\x0b\x01\0\0\0\x02\xff\xfe\x01\x02"_b, "i16") == Tensor::i32({2}, {-2, 258}));
  CHECK(parse_idx("\0\0\x0c\x01\0\0\0\x01\x80\0\0\x01"_b, "i32") == Tensor::i32({1}, {-2147483647}));
  CHECK(parse_idx("\0\0\x0d\x01\0\0\0\x01\xbf\xc0\0\0"_b, "f32") == Tensor::f32({1}, {-1.5f}));
  CHECK(parse_idx("\0\0\x0e\x01\0\0\0\x01\x40\x09\0\0\0\0\0\0"_b, "f64") == Tensor::f64({1}, {3.125}));
}

TEST_CASE("a gzip idx file reads as the plain one") {
  CHECK(parse_idx(gzipped(small()), "file") == parse_idx(small(), "file"));
}

TEST_CASE("an idx file without samples is an empty tensor") {
  const Tensor empty = parse_idx("\0\0\x08\x02\0\0\0\0\0\0\0\x03"_b, "file");
  CHECK(empty.sizes() == std::vector<int64_t>{0, 3});
}

TEST_CASE("values that cross the reader's pieces are all there") {
  constexpr int32_t n = 100'000;
  std::string bytes = "\0\0\x0c\x01\0\x01\x86\xa0"_b;
  for (int32_t i = 0; i < n; ++i)
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(i >> shift & 0xff));
  const Tensor tensor = parse_idx(bytes, "file");
  const auto values = tensor.read<int32_t>();
  REQUIRE(values.size() == n);
  int64_t wrong = 0;
  for (int32_t i = 0; i < n; ++i) wrong += values[static_cast<size_t>(i)] != i;
  CHECK(wrong == 0);
}

TEST_CASE("an idx file cut off at any byte is an error") {
  const std::string bytes = small();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string message = complaint(std::string_view(bytes).substr(0, size));
    REQUIRE_MESSAGE(holds(message, "[read_idx] 'file' "), message);
  }
  CHECK(complaint("") ==
        "[read_idx] 'file' ends at byte 0: got 0 of the 4 bytes of its magic number from byte 0 on");
  CHECK(complaint(bytes.substr(0, 10)) ==
        "[read_idx] 'file' ends at byte 10: got 2 of the 4 bytes of its sizes from byte 8 on");
  CHECK(complaint(bytes.substr(0, 17)) ==
        "[read_idx] 'file' byte 4: shape [2, 3] wants 6 bytes of data, more than the file can hold (5 at "
        "most)");
  CHECK(complaint(gzipped(bytes.substr(0, 17))) ==
        "[read_idx] 'file' ends at byte 17: got 5 of the 6 bytes of its data from byte 12 on");
}

TEST_CASE("bytes after the data are an error") {
  const std::string wanted = "[read_idx] 'file' goes on after byte 18, where its data of shape [2, 3] ends";
  CHECK(complaint(small() + "x") == wanted);
  CHECK(complaint(gzipped(small() + "x")) == wanted);
}

TEST_CASE("a wrong magic number says what it is") {
  CHECK(
      holds(complaint("PNG file"), "[read_idx] 'file' byte 0: got 504e4720, want the magic number 0000TTRR"));
  CHECK(holds(complaint("\0\0\x0a\x01"_b), "got 00000a01"));
  CHECK(complaint("\0\0\x08\0"_b) == "[read_idx] 'file' byte 3: got 0 dimensions, want 1 to 8");
  CHECK(complaint("\0\0\x08\x09"_b) == "[read_idx] 'file' byte 3: got 9 dimensions, want 1 to 8");
}

TEST_CASE("sizes that no file can hold are refused before anything is allocated") {
  const std::string huge = "\0\0\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff"_b;
  CHECK(holds(complaint(huge), "shape [4294967295, 4294967295] wants 2^63 or more bytes"));
  CHECK(holds(complaint(gzipped(huge)), "more than the file can hold"));
  CHECK(holds(complaint("\0\0\x08\x01\x7f\xff\xff\xff"_b), "wants 2147483647 bytes of data"));
  CHECK(holds(complaint(gzipped("\0\0\x08\x01\x7f\xff\xff\xff"_b)), "wants 2147483647 bytes of data"));
}

}  // namespace
}  // namespace crease
