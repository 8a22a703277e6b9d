/* kernels_avx512.c - the kernels for x86 with AVX-512 F, DQ, BW and VL (and BMI2, which all of it has).
 */
#include "kernels.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,bmi2"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,bmi2")
#endif

#include "lanes_avx512.h"
#include "due_template.h"
#include "residual_template.h"
#include "ewma_template.h"
#include "holt_template.h"
#define LANES_NO_ENCODE
#include "forest_template.h"
#undef LANES_NO_ENCODE
#include "forest_avx512.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const tocsin__kernels tocsin__kernels_avx512 = {
    .name = "avx512",
    .ewma = ewma_kernel,
    .holt = lane_holt,
    .due = lane_due,
    .forest_z = lane_forest_z,
    .forest_encode = forest_encode_avx512,
    .forest_encode_point = forest_encode_point_avx512,
    .forest = forest_avx512,
    .forest_point = forest_point_avx512,
    .forest_mixed = forest_mixed_kernel_avx512,
    .forest_mixed_point = lane_forest_mixed_point,
};

#endif
