/* bars.c - what bars.h does not do at every point.
 */
#include "bars.h"

#define BARS_MEAN 1.1f          /* the belief to begin with */
#define BARS_VARIANCE 0.1225f
#define BARS_BELIEF 3.0         /* in blocks */
#define BARS_MEMORY 115.4       /* blocks: a half-life of 80 */
#define BARS_LEAST 0.69314718055994531
#define BARS_CLIP 2.0           /* spreads */

void tocsin__bar_init(tocsin__bar *bar)
{
    bar->mean = BARS_MEAN;
    bar->variance = BARS_VARIANCE;
}

void tocsin__bar_end_block(tocsin__bar *bar, double highest, uint32_t blocks)
{
    const double g = 1 / tocsin__min(BARS_MEMORY, blocks + BARS_BELIEF + 1);
    const double u = tocsin__log(1 + highest);
    const double d = tocsin__min(u - (double)bar->mean, BARS_CLIP * tocsin__bar_spread(bar));

    bar->mean = (float)tocsin__max(BARS_LEAST, (double)bar->mean + g * d);
    bar->variance =
        (float)tocsin__max(0, (double)bar->variance + g * ((1 - g) * d * d - (double)bar->variance));
}
