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

enum {
    FOREST_GROUPS = TOCSIN__FOREST_POINTS / 32,
    FOREST_NODES = 1 << TOCSIN__FOREST_DEPTH
};

static TOCSIN__INLINE __m512i forest_load_avx512(const uint16_t *p)
{
    return _mm512_loadu_si512(p);
}

/* A cell's thresholds are compared all at once if they are no more than eight; of more, a binary
 * search finds the eight. */
static void forest_encode_avx512(const tocsin__forest_metric *metric, const double *value,
                                 uint16_t *codes)
{
    const __m512d low = _mm512_set1_pd(metric->low), scale = _mm512_set1_pd(metric->scale);
    const __m512d last = _mm512_set1_pd(metric->last);
    uint32_t cell[TOCSIN__FOREST_POINTS];

    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p += 8) {
        __m512d at = _mm512_mul_pd(_mm512_sub_pd(_mm512_loadu_pd(value + p), low), scale);

        at = _mm512_min_pd(_mm512_max_pd(at, _mm512_setzero_pd()), last);
        _mm256_storeu_si256((__m256i *)(void *)(cell + p), _mm512_cvttpd_epi32(at));
    }
    for (size_t p = 0; p < TOCSIN__FOREST_POINTS; p++) {
        const __m512d x = _mm512_set1_pd(value[p]);
        uint32_t before = metric->cell[cell[p]];

        for (uint32_t half = (metric->window + 1) / 2; half > 4; half /= 2)
            before += (0u - (metric->threshold[before + half - 1] <= value[p])) & half;
        before += (uint32_t)__builtin_popcount(_mm512_cmp_pd_mask(
            _mm512_loadu_pd(metric->threshold + before), x, _CMP_LE_OQ));
        codes[p] = value[p] != value[p] ? metric->missing : (uint16_t)(before << metric->shift);
    }
}

/* The code of each lane's node on one of the first levels: `turned` are the decisions above. */
static TOCSIN__INLINE __m512i forest_code_by_node_avx512(const uint16_t *codes,
                                                         const uint16_t *words, unsigned mask,
                                                         int level, const __mmask32 *turned)
{
    __m512i code[32];

    for (int i = 0; i < 1 << level; i++)
        code[i] =
            forest_load_avx512(codes + (words[(1 << level) + i] & mask) * TOCSIN__FOREST_POINTS);
    for (int l = level; l > 0; l--)
        for (int i = 0; i < 1 << (l - 1); i++)
            code[i] = _mm512_mask_blend_epi16(turned[l - 1], code[2 * i], code[2 * i + 1]);
    return code[0];
}

/* The same on any level, by the metric that the word names. */
static TOCSIN__INLINE __m512i forest_code_by_metric_avx512(const uint16_t *codes, __m512i word,
                                                           int bits)
{
    __m512i code[1 << TOCSIN__FOREST_FEATURE_BITS];

    for (int i = 0; i < 1 << bits; i++)
        code[i] = forest_load_avx512(codes + i * TOCSIN__FOREST_POINTS);
    for (int b = 0; b < bits; b++) {
        const __mmask32 is_odd = _mm512_test_epi16_mask(word, _mm512_set1_epi16((short)(1 << b)));

        for (int i = 0; i < 1 << (bits - b - 1); i++)
            code[i] = _mm512_mask_blend_epi16(is_odd, code[2 * i], code[2 * i + 1]);
    }
    return code[0];
}

/* 32 points down one tree: their leaves. */
static TOCSIN__INLINE __m512i forest_walk_avx512(const uint16_t *codes, const uint16_t *words,
                                                 const uint16_t *leaves, int bits)
{
    const unsigned mask = (1u << bits) - 1;
    const __m512i one = _mm512_set1_epi16(1);
    __m512i at = one;
    __mmask32 turned[TOCSIN__FOREST_DEPTH];

    for (int level = 0; level < (int)TOCSIN__FOREST_DEPTH; level++) {
        __m512i word, code;

        if (level < 5)
            word = _mm512_permutexvar_epi16(at, forest_load_avx512(words));
        else if (level == 5)
            word = _mm512_permutexvar_epi16(at, forest_load_avx512(words + 32));
        else if (level == 6)
            word = _mm512_permutex2var_epi16(forest_load_avx512(words + 64), at,
                                             forest_load_avx512(words + 96));
        else
            word = _mm512_mask_blend_epi16(
                turned[0],
                _mm512_permutex2var_epi16(forest_load_avx512(words + 128), at,
                                          forest_load_avx512(words + 160)),
                _mm512_permutex2var_epi16(forest_load_avx512(words + 192), at,
                                          forest_load_avx512(words + 224)));

        if (level <= bits && level < 5)
            code = forest_code_by_node_avx512(codes, words, mask, level, turned);
        else
            code = forest_code_by_metric_avx512(codes, word, bits);
        turned[level] = _mm512_cmpgt_epu16_mask(code, word);
        at = _mm512_add_epi16(at, at);
        at = _mm512_mask_add_epi16(at, turned[level], at, one);
    }

    __m512i quarter[4];
    for (int q = 0; q < 4; q++)
        quarter[q] = _mm512_permutex2var_epi16(forest_load_avx512(leaves + 64 * q), at,
                                               forest_load_avx512(leaves + 64 * q + 32));
    return _mm512_mask_blend_epi16(turned[0],
                                   _mm512_mask_blend_epi16(turned[1], quarter[0], quarter[1]),
                                   _mm512_mask_blend_epi16(turned[1], quarter[2], quarter[3]));
}

static TOCSIN__INLINE void forest_run_avx512(const tocsin__forest_job *job, int bits)
{
    uint32_t tree = 0;

    memset(job->sums, 0, TOCSIN__FOREST_POINTS * sizeof *job->sums);
    while (tree < job->trees) {
        const uint32_t rest = job->trees - tree;
        const uint32_t end = tree + (rest < job->flush ? rest : job->flush);
        __m512i sum[FOREST_GROUPS];

        for (int g = 0; g < FOREST_GROUPS; g++)
            sum[g] = _mm512_setzero_si512();
        for (; tree < end; tree++)
            for (int g = 0; g < FOREST_GROUPS; g++)
                sum[g] = _mm512_add_epi16(
                    sum[g], forest_walk_avx512(job->codes + 32 * g,
                                               job->words + (size_t)tree * FOREST_NODES,
                                               job->leaves + (size_t)tree * FOREST_NODES, bits));
        for (int g = 0; g < FOREST_GROUPS; g++) {
            uint32_t *const sums = job->sums + 32 * g;

            _mm512_storeu_si512(
                sums, _mm512_add_epi32(_mm512_loadu_si512(sums),
                                       _mm512_cvtepu16_epi32(_mm512_castsi512_si256(sum[g]))));
            _mm512_storeu_si512(
                sums + 16,
                _mm512_add_epi32(_mm512_loadu_si512(sums + 16),
                                 _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(sum[g], 1))));
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
