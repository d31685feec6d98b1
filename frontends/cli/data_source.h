// Data by the words of the command line.
#pragma once

#include <optional>
#include <string>

#include "frontends/data/augment.h"
#include "frontends/data/dataset.h"
#include "frontends/data/standardise.h"

namespace crease::cli {

/// Explains --data; the text of its help.
inline constexpr const char* data_help =
    "digits (embedded), mnist:FOLDER (four idx files, plain or .gz; also Fashion-MNIST), cifar10:FOLDER "
    "(data_batch_*.bin), npy:FOLDER (x.npy and y.npy) or csv:FILE (last column is predicted; "
    "further: csv:FILE,label=COLUMN,ignore=COLUMN,missing=error|drop|mean,header=present|absent,"
    "target=classes|number)";

/// Data with what was done to its samples.
struct LoadedData {
  Split split;
  std::optional<Standardisation> standardisation = {};
};

/// Data that data_help explains. Those that come in one piece are split 80/20, the same way every time; of
/// the training part the share `validation` is kept apart, drawn by the seed. Tables and arrays are
/// standardised by `known`, or where there is none by what is measured on the training part. Errors: those of
/// read_source and with_validation.
LoadedData load_data(const std::string& source, const std::optional<Standardisation>& known = {},
                     double validation = 0, uint64_t seed = 0);

/// The shape of the source's samples as images, for augmentation.
/// Errors: Error if they are none.
AugmentOptions image_shape(const std::string& source, int64_t features);

}  // namespace crease::cli
