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
 * the left changes them by its distance to all that is left of it, and to the whole stretch.  A
 * stretch is two blocks side by side; merging the blocks, each sorted, tells of each value
 * its distance to all of the other block, and what is merged is a block of the next size.  So all
 * stretches together take one merge sort.  Ranks are integers, twice the mid-rank, so all sums are exact
 * and the order they are made in does not matter.
 *
 * The test
 * --------
 * The same maximum is taken of permutations of the segment, and p = (1 + those as large) /
 * (1 + permutations): exact for independent values, because the maximum, not its place, is permuted.
 * It is given up as soon as the level can no longer be reached (Besag and Clifford 1991), so a
 * segment without a change takes some ten of them.
 *
 * A segment with a plain change needs none.  The rank sum of any m of the values, k others left,
 * standardised to z, has under the null P(|z| >= x) <= 2 exp(-x^2 / 2) for any m and k, not only
 * in the limit: its generating function is a Gaussian binomial, a product over i of f(k + i)/f(i),
 * f(j) = sinh(j t/2) / (j t/2); and since (j t)^2 / 24 - log f(j) rises with j, its logarithm is
 * at most t^2/2 times the exact variance m k (m + k + 1) / 12.  Ties are averages over the ways to break
 * them, which Jensen's inequality lets stand.  Summed over all intervals that is a p-value; 1 % of the
 * level goes to it, and the permutations have the rest.
 *
 * Neighbours that are alike.  The autocorrelation is estimated from differences, v_k the mean of
 * (u_t - u_{t-k})^2 of ranks u: for a first-order autoregression v_2 / v_1 = 1 + rho, and v_5 / v_1 =
 * (1 - rho^5)/(1 - rho); the larger estimate counts.  A level that moves changes k differences only,
 * so the estimate hardly depends on what is to be found; for a history that is all but constant
 * between its steps it would, and so the ten largest differences at each lag are left out where that
 * makes it smaller.  Where it is beyond its own noise, blocks of 4 (1 + rho)/(1 - rho) values are
 * permuted, cut at a random offset (Kirch 2007); the rank sums are then those of blocks.  What is lost
 * where blocks join is known for the
 * autoregression, and the permuted statistics are scaled up by it: by (1 + rho)/(1 - rho) / (1 + 2
 * sum_{k<b} (1 - k/b) rho^k), the ratio of the variances of long sums.
 *
 * Long segments
 * -------------
 * One look takes CHANGES_ITEMS items at most.  A longer segment is looked at as a whole, its items the rank
 * sums of as many stretches of equal length: exchangeable if the values are, so nothing is lost but
 * what is much shorter than a thousandth of it.  That is for windows, of CHANGES_ITEMS values and twice,
 * four times ... as many, each overlapping the one before by half.  The whole has one half of the segment's
 * level, the windows share the other.  They are looked at in the order of their ends, up to the first
 * that has a change; a change found on a coarse grid is then moved to its best place among the values
 * around it.
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
 * the 256 values next to the change on each), with the interval that
 * inverts the rank sum test, whose variance is multiplied by (1 + rho)/(1 - rho).
 *
 * Cost: a look is O(l log l) for each permutation of its l items, and O(l^2) for the rank sums, a fraction
 * of a nanosecond each.  A level too small for the permutations asked for has 2 / level of them; where
 * that is more than CHANGES_EXTRA times as many, the whole level goes to the rank sums.  All looks
 * together permute `permutations` times CHANGES_WORK + n / 4 items at most; when that is
 * spent, only rank sums are left to find changes by.
 *
 * How it fails.  The autoregression is a model: what stays alike for longer than blocks are long is taken
 * for a change.  A history of fewer than about 15 values has too few permutations that matter; of fewer
 * than twice min_segment none is looked at.  In a long history a short level has to stand out from more
 * chances: of 100,000 values, five that moved are a spike, forty by three standard deviations a level.
 */
#include "changes.h"

#include <float.h>

#include "../num/mathx.h"

