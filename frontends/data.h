// All of data: readers, batches, splits, standardisation.
#pragma once

#include "frontends/data/batches.h"
#include "frontends/data/csv.h"
#include "frontends/data/dataset.h"
#include "frontends/data/digits.h"
#include "frontends/data/idx.h"
#include "frontends/data/mnist.h"
#include "frontends/data/source.h"
#include "frontends/data/standardise.h"
