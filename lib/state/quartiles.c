/* quartiles.c - see quartiles.h. */
#include "quartiles.h"

#include "../num/mathx.h"

#define QUARTILES_FADE 0.25         /* of the outer markers, as a part of the gain */
#define QUARTILES_ROUNDING 1e-9     /* one value off is one value off, whatever the last digit */

/* Where a marker goes whose share changes by `step`. */
static double quartiles_moved(const tocsin__quartiles *q, size_t i, double step)
{
    const double left = q->share[i] - q->share[i - 1], right = q->share[i + 1] - q->share[i];
    const size_t next = step > 0 ? i + 1 : i - 1;

    if (left > 0 && right > 0) {
        const double parabola =
            q->at[i] + step / (left + right) *
                           ((left + step) * ((q->at[i + 1] - q->at[i]) / right) +
                            (right - step) * ((q->at[i] - q->at[i - 1]) / left));

        if (q->at[i - 1] < parabola && parabola < q->at[i + 1])
            return parabola;
    }
    return q->at[i] + (q->at[next] - q->at[i]) * (step / (q->share[next] - q->share[i]));
}

static void quartiles_begin(tocsin__quartiles *q, uint32_t count, double value)
{
    uint32_t at = count;

    for (; at > 0 && q->at[at - 1] > value; at--)
        q->at[at] = q->at[at - 1];
    q->at[at] = value;
    q->share[count] = 0.25 * count;
}

void tocsin__quartiles_learn(tocsin__quartiles *q, uint32_t count, double value, double gain)
{
    if (count < TOCSIN__QUARTILES) {
        quartiles_begin(q, count, value);
        return;
    }

    const double alike = 1 / (double)count;     /* all values weigh the same */
    const double g = gain > alike ? tocsin__min(gain, TOCSIN__QUARTILES_GAIN_MAX) : alike;
    const double least = g * (1 - QUARTILES_ROUNDING), most = g * (1 + QUARTILES_ROUNDING);
    const double fade = gain > alike ? QUARTILES_FADE * g : 0;

    q->at[0] = tocsin__min(value, q->at[0] + fade * (q->at[1] - q->at[0]));
    q->at[4] = tocsin__max(value, q->at[4] + fade * (q->at[3] - q->at[4]));
    for (size_t i = 1; i < 4; i++) {
        q->share[i] += g * ((value < q->at[i]) - q->share[i]);
        q->tied[i - 1] += g * ((value == q->at[i]) - q->tied[i - 1]);
    }
    for (size_t i = 1; i < 4; i++) {
        const double missing = 0.25 * (double)i - q->share[i];
        double step = 0;

        if (missing - q->tied[i - 1] >= least && q->share[i + 1] - q->share[i] > most)
            step = g;
        else if (missing <= -least && q->share[i] - q->share[i - 1] > most)
            step = -g;
        if (step == 0)
            continue;
        const double at = quartiles_moved(q, i, step);

        if (at != q->at[i])
            q->tied[i - 1] = 0;
        q->at[i] = at;
        q->share[i] += step;
    }
}

double tocsin__quartiles_median(const tocsin__quartiles *q, uint32_t count)
{
    if (count == 0)
        return 0;
    if (count < TOCSIN__QUARTILES)
        return 0.5 * q->at[(count - 1) / 2] + 0.5 * q->at[count / 2];
    return q->at[2];
}
