#include "frontends/onnx/stored_tensor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <frontends/onnx/onnx.pb.h>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "graph/error.h"

namespace crease::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw values are little-endian");

struct TypeRow {
  int number;
  const char* name;
  std::optional<Type> type;
};

constexpr TypeRow types[] = {{TensorProto::FLOAT, "float32", Type::f32},
                             {TensorProto::DOUBLE, "float64", Type::f64},
                             {TensorProto::INT64, "int64", Type::i64},
                             {TensorProto::INT32, "int32", Type::i32},
                             {TensorProto::UINT8, "uint8", Type::u8},
                             {TensorProto::BOOL, "bool", Type::boolean},
                             {TensorProto::INT8, "int8", {}},
                             {TensorProto::UINT16, "uint16", {}},
                             {TensorProto::INT16, "int16", {}},
                             {TensorProto::UINT32, "uint32", {}},
                             {TensorProto::UINT64, "uint64", {}},
                             {TensorProto::STRING, "string", {}},
                             {TensorProto::FLOAT16, "float16", {}},
                             {TensorProto::BFLOAT16, "bfloat16", {}},
                             {TensorProto::COMPLEX64, "complex64", {}},
                             {TensorProto::COMPLEX128, "complex128", {}}};

template <class Values>
void copy_values(Tensor& tensor, const Values& values) {
  expect(values.size() == tensor.count(), "{} values for shape {}", values.size(), to_string(tensor.sizes()));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = values.Get(static_cast<int>(i));
    tensor.set(i, value);
    expect(is_floating(tensor.type()) || tensor.at(i) == value, "a {} of {}", to_string(tensor.type()),
           value);
  }
}

/// i64 does not pass through a double.
void copy_values(Tensor& tensor, const google::protobuf::RepeatedField<int64_t>& values) {
  expect(values.size() == tensor.count(), "{} values for shape {}", values.size(), to_string(tensor.sizes()));
  std::copy(values.begin(), values.end(), tensor.write<int64_t>().begin());
}

void copy_bytes(Tensor& tensor, std::string_view bytes) {
  expect(std::ssize(bytes) == tensor.bytes(), "{} bytes for {}{}, want {}", bytes.size(),
         to_string(tensor.type()), to_string(tensor.sizes()), tensor.bytes());
  if (bytes.empty()) return;
  std::memcpy(tensor.mutable_data(), bytes.data(), bytes.size());
  if (tensor.type() != Type::boolean) return;
  for (const uint8_t value : tensor.read<uint8_t>()) expect(value <= 1, "a bool of {}, want 0 or 1", value);
}

/// Where the values of a tensor lie outside of the file.
struct Place {
  std::string file;
  int64_t offset = 0, length = -1;  // -1: to the end
};

int64_t number(const std::string& key, const std::string& text) {
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  expect(problem == std::errc{} && end == text.data() + text.size() && value >= 0,
         "external data: {} is '{}', want a number of bytes", key, text);
  return value;
}

Place place_of(const TensorProto& stored) {
  Place place;
  for (const StringStringEntryProto& entry : stored.external_data()) {
    if (entry.key() == "location")
      place.file = entry.value();
    else if (entry.key() == "offset")
      place.offset = number("offset", entry.value());
    else if (entry.key() == "length")
      place.length = number("length", entry.value());
    else
      expect(entry.key() == "checksum", "external data: unknown key '{}'", entry.key());
  }
  expect(!place.file.empty(), "external data without a location");
  return place;
}

/// An open file that closes itself.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// A model may be anyone's: it reads the files beside it and no others. What is checked is what is read,
/// since it is open already.
Tensor read_beside(Type type, const std::vector<int64_t>& sizes, const Place& place,
                   const std::filesystem::path& folder) {
  const std::filesystem::path name = place.file;
  expect(name.is_relative() && name.filename() == name && name != "." && name != "..",
         "external data in '{}': want the name of a file beside the model", place.file);
  const std::filesystem::path path = folder / name;
  const File file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  expect(file.descriptor() >= 0, "external data in {}: {}", path.string(),
         errno == ELOOP ? "a link is not followed" : std::strerror(errno));
  struct stat status{};
  expect(fstat(file.descriptor(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1,
         "external data in {}: want an ordinary file of one name", path.string());
  const int64_t count = element_count(sizes), rest = status.st_size - place.offset;
  expect(count <= rest / size_of(type) && rest >= 0 &&
             (place.length < 0 || place.length == count * size_of(type)),
         "external data in {}: {}{} at {}{}, the file has {} bytes", path.string(), to_string(type),
         to_string(sizes), place.offset,
         place.length < 0 ? std::string() : fmt::format(" with length {}", place.length), status.st_size);
  Tensor tensor(type, sizes);
  std::string bytes(static_cast<size_t>(tensor.bytes()), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = pread(file.descriptor(), bytes.data() + done, bytes.size() - done,
                              place.offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    expect(got > 0, "external data in {}: {}", path.string(),
           got == 0 ? "it ended while it was read" : std::strerror(errno));
    done += static_cast<size_t>(got);
  }
  copy_bytes(tensor, bytes);
  return tensor;
}

}  // namespace

Type element_type(int64_t number) {
  for (const TypeRow& row : types) {
    if (row.number != number) continue;
    expect(row.type.has_value(), "elements of type {}: crease has f32, f64, i64, i32, u8 and bool", row.name);
    return *row.type;
  }
  fail("elements of unknown type {}", number);
}

int number_of(Type type) {
  for (const TypeRow& row : types)
    if (row.type == type) return row.number;
  throw Bug("a type without a number in ONNX");
}

Tensor read_tensor(const TensorProto& stored, const Folder& folder) {
  const Type type = element_type(stored.data_type());
  std::vector<int64_t> sizes(stored.dims().begin(), stored.dims().end());
  for (const int64_t size : sizes) expect(size >= 0, "a dimension of size {}", size);
  const bool external = stored.data_location() == TensorProto::EXTERNAL;
  const int64_t held = std::max({static_cast<int64_t>(stored.raw_data().size()),
                                 static_cast<int64_t>(stored.float_data_size()) * 4,
                                 static_cast<int64_t>(stored.double_data_size()) * 8,
                                 static_cast<int64_t>(stored.int64_data_size()) * 8,
                                 static_cast<int64_t>(stored.int32_data_size()) * 4});
  // Before there is memory for it: the shape of a broken file may be any.
  expect(external || element_count(sizes) <= held, "{} bytes for shape {}", held, to_string(sizes));
  if (external) {
    expect(folder.has_value(), "its values are in another file, and this model is in none");
    return read_beside(type, sizes, place_of(stored), *folder);
  }
  Tensor tensor(type, std::move(sizes));
  if (stored.has_raw_data()) {
    copy_bytes(tensor, stored.raw_data());
    return tensor;
  }
  switch (type) {
    case Type::f32: copy_values(tensor, stored.float_data()); break;
    case Type::f64: copy_values(tensor, stored.double_data()); break;
    case Type::i64: copy_values(tensor, stored.int64_data()); break;
    default: copy_values(tensor, stored.int32_data()); break;
  }
  return tensor;
}

}  // namespace crease::onnx
