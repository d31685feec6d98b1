#include "graph/tensor.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "graph/error.h"
#include "graph/integers.h"

namespace crease {
namespace {

/// Bytes of memory that the machine has; none where it does not say.
int64_t machine_memory() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? pages * page : std::numeric_limits<int64_t>::max();
}

/// Zeros. Null where there is not so much memory: the system may grant more than there is, and end the
/// process when it is touched.
std::shared_ptr<std::byte> allocate(int64_t bytes) {
  constexpr std::align_val_t alignment{64};
  static const int64_t most = machine_memory();
  if (bytes > most) return nullptr;
  auto* raw =
      static_cast<std::byte*>(::operator new(static_cast<size_t>(bytes) + 64, alignment, std::nothrow));
  if (raw == nullptr) return nullptr;
  std::memset(raw, 0, static_cast<size_t>(bytes));
  return {raw, [](std::byte* p) { ::operator delete(p, std::align_val_t{64}); }};
}

/// The data of a tensor, zeros. Errors: Error where there is not so much memory.
std::shared_ptr<std::byte> data_for(const std::vector<int64_t>& sizes, int64_t bytes) {
  auto data = allocate(bytes);
  expect(data != nullptr, "tensor of shape {} takes {:.3g} GB: so much memory is not to be had here",
         to_string(sizes), static_cast<double>(bytes) / 1e9);
  return data;
}

/// What default tensors share, as every node without a value has one. Writing to one of them copies it.
const std::shared_ptr<std::byte>& scalar_zero() {
  static const std::shared_ptr<std::byte> zero = data_for({}, sizeof(float));
  return zero;
}

template <class T>
constexpr bool holds(Type type) {
  switch (type) {
    case Type::f64: return std::is_same_v<T, double>;
    case Type::f32: return std::is_same_v<T, float>;
    case Type::i64: return std::is_same_v<T, int64_t>;
    case Type::i32: return std::is_same_v<T, int32_t>;
    case Type::u8:
    case Type::boolean: return std::is_same_v<T, uint8_t>;
  }
  return false;
}

template <class T>
constexpr const char* type_name() {
  if (std::is_same_v<T, double>) return "f64 (double)";
  if (std::is_same_v<T, float>) return "f32 (float)";
  if (std::is_same_v<T, int64_t>) return "i64 (int64_t)";
  return std::is_same_v<T, int32_t> ? "i32 (int32_t)" : "u8 or bool (uint8_t)";
}

/// Calls `use` with a typed pointer to the data.
template <class Use>
decltype(auto) visit(Type type, std::byte* data, Use use) {
  switch (type) {
    case Type::f64: return use(reinterpret_cast<double*>(data));
    case Type::f32: return use(reinterpret_cast<float*>(data));
    case Type::i64: return use(reinterpret_cast<int64_t*>(data));
    case Type::i32: return use(reinterpret_cast<int32_t*>(data));
    case Type::u8:
    case Type::boolean: break;
  }
  return use(reinterpret_cast<uint8_t*>(data));
}

/// A number as an element of `type`, whose elements are of type To.
template <class To, class From>
To stored(Type type, From number) {
  if constexpr (std::is_floating_point_v<To>) return static_cast<To>(number);
  if (type == Type::boolean) return static_cast<To>(number != 0);
  if constexpr (std::is_floating_point_v<From>)
    return static_cast<To>(to_integer(static_cast<double>(number)));
  return static_cast<To>(number);
}

template <class T>
Tensor make(Type type, std::vector<int64_t> sizes, const std::vector<T>& values) {
  Tensor tensor(type, std::move(sizes));
  expect(tensor.count() == static_cast<int64_t>(values.size()), "tensor of shape {} wants {} values, got {}",
         to_string(tensor.sizes()), tensor.count(), values.size());
  if (!values.empty()) std::memcpy(tensor.mutable_data(), values.data(), values.size() * sizeof(T));
  return tensor;
}

}  // namespace

Tensor::Tensor() : data_(scalar_zero()) {}

Tensor::Tensor(Tensor&& other) noexcept
    : type_(std::exchange(other.type_, Type::f32)),
      sizes_(std::exchange(other.sizes_, {})),
      count_(std::exchange(other.count_, 1)),
      data_(std::exchange(other.data_, scalar_zero())) {}

Tensor& Tensor::operator=(Tensor other) noexcept {
  type_ = other.type_;
  sizes_.swap(other.sizes_);
  count_ = other.count_;
  data_.swap(other.data_);
  return *this;
}

Tensor::Tensor(Type type, std::vector<int64_t> sizes) : type_(type), sizes_(std::move(sizes)) {
  for (const int64_t size : sizes_)
    expect(size >= 0, "tensor of shape {} has a negative size", to_string(sizes_));
  count_ = element_count(sizes_);
  expect(count_ < (int64_t{1} << 59), "tensor of shape {} is larger than 2^62 bytes", to_string(sizes_));
  data_ = data_for(sizes_, bytes());
}

