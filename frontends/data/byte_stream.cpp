#include "frontends/data/byte_stream.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "graph/error.h"

namespace crease {
namespace {

bool is_gzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

}  // namespace

/// zlib's state over the bytes.
struct ByteStream::Inflater {
  Inflater(std::string_view bytes, const std::string& file) : input(bytes), name(file) {
    // 16 + 15: a gzip wrapper, the largest window.
    const int status = inflateInit2(&state, 16 + MAX_WBITS);
    ensure(status == Z_OK, "zlib does not start: status {}", status);
  }
  ~Inflater() { inflateEnd(&state); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  size_t used() const { return offered - state.avail_in; }

  size_t read(std::span<std::byte> to) {
    size_t got = 0;
    while (got < to.size() && !ended) {
      offer_input();
      const uInt room =
          static_cast<uInt>(std::min<size_t>(to.size() - got, std::numeric_limits<uInt>::max()));
      state.next_out = reinterpret_cast<Bytef*>(to.data() + got);
      state.avail_out = room;
      const int status = inflate(&state, Z_NO_FLUSH);
      got += room - state.avail_out;
      if (status == Z_STREAM_END) {
        next_member();
        continue;
      }
      expect(status == Z_OK || status == Z_BUF_ERROR, "[gzip] '{}' is corrupt near byte {}: {}", name, used(),
             state.msg == nullptr ? "no such dictionary" : state.msg);
      expect(got == to.size() || used() < input.size(),
             "[gzip] '{}' ends early at byte {}: want more gzip data", name, used());
    }
    return got;
  }

  void offer_input() {
    if (state.avail_in > 0 || offered == input.size()) return;
    const size_t count = std::min<size_t>(input.size() - offered, std::numeric_limits<uInt>::max());
    // zlib's next_in is not const by age, not by use.
    state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data() + offered));
    state.avail_in = static_cast<uInt>(count);
    offered += count;
  }

  void next_member() {
    const std::string_view rest = input.substr(used());
    if (is_gzip(rest)) {
      inflateReset(&state);
      return;
    }
    // Tapes and some tools fill up with zeros.
    expect(rest.find_first_not_of('\0') == std::string_view::npos,
           "[gzip] '{}' goes on at byte {} after the end of its gzip data: got {} bytes too many", name,
           used(), rest.size());
    ended = true;
  }

  std::string_view input;
  const std::string& name;
  z_stream state{};
  size_t offered = 0;  // bytes of the input that zlib has been given
  bool ended = false;
};

ByteStream::ByteStream(std::string_view bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {
  if (is_gzip(bytes)) inflater_ = std::make_unique<Inflater>(bytes, name_);
}

ByteStream::~ByteStream() = default;

size_t ByteStream::read(std::span<std::byte> to) {
  size_t count = 0;
  if (inflater_ != nullptr) {
    count = inflater_->read(to);
  } else {
    const std::string_view part = bytes_.substr(static_cast<size_t>(position_), to.size());
    count = part.size();
    if (count > 0) std::memcpy(to.data(), part.data(), count);
  }
  position_ += static_cast<int64_t>(count);
  return count;
}

void ByteStream::read_exactly(std::span<std::byte> to, std::string_view reader, std::string_view what) {
  const int64_t begin = position_;
  const size_t count = read(to);
  expect(count == to.size(), "[{}] '{}' ends at byte {}: got {} of the {} bytes of its {} from byte {} on",
         reader, name_, position_, count, to.size(), what, begin);
}

bool ByteStream::at_end() {
  if (inflater_ == nullptr) return position_ == static_cast<int64_t>(bytes_.size());
  std::byte probe{};
  return inflater_->read(std::span(&probe, 1)) == 0;
}

int64_t ByteStream::most_left() const {
  if (inflater_ == nullptr) return static_cast<int64_t>(bytes_.size()) - position_;
  // What zlib holds back in its 32 KiB window counts as well.
  return (static_cast<int64_t>(bytes_.size() - inflater_->used()) + 1) * 1032 + 65536;
}

std::string read_all(ByteStream& stream, int64_t most_bytes) {
  std::string text;
  size_t filled = 0;
  do {
    expect(static_cast<int64_t>(filled) <= most_bytes,
           "[read] '{}' holds more than {} bytes: raise the limit", stream.name(), most_bytes);
    const int64_t room = std::min({std::max<int64_t>(static_cast<int64_t>(filled), 1 << 16),
                                   stream.most_left() + 1, most_bytes - static_cast<int64_t>(filled) + 1});
    text.resize(filled + static_cast<size_t>(room));
    filled += stream.read(std::as_writable_bytes(std::span(text.data() + filled, static_cast<size_t>(room))));
  } while (filled == text.size());
  text.resize(filled);
  return text;
}

}  // namespace crease
