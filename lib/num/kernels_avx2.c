/* kernels_avx2.c - the kernels for x86 with AVX2.
 *
 * Fused multiply-adds, which most such processors have, would give other bits.
 */
#include "kernels.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#include "lanes_avx2.h"
#include "due_template.h"
#include "residual_template.h"
#include "ewma_template.h"
#include "holt_template.h"
#include "forest_template.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const tocsin__kernels tocsin__kernels_avx2 = {
    .name = "avx2",
    .ewma = ewma_kernel,
    .holt = lane_holt,
    .due = lane_due,
    .forest_z = lane_forest_z,
    .forest_encode = lane_forest_encode,
    .forest_encode_point = lane_forest_encode_point,
    .forest = lane_forest,
    .forest_point = lane_forest_point,
    .forest_mixed = lane_forest_mixed,
    .forest_mixed_point = lane_forest_mixed_point,
};

#endif
