/* forest_avx512.h - points down the trees of a forest, with trees in registers.
 *
 * A heap of depth 8 is 255 words and 256 leaves of 16 bits: sixteen registers.  32 points stand
 * in the lanes of one more, and a step down a level looks their nodes' words up by a permutation of
 * registers (vpermw, vpermi2w) instead of memory.  Places in the heap count from the root as 1,
 * so that on level l the lowest l bits of a place are the path to it, and the masks by which the
 * points turned right at the first levels choose among the registers of the last.
 *
 * A point's code for the node's metric is among the codes of few nodes on the first levels: blends
 * choose by the way that led there.  On the others it is among those of all metrics, chosen by the
 * lowest bits of the word.  Up to sixteen metrics' codes of 32 points stand point by point in as many
 * registers, for all trees, and a permutation of two of them serves as many lanes as have
 * their points there.  Those of more metrics stay in memory, and are blended.
 *
 * Leaves are added up in 16 bits for as many trees as fit, and then in 32.
 *
 * A single point has all nodes of a tree's first six levels compared at once, two registers of
 * words; the walk down goes by the bits of that comparison, and only its last two steps by memory.
 *
 * Cuts through several metrics go the same way with 16 points to a register, of up to sixteen
 * metrics; of more, masks are faster.
 */
#ifndef TOCSIN__FOREST_AVX512_H
#define TOCSIN__FOREST_AVX512_H

#include <immintrin.h>

#include "kernels.h"

enum {
    FOREST_BY_POINT_BITS = 4,       /* more metrics' codes do not fit the registers */
    FOREST_POINT_TREES = 64         /* down which a single point is led at once; a multiple of 16 */
};

static TOCSIN__INLINE int forest_is_by_point_avx512(int bits)
{
    return bits <= FOREST_BY_POINT_BITS;
}

static TOCSIN__INLINE __m512i forest_load_avx512(const uint16_t *p)
{
    return _mm512_loadu_si512(p);
}

/* 0, 1, 2, .. */
static TOCSIN__INLINE __m512i forest_count_avx512(void)
{
    return _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14,
                            13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* The code of a value whose cell begins after `before` thresholds: sixteen are compared at once, and
 * of a cell that has more a binary search finds the sixteen. */
static TOCSIN__INLINE uint16_t forest_code_of_avx512(const tocsin__forest_metric *metric,
                                                     uint32_t before, float z)
{
    const float *const threshold = metric->threshold;

    for (uint32_t half = (metric->window + 1) / 2; half > 8; half /= 2)
        before += (0u - (threshold[before + half - 1] <= z)) & half;
    before += (uint32_t)__builtin_popcount(_mm512_cmp_ps_mask(
        _mm512_loadu_ps(threshold + before), _mm512_set1_ps(z), _CMP_LE_OQ));
    return (uint16_t)(before << metric->shift);
}

static void forest_encode_avx512(const tocsin__forest_metric *metric, const float *z,
                                 uint16_t *codes)
{
    const __m512 low = _mm512_set1_ps(metric->low), step = _mm512_set1_ps(metric->step);
    const __m512 last = _mm512_set1_ps(metric->last);
    uint32_t cell[TOCSIN__FOREST_POINTS];

    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += 16) {
        __m512 at = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(z + p), low), step);

        at = _mm512_min_ps(_mm512_max_ps(at, _mm512_setzero_ps()), last);
        _mm512_storeu_si512(cell + p, _mm512_cvttps_epi32(at));
    }
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++)
        codes[p] = forest_code_of_avx512(metric, metric->cell[cell[p]], z[p]);
}

static void forest_encode_point_avx512(const tocsin__forest_metric *metrics, size_t count,
                                       const float *z, uint16_t *codes)
{
    for (size_t k = 0; k < count; k++)
        codes[k] = forest_code_of_avx512(&metrics[k],
                                         metrics[k].cell[tocsin__forest_cell(&metrics[k], z[k])],
                                         z[k]);
}

