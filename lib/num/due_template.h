/* due_template.h - which lanes of a tile are due: a template, included once per instance, after its
 * lanes.
 *
 * Each lane has a moment of a clock of 32 bits, which runs on past its end to 0.  Distances are
 * exact as doubles, and need no instructions for integers that not every processor has.
 */
#include "lanes.h"
#include "mathx.h"

#define lane_due LANES_NAME(lane_due)

static uint64_t lane_due(const uint32_t *due, uint32_t now, uint32_t *until)
{
    const lane_f64 start = lane_set(now), turn = lane_set(0x1p32), one = lane_set(1);
    double least[lane_width];
    lane_f64 nearest = turn;
    uint64_t set = 0;

    for (size_t lane = 0; lane < TOCSIN__LANES; lane += lane_width) {
        const lane_f64 way = lane_sub(lane_load_u32(due + lane), start);
        const lane_f64 left = lane_blend(lane_lt(way, lane_set(0)), lane_add(way, turn), way);
        const lane_mask is_due = lane_le(left, one);

        set |= (uint64_t)lane_bits(is_due) << lane;
        nearest = lane_min(lane_blend(is_due, turn, left), nearest);
    }
    lane_store(least, nearest);
    for (size_t i = 1; i < lane_width; i++)
        least[0] = tocsin__min(least[0], least[i]);
    *until = (uint32_t)(least[0] - 1);
    return set;
}
