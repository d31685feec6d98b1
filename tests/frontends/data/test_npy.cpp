#include "frontends/data/npy.h"

#include <doctest/doctest.h>

#include <cmath>

#include "frontends/file.h"
#include "tests/files.h"
#include "tests/frontends/gzip.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::TemporaryFolder;
using test::thrown_by;

/// A file of version 1.0.
std::string npy(const std::string& header, std::string_view data) {
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header +
         std::string(data);
}

std::string header(const std::string& type, const std::string& shape, const char* fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }          \n";
}

std::vector<double> values(const Tensor& tensor) {
  std::vector<double> result;
  for (int64_t i = 0; i < tensor.count(); ++i) result.push_back(tensor.at(i));
  return result;
}

}  // namespace

TEST_CASE("an array that was written is read back, of every type and rank") {
  const TemporaryFolder folder;
  for (const Type type : {Type::f64, Type::f32, Type::i64, Type::i32, Type::u8, Type::boolean}) {
    for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{}, {3}, {2, 3}, {2, 0, 3}, {2, 1, 3, 1}}) {
      Tensor tensor(type, sizes);
      for (int64_t i = 0; i < tensor.count(); ++i)
        tensor.set(i, type == Type::boolean ? static_cast<double>(i % 2) : static_cast<double>(i * 5));
      write_npy(folder / "x.npy", tensor);
      CHECK_EQ(read_file(folder / "x.npy").find('\n') % 64, 63U);  // the data is aligned
      const Tensor back = read_npy(folder / "x.npy");
      CHECK_EQ(back.type(), type);
      CHECK_EQ(back.sizes(), sizes);
      CHECK_EQ(values(back), values(tensor));
    }
  }
}

TEST_CASE("both byte orders, both orders of elements, and gzip are read") {
  const std::string data("\0\1\0\2\0\3\0\4\0\5\0\6", 12);
  CHECK_EQ(values(parse_npy(npy(header(">i2", "(2, 3)"), data), "x")), std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK_EQ(values(parse_npy(npy(header(">i2", "(2, 3)", "True"), data), "x")),
           std::vector<double>{1, 3, 5, 2, 4, 6});
  CHECK_EQ(values(parse_npy(test::gzipped(npy(header("<i2", "(2, 3)"), data)), "x")),
           std::vector<double>{256, 512, 768, 1024, 1280, 1536});
}

TEST_CASE("half precision is read exactly") {
  // 1, -2, the greatest finite number, the smallest subnormal, infinity, NaN
  const std::string data("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x7c\x01\x7c", 12);
  const Tensor tensor = parse_npy(npy(header("<f2", "(6,)"), data), "x");
  CHECK_EQ(tensor.type(), Type::f32);
  CHECK_EQ(tensor.at(0), 1);
  CHECK_EQ(tensor.at(1), -2);
  CHECK_EQ(tensor.at(2), 65504);
  CHECK_EQ(tensor.at(3), std::ldexp(1.0, -24));
  CHECK(std::isinf(tensor.at(4)));
  CHECK(std::isnan(tensor.at(5)));
}

TEST_CASE("truth values other than 1 become 1") {
  CHECK_EQ(values(parse_npy(npy(header("|b1", "(3,)"), std::string("\0\1\7", 3)), "x")),
           std::vector<double>{0, 1, 1});
}

TEST_CASE("what is no array says where and why") {
  const auto message = [](const std::string& bytes) { return thrown_by([&] { parse_npy(bytes, "a.npy"); }); };
  CHECK(holds(message("nothing of the kind"), "[read_npy] 'a.npy' byte 0: want \\x93NUMPY"));
  CHECK(holds(message("\x93NUM"), "ends at byte 4: got 4 of the 8 bytes of its magic number"));
  CHECK(holds(message(npy(header("<f4", "(2,)"), "1234")),
              "shape [2] wants 8 bytes of data, more than the file can hold (4 at most)"));
  CHECK(holds(message(npy(header("<f4", "(1,)"), "12345")), "goes on after byte"));
  CHECK(holds(message(npy(header("|O", "(1,)"), "1")), "has elements of type '|O': want f2, f4"));
  CHECK(holds(message(npy(header("<c8", "(1,)"), "1")), "has elements of type '<c8'"));
  CHECK(holds(message(npy(header("", "(1,)"), "1")), "has elements of type ''"));
  CHECK(holds(message(npy(header("<f4", "(4611686018427387904, 4)"), "1")),
              "wants 2^63 or more bytes of data"));
  CHECK(holds(message(npy(header("<f4", "(1000000,)"), "1")), "more than the file can hold"));
  CHECK(holds(message(npy(header("<f4", "(-1,)"), "1234")), "want a size"));
  CHECK(holds(message(npy("{'descr': '<f4', 'shape': (1,)}", "1234")), "each of 'descr'"));
  CHECK(holds(message(npy("{'descr': '<f4', 'evil': (1,)}", "1234")),
              "want the keys 'descr', 'fortran_order' and 'shape'"));
  CHECK(holds(message(npy("{'descr", "1234")), "want a closing quote"));
}

TEST_CASE("an array by NumPy itself is read") {
  // numpy.save of numpy.arange(4, dtype='f8').reshape(2, 2) / 2, version 1.26
  std::string text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }";
  text.resize(117, ' ');
  text += '\n';
  std::string data;
  for (const double value : {0.0, 0.5, 1.0, 1.5}) data.append(reinterpret_cast<const char*>(&value), 8);
  CHECK_EQ(values(parse_npy(npy(text, data), "x")), std::vector<double>{0, 0.5, 1, 1.5});
}

}  // namespace crease