static TOCSIN__INLINE __m512i forest_count_32_avx512(void)
{
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* What is written out below is what compilers would not unroll: each function is two of the one
 * before it and a blend.
 *
 * By metric: the code among 2^k metrics, `odd` being the words' lowest k bits. */
#define FOREST_METRICS(count, half, k)                                                            \
    static TOCSIN__INLINE __m512i forest_metrics_##count##_avx512(const uint16_t *codes,          \
                                                                  const __mmask32 *odd)           \
    {                                                                                             \
        return _mm512_mask_blend_epi16(                                                           \
            odd[k], forest_metrics_##half##_avx512(codes, odd),                                   \
            forest_metrics_##half##_avx512(codes + half * TOCSIN__FOREST_POINTS, odd));           \
    }

static TOCSIN__INLINE __m512i forest_metrics_1_avx512(const uint16_t *codes, const __mmask32 *odd)
{
    (void)odd;
    return forest_load_avx512(codes);
}

FOREST_METRICS(2, 1, 0)
FOREST_METRICS(4, 2, 1)
FOREST_METRICS(8, 4, 2)
FOREST_METRICS(16, 8, 3)
FOREST_METRICS(32, 16, 4)
FOREST_METRICS(64, 32, 5)

static TOCSIN__INLINE __m512i forest_by_metric_avx512(const uint16_t *codes, __m512i word, int bits)
{
    const __mmask32 odd[TOCSIN__FOREST_FEATURE_BITS] = {
        _mm512_test_epi16_mask(word, _mm512_set1_epi16(1)),
        _mm512_test_epi16_mask(word, _mm512_set1_epi16(2)),
        _mm512_test_epi16_mask(word, _mm512_set1_epi16(4)),
        _mm512_test_epi16_mask(word, _mm512_set1_epi16(8)),
        _mm512_test_epi16_mask(word, _mm512_set1_epi16(16)),
        bits > 5 ? _mm512_test_epi16_mask(word, _mm512_set1_epi16(32)) : 0,
    };

    return bits == 5 ? forest_metrics_32_avx512(codes, odd) : forest_metrics_64_avx512(codes, odd);
}

/* By node: the code among neighbouring nodes on a level, `turned` being the decision that parts
 * these and, before it, those that led there. */
#define FOREST_AMONG(count, half, k)                                                              \
    static TOCSIN__INLINE __m512i forest_among_##count##_avx512(                                  \
        const uint16_t *codes, const uint16_t *words, unsigned mask, const __mmask32 *turned)     \
    {                                                                                             \
        return _mm512_mask_blend_epi16(                                                           \
            turned[-(k)], forest_among_##half##_avx512(codes, words, mask, turned),               \
            forest_among_##half##_avx512(codes, words + half, mask, turned));                     \
    }

static TOCSIN__INLINE __m512i forest_among_1_avx512(const uint16_t *codes, const uint16_t *words,
                                                    unsigned mask, const __mmask32 *turned)
{
    (void)turned;
    return forest_load_avx512(codes + (*words & mask) * TOCSIN__FOREST_POINTS);
}

FOREST_AMONG(2, 1, 0)
FOREST_AMONG(4, 2, 1)
FOREST_AMONG(8, 4, 2)
FOREST_AMONG(16, 8, 3)

/* The levels on which codes are chosen by node. */
static TOCSIN__INLINE int forest_among_levels_avx512(int bits)
{
    return forest_is_by_point_avx512(bits) ? 4 : 5;
}

/* By point: the codes of 32 points stand point by point in 2^bits registers, two of which have those
 * of 64 >> bits points.  Looked up at the metric and the lane's place in them; lanes that are not
 * a pair's keep their index for the pair that is. */
static TOCSIN__INLINE __m512i forest_pairs_1_avx512(const __m512i *pair, __m512i at, int first,
                                                    int lanes)
{
    return _mm512_mask2_permutex2var_epi16(
        pair[0], at, (UINT32_MAX >> (32 - lanes)) << (first * lanes), pair[1]);
}

static TOCSIN__INLINE __m512i forest_pairs_2_avx512(const __m512i *pair, __m512i at, int first,
                                                    int lanes)
{
    return forest_pairs_1_avx512(pair + 2, forest_pairs_1_avx512(pair, at, first, lanes), first + 1,
                                 lanes);
}

static TOCSIN__INLINE __m512i forest_pairs_4_avx512(const __m512i *pair, __m512i at, int first,
                                                    int lanes)
{
    return _mm512_mask_blend_epi16((UINT32_MAX >> (32 - 2 * lanes)) << ((first + 2) * lanes),
                                   forest_pairs_2_avx512(pair, at, first, lanes),
                                   forest_pairs_2_avx512(pair + 4, at, first + 2, lanes));
}

static TOCSIN__INLINE __m512i forest_by_point_avx512(const __m512i *by_point, __m512i word, int bits)
{
    const int lanes = 64 >> bits;
    const __m512i metric = _mm512_set1_epi16((short)((1 << bits) - 1));
    const __m512i place = _mm512_and_si512(
        _mm512_sllv_epi16(forest_count_avx512(), _mm512_set1_epi16((short)bits)),
        _mm512_set1_epi16(63));
    const __m512i at = _mm512_or_si512(_mm512_and_si512(word, metric), place);

    return bits == 1   ? _mm512_permutex2var_epi16(by_point[0], at, by_point[1])
           : bits == 2 ? forest_pairs_2_avx512(by_point, at, 0, lanes)
           : bits == 3 ? forest_pairs_4_avx512(by_point, at, 0, lanes)
                       : _mm512_mask_blend_epi16(
                             0xffff0000u, forest_pairs_4_avx512(by_point, at, 0, lanes),
                             forest_pairs_4_avx512(by_point + 8, at, 4, lanes));
}

/* The code of each lane's node. */
static TOCSIN__INLINE __m512i forest_code_avx512(const uint16_t *codes, const __m512i *by_point,
                                                 const uint16_t *words, __m512i word, int bits,
                                                 int level, const __mmask32 *turned)
{
    const unsigned mask = (1u << bits) - 1;

    if (level >= forest_among_levels_avx512(bits))
        return forest_is_by_point_avx512(bits) ? forest_by_point_avx512(by_point, word, bits)
                                               : forest_by_metric_avx512(codes, word, bits);
    return level == 0   ? forest_among_1_avx512(codes, words + 1, mask, turned)
           : level == 1 ? forest_among_2_avx512(codes, words + 2, mask, turned)
           : level == 2 ? forest_among_4_avx512(codes, words + 4, mask, turned + 1)
           : level == 3 ? forest_among_8_avx512(codes, words + 8, mask, turned + 2)
                        : forest_among_16_avx512(codes, words + 16, mask, turned + 3);
}

/* A step down: returns the places on the next level, and notes who turned right if that one needs
 * it.  Masks take longer to come than the difference of code and word. */
static TOCSIN__INLINE __m512i forest_step_avx512(const uint16_t *codes, const __m512i *by_point,
                                                 const uint16_t *words, __m512i at, __m512i word,
                                                 int bits, int level, __mmask32 *turned)
{
    const __m512i code = forest_code_avx512(codes, by_point, words, word, bits, level, turned);

    at = _mm512_add_epi16(at, at);
    if (level + 1 < forest_among_levels_avx512(bits)) {
        turned[level] = _mm512_cmpgt_epu16_mask(code, word);
        return _mm512_mask_add_epi16(at, turned[level], at, _mm512_set1_epi16(1));
    }
    return _mm512_add_epi16(
        at, _mm512_min_epu16(_mm512_subs_epu16(code, word), _mm512_set1_epi16(1)));
}

/* Of 64 words, those at the places' lowest 6 bits. */
static TOCSIN__INLINE __m512i forest_of_64_avx512(const uint16_t *p, __m512i at)
{
    return _mm512_permutex2var_epi16(forest_load_avx512(p), at, forest_load_avx512(p + 32));
}

/* Did the way to these places turn right at a level above?  At 8 the places are of leaves. */
static TOCSIN__INLINE __mmask32 forest_turned_avx512(__m512i at, int at_level, int level)
{
    return _mm512_test_epi16_mask(at, _mm512_set1_epi16((short)(1 << (at_level - 1 - level))));
}

/* The words of nodes on a level. */
static TOCSIN__INLINE __m512i forest_words_avx512(const uint16_t *words, __m512i at, int level)
{
    return level == 0   ? _mm512_set1_epi16((short)words[1])
           : level <= 4 ? _mm512_permutexvar_epi16(at, forest_load_avx512(words))
           : level == 5 ? _mm512_permutexvar_epi16(at, forest_load_avx512(words + 32))
           : level == 6 ? forest_of_64_avx512(words + 64, at)
                        : _mm512_mask_blend_epi16(forest_turned_avx512(at, 7, 0),
                                                  forest_of_64_avx512(words + 128, at),
                                                  forest_of_64_avx512(words + 192, at));
}

static TOCSIN__INLINE __m512i forest_leaves_avx512(const uint16_t *leaves, __m512i at)
{
    const __mmask32 second = forest_turned_avx512(at, 8, 1);

    return _mm512_mask_blend_epi16(
        forest_turned_avx512(at, 8, 0),
        _mm512_mask_blend_epi16(second, forest_of_64_avx512(leaves, at),
                                forest_of_64_avx512(leaves + 64, at)),
        _mm512_mask_blend_epi16(second, forest_of_64_avx512(leaves + 128, at),
                                forest_of_64_avx512(leaves + 192, at)));
}

/* A tree, as points go down it. */
typedef struct forest_tree_avx512 {
    const uint16_t *words, *leaves;
} forest_tree_avx512;

/* Twice 32 points down a tree or two, step by step together: one walk alone would wait for its own
 * comparisons.  Adds their leaves to *a and *b. */
static TOCSIN__INLINE void forest_walk_avx512(const uint16_t *codes, const __m512i *a_by_point,
                                              const __m512i *b_by_point, forest_tree_avx512 one,
                                              forest_tree_avx512 two, int bits, __m512i *a,
                                              __m512i *b)
{
    const int is_two = forest_is_by_point_avx512(bits);
    __m512i at0 = _mm512_set1_epi16(1), at1 = at0, at2 = at0, at3 = at0;
    __mmask32 turned0[TOCSIN__FOREST_DEPTH], turned1[TOCSIN__FOREST_DEPTH];
    __mmask32 turned2[TOCSIN__FOREST_DEPTH], turned3[TOCSIN__FOREST_DEPTH];

#define FOREST_STEP(k, codes, by_point, words, level)                                             \
    at##k = forest_step_avx512(codes, by_point, words, at##k,                                     \
                               forest_words_avx512(words, at##k, level), bits, level, turned##k);
#define FOREST_LEVEL(level)                                                                       \
    FOREST_STEP(0, codes, a_by_point, one.words, level)                                           \
    FOREST_STEP(1, codes + 32, b_by_point, one.words, level)                                      \
    if (is_two) {                                                                                 \
        FOREST_STEP(2, codes, a_by_point, two.words, level)                                       \
        FOREST_STEP(3, codes + 32, b_by_point, two.words, level)                                  \
    }
    FOREST_LEVEL(0)
    FOREST_LEVEL(1)
    FOREST_LEVEL(2)
    FOREST_LEVEL(3)
    FOREST_LEVEL(4)
    FOREST_LEVEL(5)
    FOREST_LEVEL(6)
    FOREST_LEVEL(7)
#undef FOREST_LEVEL
#undef FOREST_STEP
    *a = _mm512_add_epi16(*a, forest_leaves_avx512(one.leaves, at0));
    *b = _mm512_add_epi16(*b, forest_leaves_avx512(one.leaves, at1));
    if (is_two) {
        *a = _mm512_add_epi16(*a, forest_leaves_avx512(two.leaves, at2));
        *b = _mm512_add_epi16(*b, forest_leaves_avx512(two.leaves, at3));
    }
}

/* Add 32 sums of 16 bits to what is in memory. */
static TOCSIN__INLINE void forest_flush_avx512(uint32_t *sums, __m512i sum)
{
    const __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(sum));
    const __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(sum, 1));

    _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), low));
    _mm512_storeu_si512(sums + 16, _mm512_add_epi32(_mm512_loadu_si512(sums + 16), high));
}

