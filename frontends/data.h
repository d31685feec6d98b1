// All of data: readers, batches, splits, standardisation.
#pragma once

#include "frontends/data/augment.h"
#include "frontends/data/batches.h"
#include "frontends/data/cifar.h"
#include "frontends/data/csv.h"
#include "frontends/data/dataset.h"
#include "frontends/data/digits.h"
#include "frontends/data/idx.h"
#include "frontends/data/mnist.h"
#include "frontends/data/npy.h"
#include "frontends/data/prefetch.h"
#include "frontends/data/source.h"
#include "frontends/data/standardise.h"
#include "frontends/data/text.h"
