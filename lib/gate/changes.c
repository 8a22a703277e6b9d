/* changes.c - change points of a whole history, by energy statistics and permutations.
 *
 * The statistic
 * -------------
 * For two stretches X (m values) and Y (k values) side by side, with |.| averaged over pairs,
 *
 *     Q = m k / (m + k) (2 |x - y| - |x - x'| - |y - y'|),
 *
 * which is 0 in expectation, up to a constant, if and only if both have one law (Szekely and
 * Rizzo 2013; Matteson and James 2014).  Values are replaced by their ranks in the segment under
 * test: no spike can outweigh the rest, and under the null the law of Q is the same for all
 * histories.  Q is maximised over the place of the change and over stretches: the segment itself,
 * and of its halves, quarters ... all that lie on a grid of half their length (seeded binary
 * segmentation, Kovacs et al. 2023), so that a level which came and went is not averaged away.
 *
 * Sums of |x - x'| are kept as the place of the change moves: a value that goes over from the right to
 * the left changes them by sums of distances to it, which two prefix sums over ranks tell, each
 * a Fenwick tree (Fenwick 1994).  Ranks are integers, twice the mid-rank, so all sums are exact and
 * the order they are made in does not matter.
 *
 * The test
 * --------
 * The same maximum is taken of permutations of the segment, and p = (1 + those as large) /
 * (1 + permutations): exact for independent values, because the maximum, not its place, is permuted.
 * It is given up as soon as the level can no longer be reached (Besag and Clifford 1991).
 *
 * Neighbours that are alike.  The autocorrelation is estimated from differences, v_k the mean of
 * (u_t - u_{t-k})^2 of ranks u: for a first-order autoregression v_2 / v_1 = 1 + rho, and v_5 / v_1 =
 * (1 - rho^5)/(1 - rho); the larger estimate counts.  A level that moves changes k differences only,
 * so the estimate hardly depends on what is to be found; for a history that is all but constant
 * between its steps it would, and so the ten largest differences at each lag are left out where that
 * makes it smaller.  Where it is beyond its own noise, blocks of 4 (1 + rho)/(1 - rho) values are
 * permuted, cut at a random offset (Kirch 2007).  What is lost where blocks join is known for the
 * autoregression, and the permuted statistics are scaled up by it: by (1 + rho)/(1 - rho) / (1 + 2
 * sum_{k<b} (1 - k/b) rho^k), the ratio of the variances of long sums.
 *
 * Segments
 * --------
 * A segment of l of the n values is tested at alpha l / n.  So at any stage, whatever has been found, the
 * levels of the segments that stand side by side add up to alpha.  If it has a change, both sides
 * are tested in turn.  Afterwards each change is moved to the best place between its neighbours and
 * tested again between them, the worst is dropped, until all hold: so what is reported is a statement
 * about the segments reported beside it.
 *
 * Effects are Hodges-Lehmann shifts, the median of all differences between the two sides (of
 * the 256 values next to the change on each, so that they are never more than 65,536), with the interval that
 * inverts the rank sum test, whose variance is multiplied by (1 + rho)/(1 - rho).
 *
 * Cost: O(n log^2 n) per permutation.
 *
 * How it fails.  The autoregression is a model: what stays alike for longer than blocks are long is taken
 * for a change.  A history of fewer than about 15 values has too few permutations that matter; of fewer
 * than twice min_segment none is looked at.
 */
#include "changes.h"

#include <float.h>

#include "../num/mathx.h"

#define CHANGES_PAIR_SIDE 256u      /* values of each side whose differences are taken */
#define CHANGES_LAG 5u              /* the longer of the two lags */
#define CHANGES_TRIMMED 10u         /* largest differences that are left out: of two changes */
#define CHANGES_RHO_MAX 0.95
#define CHANGES_BLOCK 4.0           /* of (1 + rho)/(1 - rho) */
#define CHANGES_BLOCKS_MIN 8u       /* so many blocks at least */
#define CHANGES_Z 1.959963984540054 /* of 95 % */

typedef struct {
    const double *value;
    size_t n;
    const tocsin_changes_options *options;
    uint64_t random;
    uint32_t *rank;         /* of the segment under test: twice the mid-rank less one, 1 .. 2l - 1 */
    uint32_t *shuffled;
    uint32_t *order;        /* scratch of ranking; of a permutation, its blocks */
    uint32_t *merged;
    int64_t *total;         /* per value of a stretch, the sum of its distances to all of the stretch */
    int64_t *tree_count;    /* Fenwick trees over half-ranks: how many values, and their sum */
    int64_t *tree_sum;
    double *pairs;
} changes_work;

