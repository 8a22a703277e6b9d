/* maxima.c - a ring of block maxima and the tail fitted to it.
 *
 * How rare is a level that has never been reached?  Cut the history into blocks of equal
 * length and keep the maximum of each: dependence between neighbouring points, which would
 * spoil a fit to the points themselves, mostly happens inside a block and costs nothing.
 * What is left of it shows in runs of high blocks; such a run is one cluster and only its
 * maximum counts.
 *
 * The largest quarter of the ring gives the tail.  Excesses over a threshold follow a
 * generalised Pareto law (Pickands 1975); its two parameters come from
 * probability-weighted moments (Hosking and Wallis 1987)
 *
 *     a0 = mean e,   a1 = sum e_(j) (m-1-j) / (m (m-1)),   e_(0) <= e_(1) ...
 *     shape = a0 / (a0 - 2 a1) - 2,   scale = a0 (1 + shape)
 *
 * which for 4 to 8 excesses beat maximum likelihood by far, but still say little about the
 * shape: it is pulled towards the exponential law's 0 with the weight of 15 excesses and
 * bounded.  The scale, too, says little at first, and what it exaggerates most are a young series'
 * first incidents: it is pulled towards 0.12 (levels are logarithms, so that is 13 %), which is
 * between a Gaussian's and a heavy tail's, with a weight of three halves of its own that fades over
 * the first 128 blocks (James and Stein 1961).  Blocks of a thousand points are as good as Gumbel
 * distributed, and their middle, which no incident reaches, knows the scale: then it is pulled
 * towards (third quartile - median) / 0.88.  Short blocks' middle knows the bulk only.  A factor 1 + 1/m stands for its own error: a limit
 * drawn from too small a scale rings more often than one from a large scale rings less.  Without
 * a single excess the scale is 0.3 until then.
 *
 * A fit ranks 32 numbers: some 0.03 microseconds, once a block.
 *
 * How it fails: a distribution with two regimes of which one comes more rarely than the
 * ring is long is only known by the other.
 */
#include "maxima.h"

#include "../num/mathx.h"

#define MAXIMA_SHAPE_WEIGHT 15.0
#define MAXIMA_SHAPE_MIN (-0.5)
#define MAXIMA_SHAPE_MAX 0.4
#define MAXIMA_SCALE_MIN 0.005
#define MAXIMA_SCALE_PRIOR 0.12
#define MAXIMA_SHORT 128.0          /* points of blocks whose body says nothing of their tail */
#define MAXIMA_LONG 1024.0          /* ... and says what the prior shall be */
#define MAXIMA_BODY 0.87939         /* third quartile - median of Gumbel's law: log(log 2 / log (4/3)) */
#define MAXIMA_BODY_MIN 0.03
#define MAXIMA_BODY_MAX 0.5
#define MAXIMA_SCALE_UNKNOWN 0.3    /* nothing has exceeded the threshold yet */
#define MAXIMA_PRIOR_WEIGHT 1.5     /* of the prior, the excesses' being 1 */
#define MAXIMA_PRIOR_BLOCKS 128.0
#define MAXIMA_LOG_LONG 2.0794415416798357  /* log (MAXIMA_LONG / MAXIMA_SHORT) */
#define MAXIMA_END 0.1              /* of a bounded law: where the exponential takes over */
#define MAXIMA_LOG_END (-2.3025850929940455)    /* its logarithm */

uint16_t tocsin__level_code(double level)
{
    if (!(level > 0))
        return 0;
    if (level >= TOCSIN__LEVEL_MAX)
        return UINT16_MAX;

    const double scaled = level * TOCSIN__LEVEL_UNIT;
    const uint16_t code = (uint16_t)scaled;

    return (uint16_t)(code + ((double)code < scaled));
}

static uint16_t maxima_at(const tocsin__maxima *maxima, size_t age)
{
    return maxima->level[(maxima->first + age) % TOCSIN__MAXIMA];
}