/* 32 points' codes metric by metric, in 2^bits registers, to point by point: a perfect shuffle of all,
 * as often as there are bits, brings the metric's bits below the point's. */
static TOCSIN__INLINE void forest_turn_avx512(const uint16_t *codes, int bits, __m512i *by_point)
{
    const __m512i count = forest_count_avx512();
    const __m512i low = _mm512_mask_add_epi16(_mm512_srli_epi16(count, 1), 0xaaaaaaaau,
                                              _mm512_srli_epi16(count, 1), _mm512_set1_epi16(32));
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    const int registers = 1 << bits;
    __m512i now[1 << FOREST_BY_POINT_BITS];

    for (int k = 0; k < registers; k++)
        by_point[k] = forest_load_avx512(codes + k * TOCSIN__FOREST_POINTS);
    for (int bit = 0; bit < bits; bit++) {
        for (int k = 0; k < registers; k++)
            now[k] = by_point[k];
        for (int k = 0; k < registers / 2; k++) {
            by_point[2 * k] = _mm512_permutex2var_epi16(now[k], low, now[k + registers / 2]);
            by_point[2 * k + 1] = _mm512_permutex2var_epi16(now[k], high, now[k + registers / 2]);
        }
    }
}

/* A tree of those before `end`, or what is instead of it behind them. */
static TOCSIN__INLINE forest_tree_avx512 forest_tree_at_avx512(const tocsin__forest_job *job,
                                                               uint32_t tree, uint32_t end)
{
    static const uint16_t nothing[FOREST_NODES];
    const size_t at = (size_t)(tree < end ? tree : end - 1) * FOREST_NODES;
    const forest_tree_avx512 found = {job->words + at, tree < end ? job->leaves + at : nothing};

    return found;
}

