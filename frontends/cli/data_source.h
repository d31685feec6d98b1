// Data by the words of the command line.
#pragma once

#include <optional>
#include <string>

#include "frontends/data/dataset.h"
#include "frontends/data/standardise.h"

namespace crease::cli {

/// Explains --data; the text of its help.
inline constexpr const char* data_help =
    "digits (embedded), mnist:FOLDER (four idx files, plain or .gz; also Fashion-MNIST), cifar10:FOLDER "
    "(data_batch_*.bin), npy:FOLDER (x.npy and y.npy) or csv:FILE (last column is predicted)";

/// Data with what was done to its samples.
struct LoadedData {
  Split split;
  std::optional<Standardisation> standardisation = {};
};

/// "digits", "mnist:FOLDER" or "csv:FILE". Digits and tables are split 80/20, the same way every time; tables
/// are standardised by `known`, or where there is none by what is measured on the training part.
/// Errors: those of read_source.
LoadedData load_data(const std::string& source, const std::optional<Standardisation>& known = {});

}  // namespace crease::cli
