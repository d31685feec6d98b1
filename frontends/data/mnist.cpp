#include "frontends/data/mnist.h"

#include "frontends/data/idx.h"
#include "frontends/data/pixels.h"
#include "graph/error.h"

namespace crease {
namespace {

constexpr int64_t classes = 10;

/// The file as it is or compressed; the plain one wins.
std::filesystem::path find(const std::filesystem::path& folder, const std::string& name) {
  for (const char* ending : {"", ".gz"})
    if (const auto path = folder / (name + ending); std::filesystem::exists(path)) return path;
  fail(
      "[mnist] '{}' has no {}[.gz]: want the four files {{train,t10k}}-images-idx3-ubyte[.gz] and "
      "{{train,t10k}}-labels-idx1-ubyte[.gz]",
      folder.string(), name);
}

Tensor read(const std::filesystem::path& path, size_t rank) {
  Tensor tensor = read_idx(path);
  expect(tensor.type() == Type::u8 && tensor.sizes().size() == rank && tensor.count() > 0,
         "[mnist] '{}' holds {} {}: want u8 with {} dimensions and at least one value", path.string(),
         to_string(tensor.type()), to_string(tensor.sizes()), rank);
  return tensor;
}

/// f32 [n, pixels] in [0, 1].
Tensor scaled(const Tensor& images) {
  const int64_t n = images.sizes()[0];
  Tensor x(Type::f32, {n, images.count() / n});
  scale_pixels(images.read<uint8_t>(), x.write<float>());
  return x;
}

Dataset part(const std::filesystem::path& folder, const std::string& prefix) {
  const auto images_path = find(folder, prefix + "-images-idx3-ubyte");
  const auto labels_path = find(folder, prefix + "-labels-idx1-ubyte");
  const Tensor images = read(images_path, 3);
  const Tensor labels = read(labels_path, 1);
  expect(images.sizes()[0] == labels.sizes()[0], "[mnist] '{}' has {} images but '{}' has {} labels",
         images_path.string(), images.sizes()[0], labels_path.string(), labels.sizes()[0]);
  const auto values = labels.read<uint8_t>();
  constexpr size_t header = 8;  // bytes before the first label
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] >= classes)
      fail("[mnist] '{}' byte {}: label {} of image {}, want 0 to {}", labels_path.string(), header + i,
           values[i], i, classes - 1);
  return {.x = scaled(images),
          .y = labels.converted(Type::i32),
          .classes = classes,
          .name = std::filesystem::absolute(folder / "").parent_path().filename().string(),
          .feature_names = {},
          .class_names = {}};
}

}  // namespace

Split mnist(const std::filesystem::path& folder) {
  expect(std::filesystem::is_directory(folder), "[mnist] '{}' is no folder: want one with the four idx files",
         folder.string());
  Split split{part(folder, "train"), part(folder, "t10k")};
  expect(split.train.features() == split.test.features(),
         "[mnist] '{}' has images of {} pixels to train and of {} to test", folder.string(),
         split.train.features(), split.test.features());
  return split;
}

}  // namespace crease