/* 64 points down as many trees as their first-level cache and sums of 16 bits have room for, and the
 * next 64, and then down the next trees. */
static TOCSIN__INLINE void forest_run_avx512(const tocsin__forest_job *job, int bits)
{
    __m512i by_point[TOCSIN__FOREST_POINTS / 32][1 << FOREST_BY_POINT_BITS];

    memset(job->sums, 0, TOCSIN__FOREST_POINTS * sizeof *job->sums);
    for (size_t k = 0; k < TOCSIN__FOREST_POINTS / 32; k++)
        forest_turn_avx512(job->codes + 32 * k, forest_is_by_point_avx512(bits) ? bits : 0,
                           by_point[k]);
    for (uint32_t start = 0, end; start < job->trees; start = end) {
        const uint32_t rest = job->trees - start;

        end = start + (rest < job->flush ? rest : job->flush);
        for (size_t k = 0; k < TOCSIN__FOREST_POINTS / 32; k += 2) {
            __m512i a = _mm512_setzero_si512(), b = _mm512_setzero_si512();

            for (uint32_t tree = start; tree < end;
                 tree += forest_is_by_point_avx512(bits) ? 2 : 1)
                forest_walk_avx512(job->codes + 32 * k, by_point[k], by_point[k + 1],
                                   forest_tree_at_avx512(job, tree, end),
                                   forest_tree_at_avx512(job, tree + 1, end), bits, &a, &b);
            forest_flush_avx512(job->sums + 32 * k, a);
            forest_flush_avx512(job->sums + 32 * k + 32, b);
        }
    }
}

