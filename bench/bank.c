/* bank.c - what a bank costs per point, beside the memory traffic of its states.
 *
 * Each line is the median over repeated ticks of thread CPU time per point: all series of a
 * warm bank get a value, which differs from tick to tick and from series to series.
 * Sparse pushes take the series in a random order, by slot and by id, 8,192 points a call.
 *
 * The *bandwidth twin* reads and writes every byte of states, values and scores, in the
 * same order and in the same run, with an addition per eight bytes in the place of the
 * arithmetic.  That is more than a tick touches (most points leave most of a calibrator's
 * ring alone), so that a ratio near 1 would be as good as it gets, not a bound.
 *
 *     bank [--json] [--max SERIES] [--rounds N]
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"
#include "tocsin.h"

enum { MAX_ROUNDS = 101, BATCH = 8192, NOISE = 1 << 16, WARM_UP = 150 };

static float noise[NOISE];

/* Every series at every tick another place in the noise. */
static void fill(float *values, size_t series, size_t tick)
{
    const size_t offset = (size_t)(random_u64() % NOISE);

    for (size_t i = 0; i < series; i++)
        values[i] = 100 + noise[(i + offset + 7919 * tick) % NOISE];
}

/* What is measured. */
enum { DENSE, TWIN, BY_SLOT, BY_ID, WAYS };

typedef struct run {
    const tocsin_spec *spec;
    tocsin_bank *bank;
    size_t series, words;       /* words: of the twin's states */
    float *values;
    double *scores;
    uint64_t *states;
    uint64_t *ids;
    tocsin_point *points;
    int64_t time;
    size_t ticks;
} run;

static double volatile sink;

static void check(int status)
{
    if (status < 0) {
        fprintf(stderr, "bank: %s\n", tocsin_status_name(status));
        exit(1);
    }
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (!memory) {
        fprintf(stderr, "bank: out of memory\n");
        exit(1);
    }
    return memory;
}

static double dense(run *r)
{
    tocsin_tick tick;
    double start;

    memset(&tick, 0, sizeof tick);
    tick.struct_size = sizeof tick;
    tick.time = r->time += TOCSIN_MINUTE;
    tick.count = r->series;
    tick.value_type = TOCSIN_VALUES_FLOAT;
    tick.values = r->values;
    tick.scores = r->scores;
    fill(r->values, r->series, r->ticks++);
    start = cpu_ns();
    check(tocsin_bank_tick(r->bank, &tick));
    return (cpu_ns() - start) / (double)r->series;
}

static double twin(run *r)
{
    const size_t per_series = r->words / r->series;
    double start;

    fill(r->values, r->series, r->ticks++);
    start = cpu_ns();
    for (size_t i = 0; i < r->series; i++) {
        uint64_t *state = r->states + i * per_series;

        for (size_t k = 0; k < per_series; k++)
            state[k]++;
        r->scores[i] = (double)r->values[i];
    }
    start = cpu_ns() - start;
    sink = r->scores[r->series / 2] + (double)r->states[r->words / 2];
    return start / (double)r->series;
}

static double sparse(run *r, int by_id)
{
    double start;

    r->time += TOCSIN_MINUTE;
    for (size_t i = 0; i < BATCH; i++) {
        const size_t slot = (size_t)(random_u64() % r->series);

        r->points[i].key = by_id ? r->ids[slot] : slot;
        r->points[i].time = r->time + (int64_t)i;
        r->points[i].value = 100 + (double)noise[random_u64() % NOISE];
    }
    start = cpu_ns();
    check((by_id ? tocsin_bank_push_ids : tocsin_bank_push_slots)(
        r->bank, r->points, BATCH, TOCSIN_LEARN_AND_SCORE, r->scores, NULL, 0));
    return (cpu_ns() - start) / BATCH;
}