size_t tocsin__changes_scratch(size_t n)
{
    const size_t side = n < CHANGES_PAIR_SIDE ? n : CHANGES_PAIR_SIDE;

    return (n + 1) * 3 * sizeof(int64_t) + side * side * sizeof(double) +
           (n + 2) / 2 * 2 * 4 * sizeof(uint32_t);
}

static changes_work changes_lay_out(const double *value, size_t n,
                                    const tocsin_changes_options *options, void *scratch)
{
    const size_t side = n < CHANGES_PAIR_SIDE ? n : CHANGES_PAIR_SIDE, even = (n + 2) / 2 * 2;
    changes_work w;

    w.value = value;
    w.n = n;
    w.options = options;
    w.random = options->seed;
    w.total = scratch;
    w.tree_count = w.total + n + 1;
    w.tree_sum = w.tree_count + n + 1;
    w.pairs = (double *)(void *)(w.tree_sum + n + 1);
    w.rank = (uint32_t *)(void *)(w.pairs + side * side);
    w.shuffled = w.rank + even;
    w.order = w.shuffled + even;
    w.merged = w.order + even;
    return w;
}

/* SplitMix64 (Steele, Lea and Flood 2014), to a range by multiplying (Lemire 2019). */
static uint32_t changes_below(changes_work *w, uint32_t bound)
{
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)((z >> 32) * bound >> 32);
}

/* ---- Ranks ------------------------------------------------------------------ */

/* Ranks of `value`, ties sharing their mean rank, as twice the rank less one. */
static void changes_rank(changes_work *w, const double *value, size_t length)
{
    uint32_t *from = w->order, *to = w->merged;

    for (size_t i = 0; i < length; i++)
        from[i] = (uint32_t)i;
    for (size_t width = 1; width < length; width *= 2) {
        uint32_t *swap;

        for (size_t begin = 0; begin < length; begin += 2 * width) {
            const size_t middle = begin + width < length ? begin + width : length;
            const size_t end = middle + width < length ? middle + width : length;
            size_t left = begin, right = middle;

            for (size_t i = begin; i < end; i++)
                to[i] = left < middle && (right == end || value[from[left]] <= value[from[right]])
                            ? from[left++]
                            : from[right++];
        }
        swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0, end; i < length; i = end) {
        for (end = i + 1; end < length && value[from[end]] == value[from[i]];)
            end++;
        for (size_t j = i; j < end; j++)
            w->rank[from[j]] = (uint32_t)(i + end);
    }
}

/* ---- The statistic ------------------------------------------------------------ */

/* A rank as an index of the trees, 1 .. length. */
static inline size_t changes_slot(uint32_t rank)
{
    return (rank + 1) / 2;
}

static inline void changes_insert(changes_work *w, size_t length, uint32_t rank)
{
    for (size_t i = changes_slot(rank); i <= length; i += i & (0 - i)) {
        w->tree_count[i]++;
        w->tree_sum[i] += rank;
    }
}

/* The sum of distances to all that was inserted: `count` values that sum to `sum`. */
static inline int64_t changes_distance(const changes_work *w, uint32_t rank, int64_t count,
                                       int64_t sum)
{
    int64_t below = 0, sum_below = 0;

    for (size_t i = changes_slot(rank); i > 0; i &= i - 1) {
        below += w->tree_count[i];
        sum_below += w->tree_sum[i];
    }
    return (int64_t)rank * (2 * below - count) + sum - 2 * sum_below;
}

static void changes_clear(changes_work *w, size_t length)
{
    memset(w->tree_count, 0, (length + 1) * sizeof *w->tree_count);
    memset(w->tree_sum, 0, (length + 1) * sizeof *w->tree_sum);
}

