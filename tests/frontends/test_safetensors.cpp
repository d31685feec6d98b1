#include "frontends/safetensors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "frontends/file.h"
#include "frontends/safetensors/json_cursor.h"
#include "tests/files.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::TemporaryFolder;
using test::thrown_by;
using Tensors = std::map<std::string, Tensor>;

/// A file of this header and these data.
std::string file_of(const std::string& header, const std::string& data = "") {
  std::string bytes;
  for (size_t i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(header.size() >> (8 * i) & 0xff));
  return bytes + header + data;
}

std::string complaint(std::string_view bytes) {
  const std::string message = thrown_by([&] { parse_safetensors(bytes, "file"); });
  const std::string prefix = "[read_safetensors] 'file' ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

/// A complaint about a header whose data are 8 zeros.
std::string header_complaint(const std::string& header) {
  return complaint(file_of(header, std::string(8, '\0')));
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}";
}

Tensors one_of_each() {
  Tensors tensors;
  tensors["f32"] = Tensor::f32({2, 1}, {1.5f, -std::numeric_limits<float>::infinity()});
  tensors["f64"] = Tensor::f64({1}, {std::nan("")});
  tensors["i32"] = Tensor::i32({3}, {-1, 0, 1 << 30});
  tensors["i64"] = Tensor::i64({1, 1, 1}, {std::numeric_limits<int64_t>::min()});
  tensors["u8"] = Tensor(Type::u8, {5});
  tensors["u8"].set(4, 255);
  tensors["bool"] = Tensor(Type::boolean, {2});
  tensors["bool"].set(1, 1);
  tensors["scalar"] = Tensor::scalar(Type::f32, 42);
  tensors["empty"] = Tensor(Type::f32, {3, 0, 2});
  tensors
      ["schr\xc3\xb6"
       "der \"\\\n"] = Tensor::scalar(Type::u8, 1);
  return tensors;
}

TEST_CASE("tensors of all types come back bit for bit, with their metadata") {
  const TemporaryFolder folder;
  const std::map<std::string, std::string> metadata{{"format", "crease"},
                                                    {"", "\x01 \xf0\x9f\x8c\x8a \"quoted\""}};
  write_safetensors(folder / "all.safetensors", one_of_each(), metadata);
  const TensorFile file = read_safetensors(folder / "all.safetensors");
  CHECK(file.tensors == one_of_each());
  CHECK(file.metadata == metadata);
  CHECK(read_file(folder / "all.safetensors") == format_safetensors(one_of_each(), metadata));
}

TEST_CASE("nothing at all is a file too") {
  const TensorFile file = parse_safetensors(format_safetensors({}), "file");
  CHECK(file.tensors.empty());
  CHECK(file.metadata.empty());
}

TEST_CASE("the bytes are those of the published format") {
  const Tensors tensors{
      {"b", Tensor::f32({2}, {1, 2})}, {"a", Tensor::f64({}, {3})}, {"c", Tensor::f32({1}, {4})}};
  const std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"c":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  const std::string data("\0\0\0\0\0\0\x08\x40\0\0\x80\x3f\0\0\0\x40\0\0\x80\x40", 20);
  CHECK(format_safetensors(tensors, {{"k", "v"}}) == file_of(header + padding, data));
}

TEST_CASE("each tensor begins at a multiple of its element size") {
  const std::string bytes = format_safetensors(one_of_each());
  const size_t length = static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  CHECK(length % 8 == 0);
  CHECK(bytes.find("\"f64\"") < bytes.find("\"f32\""));
  CHECK(bytes.find("\"f32\"") < bytes.find("\"bool\""));
}

TEST_CASE("a file that others wrote in another order and with white space is read") {
  const std::string header =
      " { \"y\" : { \"data_offsets\" : [ 4 , 8 ] , \"shape\" : [ ] , \"dtype\" : \"I32\" } ,\n\t" +
      entry("\\u0078\\/\\ud83c\\udf0a", "F32", "[1]", "[0,4]") + "\r\n} ";
  const TensorFile file =
      parse_safetensors(file_of(header.substr(1), std::string("\0\0\x80\x3f\7\0\0\0", 8)), "file");
  CHECK(file.tensors == Tensors{{"x/\xf0\x9f\x8c\x8a", Tensor::f32({1}, {1})}, {"y", Tensor::i32({}, {7})}});
}

