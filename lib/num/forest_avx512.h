/* forest_avx512.h - points down the trees of a forest, with trees in registers.
 *
 * A heap of depth 8 is 255 words and 256 leaves of 16 bits: sixteen registers.  32 points stand
 * in the lanes of one more, and a step down a level looks their nodes' words up by a permutation of
 * registers (vpermw, vpermi2w) instead of memory.  Places in the heap count from the root as 1,
 * so that on level l the lowest l bits of a place are the path to it, and the masks by which the
 * points turned right at the first levels choose among the registers of the last.
 *
 * A point's code for the node's metric comes by blends: on the first levels among the metrics of
 * all nodes there, of which there are few; on the others among all metrics, by the lowest bits of
 * the word.
 *
 * Leaves are added up in 16 bits for as many trees as fit, and then in 32.
 */
#ifndef TOCSIN__FOREST_AVX512_H
#define TOCSIN__FOREST_AVX512_H

#include <immintrin.h>

#include "kernels.h"

static TOCSIN__INLINE __m512i forest_load_avx512(const uint16_t *p)
{
    return _mm512_loadu_si512(p);
}

/* A cell's thresholds are compared all at once if they are no more than sixteen; of more, a binary
 * search finds the sixteen. */
static void forest_encode_avx512(const tocsin__forest_metric *metric, const float *z,
                                 uint16_t *codes)
{
    const __m512 low = _mm512_set1_ps(metric->low), step = _mm512_set1_ps(metric->step);
    const __m512 last = _mm512_set1_ps(metric->last);
    const uint16_t *const cells = metric->cell;
    const float *const threshold = metric->threshold;
    const uint32_t halves = (metric->window + 1) / 2, shift = metric->shift;
    uint32_t cell[TOCSIN__FOREST_POINTS];

    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += 16) {
        __m512 at = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(z + p), low), step);

        at = _mm512_min_ps(_mm512_max_ps(at, _mm512_setzero_ps()), last);
        _mm512_storeu_si512(cell + p, _mm512_cvttps_epi32(at));
    }
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++) {
        uint32_t before = cells[cell[p]];

        for (uint32_t half = halves; half > 8; half /= 2)
            before += (0u - (threshold[before + half - 1] <= z[p])) & half;
        before += (uint32_t)__builtin_popcount(_mm512_cmp_ps_mask(
            _mm512_loadu_ps(threshold + before), _mm512_set1_ps(z[p]), _CMP_LE_OQ));
        codes[p] = (uint16_t)(before << shift);
    }
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
        bits > 0 ? _mm512_test_epi16_mask(word, _mm512_set1_epi16(1)) : 0,
        bits > 1 ? _mm512_test_epi16_mask(word, _mm512_set1_epi16(2)) : 0,
        bits > 2 ? _mm512_test_epi16_mask(word, _mm512_set1_epi16(4)) : 0,
        bits > 3 ? _mm512_test_epi16_mask(word, _mm512_set1_epi16(8)) : 0,
        bits > 4 ? _mm512_test_epi16_mask(word, _mm512_set1_epi16(16)) : 0,
        bits > 5 ? _mm512_test_epi16_mask(word, _mm512_set1_epi16(32)) : 0,
    };

    return bits == 0   ? forest_metrics_1_avx512(codes, odd)
           : bits == 1 ? forest_metrics_2_avx512(codes, odd)
           : bits == 2 ? forest_metrics_4_avx512(codes, odd)
           : bits == 3 ? forest_metrics_8_avx512(codes, odd)
           : bits == 4 ? forest_metrics_16_avx512(codes, odd)
           : bits == 5 ? forest_metrics_32_avx512(codes, odd)
                       : forest_metrics_64_avx512(codes, odd);
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

/* The code of each lane's node, by the way that takes fewer blends. */
static TOCSIN__INLINE __m512i forest_code_avx512(const uint16_t *codes, const uint16_t *words,
                                                 __m512i word, int bits, int level,
                                                 const __mmask32 *turned)
{
    const unsigned mask = (1u << bits) - 1;

    if (level > bits || level > 4)
        return forest_by_metric_avx512(codes, word, bits);
    return level == 0   ? forest_among_1_avx512(codes, words + 1, mask, turned)
           : level == 1 ? forest_among_2_avx512(codes, words + 2, mask, turned)
           : level == 2 ? forest_among_4_avx512(codes, words + 4, mask, turned + 1)
           : level == 3 ? forest_among_8_avx512(codes, words + 8, mask, turned + 2)
                        : forest_among_16_avx512(codes, words + 16, mask, turned + 3);
}