/* The largest Q of the stretch [begin, end) of `rank`, of a segment of `length`, and its place. */
static double changes_stretch(changes_work *w, const uint32_t *rank, size_t length, size_t begin,
                              size_t end, size_t *place)
{
    const size_t least = w->options->min_segment;
    const double n = (double)(end - begin);
    int64_t all = 0, left = 0, right = 0, sum = 0, sum_left = 0;
    double best = 0;

    if (end - begin < 2 * least)
        return 0;
    changes_clear(w, length);
    for (size_t i = begin; i < end; i++) {
        changes_insert(w, length, rank[i]);
        sum += rank[i];
    }
    for (size_t i = begin; i < end; i++) {
        w->total[i] = changes_distance(w, rank[i], (int64_t)(end - begin), sum);
        all += w->total[i];
    }
    right = all;
    changes_clear(w, length);
    for (size_t i = begin; i + least < end; i++) {
        const int64_t to_left = changes_distance(w, rank[i], (int64_t)(i - begin), sum_left);
        const double m = (double)(i + 1 - begin), k = n - m;
        double q;

        left += 2 * to_left;
        right -= 2 * (w->total[i] - to_left);
        changes_insert(w, length, rank[i]);
        sum_left += rank[i];
        if (i + 1 - begin < least)
            continue;
        /* Between: what is left of all pairs, each counted twice. */
        q = m * k / n *
            ((double)(all - left - right) / (m * k) - (double)left / (m * m) -
             (double)right / (k * k));
        if (q > best) {
            best = q;
            *place = i + 1;
        }
    }
    return best;
}

/* The largest of all stretches of a segment.  Ranks are 2 `length` at most: so is what Q is in. */
static double changes_maximum(changes_work *w, const uint32_t *rank, size_t length, size_t *place)
{
    size_t at = 0;
    double best = changes_stretch(w, rank, length, 0, length, place);

    for (size_t parts = 2; length / parts >= 4 * w->options->min_segment; parts *= 2)
        for (size_t half = 0; half + 2 <= 2 * parts; half++) {
            const size_t begin = length * half / (2 * parts);
            const size_t end = length * (half + 2) / (2 * parts);
            const double q = changes_stretch(w, rank, length, begin, end, &at);

            if (q > best) {
                best = q;
                *place = at;
            }
        }
    return best / (2 * (double)length);
}

/* ---- Autocorrelation ------------------------------------------------------------ */

/* Sum of squares of differences over a lag; *trimmed without the largest. */
static double changes_lagged(const uint32_t *rank, size_t length, size_t lag, double *trimmed)
{
    double largest[CHANGES_TRIMMED] = {0}, sum = 0;

    for (size_t i = lag; i < length; i++) {
        const double d = (double)rank[i] - (double)rank[i - lag];
        double square = d * d;

        sum += square;
        for (size_t j = 0; j < CHANGES_TRIMMED && square > 0; j++)
            if (square > largest[j]) {
                const double pushed = largest[j];

                largest[j] = square;
                square = pushed;
            }
    }
    *trimmed = sum;
    for (size_t j = 0; j < CHANGES_TRIMMED; j++)
        *trimmed -= largest[j];
    *trimmed /= (double)(length - lag - CHANGES_TRIMMED);
    return sum / (double)(length - lag);
}

/* The autocorrelation that mean squares over lags of 1, 2 and CHANGES_LAG tell. */
static double changes_solve(double v1, double v2, double v5)
{
    double low = 0, high = CHANGES_RHO_MAX;

    if (!(v1 > 0))
        return v5 > 0 ? CHANGES_RHO_MAX : 0;
    for (int i = 0; i < 40; i++) {
        const double middle = 0.5 * (low + high);

        /* (1 - rho^5) / (1 - rho), which rises with rho. */
        if (1 + middle * (1 + middle * (1 + middle * (1 + middle))) < v5 / v1)
            low = middle;
        else
            high = middle;
    }
    return tocsin__min(tocsin__max(v2 / v1 - 1, low), CHANGES_RHO_MAX);
}

/* 0 where there is none beyond the estimate's noise. */
static double changes_autocorrelation(const uint32_t *rank, size_t length)
{
    double v[3], trimmed[3], rho;

    if (length < 2 * (CHANGES_LAG + CHANGES_TRIMMED))
        return 0;
    v[0] = changes_lagged(rank, length, 1, &trimmed[0]);
    v[1] = changes_lagged(rank, length, 2, &trimmed[1]);
    v[2] = changes_lagged(rank, length, CHANGES_LAG, &trimmed[2]);
    rho = tocsin__min(changes_solve(v[0], v[1], v[2]),
                      changes_solve(trimmed[0], trimmed[1], trimmed[2]));
    return rho * rho * (double)length < 1 ? 0 : rho;
}

/* ---- The test -------------------------------------------------------------------- */

/* How a segment is permuted. */
typedef struct {
    double rho;
    uint32_t block;
    double scale;           /* of permuted statistics */
} changes_null;