#define CHANGES_ITEMS 1024u         /* of one look */
#define CHANGES_ITEM_SEGMENT 5u     /* items that make a level, where an item is many values */
#define CHANGES_LEAF 16u            /* items that are sorted by insertion */
#define CHANGES_WORK 16384u
#define CHANGES_EXTRA 16u
#define CHANGES_BOUND 0.01          /* share of the level that rank sums have */
#define CHANGES_DIGIT 10u           /* bits of a radix sort's digit */
#define CHANGES_PAIR_SIDE 256u      /* values of each side whose differences are taken */
#define CHANGES_LAG 5u              /* the longer of the two lags */
#define CHANGES_TRIMMED 10u         /* largest differences that are left out: of two changes */
#define CHANGES_RHO_MAX 0.95
#define CHANGES_BLOCK 4.0           /* of (1 + rho)/(1 - rho) */
#define CHANGES_BLOCKS_MIN 8u       /* so many blocks at least */
#define CHANGES_SETTLE_ROUNDS 4
#define CHANGES_Z 1.959963984540054 /* of 95 % */

/* The neighbours that a change was last settled between. */
typedef struct {
    size_t from, to;
} changes_settled;

/* Blocks of items that are merged. */
typedef struct {
    uint32_t *item;         /* by rank, block by block: rank * CHANGES_ITEMS + place */
    int32_t *before;        /* of each item, the sum of its distances to those before it in its block */
    int32_t *total;         /* and to all of its block */
} changes_sorted;

typedef struct {
    const double *value;
    size_t n;
    const tocsin_changes_options *options;
    uint64_t random;
    uint64_t work;          /* items that may still be permuted */
    changes_settled *settled;
    uint32_t *order;        /* of each value in the whole history: ties share theirs */
    uint32_t *key;          /* scratch of ranking */
    uint32_t *from_slot, *to_slot;
    uint32_t *rank;         /* of the items under test: twice the mid-rank less one, 1 .. 2l - 1 */
    uint32_t *shuffled;
    uint32_t *blocks;       /* of a permutation */
    changes_sorted sorted[2];
    int32_t *across;        /* of each item, the sum of its distances to all of the block beside */
} changes_work;

static size_t changes_items_max(size_t n)
{
    return n < CHANGES_ITEMS ? n : CHANGES_ITEMS;
}

size_t tocsin__changes_scratch(size_t n, size_t most)
{
    return (most + 1) * sizeof(changes_settled) +
           (5 * n + 9 * changes_items_max(n) + 1) / 2 * 2 * sizeof(uint32_t);
}

