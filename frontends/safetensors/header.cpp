#include "frontends/safetensors/header.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "frontends/safetensors/json_cursor.h"
#include "graph/error.h"

namespace crease {
namespace {

struct TypeName {
  Type type;
  std::string_view name;
};

constexpr std::array<TypeName, 6> type_names{{{Type::boolean, "BOOL"},
                                              {Type::u8, "U8"},
                                              {Type::i32, "I32"},
                                              {Type::i64, "I64"},
                                              {Type::f32, "F32"},
                                              {Type::f64, "F64"}}};

constexpr std::string_view metadata_key = "__metadata__";
constexpr size_t length_bytes = 8;

std::string_view name_of(Type type) {
  return std::find_if(type_names.begin(), type_names.end(), [&](auto t) { return t.type == type; })->name;
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

/// The JSON text, once its length makes sense.
std::string_view header_text(std::string_view bytes, const std::string& name) {
  expect(bytes.size() >= length_bytes,
         "[read_safetensors] '{}' ends at byte {}: want 8 bytes of header length", name, bytes.size());
  const uint64_t length = little_endian(bytes.substr(0, length_bytes));
  expect(length <= static_cast<uint64_t>(most_header_bytes),
         "[read_safetensors] '{}' byte 0: header of {} bytes: want at most {}", name, length,
         most_header_bytes);
  expect(length <= bytes.size() - length_bytes,
         "[read_safetensors] '{}' ends at byte {}: want a header of {} bytes from byte 8 on", name,
         bytes.size(), length);
  const std::string_view text = bytes.substr(length_bytes, length);
  expect(text.starts_with('{'), "[read_safetensors] '{}' byte 8: the header does not begin with '{{'", name);
  return text;
}

Type take_type(JsonCursor& json, const std::string& tensor) {
  const size_t position = json.position();
  const std::string name = json.take_string();
  const auto* known =
      std::find_if(type_names.begin(), type_names.end(), [&](auto t) { return t.name == name; });
  if (known == type_names.end())
    json.fail_at(position,
                 fmt::format("tensor '{}' has type '{}': want BOOL, U8, I32, I64, F32 or F64", tensor, name));
  return known->type;
}

std::vector<int64_t> take_numbers(JsonCursor& json) {
  std::vector<int64_t> numbers;
  json.take('[');
  if (json.accept(']')) return numbers;
  do numbers.push_back(json.take_number());
  while (json.accept(','));
  json.take(']');
  return numbers;
}

void take_offsets(JsonCursor& json, TensorEntry& entry) {
  const size_t position = json.position();
  const std::vector<int64_t> offsets = take_numbers(json);
  if (offsets.size() != 2)
    json.fail_at(position, fmt::format("tensor '{}' has {} data_offsets: want begin and end", entry.name,
                                       offsets.size()));
  entry.begin = offsets[0];
  entry.end = offsets[1];
}

TensorEntry take_entry(JsonCursor& json, std::string name, size_t name_position) {
  TensorEntry entry{.name = std::move(name), .type = {}, .sizes = {}, .position = name_position};
  std::set<std::string> seen;
  json.take('{');
  do {
    const size_t position = json.position();
    const std::string key = json.take_string();
    if (!seen.insert(key).second)
      json.fail_at(position, fmt::format("tensor '{}' has two fields '{}'", entry.name, key));
    json.take(':');
    if (key == "dtype") {
      entry.type = take_type(json, entry.name);
    } else if (key == "shape") {
      entry.sizes = take_numbers(json);
    } else if (key == "data_offsets") {
      take_offsets(json, entry);
    } else {
      json.fail_at(position, fmt::format("tensor '{}' has a field '{}': want dtype, shape and data_offsets",
                                         entry.name, key));
    }
  } while (json.accept(','));
  json.take('}');
  if (seen.size() != 3)
    json.fail_at(name_position, fmt::format("tensor '{}' has only {}: want dtype, shape and data_offsets",
                                            entry.name, fmt::join(seen, ", ")));
  return entry;
}

std::map<std::string, std::string> take_metadata(JsonCursor& json) {
  std::map<std::string, std::string> metadata;
  json.take('{');
  if (json.accept('}')) return metadata;
  do {
    const size_t position = json.position();
    const std::string key = json.take_string();
    json.take(':');
    if (!metadata.emplace(key, json.take_string()).second)
      json.fail_at(position, fmt::format("the metadata have two entries '{}'", key));
  } while (json.accept(','));
  json.take('}');
  return metadata;
}

TensorHeader take_header(JsonCursor& json) {
  TensorHeader header;
  std::set<std::string> seen;
  json.take('{');
  if (!json.accept('}')) {
    do {
      const size_t position = json.position();
      const std::string key = json.take_string();
      if (!seen.insert(key).second) json.fail_at(position, fmt::format("the name '{}' occurs twice", key));
      json.take(':');
      if (key == metadata_key) {
        header.metadata = take_metadata(json);
      } else {
        header.entries.push_back(take_entry(json, key, position));
      }
    } while (json.accept(','));
    json.take('}');
  }
  if (!json.at_end()) json.fail_at(json.position(), "the header goes on after its closing '}'");
  return header;
}

void expect_shape_fits(const JsonCursor& json, const TensorEntry& entry) {
  int64_t bytes = size_of(entry.type);
  bool overflow = false;
  for (const int64_t size : entry.sizes) overflow |= __builtin_mul_overflow(bytes, size, &bytes);
  if (overflow || entry.end < entry.begin || bytes != entry.end - entry.begin)
    json.fail_at(
        entry.position,
        fmt::format("tensor '{}' of type {} and shape {} takes {} bytes, but its data_offsets are [{}, {}]",
                    entry.name, name_of(entry.type), to_string(entry.sizes),
                    overflow ? "2^63 or more" : std::to_string(bytes), entry.begin, entry.end));
}

/// Every byte of the data belongs to exactly one tensor: nothing can be hidden in the file.
void expect_data_covered(const JsonCursor& json, const TensorHeader& header, int64_t data_bytes) {
  int64_t covered = 0;
  for (const TensorEntry& entry : header.entries) {
    if (entry.begin != covered)
      json.fail_at(
          entry.position,
          fmt::format("tensor '{}' begins at byte {} of the data: want {}, where the one before ends",
                      entry.name, entry.begin, covered));
    if (entry.end > data_bytes)
      json.fail_at(entry.position,
                   fmt::format("tensor '{}' ends at byte {} of the data, but the file has {} of them",
                               entry.name, entry.end, data_bytes));
    covered = entry.end;
  }
  if (covered != data_bytes)
    json.fail_at(header.data_begin + static_cast<size_t>(covered),
                 fmt::format("the tensors end here, but the file has {} more bytes", data_bytes - covered));
}

std::string entry_text(const TensorEntry& entry) {
  return fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", json_quoted(entry.name),
                     name_of(entry.type), fmt::join(entry.sizes, ","), entry.begin, entry.end);
}

void expect_utf8(std::string_view text, std::string_view what) {
  const size_t invalid = invalid_utf8(text);
  expect(invalid == std::string_view::npos, "[write_safetensors] {} is no UTF-8 at byte {}", what, invalid);
}

}  // namespace

TensorHeader parse_header(std::string_view bytes, const std::string& name) {
  const std::string_view text = header_text(bytes, name);
  JsonCursor json(text, name, length_bytes);
  TensorHeader header = take_header(json);
  header.data_begin = length_bytes + text.size();
  for (const TensorEntry& entry : header.entries) expect_shape_fits(json, entry);
  std::sort(header.entries.begin(), header.entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  expect_data_covered(json, header, static_cast<int64_t>(bytes.size() - header.data_begin));
  return header;
}

std::string format_header(const TensorHeader& header) {
  std::vector<std::string> parts;
  if (!header.metadata.empty()) {
    std::vector<std::string> pairs;
    for (const auto& [key, value] : header.metadata) {
      expect_utf8(key, "a key of the metadata");
      expect_utf8(value, fmt::format("the metadata '{}'", key));
      pairs.push_back(json_quoted(key) + ":" + json_quoted(value));
    }
    parts.push_back(fmt::format(R"("{}":{{{}}})", metadata_key, fmt::join(pairs, ",")));
  }
  for (const TensorEntry& entry : header.entries) {
    expect_utf8(entry.name, "the name of a tensor");
    expect(entry.name != metadata_key, "[write_safetensors] a tensor cannot be named '{}'", metadata_key);
    parts.push_back(entry_text(entry));
  }
  std::string text = fmt::format("{{{}}}", fmt::join(parts, ","));
  text.resize((text.size() + 7) / 8 * 8, ' ');
  expect(static_cast<int64_t>(text.size()) <= most_header_bytes,
         "[write_safetensors] header of {} bytes: want at most {}", text.size(), most_header_bytes);
  std::string length;
  for (size_t i = 0; i < length_bytes; ++i)
    length.push_back(static_cast<char>(text.size() >> (8 * i) & 0xff));
  return length + text;
}

std::vector<TensorEntry> lay_out(const NamedTensors& tensors) {
  std::vector<TensorEntry> entries;
  for (const auto& [name, tensor] : tensors)
    entries.push_back({.name = name, .type = tensor.type(), .sizes = tensor.sizes()});
  std::sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(-size_of(a.type), std::string_view(a.name)) <
           std::pair(-size_of(b.type), std::string_view(b.name));
  });
  int64_t at = 0;
  for (TensorEntry& entry : entries) {
    entry.begin = at;
    entry.end = at += tensors.at(entry.name).bytes();
  }
  return entries;
}

}  // namespace crease