static changes_null changes_choose(const changes_work *w, size_t length)
{
    changes_null null = {0, w->options->block, 1};

    if (null.block == 0) {
        null.block = 1;
        null.rho = changes_autocorrelation(w->rank, length);
        if (null.rho > 0) {
            const double ratio = (1 + null.rho) / (1 - null.rho);
            const double most = (double)(length / CHANGES_BLOCKS_MIN);

            null.block = (uint32_t)tocsin__max(1, tocsin__min(CHANGES_BLOCK * ratio, most));
        }
    } else if (null.block > 1) {
        null.rho = changes_autocorrelation(w->rank, length);
        if (null.block > length / 2)
            null.block = (uint32_t)(length / 2);
    }
    if (null.rho > 0) {
        double kept = 1, power = 1;

        for (uint32_t k = 1; k < null.block; k++) {
            power *= null.rho;
            kept += 2 * (1 - (double)k / null.block) * power;
        }
        null.scale = (1 + null.rho) / (1 - null.rho) / kept;
    }
    return null;
}

static void changes_permute(changes_work *w, size_t length, uint32_t block)
{
    const uint32_t offset = block > 1 ? changes_below(w, block) : 0;
    uint32_t blocks = 0;
    size_t at = 0;

    for (size_t begin = 0; begin < length; blocks++) {
        w->order[blocks] = (uint32_t)begin;
        begin = blocks == 0 && offset > 0 ? offset : begin + block;
    }
    for (uint32_t i = blocks; i > 1; i--) {
        const uint32_t j = changes_below(w, i), swap = w->order[i - 1];

        w->order[i - 1] = w->order[j];
        w->order[j] = swap;
    }
    for (uint32_t i = 0; i < blocks; i++) {
        const size_t begin = w->order[i];
        const size_t whole = begin == 0 && offset > 0 ? offset : block;
        const size_t size = begin + whole < length ? whole : length - begin;

        memcpy(w->shuffled + at, w->rank + begin, size * sizeof *w->rank);
        at += size;
    }
}

/* The p-value of the segment's maximum, or one that is beyond `level` as soon as it must be. */
static double changes_test(changes_work *w, size_t length, const changes_null *null, double q,
                           double level)
{
    const uint32_t permutations = w->options->permutations;
    const double most = level * (permutations + 1.0) - 1;   /* permuted ones that may be as large */
    uint32_t larger = 0;
    size_t place = 0;

    if (most < 0 || q <= 0)
        return 1;
    for (uint32_t i = 0; i < permutations; i++) {
        changes_permute(w, length, null->block);
        larger += changes_maximum(w, w->shuffled, length, &place) * null->scale >= q;
        if (larger > most)
            return (1.0 + larger) / (2.0 + i);
    }
    return (1.0 + larger) / (1.0 + permutations);
}

/* ---- Segments --------------------------------------------------------------------- */

/* Test the segment [from, to); fills in index, p, statistic and autocorrelation.  Returns whether
 * there is a change. */
static int changes_segment(changes_work *w, size_t from, size_t to, tocsin_change *change)
{
    const size_t length = to - from;
    const double level = w->options->alpha * (double)length / (double)w->n;
    changes_null null;
    size_t place = 0;

    if (length < 2 * (size_t)w->options->min_segment)
        return 0;
    changes_rank(w, w->value + from, length);
    null = changes_choose(w, length);
    change->statistic = changes_maximum(w, w->rank, length, &place);
    change->index = from + place;
    change->from = from;
    change->to = to;
    change->autocorrelation = null.rho;
    change->p = changes_test(w, length, &null, change->statistic, level);
    return change->p <= level;
}

/* Divide [0, n) until no part has a change.  The parts that wait for their test are those between
 * `from`, the changes found behind it, and the end; the first of them is next. */
static size_t changes_divide(changes_work *w, tocsin_change *found)
{
    size_t count = 0, at = 0, from = 0;

    while (from < w->n) {
        const size_t to = at < count ? (size_t)found[at].index : w->n;
        tocsin_change change;

        memset(&change, 0, sizeof change);
        if (changes_segment(w, from, to, &change)) {
            memmove(found + at + 1, found + at, (count - at) * sizeof *found);
            found[at] = change;
            count++;
        } else {
            from = to;
            at++;
        }
    }
    return count;
}

/* Move each change to its best place between its neighbours.  Returns whether one moved. */
static int changes_settle(changes_work *w, tocsin_change *found, size_t count)
{
    int moved = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t from = i > 0 ? (size_t)found[i - 1].index : 0;
        const size_t to = i + 1 < count ? (size_t)found[i + 1].index : w->n;
        size_t place = 0;

        changes_rank(w, w->value + from, to - from);
        if (changes_stretch(w, w->rank, to - from, 0, to - from, &place) > 0 &&
            from + place != found[i].index) {
            found[i].index = from + place;
            moved = 1;
        }
    }
    return moved;
}