static void forest_avx512(const tocsin__forest_job *job)
{
    if (job->depth != TOCSIN__FOREST_DEPTH) {
        lane_forest(job);
        return;
    }
    switch (job->feature_bits) {
    case 0:     /* of one metric that has too many thresholds for a line */
        lane_forest(job);
        break;
    case 1:
        forest_run_avx512(job, 1);
        break;
    case 2:
        forest_run_avx512(job, 2);
        break;
    case 3:
        forest_run_avx512(job, 3);
        break;
    case 4:
        forest_run_avx512(job, 4);
        break;
    case 5:
        forest_run_avx512(job, 5);
        break;
    default:
        forest_run_avx512(job, 6);
    }
}

/* One point: its codes, repeated to fill two registers, so that the lowest bits of a word choose. */
static TOCSIN__INLINE void forest_repeat_avx512(const uint16_t *codes, uint32_t bits,
                                                __m512i *low, __m512i *high)
{
    const __m512i place = _mm512_and_si512(forest_count_avx512(),
                                           _mm512_set1_epi16((short)((1u << bits) - 1)));

    if (bits > 5) {
        *low = forest_load_avx512(codes);
        *high = forest_load_avx512(codes + 32);
    } else {
        *low = *high = _mm512_permutexvar_epi16(
            place, _mm512_maskz_loadu_epi16(UINT32_MAX >> (32 - (1u << bits)), codes));
    }
}

/* Of a tree's first 64 words, which are below the point's code: bit i says where node i leads.  The
 * halves are joined as masks: of one widened to 64 bits, GCC 12 at -O1 leaves the upper half unset in
 * 32-bit code. */
static TOCSIN__INLINE uint64_t forest_turns_avx512(const uint16_t *words, __m512i low, __m512i high)
{
    const __m512i a = forest_load_avx512(words), b = forest_load_avx512(words + 32);

    return _mm512_kunpackd(_mm512_cmpgt_epu16_mask(_mm512_permutex2var_epi16(low, b, high), b),
                           _mm512_cmpgt_epu16_mask(_mm512_permutex2var_epi16(low, a, high), a));
}

/* Six levels down eight trees, by bits. */
static TOCSIN__INLINE __m512i forest_descend_avx512(__m512i turns)
{
    const __m512i one = _mm512_set1_epi64(1);
    __m512i at = one;

    for (int level = 0; level < 6; level++)     /* 2 at | (turns >> at & 1) */
        at = _mm512_ternarylogic_epi64(_mm512_add_epi64(at, at), _mm512_srlv_epi64(turns, at), one,
                                       0xf8);
    return at;
}

/* 1 in the lanes where the code for a word of 16 bits is above it. */
static TOCSIN__INLINE __m512i forest_is_right_avx512(__m512i word, __m512i low, __m512i high)
{
    const __m512i code = _mm512_permutex2var_epi16(low, word, high);

    return _mm512_min_epu16(_mm512_subs_epu16(code, word), _mm512_set1_epi32(1));
}

/* What a way's last two steps may need, of some trees: the word of the node that it came to, those of
 * the two below it, and the four leaves below these, all read whichever way it goes. */