/* A step down: notes who turned right at this level, and returns the places on the next. */
static TOCSIN__INLINE __m512i forest_step_avx512(const uint16_t *codes, const uint16_t *words,
                                                 __m512i at, __m512i word, int bits, int level,
                                                 __mmask32 *turned)
{
    const __m512i code = forest_code_avx512(codes, words, word, bits, level, turned);

    turned[level] = _mm512_cmpgt_epu16_mask(code, word);
    at = _mm512_add_epi16(at, at);
    return _mm512_mask_add_epi16(at, turned[level], at, _mm512_set1_epi16(1));
}

/* Of 64 words, those at the places' lowest 6 bits. */
static TOCSIN__INLINE __m512i forest_of_64_avx512(const uint16_t *p, __m512i at)
{
    return _mm512_permutex2var_epi16(forest_load_avx512(p), at, forest_load_avx512(p + 32));
}

/* The words of nodes on a level. */
static TOCSIN__INLINE __m512i forest_words_avx512(const uint16_t *words, __m512i at, int level,
                                                  const __mmask32 *turned)
{
    return level == 0   ? _mm512_set1_epi16((short)words[1])
           : level <= 4 ? _mm512_permutexvar_epi16(at, forest_load_avx512(words))
           : level == 5 ? _mm512_permutexvar_epi16(at, forest_load_avx512(words + 32))
           : level == 6 ? forest_of_64_avx512(words + 64, at)
                        : _mm512_mask_blend_epi16(turned[0], forest_of_64_avx512(words + 128, at),
                                                  forest_of_64_avx512(words + 192, at));
}

static TOCSIN__INLINE __m512i forest_leaves_avx512(const uint16_t *leaves, __m512i at,
                                                   const __mmask32 *turned)
{
    return _mm512_mask_blend_epi16(
        turned[0],
        _mm512_mask_blend_epi16(turned[1], forest_of_64_avx512(leaves, at),
                                forest_of_64_avx512(leaves + 64, at)),
        _mm512_mask_blend_epi16(turned[1], forest_of_64_avx512(leaves + 128, at),
                                forest_of_64_avx512(leaves + 192, at)));
}

/* Twice 32 points down one tree, step by step together: one alone would wait for its own
 * comparisons.  Adds their leaves to *a and *b. */
static TOCSIN__INLINE void forest_walk_avx512(const uint16_t *codes, const uint16_t *words,
                                              const uint16_t *leaves, int bits, __m512i *a,
                                              __m512i *b)
{
    __m512i at = _mm512_set1_epi16(1), bt = at, word;
    __mmask32 left[TOCSIN__FOREST_DEPTH], right[TOCSIN__FOREST_DEPTH];

#define FOREST_LEVEL(level)                                                                       \
    word = forest_words_avx512(words, at, level, left);                                           \
    at = forest_step_avx512(codes, words, at, word, bits, level, left);                           \
    word = forest_words_avx512(words, bt, level, right);                                          \
    bt = forest_step_avx512(codes + 32, words, bt, word, bits, level, right);
    FOREST_LEVEL(0)
    FOREST_LEVEL(1)
    FOREST_LEVEL(2)
    FOREST_LEVEL(3)
    FOREST_LEVEL(4)
    FOREST_LEVEL(5)
    FOREST_LEVEL(6)
    FOREST_LEVEL(7)
#undef FOREST_LEVEL
    *a = _mm512_add_epi16(*a, forest_leaves_avx512(leaves, at, left));
    *b = _mm512_add_epi16(*b, forest_leaves_avx512(leaves, bt, right));
}

/* Add 32 sums of 16 bits to what is in memory. */
static TOCSIN__INLINE void forest_flush_avx512(uint32_t *sums, __m512i sum)
{
    const __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(sum));
    const __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(sum, 1));

    _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), low));
    _mm512_storeu_si512(sums + 16, _mm512_add_epi32(_mm512_loadu_si512(sums + 16), high));
}

/* 64 points down all trees, and the next. */
static TOCSIN__INLINE void forest_run_avx512(const tocsin__forest_job *job, int bits)
{
    memset(job->sums, 0, TOCSIN__FOREST_POINTS * sizeof *job->sums);
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += 64) {
        uint32_t tree = 0;

        while (tree < job->trees) {
            const uint32_t rest = job->trees - tree;
            const uint32_t end = tree + (rest < job->flush ? rest : job->flush);
            __m512i a = _mm512_setzero_si512(), b = _mm512_setzero_si512();

            for (; tree < end; tree++)
                forest_walk_avx512(job->codes + p, job->words + (size_t)tree * FOREST_NODES,
                                   job->leaves + (size_t)tree * FOREST_NODES, bits, &a, &b);
            forest_flush_avx512(job->sums + p, a);
            forest_flush_avx512(job->sums + p + 32, b);
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
    case 0:
        forest_run_avx512(job, 0);
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

#endif