TEST_CASE("a file cut off at any byte is an error") {
  const std::string bytes = format_safetensors(one_of_each(), {{"key", "value"}});
  for (size_t size = 0; size < bytes.size(); ++size)
    REQUIRE(complaint(std::string_view(bytes).substr(0, size)) != "nothing thrown");
  CHECK(complaint("") == "ends at byte 0: want 8 bytes of header length");
  CHECK(complaint(bytes.substr(0, 20)).starts_with("ends at byte 20: want a header of "));
  CHECK(holds(complaint(bytes.substr(0, bytes.size() - 1)), "of the data, but the file has"));
}

TEST_CASE("a file with any byte changed is read or refused, never more") {
  const std::string bytes = format_safetensors(one_of_each(), {{"key", "value"}});
  int refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char change : {'\x01', '\x20', '\x80'}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ change);
      refused += complaint(changed) != "nothing thrown";
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("a header length that makes no sense is an error") {
  CHECK(complaint(std::string(8, '\xff')) ==
        "byte 0: header of 18446744073709551615 bytes: want at most 16777216");
  CHECK(complaint(file_of("")) == "byte 8: the header does not begin with '{'");
  CHECK(complaint(file_of(" {}")) == "byte 8: the header does not begin with '{'");
}

TEST_CASE("a header that is not the JSON of the format is an error with the byte") {
  CHECK(header_complaint("{") == "byte 9: got the end of the header, want a string");
  CHECK(header_complaint("{}x") == "byte 10: the header goes on after its closing '}'");
  CHECK(header_complaint("{\"a\"}") == "byte 12: got '}', want ':'");
  CHECK(header_complaint("{\"a\":[[[[[[") == "byte 13: got '[', want '{'");
  CHECK(header_complaint("{\"a") == "byte 11: got the end of the header, want '\"' at the end of a string");
  CHECK(header_complaint("{\"a\n\":") == "byte 11: got a control character, want it escaped in a string");
  CHECK(header_complaint("{\"\xff\":") == "byte 10: the header is no UTF-8 here");
  CHECK(header_complaint("{\"\xed\xa0\x80\":") == "byte 10: the header is no UTF-8 here");
  CHECK(header_complaint("{\"\\q\":") == "byte 11: got 'q', want one of \" \\ / b f n r t u after '\\'");
  CHECK(header_complaint("{\"\\u12g4\":") == "byte 12: got '1', want four hexadecimal digits after \\u");
  CHECK(header_complaint("{\"\\ud800\":") == "byte 16: got '\"', want a pair of surrogates");
  CHECK(header_complaint("{\"\\") == "byte 11: got the end of the header, want an escape after '\\'");
}

TEST_CASE("a field of a tensor that is missing, doubled or unknown is an error") {
  CHECK(header_complaint(R"({"a":{"dtype":"F64","shape":[]}})") ==
        "byte 9: tensor 'a' has only dtype, shape: want dtype, shape and data_offsets");
  CHECK(header_complaint(R"({"a":{"dtype":"F64","dtype":"F64"}})") ==
        "byte 28: tensor 'a' has two fields 'dtype'");
  CHECK(header_complaint(R"({"a":{"size":1}})") ==
        "byte 14: tensor 'a' has a field 'size': want dtype, shape and data_offsets");
  CHECK(header_complaint("{" + entry("a", "BF16", "[4]", "[0,8]") + "}") ==
        "byte 22: tensor 'a' has type 'BF16': want BOOL, U8, I32, I64, F32 or F64");
  CHECK(header_complaint("{" + entry("a", "F64", "[1]", "[0,8,9]") + "}") ==
        "byte 55: tensor 'a' has 3 data_offsets: want begin and end");
  CHECK(holds(header_complaint("{" + entry("a", "F64", "[-1]", "[0,8]") + "}"),
              "got '-', want a whole number"));
  CHECK(holds(header_complaint("{" + entry("a", "F64", "[1.0]", "[0,8]") + "}"),
              "without fraction or exponent"));
  CHECK(holds(header_complaint("{" + entry("a", "F64", "[01]", "[0,8]") + "}"), "a leading 0"));
  CHECK(holds(header_complaint("{" + entry("a", "F64", "[9223372036854775808]", "[0,8]") + "}"),
              "got 9223372036854775808, want a number below 2^63"));
}

