/* changes.h - change points of a history whose values are finite. */
#ifndef TOCSIN__CHANGES_H
#define TOCSIN__CHANGES_H

#include "../core/common.h"
#include "tocsin/changes.h"

/* Options are resolved, n <= TOCSIN_CHANGES_VALUES_MAX.  `found` has room for `most` changes, which is
 * n / min_segment; returns how many there are.  `scratch` holds tocsin__changes_scratch(n, most) bytes,
 * aligned to 8. */
size_t tocsin__changes_scratch(size_t n, size_t most);
size_t tocsin__changes(tocsin_change *found, size_t most, const double *values, size_t n,
                       const tocsin_changes_options *options, void *scratch);

#endif