/* Test each change between its neighbours; drop the least certain while one does not hold. */
static size_t changes_confirm(changes_work *w, tocsin_change *found, size_t count)
{
    for (;;) {
        size_t worst = count;
        double worst_excess = 1;

        for (int rounds = 0; rounds < 4 && changes_settle(w, found, count); rounds++)
            continue;
        for (size_t i = 0; i < count; i++) {
            const size_t from = i > 0 ? (size_t)found[i - 1].index : 0;
            const size_t to = i + 1 < count ? (size_t)found[i + 1].index : w->n;
            const double level = w->options->alpha * (double)(to - from) / (double)w->n;
            tocsin_change change = found[i];

            if (change.from != from || change.to != to) {
                changes_segment(w, from, to, &change);
                change.index = found[i].index;
                found[i] = change;
            }
            if (change.p / level > worst_excess) {
                worst_excess = change.p / level;
                worst = i;
            }
        }
        if (worst == count)
            return count;
        memmove(found + worst, found + worst + 1, (count - worst - 1) * sizeof *found);
        count--;
    }
}

/* ---- Effects ------------------------------------------------------------------------ */

/* Heap sort: in place, n log n for any input. */
static void changes_sort(double *value, size_t count)
{
    for (size_t left = count / 2, end = count; end > 1;) {
        double moving;
        size_t at, child;

        if (left > 0) {
            moving = value[--left];
        } else {
            moving = value[--end];
            value[end] = value[0];
        }
        at = left;
        while ((child = 2 * at + 1) < end) {
            if (child + 1 < end && value[child + 1] > value[child])
                child++;
            if (value[child] <= moving)
                break;
            value[at] = value[child];
            at = child;
        }
        value[at] = moving;
    }
}

static double changes_middle(const double *sorted, size_t count)
{
    return 0.5 * sorted[(count - 1) / 2] + 0.5 * sorted[count / 2];
}

static void changes_measure(changes_work *w, tocsin_change *change)
{
    const size_t index = (size_t)change->index;
    const size_t side = w->n < CHANGES_PAIR_SIDE ? w->n : CHANGES_PAIR_SIDE;
    const size_t m = index - change->from < side ? index - (size_t)change->from : side;
    const size_t k = change->to - index < side ? (size_t)change->to - index : side;
    const double rho = change->autocorrelation, pairs = (double)m * (double)k;
    const double deviation = tocsin__sqrt(pairs * ((double)m + (double)k + 1) / 12 *
                                          (1 + rho) / (1 - rho));
    const double outer = tocsin__max(0, 0.5 * pairs - CHANGES_Z * deviation);
    const size_t low = (size_t)outer;

    memcpy(w->pairs, w->value + index - m, m * sizeof *w->pairs);
    changes_sort(w->pairs, m);
    change->before = changes_middle(w->pairs, m);
    memcpy(w->pairs, w->value + index, k * sizeof *w->pairs);
    changes_sort(w->pairs, k);
    change->after = changes_middle(w->pairs, k);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < k; j++)
            w->pairs[i * k + j] = tocsin__clamp(w->value[index + j] - w->value[index - m + i],
                                                -DBL_MAX, DBL_MAX);
    changes_sort(w->pairs, m * k);
    change->shift = changes_middle(w->pairs, m * k);
    change->shift_lower = w->pairs[low];
    change->shift_upper = w->pairs[m * k - 1 - low];
    if (change->before != 0)
        change->effect = tocsin__clamp(change->shift / tocsin__abs(change->before), -DBL_MAX,
                                       DBL_MAX);
    else
        change->effect = change->shift > 0 ? tocsin__infinity()
                                           : change->shift < 0 ? -tocsin__infinity() : 0;
}

size_t tocsin__changes(tocsin_change *found, const double *values, size_t n,
                       const tocsin_changes_options *options, void *scratch)
{
    changes_work w = changes_lay_out(values, n, options, scratch);
    size_t count = changes_confirm(&w, found, changes_divide(&w, found)), kept = 0;

    for (size_t i = 0; i < count; i++) {
        changes_measure(&w, &found[i]);
        if (tocsin__abs(found[i].effect) >= options->min_effect)
            found[kept++] = found[i];
    }
    return kept;
}