void tocsin__maxima_push(tocsin__maxima *maxima, uint16_t code)
{
    if (maxima->count < TOCSIN__MAXIMA) {
        maxima->level[(maxima->first + maxima->count) % TOCSIN__MAXIMA] = code;
        maxima->count++;
    } else {
        maxima->level[maxima->first] = code;
        maxima->first = (uint16_t)((maxima->first + 1u) % TOCSIN__MAXIMA);
    }
}

void tocsin__maxima_join(tocsin__maxima *maxima)
{
    tocsin__maxima joined = {{0}, 0, (uint16_t)(maxima->count / 2)};

    for (size_t i = 0; i < joined.count; i++) {
        const uint16_t a = maxima_at(maxima, 2 * i), b = maxima_at(maxima, 2 * i + 1);

        joined.level[i] = a > b ? a : b;
    }
    *maxima = joined;
}

void tocsin__maxima_drop(tocsin__maxima *maxima, uint16_t blocks)
{
    tocsin__maxima rest = {{0}, 0, (uint16_t)(maxima->count - blocks)};

    for (size_t i = 0; i < rest.count; i++)
        rest.level[i] = maxima_at(maxima, blocks + i);
    *maxima = rest;
}

/* A ring's codes, as signed numbers, which compare faster, and of each how many are larger.  In a
 * ring that is not full the places nobody has used hold the least. */
typedef struct {
    int16_t code[TOCSIN__MAXIMA];
    int16_t larger[TOCSIN__MAXIMA];
} maxima_ranks;

/* 1,024 comparisons without a branch, of which a processor does eight or more at once, are quicker
 * than a sort's, and order statistics are all that is wanted. */
static maxima_ranks maxima_rank(const tocsin__maxima *maxima)
{
    maxima_ranks r;

    for (size_t i = 0; i < TOCSIN__MAXIMA; i++) {
        const uint16_t age = (uint16_t)((i - maxima->first) % TOCSIN__MAXIMA);
        const uint16_t used = (uint16_t)-(age < maxima->count);

        r.code[i] = (int16_t)((maxima->level[i] & used) + INT16_MIN);
        r.larger[i] = 0;
    }
    for (size_t j = 0; j < TOCSIN__MAXIMA; j += 4)
        for (size_t i = 0; i < TOCSIN__MAXIMA; i++)
            r.larger[i] = (int16_t)(r.larger[i] + (r.code[j] > r.code[i]) +
                                    (r.code[j + 1] > r.code[i]) + (r.code[j + 2] > r.code[i]) +
                                    (r.code[j + 3] > r.code[i]));
    return r;
}

/* The code before which so many stand when they are sorted, largest first: the least of those than
 * which no more are larger. */
static uint16_t maxima_order(const maxima_ranks *r, size_t before)
{
    int16_t least = INT16_MAX;

    for (size_t i = 0; i < TOCSIN__MAXIMA; i++) {
        const int16_t others = (int16_t)-(r->larger[i] > (int16_t)before);
        const int16_t code = (int16_t)((r->code[i] & ~others) | (INT16_MAX & others));

        least = least < code ? least : code;
    }
    return (uint16_t)(least - INT16_MIN);
}

/* How many of the ring's n codes are no less than half of `twice`. */
static size_t maxima_reach(const maxima_ranks *r, uint32_t twice, size_t n)
{
    const int16_t half = (int16_t)((int32_t)((twice + 1) / 2) + INT16_MIN);
    int16_t reach = 0;

    for (size_t i = 0; i < TOCSIN__MAXIMA; i++)
        reach = (int16_t)(reach + (r->code[i] >= half));
    return (size_t)reach < n ? (size_t)reach : n;
}

