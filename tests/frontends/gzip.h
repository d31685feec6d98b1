// gzip for tests.
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace crease::test {

/// `bytes` as one gzip member.
inline std::string gzipped(std::string_view bytes) {
  z_stream state{};
  if (deflateInit2(&state, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib does not start");
  std::string result(deflateBound(&state, bytes.size()) + 32, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(result.data());
  state.avail_out = static_cast<uInt>(result.size());
  if (deflate(&state, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("zlib does not end");
  result.resize(state.total_out);
  deflateEnd(&state);
  return result;
}

}  // namespace crease::test
