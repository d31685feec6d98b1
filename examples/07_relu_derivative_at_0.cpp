// Does it matter what the derivative of relu at 0 is? The study of Bertoin et al. 2021 with exact counts: how
// many pre-activations are exactly 0, and how the gradient changes when relu'(0) goes from 0 to 1. Two
// variants: the correct product (adjoint times slope), and the published code, which assigns the slope in
// place of the adjoint (deel-ai/relu-prime, relu.py).
//   example_07_relu_derivative_at_0 [MNIST-FOLDER [INITIALISATIONS [PLOT.svg]]]: without, the embedded
//   digits.
// As published (volume_estimation_by_architecture.ipynb): relu after each hidden layer, parameters uniform in
// +-1/sqrt(inputs), one pass in batches of 256, no training, gradients of the first layer compared.
#include <crease/crease.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
using namespace crease;

namespace {

/// f16: a layer's sum is made in f32 and rounded once, as fused GPU kernels do. bf16: product and bias are
/// rounded one after the other, as kernels without fusion do. Backward passes are f32 in both.
enum class Format { F64, F32, F16, Bf16 };
constexpr const char* names[] = {"f64", "f32", "f16", "bf16"};

/// To 8 significant bits, those of bf16, ties to even: Veltkamp's splitting by 2^16 + 1 in f32.
const Op to_bf16{.name = "to_bf16", .doc = "Rounded to 8 significant bits.", .body = [](Scalar x) {
                   const Scalar high = x * 65537;
                   return high - (high - x);
                 }};
/// To 11 bits, and below 2^-14 to multiples of 2^-24, which is the unit of f32 at 3/4: f16 but for overflow.
const Op to_f16{.name = "to_f16", .doc = "Rounded to f16.", .body = [](Scalar x) {
                  const Scalar high = x * 8193;
                  return select(abs(x) < 0x1p-14, (x + 0.75) - 0.75, high - (high - x));
                }};

struct Setting {
  Format format;
  int64_t depth, width;
  int published = -1;  // initialisations of 1000 whose gradient differs
};

/// Published: volume_estimation_by_number_of_{layers,neurons}_MNIST.csv, averaged where both have the
/// setting.
const std::vector<Setting> settings{
    {Format::F64, 3, 256, 0},   {Format::F32, 1, 256, 54},   {Format::F32, 2, 256, 258},
    {Format::F32, 3, 256, 470}, {Format::F32, 6, 256, 697},  {Format::F32, 3, 16, 21},
    {Format::F32, 3, 64, 163},  {Format::F32, 3, 1024, 873}, {Format::F16, 3, 16, 333},
    {Format::F16, 1, 256, 871}, {Format::F16, 3, 256, 1000}, {Format::Bf16, 3, 16},
    {Format::Bf16, 1, 256},     {Format::Bf16, 3, 256},      {Format::Bf16, 6, 256}};

/// What was seen in all runs of one setting.
struct Seen {
  uint64_t runs = 0, differ_product = 0, differ_assigned = 0;
  int64_t evaluations = 0, zeros = 0, batches = 0, hit = 0;
  std::vector<double> product, assigned;  // relative changes of the whole gradient, by batch
};

struct Study {
  Graph graph;
  std::vector<Value> parameters;
  Program count, compare;
};

Value rounded(const Value& x, Format format) {
  return format == Format::Bf16 ? to_bf16(x) : format == Format::F16 ? to_f16(x) : x;
}

/// Squared length of all gradients, and of their differences.
Value length(const std::vector<Value>& a, const std::vector<Value>& b) {
  Value total = norm2(a[0] - b[0]);
  for (size_t i = 1; i < a.size(); ++i) total = sqrt(square(total) + square(norm2(a[i] - b[i])));
  return total;
}

Value differing(const Value& a, const Value& b) {
  const Value one = a.graph().handle().constant(1.0, a.type()),
              none = a.graph().handle().constant(0.0, a.type());
  return sum(where(equal_to(a, b), none, one));
}

/// One layer: what it reads, its parameters, what it gives before relu.
struct Dense {
  Value in, weight, bias, out;
};

/// Gradients by the published backward pass: where a pre-activation is 0, its adjoint is the number itself.
std::vector<Value> assigned_gradients(const Value& loss, const std::vector<Dense>& layers, double at_0) {
  std::vector<Value> gradients;
  Value dz = grad(loss, layers.back().out);
  for (size_t l = layers.size(); l-- > 0;) {
    const Dense& layer = layers[l];
    const std::vector<Value> wrt{layer.weight, layer.bias, layer.in};
    const std::vector<Value> parts = vjp({&layer.out, 1}, std::span(wrt).first(l > 0 ? 3 : 2), {&dz, 1});
    gradients.insert(gradients.begin(), {parts[0], parts[1]});
    if (l == 0) break;
    const Value& z = layers[l - 1].out;
    Graph graph = z.graph().handle();
    const Value zero = graph.constant(0.0, z.type()), number = graph.constant(at_0, z.type());
    dz = where(equal_to(z, zero), number, where(z > zero, parts[2], zero));
  }
  return gradients;
}

Study make_study(const Setting& setting, int64_t features) {
  Graph graph;
  const Type type = setting.format == Format::F64 ? Type::f64 : Type::f32;
  const Value x = graph.input("x", {"batch", features}, type),
              label = graph.input("label", {"batch"}, Type::i32);
  Value a = rounded(x, setting.format);
  std::vector<Dense> layers;
  std::vector<Value> parameters;
  Value zeros = graph.constant(0.0, type);
  const Value one = graph.constant(1.0, type), none = graph.constant(0.0, type);
  for (int64_t l = 0; l <= setting.depth; ++l) {
    const int64_t in = l == 0 ? features : setting.width, out = l == setting.depth ? 10 : setting.width;
    const std::string name = std::to_string(l);
    const Value w = graph.parameter("w" + name, Tensor(type, {in, out})),
                b = graph.parameter("b" + name, Tensor(type, {out}));
    parameters.insert(parameters.end(), {w, b});
    const Value product = matmul(a, rounded(w, setting.format));
    const Value z =
        rounded((setting.format == Format::Bf16 ? to_bf16(product) : product) + rounded(b, setting.format),
                setting.format);
    layers.push_back({a, w, b, z});
    const bool active = l < setting.depth;
    if (active) zeros = zeros + sum(where(equal_to(z, none), one, none));
    a = active ? relu(z) : z;
  }
  const Value loss = mean(softmax_cross_entropy(layers.back().out, label));
  const std::vector<Value> left = grad(loss, parameters, {.tie = Tie::left}),
                           right = grad(loss, parameters, {.tie = Tie::right}),
                           assigned = assigned_gradients(loss, layers, 1);
  std::vector<Value> nothing;
  nothing.reserve(left.size());
  for (const Value& gradient : left) nothing.push_back(zeros_like(gradient));
  const Value size = length(left, nothing);
  return {graph, parameters, compile(extract({{"zeros", zeros}})),
          compile(extract({{"product", length(right, left) / size},
                           {"assigned", length(assigned, left) / size},
                           {"differ_product", differing(right[0], left[0])},
                           {"differ_assigned", differing(assigned[0], left[0])}}))};
}

void initialise(Study& study, uint64_t seed) {
  const Init uniform = fan_uniform(1 / std::numbers::sqrt3);
  for (size_t i = 0; i < study.parameters.size(); ++i) {
    const Node& node = study.parameters[i].node();
    const Fans fans{.in = study.parameters[i - i % 2].shape()[0].size()};
    const Tensor value =
        uniform({.type = node.type, .sizes = sizes_of(node.shape), .fans = fans, .seed = seed * 100 + i});
    if (i + 2 < study.parameters.size()) study.count.set_parameter(node.name, value);  // not the last layer
    study.compare.set_parameter(node.name, value);
  }
}

void note(Seen& seen, Study& study, const Bindings& at, bool& product, bool& assigned) {
  const auto results = study.compare(at);
  seen.product.push_back(results.at("product").item());
  seen.assigned.push_back(results.at("assigned").item());
  product = product || results.at("differ_product").item() > 0;
  assigned = assigned || results.at("differ_assigned").item() > 0;
}

Seen run(const Setting& setting, const Dataset& data, uint64_t runs) {
  Study study = make_study(setting, data.features());
  Seen seen{.runs = runs};
  for (uint64_t seed = 1; seed <= runs; ++seed) {
    initialise(study, seed);
    bool product = false, assigned = false;
    for (const Batch& batch : data.batches(256, {.shuffle = false})) {
      const auto zeros = static_cast<int64_t>(study.count({{"x", batch.x}}).at("zeros").item());
      ++seen.batches;
      seen.evaluations += batch.size() * setting.width * setting.depth;
      seen.zeros += zeros;
      if (zeros == 0) continue;  // both rules give the same bits
      ++seen.hit;
      note(seen, study, {{"x", batch.x}, {"label", batch.y}}, product, assigned);
    }
    seen.differ_product += product ? 1 : 0;
    seen.differ_assigned += assigned ? 1 : 0;
  }
  return seen;
}

double median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

/// Relative change of the gradient by setting, on a scale of powers of ten; settings without a hit are left
/// out.
void plot(const std::string& path, const std::vector<std::pair<Setting, Seen>>& table) {
  std::ofstream file(path);
  const auto height = [](double change) { return 340 - 30 * (std::log10(std::max(change, 1e-6)) + 5); };
  file
      << R"(<svg xmlns="http://www.w3.org/2000/svg" width="640" height="450" font-family="sans-serif" font-size="11">)"
      << R"(<rect width="640" height="450" fill="white"/>)"
      << R"(<text x="20" y="22" font-size="13">Change of the gradient when relu'(0) goes from 0 to 1: median of the batches with a zero</text>)"
      << R"(<circle cx="30" cy="44" r="4" fill="#06c"/><text x="40" y="48">adjoint times slope</text>)"
      << R"(<rect x="180" y="40" width="8" height="8" fill="#c30"/><text x="194" y="48">slope assigned, as published</text>)";
  for (int power = -5; power <= 3; ++power) {
    const double y = height(std::pow(10, power));
    file << fmt::format(
        R"(<line x1="60" x2="620" y1="{0}" y2="{0}" stroke="#ddd"/><text x="20" y="{1}">1e{2}</text>)", y,
        y + 4, power);
  }
  double x = 80;
  for (const auto& [setting, seen] : table) {
    if (seen.hit == 0) continue;
    file << fmt::format(R"(<circle cx="{}" cy="{}" r="4" fill="#06c"/>)", x, height(median(seen.product)))
         << fmt::format(R"(<rect x="{}" y="{}" width="8" height="8" fill="#c30"/>)", x - 4,
                        height(median(seen.assigned)) - 4)
         << fmt::format(R"svg(<text transform="translate({},356) rotate(60)">{} {}x{}</text>)svg", x - 4,
                        names[static_cast<int>(setting.format)], setting.depth, setting.width);
    x += 36;
  }
  file << "</svg>\n";
}

std::string percent(double share, int digits) { return fmt::format("{:.{}g}%", 100 * share, digits); }

void print_row(const Setting& setting, const Seen& seen, bool with_published) {
  const auto runs = static_cast<double>(seen.runs);
  const bool published = with_published && setting.published >= 0;
  fmt::print("{:>6}{:>6}{:>6}{:>6}{:>13}{:>8}{:>10.1e}{:>8}/{:<6}{:>9}{:>9}{:>10}{:>11}{:>11}\n",
             names[static_cast<int>(setting.format)], setting.depth, setting.width, seen.runs,
             seen.evaluations, seen.zeros,
             static_cast<double>(seen.zeros) / static_cast<double>(seen.evaluations), seen.hit, seen.batches,
             percent(static_cast<double>(seen.differ_product) / runs, 3),
             percent(static_cast<double>(seen.differ_assigned) / runs, 3),
             published ? percent(setting.published / 1000.0, 3) : "-",
             seen.hit > 0 ? percent(median(seen.product), 2) : "-",
             seen.hit > 0 ? percent(median(seen.assigned), 3) : "-");
}

/// Batches of bf16 are all hit, so that few initialisations show as much; wide networks take long.
uint64_t runs_of(const Setting& setting, uint64_t runs) {
  const bool few = setting.format == Format::Bf16 || setting.format == Format::F64;
  return std::max<uint64_t>(1, few ? runs / 20 : setting.width > 256 ? runs / 4 : runs);
}

}  // namespace

int main(int count, char** arguments) {
  const bool full = count > 1;
  const Dataset data = full ? mnist(arguments[1]).train : digits();
  const uint64_t runs = count > 2 ? std::stoull(arguments[2]) : 2;
  std::vector<std::pair<Setting, Seen>> table;
  fmt::print("{}, batches of 256; depth counts hidden layers, each with relu\n", full ? "MNIST" : "digits");
  fmt::print("{:>89}{:>32}\n", "other bits in the gradient", "median change");
  fmt::print("{:>6}{:>6}{:>6}{:>6}{:>13}{:>8}{:>10}{:>15}{:>9}{:>9}{:>10}{:>11}{:>11}\n", "format", "depth",
             "width", "runs", "relus", "zeros", "rate", "hit batches ", "product", "assigned", "published",
             "product", "assigned");
  for (const Setting& setting : settings) {
    if (!full && setting.width > 256) continue;
    table.emplace_back(setting, run(setting, data, runs_of(setting, runs)));
    print_row(setting, table.back().second, full);
  }
  fmt::print(
      "other bits: initialisations for which relu'(0) = 0 and 1 give different gradients of the first layer\n"
      "median change: of the whole gradient, relative, over the batches that hit a zero\n");
  if (count > 3) plot(arguments[3], table);
}