/* The set of places whose codes are larger. */
static uint32_t maxima_above(const maxima_ranks *r, int16_t code)
{
    static const uint16_t bit[TOCSIN__MAXIMA / 2] = {
        1 << 0, 1 << 1, 1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
        1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
    uint16_t low = 0, high = 0;

    for (size_t i = 0; i < TOCSIN__MAXIMA / 2; i++) {
        low |= (uint16_t)(-(r->code[i] > code) & bit[i]);
        high |= (uint16_t)(-(r->code[i + TOCSIN__MAXIMA / 2] > code) & bit[i]);
    }
    return (uint32_t)high << TOCSIN__MAXIMA / 2 | low;
}

/* The lowest member of a set that is not empty (Leiserson, Prokop, Randall 1998). */
static uint32_t maxima_lowest(uint32_t set)
{
    static const uint8_t member[32] = {0,  1,  28, 2,  29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4,  8,
                                       31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6,  11, 5,  10, 9};

    return member[(set & (~set + 1)) * UINT32_C(0x077cb531) >> 27];
}

/* Sort, largest first.  Each code's place is the number of those that are larger, or as large and
 * before it. */
static void maxima_sort(uint16_t code[TOCSIN__MAXIMA_TOP])
{
    int32_t key[TOCSIN__MAXIMA_TOP], place[TOCSIN__MAXIMA_TOP] = {0};

    for (size_t i = 0; i < TOCSIN__MAXIMA_TOP; i++)
        key[i] = (int32_t)(code[i] * TOCSIN__MAXIMA_TOP + (TOCSIN__MAXIMA_TOP - 1 - i));
    for (size_t j = 0; j < TOCSIN__MAXIMA_TOP; j++)
        for (size_t i = 0; i < TOCSIN__MAXIMA_TOP; i++)
            place[i] += key[j] > key[i];
    for (size_t i = 0; i < TOCSIN__MAXIMA_TOP; i++)
        code[place[i]] = (uint16_t)(key[i] / TOCSIN__MAXIMA_TOP);
}

/* The maxima of runs of blocks above half of `twice`, largest first; how many, and of how many
 * blocks.  No more than TOCSIN__MAXIMA_TOP are above.  No branch, for nothing foretells them. */
static size_t maxima_clusters(const tocsin__maxima *maxima, const maxima_ranks *r, uint32_t twice,
                              size_t *above, uint16_t cluster[TOCSIN__MAXIMA_TOP])
{
    const int16_t half = (int16_t)((int32_t)(twice / 2) + INT16_MIN);
    const uint32_t first = maxima->first;
    const uint32_t places = maxima_above(r, half);
    uint32_t set = places >> first | places << (TOCSIN__MAXIMA - first) % TOCSIN__MAXIMA;
    const uint32_t heads = set & ~(set << 1);
    size_t clusters = 0;

    memset(cluster, 0, TOCSIN__MAXIMA_TOP * sizeof *cluster);
    for (*above = 0; set; ++*above, set &= set - 1) {
        const uint32_t age = maxima_lowest(set);
        const uint16_t code = maxima_at(maxima, age);

        clusters += heads >> age & 1;
        cluster[clusters - 1] = code > cluster[clusters - 1] ? code : cluster[clusters - 1];
    }
    maxima_sort(cluster);
    return clusters;
}

/* What the scale is pulled towards: between short blocks' and long blocks', by the logarithm of their
 * length. */
static double maxima_prior(const tocsin__tail *tail, double length)
{
    if (length <= MAXIMA_SHORT)
        return MAXIMA_SCALE_PRIOR;

    const double body = tocsin__clamp((tail->threshold - tail->median) / MAXIMA_BODY,
                                      MAXIMA_BODY_MIN, MAXIMA_BODY_MAX);
    const double way =
        tocsin__min(tocsin__log(length / MAXIMA_SHORT) / MAXIMA_LOG_LONG, 1);

    return MAXIMA_SCALE_PRIOR + way * (body - MAXIMA_SCALE_PRIOR);
}

void tocsin__maxima_fit(const tocsin__maxima *maxima, double length, double seen,
                        tocsin__tail *tail)
{
    const size_t n = maxima->count;
    const size_t top = n / 4 > 4 ? n / 4 : 4;
    const maxima_ranks ranks = maxima_rank(maxima);
    uint16_t cluster[TOCSIN__MAXIMA_TOP];
    size_t above;

    /* Midway between the order statistics, in halves of a code's unit. */
    const uint32_t twice = (uint32_t)maxima_order(&ranks, top - 1) + maxima_order(&ranks, top);
    const size_t m = maxima_clusters(maxima, &ranks, twice, &above, cluster);
    const double md = (double)m;
    double a0 = 0, a1 = 0, shape = 0;

    tail->threshold = 0.5 * (double)twice / TOCSIN__LEVEL_UNIT;
    tail->blocks = (uint32_t)n;
    tail->clusters = (uint32_t)m;
    tail->median = 0.5 * (tocsin__level_of(maxima_order(&ranks, (n - 1) / 2)) +
                          tocsin__level_of(maxima_order(&ranks, n / 2)));
    for (size_t i = 0; i < m; i++) {
        const double excess = tocsin__level_of(cluster[i]) - tail->threshold;

        tail->cluster[i] = tocsin__level_of(cluster[i]);
        a0 += excess;
        a1 += excess * (double)i;       /* the largest first: i others are larger */
    }
    if (m > 0)
        a0 /= md;
    if (m > 1) {
        a1 /= md * (md - 1);
        shape = tocsin__clamp(a0 / tocsin__max(a0 - 2 * a1, 1e-9) - 2, -100, 100);
        shape = tocsin__clamp(shape * md / (md + MAXIMA_SHAPE_WEIGHT), MAXIMA_SHAPE_MIN,
                              MAXIMA_SHAPE_MAX);
    }

    const double prior = maxima_prior(tail, length);
    const double weight =
        MAXIMA_PRIOR_WEIGHT * tocsin__max(0, 1 - seen / MAXIMA_PRIOR_BLOCKS);

    tail->shape = shape;
    tail->scale = MAXIMA_SCALE_MIN;
    if (m > 0)
        tail->scale = tocsin__max(MAXIMA_SCALE_MIN,
                                  (1 + 1 / md) *
                                      (a0 * (1 + shape) + prior * weight) /
                                      (1 + weight));
    else if (weight > 0)
        tail->scale = MAXIMA_SCALE_UNKNOWN;
    /* In a discrete series many blocks may tie at the threshold itself. */
    const size_t reach = maxima_reach(&ranks, twice, n);

    tail->reach = -tocsin__log(1 - tocsin__min((double)reach, (double)n - 0.5) / (double)n);
    tail->rate = 0;
    if (m > 0)
        tail->rate = -tocsin__log(1 - (double)above / (double)n) * md / (double)above;
}

/* Below this a shape is taken for 0: the two laws differ by less than a level's unit. */
#define MAXIMA_SHAPE_ZERO 1e-4

double tocsin__excess_of(double scale, double shape, double minus_log)
{
    if (tocsin__abs(shape) < MAXIMA_SHAPE_ZERO)
        return scale * minus_log;
    if (shape > 0) {
        const double end = -MAXIMA_LOG_END / shape;

        if (minus_log > end)
            return scale * ((1 - MAXIMA_END) / shape + MAXIMA_END * (minus_log - end));
    }
    return scale * (1 - tocsin__exp(-shape * minus_log)) / shape;
}

double tocsin__excess_rarity(double scale, double shape, double excess)
{
    const double x = excess / scale;

    if (tocsin__abs(shape) < MAXIMA_SHAPE_ZERO)
        return x;

    const double left = 1 - shape * x;

    if (shape > 0 && left < MAXIMA_END)
        return -MAXIMA_LOG_END / shape + (MAXIMA_END - left) / (shape * MAXIMA_END);
    return -tocsin__log(left) / shape;
}
