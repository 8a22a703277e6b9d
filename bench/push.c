/* push.c - what one series costs per point through the public interface.
 *
 * Each line stands beside the plainest loop there is - s += x over the same values - in the
 * place of a twin.  Values are autocorrelated noise around a level that wanders, different
 * at every point, so that no branch learns them by heart.
 *
 * No allocation happens while points are pushed; the program counts and fails if
 * one does.
 */
#include <stdlib.h>

#include "harness.h"
#include "tocsin.h"

static size_t allocations;

static void *counting_alloc(void *user, size_t size, size_t align)
{
    (void)user;
    allocations++;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void counting_free(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

static const tocsin_allocator counting = {sizeof(tocsin_allocator), 0, NULL, counting_alloc,
                                          counting_free};

static void fill(double *values, int64_t *times, size_t count)
{
    double level = 100, noise = 0;

    for (size_t i = 0; i < count; i++) {
        const double shock = bench_gaussian();

        noise = 0.5 * noise + shock;
        level += 0.01 * shock;
        values[i] = level + noise;
        times[i] = (int64_t)(i + 1) * TOCSIN_MINUTE;
    }
}

/* What is done with each point. */
enum { SUM, SCORE, VERDICT };

typedef struct row {
    const char *name, *spec;
    int what;
    tocsin_spec *compiled;
} row;

static const double *values;
static const int64_t *times;
static size_t points = 400000;      /* the first half of them to warm up */

static double sum(size_t begin, size_t end)
{
    const double start = bench_cpu_ns();
    double total = 0;

    for (size_t i = begin; i < end; i++)
        total += values[i];
    bench_keep(total);
    return bench_cpu_ns() - start;
}

/* The ns of some points, the detector having seen those before. */
static double push(const row *r, tocsin_detector *detector, size_t begin, size_t end)
{
    const size_t before = allocations;
    const double start = bench_cpu_ns();
    tocsin_verdict verdict;
    double total = 0, score, ns;

    if (r->what == SCORE) {
        for (size_t i = begin; i < end; i++) {
            tocsin_detector_score(detector, times[i], values[i], TOCSIN_LEARN_AND_SCORE, &score);
            total += score;
        }
    } else {
        for (size_t i = begin; i < end; i++) {
            tocsin_detector_push(detector, times[i], values[i], TOCSIN_LEARN_AND_SCORE, &verdict,
                                 sizeof verdict);
            total += verdict.raw;
        }
    }
    ns = bench_cpu_ns() - start;
    bench_keep(total);
    if (allocations != before)
        bench_fail("%s: %zu allocations while scoring", r->name, allocations - before);
    return ns;
}

/* A new detector each time, which has warmed up on the first half. */
static double run(void *context, size_t count)
{
    const row *r = context;
    const size_t half = points / 2;
    double ns = 0;

    for (size_t k = 0; k < count; k++) {
        tocsin_detector *detector = NULL;

        if (r->what == SUM) {
            ns += sum(half, points);
            continue;
        }
        bench_check(tocsin_detector_create(&detector, r->compiled, &counting), "a detector");
        for (size_t i = 0; i < half; i++)
            tocsin_detector_push(detector, times[i], values[i], TOCSIN_LEARN_AND_SCORE, NULL, 0);
        ns += push(r, detector, half, points);
        tocsin_detector_free(detector);
    }
    return ns;
}

static int take_points(const char *argument)
{
    points = (size_t)bench_number(argument);
    return points >= 2;
}

int main(int argc, char **argv)
{
    static row rows[] = {
        {"push/sum", NULL, SUM, NULL},
        {"push/ewma/score", "ewma | raw", SCORE, NULL},
        {"push/ewma/verdict", "ewma | raw", VERDICT, NULL},
        {"push/ewma-alarm/score", "ewma | tail | alarm", SCORE, NULL},
        {"push/ewma-alarm/verdict", "ewma | tail | alarm", VERDICT, NULL},
        {"push/focus/score", "focus | raw", SCORE, NULL},
        {"push/focus/verdict", "focus | raw", VERDICT, NULL},
        {"push/holt/verdict", "holt-winters season=1d step=5m | raw", VERDICT, NULL},
        {"push/holt-alarm/verdict", "holt-winters season=1d step=5m | tail | alarm", VERDICT, NULL},
        {"push/auto/verdict", "auto | raw", VERDICT, NULL},
        {"push/auto-alarm/verdict", "auto | tail | alarm", VERDICT, NULL},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    static const bench_option own[] = {{"--points", "N", take_points}, {NULL, NULL, NULL}};
    const bench_options options = bench_begin(argc, argv, own);
    bench_way ways[ROWS];
    row *wanted[ROWS];
    size_t count = 0;

    double *all_values = bench_memory(points * sizeof *all_values);
    int64_t *all_times = bench_memory(points * sizeof *all_times);

    fill(all_values, all_times, points);
    values = all_values;
    times = all_times;
    for (size_t i = 0; i < ROWS; i++) {
        tocsin_error error = {.struct_size = sizeof error};

        if (rows[i].what != SUM && !bench_is_wanted(&options, rows[i].name))
            continue;
        if (rows[i].spec && tocsin_spec_compile(&rows[i].compiled, rows[i].spec,
                                                TOCSIN_NUL_TERMINATED, NULL, &error) < 0)
            bench_fail("%s: %s", rows[i].spec, error.message);
        ways[count] = (bench_way){run, &rows[i], (double)(points - points / 2), 0, NULL, 0};
        wanted[count++] = &rows[i];
    }
    if (count > 1 || bench_is_wanted(&options, wanted[0]->name))
        bench_measure(&options, ways, count);
    else
        count = 0;
    for (size_t i = 0; i < count; i++) {
        const row *r = wanted[i];
        const bench_line line = {
            .name = r->name,
            .spec = r->spec,
            .n = 1,
            .ns = ways[i].ns,
            .twin_ns = ways[0].ns,
            .twin_ratio = bench_ratio(&options, &ways[0], &ways[i]),
            .bytes = r->compiled ? (double)tocsin_spec_state_size(r->compiled) : 0,
            .clock = "cpu",
        };

        bench_print(&options, &line);
        tocsin_spec_free(r->compiled);
    }
    bench_ways_free(ways, count);
    bench_release(all_values, points * sizeof *all_values);
    bench_release(all_times, points * sizeof *all_times);
    return bench_end(&options);
}
