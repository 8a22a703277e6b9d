/* billion.c - as many series as memory allows, up to a billion, each tick shared by all
 * processors.
 *
 * Series of plain `ewma`, with one clock and without ids.  They get their values in chunks of half a
 * megabyte by tocsin_bank_tick_part(), out of a cache, as those that a program has just decoded.
 *
 * The bandwidth twin does the same - same threads, same chunk, same columns - with an eighth
 * of the series, which is still far more than any cache holds, so that both fit into
 * memory and run turn by turn.  GB/s count what has to be moved: states read and written, values
 * read.
 */
#include <string.h>

#include "dense.h"
#include "harness.h"
#include "series.h"
#include "tocsin.h"
#include "twin.h"

/* A short window, so that a few ticks warm every series; the recursion is the same. */
#define BILLION_SPEC "ewma alpha=0.25 warmup=4 clip=inf floor-relative=0 floor-history=0 | raw"

enum { BILLION = 1000000000, WARM_UP = 8, TWIN_PART = 8 };

static uint64_t wanted = BILLION;

static int take_series(const char *argument)
{
    wanted = bench_number(argument);
    return wanted >= TOCSIN_BANK_TILE && wanted <= BILLION;
}

static uint64_t bytes_of(const tocsin_spec *spec, const tocsin_bank_options *options, uint64_t n)
{
    const uint64_t twin = n / TWIN_PART * 12, pages = n / 500;

    return tocsin_bank_size(spec, options, n) + twin + pages;
}

int main(int argc, char **argv)
{
    static const bench_option own[] = {{"--series", "N", take_series}, {NULL, NULL, NULL}};
    const bench_options options = bench_begin(argc, argv, own);
    const tocsin_bank_options one_clock = {
        .struct_size = sizeof one_clock,
        .lanes = (uint32_t)options.threads,
        .clock = TOCSIN_CLOCK_SHARED,
        .ids = TOCSIN_IDS_NONE,
    };
    const char *kernels[KERNELS_MAX];
    const char *best = kernels[kernels_list(kernels) - 1];
    tocsin_spec *spec;
    series_bank bank;
    twin_bank copy;
    noise_values values;
    size_t n = options.is_quick && wanted == BILLION ? BILLION / 100 : wanted;

    if (!bench_is_wanted(&options, "billion/tick"))
        return bench_end(&options);
    bench_check(tocsin_spec_compile(&spec, BILLION_SPEC, TOCSIN_NUL_TERMINATED, NULL, NULL),
                BILLION_SPEC);
    while (bytes_of(spec, &one_clock, n) > bench_memory_free())
        n = n / 20 * 19;
    series_init_new(&bank, spec, &one_clock, n);
    twin_init(&copy, TWIN_PLAIN, n / TWIN_PART, 0);
    noise_init_chunk(&values);

    crew *threads = crew_create(options.threads);
    dense tick = {.bank = &bank, .kernel = best, .values = &values, .crew = threads,
                  .threads = options.threads, .n = n};
    dense its = {.twin = &copy, .kernel = best, .values = &values, .crew = threads,
                 .threads = options.threads, .n = n / TWIN_PART};
    bench_way ways[] = {
        {dense_run_bank, &tick, (double)n, 0, NULL, 0},
        {dense_run_twin, &its, (double)its.n, 0, NULL, 0},
    };

    dense_run_bank(&tick, WARM_UP);
    bench_measure(&options, ways, 2);

    const double traffic = twin_traffic(TWIN_PLAIN, 0);
    const bench_line line = {
        .name = "billion/tick",
        .spec = BILLION_SPEC,
        .kernel = best,
        .n = n,
        .ns = ways[0].ns,
        .twin_ns = ways[1].ns,
        .twin_ratio = bench_ratio(&options, &ways[1], &ways[0]),
        .bytes = series_bytes(&bank),
        .clock = "wall",
    };

    bench_print(&options, &line);
    if (options.json != stdout)
        printf("%.3f s per tick of %zu series on %zu threads, %.1f GB/s; the twin %.1f GB/s\n",
               ways[0].ns * (double)n * 1e-9, n, options.threads, traffic / ways[0].ns,
               traffic / ways[1].ns);
    bench_ways_free(ways, 2);
    crew_free(threads);
    noise_free(&values);
    twin_free(&copy);
    series_free(&bank);
    tocsin_spec_free(spec);
    return bench_end(&options);
}