typedef struct forest_ends_avx512 {
    uint32_t word[FOREST_POINT_TREES], below[FOREST_POINT_TREES];
    uint64_t leaf[FOREST_POINT_TREES];
} forest_ends_avx512;

/* The leaves that the point comes to of sixteen trees, from one of them on. */
static TOCSIN__INLINE __m512i forest_arrive_avx512(const forest_ends_avx512 *ends, size_t tree,
                                                   __m512i low, __m512i high)
{
    const __m512i first =
        forest_is_right_avx512(_mm512_loadu_si512(ends->word + tree), low, high);
    const __m512i below =
        _mm512_srlv_epi32(_mm512_loadu_si512(ends->below + tree), _mm512_slli_epi32(first, 4));
    const __m512i second = forest_is_right_avx512(below, low, high);
    const __m512i bits =
        _mm512_add_epi32(_mm512_slli_epi32(first, 5), _mm512_slli_epi32(second, 4));
    const __m512i a =
        _mm512_srlv_epi64(_mm512_loadu_si512(ends->leaf + tree),
                          _mm512_cvtepu32_epi64(_mm512_castsi512_si256(bits)));
    const __m512i b = _mm512_srlv_epi64(_mm512_loadu_si512(ends->leaf + tree + 8),
                                        _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(bits, 1)));

    return _mm512_and_si512(_mm512_permutex2var_epi32(
                                a,
                                _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6,
                                                 4, 2, 0),
                                b),
                            _mm512_set1_epi32(UINT16_MAX));
}

static void forest_point_avx512(const tocsin__forest_job *job)
{
    __m512i low, high, sum = _mm512_setzero_si512();

    if (job->depth != TOCSIN__FOREST_DEPTH) {
        lane_forest_point(job);
        return;
    }
    forest_repeat_avx512(job->codes, job->feature_bits, &low, &high);
    for (uint32_t start = 0; start < job->trees; start += FOREST_POINT_TREES) {
        const uint32_t rest = job->trees - start;
        const uint32_t count = rest < FOREST_POINT_TREES ? rest : FOREST_POINT_TREES;
        const uint16_t *const words = job->words + (size_t)start * FOREST_NODES;
        const uint16_t *const leaves = job->leaves + (size_t)start * FOREST_NODES;
        uint64_t turns[FOREST_POINT_TREES], at[FOREST_POINT_TREES];
        forest_ends_avx512 ends;

        for (uint32_t tree = 0; tree < count; tree++)
            turns[tree] = forest_turns_avx512(words + tree * FOREST_NODES, low, high);
        for (uint32_t tree = count; tree % 16 != 0; tree++) {
            turns[tree] = ends.leaf[tree] = 0;
            ends.word[tree] = ends.below[tree] = 0;
        }
        for (uint32_t tree = 0; tree < count; tree += 8)
            _mm512_storeu_si512(at + tree,
                                forest_descend_avx512(_mm512_loadu_si512(turns + tree)));
        for (uint32_t tree = 0; tree < count; tree++) {
            const size_t node = (size_t)at[tree], here = (size_t)tree * FOREST_NODES + node;

            ends.word[tree] = words[here];
            memcpy(&ends.below[tree], words + here + node, sizeof ends.below[tree]);
            memcpy(&ends.leaf[tree], leaves + here + 3 * node - FOREST_NODES,
                   sizeof ends.leaf[tree]);
        }
        for (uint32_t tree = 0; tree < count; tree += 16)
            sum = _mm512_add_epi32(sum, forest_arrive_avx512(&ends, tree, low, high));
    }
    *job->sums = (uint32_t)_mm512_reduce_add_epi32(sum);
}

/* ---- Cuts through several metrics ----------------------------------------------------
 *
 * The same with values for codes, of 16 points in the lanes of a register: a node has a threshold,
 * weights and metrics, each looked up in tables of its own. */

/* Of 32 floats, those at the places' lowest 5 bits. */
static TOCSIN__INLINE __m512 forest_of_32_avx512(const float *p, __m512i at)
{
    return _mm512_permutex2var_ps(_mm512_loadu_ps(p), at, _mm512_loadu_ps(p + 16));
}

