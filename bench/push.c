/* push.c - what one series costs per point through the public interface.
 *
 * Each line is the median over repeated runs of thread CPU time per point, with
 * the plainest loop there is - s += x over the same values - measured in the
 * same run beside it.  Values are autocorrelated noise around a level that
 * wanders, different at every point, so that no branch learns them by heart.
 *
 *     push [--json] [--points N] [--repeats N]
 *
 * No allocation happens while points are pushed; the program counts and fails if
 * one does.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"
#include "tocsin.h"

enum { MAX_REPEATS = 101 };

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
        double sum = -6;    /* Irwin-Hall: close enough to a Gaussian for a benchmark */

        for (int k = 0; k < 12; k++)
            sum += (double)(random_u64() >> 11) * 0x1p-53;
        noise = 0.5 * noise + sum;
        level += 0.01 * sum;
        values[i] = level + noise;
        times[i] = (int64_t)(i + 1) * TOCSIN_MINUTE;
    }
}

/* What is done with each point. */
enum { SUM, SCORE, VERDICT };

static double volatile sink;

/* ns per point of one pass; a new detector that has warmed up on the first half. */
static double pass(int what, const tocsin_spec *spec, const double *values, const int64_t *times,
                   size_t count)
{
    const size_t half = count / 2;
    tocsin_detector *detector = NULL;
    tocsin_verdict verdict;
    double total = 0, score, start;
    size_t before;

    if (what == SUM) {
        start = cpu_ns();
        for (size_t i = half; i < count; i++)
            total += values[i];
        sink = total;
        return (cpu_ns() - start) / (double)(count - half);
    }
    if (tocsin_detector_create(&detector, spec, &counting) < 0)
        exit(1);
    for (size_t i = 0; i < half; i++)
        tocsin_detector_push(detector, times[i], values[i], TOCSIN_LEARN_AND_SCORE, NULL, 0);
    before = allocations;
    start = cpu_ns();
    if (what == SCORE) {
        for (size_t i = half; i < count; i++) {
            tocsin_detector_score(detector, times[i], values[i], TOCSIN_LEARN_AND_SCORE, &score);
            total += score;
        }
    } else {
        for (size_t i = half; i < count; i++) {
            tocsin_detector_push(detector, times[i], values[i], TOCSIN_LEARN_AND_SCORE, &verdict,
                                 sizeof verdict);
            total += verdict.raw;
        }
    }
    start = cpu_ns() - start;
    sink = total;
    if (allocations != before) {
        fprintf(stderr, "push: %zu allocations while scoring\n", allocations - before);
        exit(1);
    }
    tocsin_detector_free(detector);
    return start / (double)(count - half);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *spec;
        int what;
    } rows[] = {
        {"s += x", NULL, SUM},
        {"ewma | raw, score only", "ewma | raw", SCORE},
        {"ewma | raw, full verdict", "ewma | raw", VERDICT},
        {"ewma | tail | alarm, score only", "ewma | tail | alarm", SCORE},
        {"ewma | tail | alarm, full verdict", "ewma | tail | alarm", VERDICT},
        {"holt-winters season=1d step=5m | tail | alarm, full verdict",
         "holt-winters season=1d step=5m | tail | alarm", VERDICT},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    static double measured[ROWS][MAX_REPEATS];
    tocsin_spec *specs[ROWS] = {NULL};
    size_t points = 400000, repeats = 15;
    int json = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = 1;
        else if (strcmp(argv[i], "--points") == 0 && i + 1 < argc)
            points = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--repeats") == 0 && i + 1 < argc)
            repeats = strtoul(argv[++i], NULL, 10);
        else
            points = 0;
    }
    if (points < 2 || repeats < 1 || repeats > MAX_REPEATS) {
        fprintf(stderr, "usage: push [--json] [--points N] [--repeats 1..%d]\n", MAX_REPEATS);
        return 64;
    }

    double *values = malloc(points * sizeof *values);
    int64_t *times = malloc(points * sizeof *times);

    if (!values || !times)
        return 1;
    fill(values, times, points);
    for (size_t r = 0; r < ROWS; r++) {
        tocsin_error error = {.struct_size = sizeof error};

        if (rows[r].spec && tocsin_spec_compile(&specs[r], rows[r].spec, TOCSIN_NUL_TERMINATED,
                                                NULL, &error) < 0) {
            fprintf(stderr, "push: %s: %s\n", rows[r].spec, error.message);
            return 1;
        }
    }
    /* Round by round, so that a drifting machine drifts for all rows alike. */
    for (size_t k = 0; k < repeats; k++)
        for (size_t r = 0; r < ROWS; r++)
            measured[r][k] = pass(rows[r].what, specs[r], values, times, points);

    const double twin = median(measured[0], repeats);

    if (!json)
        printf("%-62s %9s %9s\n", "", "ns/point", "x (s+=x)");
    for (size_t r = 0; r < ROWS; r++) {
        const double ns = median(measured[r], repeats);

        if (json)
            printf("{\"name\": \"push: %s\", \"ns_per_point\": %.3f, \"twin_ns_per_point\": %.3f, "
                   "\"twin_ratio\": %.2f, \"bytes_per_series\": %zu}\n",
                   rows[r].name, ns, twin, ns / twin,
                   specs[r] ? tocsin_spec_state_size(specs[r]) : 0);
        else
            printf("%-62s %9.2f %9.1f\n", rows[r].name, ns, ns / twin);
        tocsin_spec_free(specs[r]);
    }
    free(values);
    free(times);
    return 0;
}