static changes_work changes_lay_out(const double *value, size_t n, size_t most,
                                    const tocsin_changes_options *options, void *scratch)
{
    const size_t items = changes_items_max(n);
    changes_work w;

    w.value = value;
    w.n = n;
    w.options = options;
    w.random = options->seed;
    w.work = (uint64_t)options->permutations * (CHANGES_WORK + n / 4);
    w.settled = scratch;
    w.order = (uint32_t *)(void *)(w.settled + most + 1);
    w.key = w.order + n;
    w.from_slot = w.key + n;
    w.to_slot = w.from_slot + n;
    w.rank = w.to_slot + n;
    w.shuffled = w.rank + n;
    w.blocks = w.shuffled + items;
    for (int i = 0; i < 2; i++) {
        w.sorted[i].item = w.blocks + items + (size_t)i * 3 * items;
        w.sorted[i].before = (int32_t *)w.sorted[i].item + items;
        w.sorted[i].total = w.sorted[i].before + items;
    }
    w.across = w.sorted[1].total + items;
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

/* The order of all values, by merging: 0 .. n - 1, ties sharing the least. */
static void changes_order(changes_work *w)
{
    const double *value = w->value;
    uint32_t *from = w->from_slot, *to = w->to_slot, tied = 0;

    for (size_t i = 0; i < w->n; i++)
        from[i] = (uint32_t)i;
    for (size_t width = 1; width < w->n; width *= 2) {
        uint32_t *swap;

        for (size_t begin = 0; begin < w->n; begin += 2 * width) {
            const size_t middle = begin + width < w->n ? begin + width : w->n;
            const size_t end = middle + width < w->n ? middle + width : w->n;
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
    for (size_t i = 0; i < w->n; i++) {
        if (i > 0 && value[from[i]] != value[from[i - 1]])
            tied = (uint32_t)i;
        w->order[from[i]] = tied;
    }
}

/* Ranks of whole numbers, ties sharing their mean rank, as twice the rank less one.  A radix sort:
 * linear.  `rank` may be `key`. */
static void changes_rank(changes_work *w, const uint32_t *key, size_t length, uint32_t *rank)
{
    uint32_t *from = w->from_slot, *to = w->to_slot, largest = 0;

    for (size_t i = 0; i < length; i++) {
        from[i] = (uint32_t)i;
        largest = key[i] > largest ? key[i] : largest;
    }
    for (uint32_t shift = 0; shift < 32 && largest >> shift > 0; shift += CHANGES_DIGIT) {
        const uint32_t mask = (1u << CHANGES_DIGIT) - 1;
        uint32_t begin[1u << CHANGES_DIGIT] = {0}, sum = 0, *swap;

        for (size_t i = 0; i < length; i++)
            begin[(key[i] >> shift) & mask]++;
        for (uint32_t digit = 0; digit <= mask; digit++) {
            const uint32_t count = begin[digit];

            begin[digit] = sum;
            sum += count;
        }
        for (size_t i = 0; i < length; i++)
            to[begin[(key[from[i]] >> shift) & mask]++] = from[i];
        swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0, end; i < length; i = end) {
        const uint32_t tied = key[from[i]];

        for (end = i + 1; end < length && key[from[end]] == tied;)
            end++;
        for (size_t j = i; j < end; j++)
            to[from[j]] = (uint32_t)(i + end);
    }
    memcpy(rank, to, length * sizeof *rank);
}

/* Sums of `size` numbers side by side; what is left over at the end is left out.  Returns how many. */
static size_t changes_sum(const uint32_t *number, size_t length, size_t size, uint32_t *sum)
{
    const size_t count = length / size;

    for (size_t i = 0; i < count; i++) {
        uint32_t all = 0;

        for (size_t j = 0; j < size; j++)
            all += number[i * size + j];
        sum[i] = all;
    }
    return count;
}

/* ---- The statistic ------------------------------------------------------------ */

/* What one look is at: `length` items of `size` values each, from `from` on; their ranks are w->rank. */
typedef struct {
    size_t from, size, length;
    size_t least;           /* items that make a level */
} changes_items;

static changes_items changes_view(changes_work *w, size_t from, size_t to)
{
    const size_t length = to - from, asked = w->options->min_segment;
    const size_t few = asked < CHANGES_ITEM_SEGMENT ? asked : CHANGES_ITEM_SEGMENT;
    changes_items items = {from, (length + CHANGES_ITEMS - 1) / CHANGES_ITEMS, length, asked};

    changes_rank(w, w->order + from, length, w->rank);
    if (items.size > 1) {
        items.least = (asked + items.size - 1) / items.size;
        items.least = items.least > few ? items.least : few;
        items.length = changes_sum(w->rank, length, items.size, w->key);
        changes_rank(w, w->key, items.length, w->rank);
    }
    return items;
}

/* A block of a few items. */
static void changes_leaf(changes_sorted *to, const uint32_t *rank, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        const uint32_t item = (uint32_t)(rank[i] * CHANGES_ITEMS + i);
        size_t at = i;

        to->before[i] = to->total[i] = 0;
        for (size_t j = begin; j < i; j++) {
            const int32_t distance = (int32_t)(rank[i] > rank[j] ? rank[i] - rank[j]
                                                                 : rank[j] - rank[i]);

            to->before[i] += distance;
            to->total[i] += distance;
            to->total[j] += distance;
        }
        for (; at > begin && to->item[at - 1] > item; at--)
            to->item[at] = to->item[at - 1];
        to->item[at] = item;
    }
}

/* Merge the blocks [begin, middle) and [middle, end) into `merged`; fills in w->across. */
static void changes_merge(changes_work *w, const uint32_t *item, size_t begin, size_t middle,
                          size_t end, uint32_t *merged)
{
    const int32_t count[2] = {(int32_t)(middle - begin), (int32_t)(end - middle)};
    const uint32_t *const block[2] = {item + begin, item + middle};
    int32_t taken[2] = {0, 0}, sum[2] = {0, 0}, below[2] = {0, 0};

    for (size_t i = begin; i < end; i++)
        sum[i >= middle] += (int32_t)(item[i] / CHANGES_ITEMS);
    for (size_t i = begin; i < end; i++) {
        const int side = taken[0] == count[0] ||
                         (taken[1] < count[1] && block[1][taken[1]] < block[0][taken[0]]);
        const uint32_t next = block[side][taken[side]];
        const int32_t rank = (int32_t)(next / CHANGES_ITEMS);
        const int other = !side;

        w->across[next % CHANGES_ITEMS] =
            rank * (2 * taken[other] - count[other]) + sum[other] - 2 * below[other];
        taken[side]++;
        below[side] += rank;
        merged[i] = next;
    }
}

/* The largest Q of the stretch of two blocks that were just merged, and its place. */
static double changes_stretch(const changes_work *w, const changes_sorted *blocks, size_t least,
                              size_t begin, size_t middle, size_t end, size_t *place)
{
    const double n = (double)(end - begin);
    int64_t all = 0, left = 0, right;
    double best = 0;

    for (size_t i = begin; i < end; i++)
        all += blocks->total[i] + w->across[i];
    right = all;
    for (size_t i = begin; i + least < end; i++) {
        const int64_t before = blocks->before[i] + (i >= middle ? w->across[i] : 0);
        const int64_t total = blocks->total[i] + w->across[i];
        const double m = (double)(i + 1 - begin), k = n - m;
        double q;

        left += 2 * before;
        right -= 2 * (total - before);
        if (i + 1 - begin < least)
            continue;
        /* Between: what is left of all pairs, each counted twice. */
        q = (double)(all - left - right) - (double)left * k / m - (double)right * m / k;
        if (q > best) {
            best = q;
            *place = i + 1;
        }
    }
    return best / n;
}

/* The largest Q of the whole, or with `nested` of all stretches.  Ranks are 2 `length` at most: so is
 * what Q is in. */
static double changes_maximum(changes_work *w, const uint32_t *rank, const changes_items *items,
                              int nested, size_t *place)
{
    const size_t length = items->length;
    changes_sorted *from = &w->sorted[0], *to = &w->sorted[1];
    size_t parts = 1;
    double best = 0;

    if (length < 2 * items->least)
        return 0;
    while (length / (2 * parts) > CHANGES_LEAF)
        parts *= 2;
    for (size_t half = 0; half < 2 * parts; half++)
        changes_leaf(from, rank, length * half / (2 * parts), length * (half + 1) / (2 * parts));
    for (; parts > 0; parts /= 2) {
        const int is_looked_at = parts == 1 || (nested && length / parts >= 4 * items->least);
        changes_sorted *swap;

        for (size_t half = 0; half + 2 <= 2 * parts; half++) {
            const size_t begin = length * half / (2 * parts);
            const size_t middle = length * (half + 1) / (2 * parts);
            const size_t end = length * (half + 2) / (2 * parts);
            size_t at = 0;
            double q;

            if (half % 2 == 1 && !is_looked_at)
                continue;
            changes_merge(w, from->item, begin, middle, end,
                          half % 2 == 0 ? to->item : w->from_slot);
            q = is_looked_at ? changes_stretch(w, from, items->least, begin, middle, end, &at) : 0;
            if (q > best) {
                best = q;
                *place = at;
            }
            for (size_t i = begin; half % 2 == 0 && i < end; i++) {
                to->before[i] = from->before[i] + (i >= middle ? w->across[i] : 0);
                to->total[i] = from->total[i] + w->across[i];
            }
        }
        swap = from;
        from = to;
        to = swap;
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

/* Of w->rank, unless its values are said to be independent. */
static double changes_rho(const changes_work *w, size_t length)
{
    return w->options->block == 1 ? 0 : changes_autocorrelation(w->rank, length);
}

static changes_null changes_choose(const changes_work *w, const changes_items *items)
{
    const size_t asked = (w->options->block + items->size - 1) / items->size;
    changes_null null = {changes_rho(w, items->length), 1, 1};

    if (asked > 0) {
        null.block = (uint32_t)(asked < items->length / 2 ? asked : items->length / 2);
    } else if (null.rho > 0) {
        const double ratio = (1 + null.rho) / (1 - null.rho);
        const double most = (double)(items->length / CHANGES_BLOCKS_MIN);

        null.block = (uint32_t)tocsin__max(1, tocsin__min(CHANGES_BLOCK * ratio, most));
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
        w->blocks[blocks] = (uint32_t)begin;
        begin = blocks == 0 && offset > 0 ? offset : begin + block;
    }
    for (uint32_t i = blocks; i > 1; i--) {
        const uint32_t j = changes_below(w, i), swap = w->blocks[i - 1];

        w->blocks[i - 1] = w->blocks[j];
        w->blocks[j] = swap;
    }
    for (uint32_t i = 0; i < blocks; i++) {
        const size_t begin = w->blocks[i];
        const size_t whole = begin == 0 && offset > 0 ? offset : block;
        const size_t size = begin + whole < length ? whole : length - begin;

        memcpy(w->shuffled + at, w->rank + begin, size * sizeof *w->rank);
        at += size;
    }
}

/* A p-value of the largest rank sum of an interval, from its bound; of intervals of blocks, where they are
 * what is permuted. */
static double changes_bound(changes_work *w, const changes_items *items, const changes_null *null)
{
    int32_t *left = w->across;      /* rank sums of all before, less what they are expected to be */
    const uint32_t *rank = w->rank;
    size_t length = items->length;
    double largest = 0;

    if (null->block > 1) {
        length = changes_sum(w->rank, length, null->block, w->key);
        changes_rank(w, w->key, length, w->key);
        rank = w->key;
    }
    left[0] = 0;
    for (size_t i = 0; i + 1 < length; i++)
        left[i + 1] = left[i] + (int32_t)rank[i] - (int32_t)length;
    for (size_t m = 1; m < length; m++) {
        const double n = (double)length, k = n - (double)m;
        int32_t farthest = 0;

        for (size_t i = 0; i + m < length; i++) {
            const int32_t excess = left[i + m] - left[i];
            const int32_t distance = excess < 0 ? -excess : excess;

            farthest = distance > farthest ? distance : farthest;
        }
        largest = tocsin__max(largest, 3 * (double)farthest * farthest /
                                           ((double)m * k * (n + 1)));
    }
    /* An interval and all outside it have the same z. */
    return (double)length * (double)length * tocsin__exp(-0.5 * largest / null->scale);
}

/* The p-value of the largest statistic by permutations, or one that is beyond `level` as soon as it
 * must be. */
static double changes_permuted(changes_work *w, const changes_items *items,
                               const changes_null *null, double q, double level)
{
    const uint64_t affordable = w->work / items->length, asked = w->options->permutations;
    const uint64_t enough = (uint64_t)tocsin__min(2 / level, (double)affordable);
    const uint64_t wanted = enough > asked ? enough : asked;
    const uint64_t permutations = wanted < affordable ? wanted : affordable;
    const double most = level * ((double)permutations + 1) - 1; /* permuted ones that may be as large */
    uint64_t larger = 0;
    size_t place = 0;

    if (most < 0)
        return 1;
    for (uint64_t i = 0; i < permutations; i++) {
        w->work -= items->length;
        changes_permute(w, items->length, null->block);
        larger += changes_maximum(w, w->shuffled, items, 1, &place) * null->scale >= q;
        if ((double)larger > most)
            return (1 + (double)larger) / (2 + (double)i);
    }
    return (1 + (double)larger) / (1 + (double)permutations);
}

/* ---- Segments --------------------------------------------------------------------- */

/* Look at [from, to), one look of `looks` that share a level.  Fills in index, statistic, and p, times
 * `looks`, if that is less than it was.  Returns whether there is a change. */
static int changes_look(changes_work *w, size_t from, size_t to, double level, double looks,
                        tocsin_change *change)
{
    const changes_items items = changes_view(w, from, to);
    const changes_null null = changes_choose(w, &items);
    size_t place = 0;
    double p;
    const double q = changes_maximum(w, w->rank, &items, 1, &place);

    level /= looks;
    if (!(q > 0))
        return 0;
    p = changes_bound(w, &items, &null);
    if (2 / level < (double)CHANGES_EXTRA * w->options->permutations) {
        p /= CHANGES_BOUND;
        if (p > level)
            p = changes_permuted(w, &items, &null, q, level * (1 - CHANGES_BOUND)) /
                (1 - CHANGES_BOUND);
    }
    if (p * looks < change->p) {
        change->p = p * looks;
        change->statistic = q;
        change->index = from + place * items.size;
    }
    return p <= level;
}

/* Move a change to its best place among the values around it. */
static void changes_refine(changes_work *w, size_t from, size_t to, uint64_t *index)
{
    const size_t half = CHANGES_ITEMS / 2, at = (size_t)*index;
    const size_t begin = at - from > half ? at - half : from;
    const size_t end = to - at > half ? at + half : to;
    const changes_items items = changes_view(w, begin, end);
    size_t place = 0;

    if (changes_maximum(w, w->rank, &items, 0, &place) > 0)
        *index = begin + place;
}

/* Look at windows of all sizes, those first that end first, up to one with a change.  They have half of
 * the level. */
static int changes_windows(changes_work *w, size_t from, size_t to, double level,
                           tocsin_change *change)
{
    size_t next[64] = {0}, count[64] = {0}, scales = 0, looks = 0;

    for (size_t size = CHANGES_ITEMS; size < to - from; size *= 2) {
        count[scales] = (to - from - size + size / 2 - 1) / (size / 2) + 1;
        looks += count[scales++];
    }
    for (size_t done = 0; done < looks; done++) {
        size_t best = 0, begin = 0, end = SIZE_MAX;

        for (size_t k = 0; k < scales; k++) {
            const size_t size = (size_t)CHANGES_ITEMS << k, room = to - from - size;
            const size_t start =
                count[k] > 1 ? (size_t)((uint64_t)room * next[k] / (count[k] - 1)) : 0;

            if (next[k] < count[k] && start + size < end) {
                best = k;
                begin = start;
                end = start + size;
            }
        }
        next[best]++;
        if (changes_look(w, from + begin, from + end, level, 2 * (double)looks, change))
            return 1;
    }
    return 0;
}

/* Test the segment [from, to); fills in all but the effect.  Returns whether there is a change. */
static int changes_segment(changes_work *w, size_t from, size_t to, tocsin_change *change)
{
    const size_t length = to - from;
    const double level = w->options->alpha * (double)length / (double)w->n;
    int is_found;

    change->from = from;
    change->to = to;
    change->p = 1;
    if (length < 2 * (size_t)w->options->min_segment)
        return 0;
    changes_rank(w, w->order + from, length, w->rank);
    change->autocorrelation = changes_rho(w, length);
    if (length <= CHANGES_ITEMS)
        return changes_look(w, from, to, level, 1, change);
    is_found = changes_look(w, from, to, level, 2, change) ||
               changes_windows(w, from, to, level, change);
    if (is_found)
        changes_refine(w, from, to, &change->index);
    return is_found;
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

static size_t changes_before(const tocsin_change *found, size_t i)
{
    return i > 0 ? (size_t)found[i - 1].index : 0;
}

static size_t changes_behind(const changes_work *w, const tocsin_change *found, size_t count,
                             size_t i)
{
    return i + 1 < count ? (size_t)found[i + 1].index : w->n;
}

/* Move each change to its best place between its neighbours, if they are not those it was settled
 * between.  Returns whether one moved. */
static int changes_settle(changes_work *w, tocsin_change *found, size_t count)
{
    int moved = 0;

    for (size_t i = 0; i < count; i++) {
        const changes_settled now = {changes_before(found, i), changes_behind(w, found, count, i)};
        uint64_t index = found[i].index;
        size_t place = 0;

        if (w->settled[i].from == now.from && w->settled[i].to == now.to)
            continue;
        w->settled[i] = now;
        const changes_items items = changes_view(w, now.from, now.to);
        if (!(changes_maximum(w, w->rank, &items, 0, &place) > 0))
            continue;
        index = now.from + place * items.size;
        if (items.size > 1)
            changes_refine(w, now.from, now.to, &index);
        moved |= index != found[i].index;
        found[i].index = index;
    }
    return moved;
}

/* Test each change between its neighbours; drop the least certain while one does not hold. */
static size_t changes_confirm(changes_work *w, tocsin_change *found, size_t count)
{
    memset(w->settled, 0, count * sizeof *w->settled);
    for (;;) {
        size_t worst = count;
        double worst_excess = 1;

        for (int i = 0; i < CHANGES_SETTLE_ROUNDS && changes_settle(w, found, count); i++)
            continue;
        for (size_t i = 0; i < count; i++) {
            const size_t from = changes_before(found, i), to = changes_behind(w, found, count, i);
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
        memmove(w->settled + worst, w->settled + worst + 1,
                (count - worst - 1) * sizeof *w->settled);
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

/* The two sides of a change, sorted. */
typedef struct {
    double before[CHANGES_PAIR_SIDE], after[CHANGES_PAIR_SIDE];
    size_t m, k;
} changes_sides;

static double changes_difference(double after, double before)
{
    return tocsin__clamp(after - before, -DBL_MAX, DBL_MAX);
}

/* How many of all differences between the sides are at most `bound`: a walk along a staircase. */
static size_t changes_at_most(const changes_sides *s, double bound)
{
    size_t count = 0, i = 0;

    for (size_t j = 0; j < s->k; j++) {
        while (i < s->m && changes_difference(s->after[j], s->before[i]) > bound)
            i++;
        count += s->m - i;
    }
    return count;
}

/* Finite doubles in order are whole numbers in order. */
static double changes_of_order(int64_t order)
{
    const uint64_t bits = order < 0 ? UINT64_C(1) << 63 | (uint64_t)-order : (uint64_t)order;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The difference of rank `rank`, from 0: all doubles there are, halved 64 times. */
static double changes_pair(const changes_sides *s, size_t rank)
{
    int64_t low = -INT64_C(0x7fefffffffffffff), high = INT64_C(0x7fefffffffffffff);

    while (low < high) {
        const int64_t middle = low + (int64_t)(((uint64_t)high - (uint64_t)low) / 2);

        if (changes_at_most(s, changes_of_order(middle)) > rank)
            high = middle;
        else
            low = middle + 1;
    }
    return changes_of_order(low);
}

static void changes_measure(changes_work *w, tocsin_change *change)
{
    const size_t index = (size_t)change->index, side = CHANGES_PAIR_SIDE;
    const size_t m = index - change->from < side ? index - (size_t)change->from : side;
    const size_t k = change->to - index < side ? (size_t)change->to - index : side;
    const double rho = change->autocorrelation, pairs = (double)m * (double)k;
    const double deviation = tocsin__sqrt(pairs * ((double)m + (double)k + 1) / 12 *
                                          (1 + rho) / (1 - rho));
    const size_t low = (size_t)tocsin__max(0, 0.5 * pairs - CHANGES_Z * deviation);
    changes_sides s;

    s.m = m;
    s.k = k;
    memcpy(s.before, w->value + index - m, m * sizeof *s.before);
    memcpy(s.after, w->value + index, k * sizeof *s.after);
    changes_sort(s.before, m);
    changes_sort(s.after, k);
    change->before = changes_middle(s.before, m);
    change->after = changes_middle(s.after, k);
    change->shift = 0.5 * changes_pair(&s, (m * k - 1) / 2) + 0.5 * changes_pair(&s, m * k / 2);
    change->shift_lower = changes_pair(&s, low);
    change->shift_upper = changes_pair(&s, m * k - 1 - low);
    if (change->before != 0)
        change->effect = tocsin__clamp(change->shift / tocsin__abs(change->before), -DBL_MAX,
                                       DBL_MAX);
    else
        change->effect = change->shift > 0 ? tocsin__infinity()
                                           : change->shift < 0 ? -tocsin__infinity() : 0;
}

size_t tocsin__changes(tocsin_change *found, size_t most, const double *values, size_t n,
                       const tocsin_changes_options *options, void *scratch)
{
    changes_work w = changes_lay_out(values, n, most, options, scratch);
    size_t count, kept = 0;

    changes_order(&w);
    count = changes_confirm(&w, found, changes_divide(&w, found));
    for (size_t i = 0; i < count; i++) {
        changes_measure(&w, &found[i]);
        if (tocsin__abs(found[i].effect) >= options->min_effect)
            found[kept++] = found[i];
    }
    return kept;
}