/* What nodes on a level have in a table of floats. */
static TOCSIN__INLINE __m512 forest_floats_avx512(const float *table, __m512i at, int level)
{
    const __mmask16 odd = _mm512_test_epi32_mask(at, _mm512_set1_epi32(32));

    if (level <= 4)
        return _mm512_permutexvar_ps(at, _mm512_loadu_ps(table + (level < 4 ? 0 : 16)));
    if (level == 5)
        return forest_of_32_avx512(table + 32, at);
    if (level == 6)
        return _mm512_mask_blend_ps(odd, forest_of_32_avx512(table + 64, at),
                                    forest_of_32_avx512(table + 96, at));
    return _mm512_mask_blend_ps(
        _mm512_test_epi32_mask(at, _mm512_set1_epi32(64)),
        _mm512_mask_blend_ps(odd, forest_of_32_avx512(table + 128, at),
                             forest_of_32_avx512(table + 160, at)),
        _mm512_mask_blend_ps(odd, forest_of_32_avx512(table + 192, at),
                             forest_of_32_avx512(table + 224, at)));
}

/* By point: as codes are, but a register has half as many values. */
static TOCSIN__INLINE __m512i forest_halves_1_avx512(const __m512i *pair, __m512i at, int first,
                                                     int lanes)
{
    return _mm512_mask2_permutex2var_epi32(
        pair[0], at, (__mmask16)((0xffffu >> (16 - lanes)) << (first * lanes)), pair[1]);
}

static TOCSIN__INLINE __m512i forest_halves_2_avx512(const __m512i *pair, __m512i at, int first,
                                                     int lanes)
{
    return forest_halves_1_avx512(pair + 2, forest_halves_1_avx512(pair, at, first, lanes),
                                  first + 1, lanes);
}

static TOCSIN__INLINE __m512i forest_halves_4_avx512(const __m512i *pair, __m512i at, int first,
                                                     int lanes)
{
    return _mm512_mask_blend_epi32(
        (__mmask16)((0xffffu >> (16 - 2 * lanes)) << ((first + 2) * lanes)),
        forest_halves_2_avx512(pair, at, first, lanes),
        forest_halves_2_avx512(pair + 4, at, first + 2, lanes));
}

/* The values of each lane's metric, which is in the lower half of its 32 bits; of 2^3 or 2^4. */
static TOCSIN__INLINE __m512 forest_values_avx512(const __m512i *by_point, __m512i metric, int bits)
{
    const int lanes = 32 >> bits;
    const __m512i place = _mm512_and_si512(
        _mm512_sllv_epi32(forest_count_32_avx512(), _mm512_set1_epi32(bits)),
        _mm512_set1_epi32(31));
    const __m512i at = _mm512_or_si512(
        _mm512_and_si512(metric, _mm512_set1_epi32(UINT16_MAX)), place);

    return _mm512_castsi512_ps(
        bits == 3 ? forest_halves_4_avx512(by_point, at, 0, lanes)
                  : _mm512_mask_blend_epi32(0xff00,
                                            forest_halves_4_avx512(by_point, at, 0, lanes),
                                            forest_halves_4_avx512(by_point + 8, at, 4, lanes)));
}

/* A tree of mixed cuts. */
typedef struct forest_mixed_avx512 {
    const float *thresholds, *weights;
    const uint16_t *columns, *leaves;
} forest_mixed_avx512;

static TOCSIN__INLINE __m512i forest_mixed_step_avx512(const __m512i *by_point,
                                                       forest_mixed_avx512 tree, __m512i at,
                                                       int bits, size_t mix, int level)
{
    __m512 sum =
        forest_values_avx512(by_point, forest_words_avx512(tree.columns, at, level), bits);

    for (size_t j = 1; j < mix; j++) {
        const __m512i metric =
            forest_words_avx512(tree.columns + j * FOREST_NODES, at, level);

        sum = _mm512_add_ps(
            sum, _mm512_mul_ps(
                     forest_floats_avx512(tree.weights + (j - 1) * FOREST_NODES, at, level),
                     forest_values_avx512(by_point, metric, bits)));
    }

    const __mmask16 is_right = _mm512_cmp_ps_mask(
        sum, forest_floats_avx512(tree.thresholds, at, level), _CMP_GE_OQ);

    at = _mm512_add_epi32(at, at);
    return _mm512_mask_add_epi32(at, is_right, at, _mm512_set1_epi32(1));
}

