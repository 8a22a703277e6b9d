/* kernels_scalar.c - the kernels in plain C, one series at a time.  Every build has them.
 */
#include "kernels.h"

#include "lanes_scalar.h"
#include "due_template.h"
#include "residual_template.h"
#include "ewma_template.h"
#include "holt_template.h"
#define LANES_NO_VECTORS
#include "forest_template.h"
#undef LANES_NO_VECTORS

const tocsin__kernels tocsin__kernels_scalar = {
    .name = "scalar",
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
