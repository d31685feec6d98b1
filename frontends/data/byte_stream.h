// Bytes read in order, inflated on the way where they are gzip. Never more in memory than the caller asks
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace crease {

/// A reader over bytes in memory. If they start as gzip does (1f 8b) it gives what they hold, of all members
/// in turn; else the bytes themselves.
class ByteStream {
 public:
  /// `bytes` must outlive the stream. `name` is what error messages call it: the path.
  ByteStream(std::string_view bytes, std::string name);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// Fills `to` and gives how many bytes it got: fewer only at the end.
  /// Errors: Error with the byte of the compressed file if that is corrupt or ends early.
  size_t read(std::span<std::byte> to);
  /// Fills `to` or fails; `reader` and `what` are for the message.
  /// Errors: those of read, and Error saying what ends early, where.
  void read_exactly(std::span<std::byte> to, std::string_view reader, std::string_view what);
  /// Whether nothing follows; checks the checksum of what was read. Ask last: it may swallow a byte.
  bool at_end();
  /// Bytes given so far.
  int64_t position() const { return position_; }
  /// No more than so many bytes can follow, to refuse a size before allocating it. Deflate holds at most 1032
  /// bytes in one (zlib's technical details).
  int64_t most_left() const;
  const std::string& name() const { return name_; }

 private:
  struct Inflater;

  std::string_view bytes_;
  std::string name_;
  int64_t position_ = 0;
  std::unique_ptr<Inflater> inflater_;  // none for plain bytes
};

/// All that follows, as text.
/// Errors: Error if it has more than `most_bytes`, or those of read.
std::string read_all(ByteStream& stream, int64_t most_bytes);

}  // namespace crease
