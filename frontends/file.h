// Whole files in and out. A file is replaced as a whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace crease {

/// All bytes of a regular file.
/// Errors: Error with the system's reason if it cannot be opened or read, is no regular file, or has more
/// than `most_bytes`.
std::string read_file(const std::filesystem::path& path, int64_t most_bytes = int64_t{1} << 36);

/// Puts `parts`, one after the other, in place of the file: written to a temporary file in the same folder,
/// flushed to the disk, then renamed. Whoever reads it sees the old bytes or the new ones, also after a
/// crash. A link stays: what it leads to is replaced. Who may read and write the file stays as well.
/// Errors: Error for what is no file, /dev/stdout among it; Error with the system's reason (no folder, no
/// permission, disk full); then the old file is as it was and the temporary one is gone.
void write_file_atomically(const std::filesystem::path& name, std::span<const std::string_view> parts);
void write_file_atomically(const std::filesystem::path& name, std::string_view bytes);

/// For what is to be asked before long work: that a file could be written there; nothing changes.
/// Errors: those of write_file_atomically that can be told before there is something to write.
void expect_writable(const std::filesystem::path& name);

}  // namespace crease
