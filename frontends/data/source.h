// Data by a word of text, as the command line takes it.
#pragma once

#include <cstdint>
#include <string>

#include "frontends/data/csv.h"
#include "frontends/data/dataset.h"

namespace crease {

struct SourceOptions {
  /// How sets that come in one piece are split (see split); those in two, such as MNIST, stay as they are.
  double test_share = 0.2;
  uint64_t seed = 0;
  CsvOptions csv = {};
};

/// "digits", "mnist:FOLDER", "cifar10:FOLDER", "npy:FOLDER" (with x.npy and y.npy) or "csv:FILE".
/// A table takes options behind its file: "csv:FILE,missing=mean,label=price,ignore=id", where missing is
/// error, drop or mean, header present or absent, target classes or number, separator comma, semicolon, tab
/// or bar; label and ignore name columns (CsvOptions). Errors: Error listing these for any other word, and
/// those of the reader.
Split read_source(const std::string& source, const SourceOptions& options = {});

/// The same in one piece: all samples in the order of the files, those to train with before those to test
/// with. With Target::None y has no dimensions, and npy:FOLDER needs no y.npy. Errors: as read_source.
Dataset read_whole_source(const std::string& source, const SourceOptions& options = {});

}  // namespace crease
