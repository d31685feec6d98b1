#include "graph/analysis/digest.h"

#include <array>
#include <bit>
#include <cstdint>

#include "graph/error.h"
#include "graph/scan.h"

namespace crease {

namespace {

// FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<uint32_t, 64> kRound{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// SHA-256 of a stream of pieces.
class Sha256 {
 public:
  void add(std::string_view bytes) {
    count_ += bytes.size();
    for (const char byte : bytes) {
      block_[used_++] = static_cast<uint8_t>(byte);
      if (used_ == block_.size()) compress();
    }
  }

  std::string finish() {
    const uint64_t bits = count_ * 8;
    add(std::string_view("\x80", 1));
    while (used_ != 56) add(std::string_view("\0", 1));
    for (int shift = 56; shift >= 0; shift -= 8) {
      const char byte = static_cast<char>(bits >> shift);
      add(std::string_view(&byte, 1));
    }
    std::string hex;
    for (const uint32_t word : state_) hex += fmt::format("{:08x}", word);
    return hex;
  }

 private:
  void compress() {
    std::array<uint32_t, 64> w{};
    for (size_t t = 0; t < 16; ++t)
      for (size_t k = 0; k < 4; ++k) w[t] = w[t] << 8 | block_[4 * t + k];
    for (size_t t = 16; t < 64; ++t) {
      const uint32_t a = w[t - 15], b = w[t - 2];
      w[t] = w[t - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + w[t - 7] +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
    }
    std::array<uint32_t, 8> s = state_;
    for (size_t t = 0; t < 64; ++t) {
      const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
      const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
      const uint32_t first =
          s[7] + (std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25)) + choice + kRound[t] + w[t];
      const uint32_t second = (std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22)) + majority;
      s = {first + second, s[0], s[1], s[2], s[3] + first, s[4], s[5], s[6]};
    }
    for (size_t k = 0; k < 8; ++k) state_[k] += s[k];
    used_ = 0;
  }

  // FIPS 180-4, 5.3.3: fractional parts of the square roots of the first 8 primes.
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> block_{};
  size_t used_ = 0;
  uint64_t count_ = 0;
};

std::string line_of(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::string line =
      fmt::format("%{} {} {} {}", id, to_string(node.role), to_string(node.type), to_string(node.shape));
  if (node.role == Role::Input || node.role == Role::Parameter) line += " " + node.name;
  if (node.role == Role::Random) line += fmt::format(" {}", node.seed);
  if (node.role == Role::Apply) {
    line += fmt::format(" {} {} |{}|", to_string(node.op->combine), to_string(node.op->body.expression),
                        to_string(node.loops));
    // The text of loops leaves extents to the operands; a label that none of them fixes needs its own.
    for (const Label& label : node.loops.labels) line += " " + to_string(label.extent);
  }
  if (node.scan)
    line += fmt::format(" {} of {} {} {} {} {}", node.result, node.scan->carries, node.scan->sequences,
                        to_string(node.scan->length), node.scan->reverse, digest(node.scan->body));
  for (const NodeId operand : node.operands) line += fmt::format(" %{}", operand);
  return line + "\n";
}

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.finish();
}

std::string digest(const Graph& graph) {
  Sha256 hash;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    hash.add(line_of(graph, id));
    if (node.role == Role::Parameter || node.role == Role::Constant)
      hash.add({reinterpret_cast<const char*>(node.value.data()), static_cast<size_t>(node.value.bytes())});
  }
  for (const Output& output : graph.outputs())
    hash.add(fmt::format("output {} %{}\n", output.name, output.node));
  for (const Update& update : graph.updates())
    hash.add(fmt::format("update %{} %{}\n", update.parameter, update.value));
  return hash.finish();
}

}  // namespace crease
