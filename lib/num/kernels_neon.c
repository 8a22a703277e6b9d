/* kernels_neon.c - the kernels for AArch64, whose every processor has these.
 */
#include "kernels.h"

#if defined(__aarch64__)

#include "lanes_neon.h"
#include "due_template.h"
#include "residual_template.h"
#include "ewma_template.h"
#include "holt_template.h"
#include "forest_template.h"

const tocsin__kernels tocsin__kernels_neon = {
    .name = "neon",
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
