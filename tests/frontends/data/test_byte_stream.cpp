#include "frontends/data/byte_stream.h"

#include <doctest/doctest.h>

#include "tests/frontends/gzip.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::gzipped;
using test::holds;
using test::thrown_by;

std::string all_of(std::string_view bytes, int64_t most = 1 << 20) {
  ByteStream stream(bytes, "file");
  return read_all(stream, most);
}

std::string sample() {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919 % 10007);
  return text;
}

TEST_CASE("plain bytes and gzip members in a row read the same") {
  CHECK(all_of("") == "");
  CHECK(all_of("plain") == "plain");
  CHECK(all_of(gzipped("")) == "");
  CHECK(all_of(gzipped(sample())) == sample());
  CHECK(all_of(gzipped("one ") + gzipped("two")) == "one two");
  CHECK(all_of(gzipped("padded") + std::string(512, '\0')) == "padded");
}

TEST_CASE("pieces of any size give the same bytes") {
  const std::string text = sample(), packed = gzipped(text);
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
    ByteStream stream(packed, "file");
    std::string got, part(piece, '\0');
    while (const size_t count = stream.read(std::as_writable_bytes(std::span(part)))) {
      got.append(part, 0, count);
      REQUIRE(stream.most_left() >= static_cast<int64_t>(text.size() - got.size()));
    }
    CHECK(got == text);
    CHECK(stream.at_end());
    CHECK(stream.position() == static_cast<int64_t>(text.size()));
  }
}

TEST_CASE("gzip data cut off anywhere is an error that names the byte") {
  const std::string packed = gzipped("some text that is long enough to be packed, packed, packed");
  for (size_t size = 2; size < packed.size(); ++size)
    REQUIRE(thrown_by([&] { all_of(std::string_view(packed).substr(0, size)); }) ==
            "[gzip] 'file' ends early at byte " + std::to_string(size) + ": want more gzip data");
}

TEST_CASE("a wrong checksum and bytes after the end are errors") {
  std::string packed = gzipped("text");
  CHECK(thrown_by([&] { all_of(packed + "xy"); }) ==
        "[gzip] 'file' goes on at byte " + std::to_string(packed.size()) +
            " after the end of its gzip data: got 2 bytes too many");
  packed[packed.size() - 8] ^= 1;
  CHECK(holds(thrown_by([&] { all_of(packed); }), "[gzip] 'file' is corrupt near byte"));
  CHECK(holds(thrown_by([&] { all_of(packed); }), "incorrect data check"));
}

TEST_CASE("a small file that would fill the memory stops at the limit") {
  const std::string bomb = gzipped(std::string(5 << 20, 'z'));
  CHECK(bomb.size() < 10'000);
  CHECK(thrown_by([&] { all_of(bomb); }) == "[read] 'file' holds more than 1048576 bytes: raise the limit");
  CHECK(all_of("four", 4) == "four");
  CHECK(thrown_by([] { all_of("fives", 4); }) == "[read] 'file' holds more than 4 bytes: raise the limit");
}

}  // namespace
}  // namespace crease