static void measure(const char *text, size_t series, size_t rounds, int json)
{
    static const char *const ways[WAYS] = {"dense", "twin", "by slot", "by id"};
    static double measured[WAYS][MAX_ROUNDS];
    tocsin_error error = {.struct_size = sizeof error};
    tocsin_spec *spec;
    run r;

    if (tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) < 0) {
        fprintf(stderr, "bank: %s: %s\n", text, error.message);
        exit(1);
    }
    memset(&r, 0, sizeof r);
    r.spec = spec;
    r.series = series;
    r.words = series * (tocsin_spec_state_size(spec) / sizeof(uint64_t));
    r.values = allocate(series * sizeof *r.values);
    r.scores = allocate((series > BATCH ? series : BATCH) * sizeof *r.scores);
    r.states = allocate(r.words * sizeof *r.states);
    r.ids = allocate(series * sizeof *r.ids);
    r.points = allocate(BATCH * sizeof *r.points);
    check(tocsin_bank_create(&r.bank, spec, NULL, NULL));
    check(tocsin_bank_reserve(r.bank, series));
    for (size_t i = 0; i < series; i++) {
        r.ids[i] = random_u64();
        check(tocsin_bank_add(r.bank, r.ids[i], NULL));
    }
    for (int i = 0; i < WARM_UP; i++)
        dense(&r);
    /* Round by round, so that a drifting machine drifts for all alike. */
    for (size_t k = 0; k < rounds; k++) {
        measured[DENSE][k] = dense(&r);
        measured[TWIN][k] = twin(&r);
        measured[BY_SLOT][k] = sparse(&r, 0);
        measured[BY_ID][k] = sparse(&r, 1);
    }

    const double twin_ns = median(measured[TWIN], rounds);

    for (int way = DENSE; way < WAYS; way++) {
        const double ns = median(measured[way], rounds);

        if (way == TWIN)
            continue;
        if (json)
            printf("{\"name\": \"bank: %s, %s\", \"kernel\": \"pipeline\", \"n\": %zu, "
                   "\"ns_per_point\": %.3f, \"twin_ns_per_point\": %.3f, \"twin_ratio\": %.3f, "
                   "\"bytes_per_series\": %zu}\n",
                   text, ways[way], series, ns, twin_ns, twin_ns / ns,
                   tocsin_bank_series_size(spec));
        else
            printf("%-46s %-8s %9zu %9.2f %9.2f %7.1f%% %7zu\n", text, ways[way], series, ns,
                   twin_ns, 100 * twin_ns / ns, tocsin_bank_series_size(spec));
    }
    fflush(stdout);
    tocsin_bank_free(r.bank);
    tocsin_spec_free(spec);
    free(r.values);
    free(r.scores);
    free(r.states);
    free(r.ids);
    free(r.points);
}

int main(int argc, char **argv)
{
    static const char *const specs[] = {"ewma | raw", "ewma | tail | alarm",
                                        "holt-winters season=24p step=1h | raw"};
    static const size_t sizes[] = {10000, 100000, 1000000};
    size_t max = 1000000, rounds = 15;
    int json = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = 1;
        else if (strcmp(argv[i], "--max") == 0 && i + 1 < argc)
            max = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = strtoul(argv[++i], NULL, 10);
        else
            rounds = 0;
    }
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bank [--json] [--max SERIES] [--rounds 1..%d]\n", MAX_ROUNDS);
        return 64;
    }
    for (size_t i = 0; i < NOISE; i++)
        for (int k = 0; k < 12; k++)    /* Irwin-Hall: close enough to a Gaussian for a benchmark */
            noise[i] += (float)((double)(random_u64() >> 11) * 0x1p-53 - 0.5);

    if (!json)
        printf("%-46s %-8s %9s %9s %9s %8s %7s\n", "", "", "series", "ns/point", "twin", "of twin",
               "bytes");
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++)
        for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++)
            if (sizes[n] <= max)
                measure(specs[s], sizes[n], rounds, json);
    return 0;
}