TEST_CASE("a name that occurs twice is an error") {
  const std::string twice =
      "{" + entry("a", "U8", "[4]", "[0,4]") + "," + entry("a", "U8", "[4]", "[4,8]") + "}";
  CHECK(holds(header_complaint(twice), ": the name 'a' occurs twice"));
  CHECK(header_complaint(R"({"__metadata__":{"k":"1","k":"2"}})") ==
        "byte 33: the metadata have two entries 'k'");
  CHECK(header_complaint(R"({"__metadata__":{"k":1}})") == "byte 29: got '1', want a string");
}

TEST_CASE("data that do not fit the header are errors") {
  const auto one = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return header_complaint("{" + entry("a", type, shape, offsets) + "}");
  };
  CHECK(one("F32", "[2]", "[0,8]") == "nothing thrown");
  CHECK(one("F32", "[3]", "[0,8]") ==
        "byte 9: tensor 'a' of type F32 and shape [3] takes 12 bytes, but its data_offsets are [0, 8]");
  CHECK(holds(one("F32", "[2]", "[8,0]"), "but its data_offsets are [8, 0]"));
  CHECK(holds(one("F32", "[4294967296,4294967296]", "[0,8]"), "takes 2^63 or more bytes"));
  CHECK(holds(one("F32", "[0,4294967296,4294967296]", "[0,0]"),
              "the tensors end here, but the file has 8 more bytes"));
  CHECK(one("F32", "[3]", "[0,12]") ==
        "byte 9: tensor 'a' ends at byte 12 of the data, but the file has 8 of them");
  CHECK(one("F32", "[1]", "[4,8]") ==
        "byte 9: tensor 'a' begins at byte 4 of the data: want 0, where the one before ends");
  CHECK(holds(one("F32", "[1]", "[0,4]"), "the tensors end here, but the file has 4 more bytes"));
  const auto two = [](const std::string& first, const std::string& second) {
    return header_complaint("{" + entry("a", "U8", "[4]", first) + "," + entry("b", "U8", "[4]", second) +
                            "}");
  };
  CHECK(two("[4,8]", "[0,4]") == "nothing thrown");
  CHECK(holds(two("[0,4]", "[2,6]"), "tensor 'b' begins at byte 2 of the data: want 4"));
  CHECK(holds(two("[0,4]", "[0,4]"), "tensor 'b' begins at byte 0 of the data: want 4"));
}

TEST_CASE("a bool that is neither 0 nor 1 is an error") {
  const std::string header = "{" + entry("a", "BOOL", "[3]", "[0,3]") + "}";
  CHECK(complaint(file_of(header, std::string("\0\1\2", 3))) ==
        "byte " + std::to_string(8 + header.size() + 2) + ": a value of BOOL tensor 'a' is neither 0 nor 1");
}

TEST_CASE("names that cannot be written are errors, and leave no file") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& value = "") {
    return thrown_by([&] { write_safetensors(folder / "f", {{name, Tensor()}}, {{"k", value}}); });
  };
  CHECK(write("a\xff") == "[write_safetensors] the name of a tensor is no UTF-8 at byte 1");
  CHECK(write("__metadata__") == "[write_safetensors] a tensor cannot be named '__metadata__'");
  CHECK(write("a", "\xc3") == "[write_safetensors] the metadata 'k' is no UTF-8 at byte 0");
  CHECK(holds(write("a", std::string(17 << 20, 'x')), "bytes: want at most 16777216"));
  CHECK_FALSE(std::filesystem::exists(folder / "f"));
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  constexpr size_t none = std::string_view::npos;
  CHECK(invalid_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == none);
  CHECK(invalid_utf8("\xf4\x8f\xbf\xbf") == none);
  for (const std::string_view bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    CHECK(invalid_utf8(bad) == 0);
}

}  // namespace
}  // namespace crease