Tensor Tensor::f32(std::vector<int64_t> sizes, const std::vector<float>& values) {
  return make(Type::f32, std::move(sizes), values);
}
Tensor Tensor::f64(std::vector<int64_t> sizes, const std::vector<double>& values) {
  return make(Type::f64, std::move(sizes), values);
}
Tensor Tensor::i32(std::vector<int64_t> sizes, const std::vector<int32_t>& values) {
  return make(Type::i32, std::move(sizes), values);
}
Tensor Tensor::i64(std::vector<int64_t> sizes, const std::vector<int64_t>& values) {
  return make(Type::i64, std::move(sizes), values);
}

Tensor Tensor::scalar(Type type, double value) {
  Tensor tensor(type, {});
  tensor.set(0, value);
  return tensor;
}

template <class T>
std::span<const T> Tensor::read() const {
  expect(holds<T>(type_), "[tensor] read as {}: got a tensor of {}; converted() makes another type of it",
         type_name<T>(), to_string(type_));
  return {reinterpret_cast<const T*>(data_.get()), static_cast<size_t>(count_)};
}

template <class T>
std::span<T> Tensor::write() {
  expect(holds<T>(type_), "[tensor] written as {}: got a tensor of {}; converted() makes another type of it",
         type_name<T>(), to_string(type_));
  return {reinterpret_cast<T*>(mutable_data()), static_cast<size_t>(count_)};
}

template std::span<const double> Tensor::read() const;
template std::span<const float> Tensor::read() const;
template std::span<const int64_t> Tensor::read() const;
template std::span<const int32_t> Tensor::read() const;
template std::span<const uint8_t> Tensor::read() const;
template std::span<double> Tensor::write();
template std::span<float> Tensor::write();
template std::span<int64_t> Tensor::write();
template std::span<int32_t> Tensor::write();
template std::span<uint8_t> Tensor::write();

std::byte* Tensor::mutable_data() {
  if (data_.use_count() > 1) {
    auto copy = data_for(sizes_, bytes());
    std::memcpy(copy.get(), data_.get(), static_cast<size_t>(bytes()));
    data_ = std::move(copy);
  }
  return data_.get();
}

void Tensor::expect_element(int64_t index) const {
  if (index >= 0 && index < count_) return;  // before the text, which would be made at each access
  fail("[tensor] element {} of a tensor {}, which has {}", index, to_string(sizes_), count_);
}

double Tensor::at(int64_t index) const {
  expect_element(index);
  return visit(type_, data_.get(), [&](auto* p) { return static_cast<double>(p[index]); });
}

void Tensor::set(int64_t index, double value) {
  expect_element(index);
  visit(type_, mutable_data(),
        [&](auto* p) { p[index] = stored<std::remove_reference_t<decltype(*p)>>(type_, value); });
}

double Tensor::item() const {
  expect(count_ == 1, "tensor of shape {} has {} elements, want 1", to_string(sizes_), count_);
  return at(0);
}

Tensor Tensor::reshaped(std::vector<int64_t> sizes) const {
  expect(element_count(sizes) == count_, "cannot reshape {} to {}: {} elements against {}", to_string(sizes_),
         to_string(sizes), count_, element_count(sizes));
  Tensor result = *this;
  result.sizes_ = std::move(sizes);
  return result;
}

Tensor Tensor::converted(Type type) const {
  if (type == type_) return *this;
  Tensor result(type, sizes_);
  visit(type_, data_.get(), [&](auto* from) {
    visit(type, result.mutable_data(), [&](auto* to) {
      using To = std::remove_reference_t<decltype(*to)>;
      for (int64_t i = 0; i < count_; ++i) to[i] = stored<To>(type, from[i]);
    });
  });
  return result;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  expect(!sizes_.empty() && 0 <= begin && begin <= end && end <= sizes_[0],
         "rows [{}, {}) of a tensor of shape {}", begin, end, to_string(sizes_));
  std::vector<int64_t> sizes = sizes_;
  sizes[0] = end - begin;
  Tensor result(type_, sizes);
  const int64_t stride = sizes_[0] == 0 ? 0 : bytes() / sizes_[0];
  if (result.count() > 0)
    std::memcpy(result.mutable_data(), data_.get() + begin * stride, static_cast<size_t>(result.bytes()));
  return result;
}

bool Tensor::operator==(const Tensor& other) const {
  return type_ == other.type_ && sizes_ == other.sizes_ &&
         std::memcmp(data_.get(), other.data_.get(), static_cast<size_t>(bytes())) == 0;
}

}  // namespace crease
