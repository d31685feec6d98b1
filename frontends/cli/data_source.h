// Data by the words of the command line.
#pragma once

#include <optional>
#include <string>

#include "frontends/data/augment.h"
#include "frontends/data/dataset.h"
#include "frontends/data/standardise.h"
#include "frontends/model.h"

namespace crease::cli {

/// Explains --data; the text of its help.
inline constexpr const char* data_help =
    "digits (embedded), mnist:FOLDER (four idx files, plain or .gz; also Fashion-MNIST), cifar10:FOLDER "
    "(data_batch_*.bin), npy:FOLDER (x.npy and y.npy) or csv:FILE (last column is predicted; "
    "further: csv:FILE,label=COLUMN,ignore=COLUMN,missing=error|drop|mean,header=present|absent,"
    "target=classes|number,separator=comma|semicolon|tab|bar)";

/// Data with what was done to its samples, and what was measured of numbers to predict.
struct LoadedData {
  Split split;
  std::optional<Standardisation> standardisation = {}, targets = {};
  /// Fingerprint of what is to be predicted of the samples to train with, before some were kept for
  /// validation; empty for sets that come in two parts.
  std::string trained_on = {};
};

/// Data that data_help explains. Those that come in one piece are split 80/20, the same way every time; of
/// the training part the share `validation` is kept apart, drawn by the seed. For a `model` samples are what
/// its own were: standardised alike or not at all, a table has classes if its own had, and labels are its
/// numbers of the classes of these names. For a new one (null) tables and arrays are standardised by what is
/// measured on the training part, and so are numbers to predict, which stay as they are. Errors: those of
/// read_source and with_validation; Error naming a class that the model does not have. A table with a header
/// gives the columns that the model calls its features, in whatever order it has them. Where the model was
/// trained on other samples of this source, standard error says so: they are split in another way now.
LoadedData load_data(const std::string& source, const Model* model = nullptr, double validation = 0,
                     uint64_t seed = 0);

/// All samples of a source for a model, in the order of its files, as load_data takes them. Not `labelled`: y
/// has no dimensions, and a table may lack the column to predict. Errors: as load_data; those of
/// validate_samples.
Dataset load_whole(const std::string& source, const Model& model, bool labelled);

/// The shape of the source's samples as images, for augmentation.
/// Errors: Error if they are none.
AugmentOptions image_shape(const std::string& source, int64_t features);

}  // namespace crease::cli