/* Twice 16 points down two trees: adds their leaves to what is in memory. */
static TOCSIN__INLINE void forest_mixed_walk_avx512(const __m512i *a_by_point,
                                                    const __m512i *b_by_point,
                                                    forest_mixed_avx512 one,
                                                    forest_mixed_avx512 two, int bits, size_t mix,
                                                    uint32_t *sums)
{
    const __m512i low = _mm512_set1_epi32(UINT16_MAX);
    __m512i at0 = _mm512_set1_epi32(1), at1 = at0, at2 = at0, at3 = at0;

#define FOREST_LEVEL(level)                                                                       \
    at0 = forest_mixed_step_avx512(a_by_point, one, at0, bits, mix, level);                       \
    at1 = forest_mixed_step_avx512(b_by_point, one, at1, bits, mix, level);                       \
    at2 = forest_mixed_step_avx512(a_by_point, two, at2, bits, mix, level);                       \
    at3 = forest_mixed_step_avx512(b_by_point, two, at3, bits, mix, level);
    FOREST_LEVEL(0)
    FOREST_LEVEL(1)
    FOREST_LEVEL(2)
    FOREST_LEVEL(3)
    FOREST_LEVEL(4)
    FOREST_LEVEL(5)
    FOREST_LEVEL(6)
    FOREST_LEVEL(7)
#undef FOREST_LEVEL
    at0 = _mm512_add_epi32(_mm512_and_si512(forest_leaves_avx512(one.leaves, at0), low),
                           _mm512_and_si512(forest_leaves_avx512(two.leaves, at2), low));
    at1 = _mm512_add_epi32(_mm512_and_si512(forest_leaves_avx512(one.leaves, at1), low),
                           _mm512_and_si512(forest_leaves_avx512(two.leaves, at3), low));
    _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), at0));
    _mm512_storeu_si512(sums + 16, _mm512_add_epi32(_mm512_loadu_si512(sums + 16), at1));
}

/* 16 points' values metric by metric to point by point. */
static TOCSIN__INLINE void forest_turn_values_avx512(const float *z, uint32_t metrics, int bits,
                                                     __m512i *by_point)
{
    const __m512i count = forest_count_32_avx512(), half = _mm512_srli_epi32(count, 1);
    const __m512i low = _mm512_mask_add_epi32(half, 0xaaaa, half, _mm512_set1_epi32(16));
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    const uint32_t registers = 1u << bits;
    __m512i now[1 << FOREST_BY_POINT_BITS];

    for (uint32_t k = 0; k < registers; k++)
        by_point[k] = k < metrics ? _mm512_loadu_si512(z + k * TOCSIN__FOREST_POINTS)
                                  : _mm512_setzero_si512();
    for (int bit = 0; bit < bits; bit++) {
        for (uint32_t k = 0; k < registers; k++)
            now[k] = by_point[k];
        for (uint32_t k = 0; k < registers / 2; k++) {
            by_point[2 * k] = _mm512_permutex2var_epi32(now[k], low, now[k + registers / 2]);
            by_point[2 * k + 1] = _mm512_permutex2var_epi32(now[k], high, now[k + registers / 2]);
        }
    }
}

static TOCSIN__INLINE forest_mixed_avx512 forest_mixed_at_avx512(
    const tocsin__forest_mixed_job *job, uint32_t tree)
{
    static const uint16_t nothing[FOREST_NODES];
    const size_t at = tree < job->trees ? tree : job->trees - 1;
    const forest_mixed_avx512 found = {
        job->thresholds + at * FOREST_NODES,
        job->weights + at * (job->mix - 1) * FOREST_NODES,
        job->columns + at * job->mix * FOREST_NODES,
        tree < job->trees ? job->leaves + at * FOREST_NODES : nothing,
    };

    return found;
}

/* All points down two trees, which stay in the first-level cache, and the next two. */
static TOCSIN__INLINE void forest_mixed_run_avx512(const tocsin__forest_mixed_job *job, int bits,
                                                   size_t mix)
{
    __m512i by_point[TOCSIN__FOREST_POINTS / 16][1 << FOREST_BY_POINT_BITS];

    memset(job->sums, 0, TOCSIN__FOREST_POINTS * sizeof *job->sums);
    for (size_t k = 0; k < TOCSIN__FOREST_POINTS / 16; k++)
        forest_turn_values_avx512(job->z + 16 * k, job->metrics, bits, by_point[k]);
    for (uint32_t tree = 0; tree < job->trees; tree += 2)
        for (size_t k = 0; k < TOCSIN__FOREST_POINTS / 16; k += 2)
            forest_mixed_walk_avx512(by_point[k], by_point[k + 1],
                                     forest_mixed_at_avx512(job, tree),
                                     forest_mixed_at_avx512(job, tree + 1), bits, mix,
                                     job->sums + 16 * k);
}

static void forest_mixed_kernel_avx512(const tocsin__forest_mixed_job *job)
{
    if (job->depth != TOCSIN__FOREST_DEPTH || job->metrics > 1u << FOREST_BY_POINT_BITS)
        lane_forest_mixed(job);
    else if (job->metrics > 8)
        forest_mixed_run_avx512(job, 4, job->mix);
    else
        forest_mixed_run_avx512(job, 3, job->mix);
}

#endif
