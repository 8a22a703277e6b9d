/* bank.c - what a bank costs per point, beside its bandwidth twin.
 *
 * Dense, with one clock for the whole bank (the states stand field by field, and kernels work on
 * them), for each kernel that the machine has:
 *
 *     bank/SUBJECT/tick       every series gets a value and gives a score
 *     bank/SUBJECT/bits       ... and gives one bit, whether its alarm is on
 *     bank/SUBJECT/learn      ... and gives nothing
 *     bank/SUBJECT/missing    scores; one value in a hundred is missing
 *     bank/SUBJECT/threads    scores; a thread per processor, time as it goes by
 *
 * Dense, each series having a clock of its own (the states stand one after the other):
 *
 *     bank/SUBJECT/rows
 *
 * Sparse: 8,192 points a call, in a random order, half a million points (or all series) a
 * tick:
 *
 *     bank/SUBJECT/slots, ids             one clock
 *     bank/SUBJECT/rows-slots, rows-ids   own clocks
 *
 * The twins move the same streams and add (twin.h).  The twin of rows reads and writes the
 * states but for seasonal slots of other times; that of sparse points, one cache line per point
 * in the same order.  "x plain"
 * is the time in times of the plain recursion's (bank/plain/tick), interleaved in the same run.
 */
#include <stdlib.h>
#include <string.h>

#include "dense.h"
#include "harness.h"
#include "series.h"
#include "tocsin.h"
#include "twin.h"

enum {
    WAYS_MAX = 64,
    SIZES_MAX = 8,
    BATCH = 8192,           /* points in a sparse push */
    ROUND = 64 * BATCH,     /* points in a sparse tick, at most */
    LINE = 64               /* bytes in a cache line */
};

/* ---- What is measured --------------------------------------------------------- */

typedef struct subject {
    const char *name, *spec;
    twin_shape shape;
    size_t slots;           /* of its seasons */
    int64_t step;
    int has_kernel;         /* else it is measured in rows only */
    int has_alarm;
    int is_sparse;          /* sparse points are measured too */
    int has_threads;        /* and threads */
    int has_learn;          /* and learning without scores */
    size_t sizes[SIZES_MAX];
} subject;

static const subject subjects[] = {
    {"plain", "ewma clip=inf floor-relative=0 floor-history=0 | raw", TWIN_PLAIN, 0,
     TOCSIN_MINUTE, 1, 0, 1, 1, 1, {10000, 100000, 1000000, 16000000}},
    {"ewma", "ewma | raw", TWIN_EWMA, 0,
     TOCSIN_MINUTE, 1, 0, 1, 1, 0, {10000, 100000, 1000000, 16000000}},
    {"holt", "holt-winters season=1d step=5m | raw", TWIN_HOLT, 288,
     5 * TOCSIN_MINUTE, 1, 0, 0, 1, 0, {10000, 100000, 1000000, 4000000}},
    {"ewma-alarm", "ewma | tail | alarm", TWIN_EWMA_TAIL, 0,
     TOCSIN_MINUTE, 1, 1, 1, 0, 0, {10000, 100000, 1000000, 16000000}},
    {"holt-alarm", "holt-winters season=1d step=5m | tail | alarm", TWIN_HOLT_TAIL, 288,
     5 * TOCSIN_MINUTE, 1, 1, 0, 0, 0, {10000, 100000, 1000000, 4000000}},
    {"auto", "auto | raw", TWIN_PLAIN, 156,
     TOCSIN_MINUTE, 0, 0, 1, 0, 0, {10000, 100000, 1000000}},
    {"auto-alarm", "auto | tail | alarm", TWIN_PLAIN, 156,
     TOCSIN_MINUTE, 0, 0, 1, 0, 0, {10000, 100000, 1000000}},
};
enum { SUBJECTS = sizeof subjects / sizeof subjects[0], PLAIN = 0 };

static const size_t sparse_sizes[SIZES_MAX] = {16384, 16777216};
enum { QUICK_SERIES = 100000 };

static bench_options options;
static size_t given_sizes[SIZES_MAX];       /* --series, in the place of all others */
static uint64_t memory_limit = (uint64_t)16 << 30;

static const char *only_kernel;              /* --kernel, in the place of all of them */
static const char *kernels[KERNELS_MAX];
static size_t kernel_count;
static donors warm[SUBJECTS];               /* as they are needed */

static donors *donors_of(const subject *s)
{
    donors *d = &warm[s - subjects];

    if (!d->spec)
        donors_init(d, s->spec, s->step, options.is_quick);
    return d;
}

static int is_wanted(const subject *s, const char *way)
{
    char name[128];

    snprintf(name, sizeof name, "bank/%s/%s", s->name, way);
    return bench_is_wanted(&options, name);
}

static int has_room(const subject *s, const char *way, size_t n, uint64_t bytes)
{
    const uint64_t available = bench_memory_free();
    const uint64_t limit = memory_limit < available ? memory_limit : available;

    if (bytes <= limit)
        return 1;
    fprintf(stderr, "bank/%s/%s with %zu series: left out, it would take %.1f of %.1f GiB\n",
            s->name, way, n, (double)bytes * 0x1p-30, (double)limit * 0x1p-30);
    return 0;
}

/* ---- Contests ------------------------------------------------------------------- */

/* The ways that run against each other, and what shall be told of them. */
typedef struct contest {
    bench_way ways[WAYS_MAX];
    size_t count;
    struct contest_result {
        char name[128];
        const char *kernel, *clock;
        size_t way, twin, plain;    /* indices; plain == way: not compared */
        double bytes;
    } results[WAYS_MAX];
    size_t result_count;
} contest;

static size_t contest_add(contest *c, double (*run)(void *, size_t), void *context, double points)
{
    if (c->count == WAYS_MAX)
        bench_fail("too many ways in one contest");
    c->ways[c->count] = (bench_way){run, context, points, 0, NULL, 0};
    return c->count++;
}

static struct contest_result *contest_tell(contest *c, const subject *s, const char *way,
                                           const char *kernel, size_t index, size_t twin,
                                           double bytes)
{
    struct contest_result *result = &c->results[c->result_count++];

    snprintf(result->name, sizeof result->name, "bank/%s/%s", s->name, way);
    result->kernel = kernel;
    result->clock = "cpu";
    result->way = result->plain = index;
    result->twin = twin;
    result->bytes = bytes;
    return result;
}

static void contest_hold(contest *c, const subject *s, size_t n)
{
    bench_measure(&options, c->ways, c->count);
    for (size_t i = 0; i < c->result_count; i++) {
        const struct contest_result *r = &c->results[i];
        const bench_way *way = &c->ways[r->way], *twin = &c->ways[r->twin];
        const bench_line line = {
            .name = r->name,
            .spec = s->spec,
            .kernel = r->kernel,
            .n = n,
            .ns = way->ns,
            .twin_ns = twin->ns,
            .twin_ratio = bench_ratio(&options, twin, way),
            .plain_ratio = r->plain == r->way ? 0
                                              : bench_ratio(&options, way, &c->ways[r->plain]),
            .bytes = r->bytes,
            .clock = r->clock,
        };

        bench_print(&options, &line);
    }
    bench_ways_free(c->ways, c->count);
}

/* ---- Dense ------------------------------------------------------------------------ */

/* What belongs to one size of one subject. */
typedef struct field {
    const subject *subject;
    size_t n;
    series_bank bank, plain;
    twin_bank twin;
    noise_values values, gappy;
    double *scores;
    uint64_t *alarms;
    crew *crew;
    size_t scores_size, alarms_size;
    dense ways[WAYS_MAX];
    size_t count;
} field;

static const tocsin_bank_options shared = {.struct_size = sizeof(tocsin_bank_options),
                                           .clock = TOCSIN_CLOCK_SHARED,
                                           .ids = TOCSIN_IDS_NONE};

static dense *field_way(field *f, const char *kernel, dense like)
{
    dense *d = &f->ways[f->count++];

    *d = like;
    d->kernel = kernel;
    d->n = f->n;
    d->tick = f->count;
    return d;
}

/* A bank's tick, then its twin's, then the plain bank's; `like` says what they read and
 * write. */
static void field_add(field *f, contest *c, const char *way, const char *kernel, dense like)
{
    dense *bank = field_way(f, kernel, like), *twin = field_way(f, kernel, like);
    struct contest_result *result;
    size_t index;

    bank->bank = &f->bank;
    twin->twin = &f->twin;
    index = contest_add(c, dense_run_bank, bank, (double)f->n);
    result = contest_tell(c, f->subject, way, kernel, index,
                          contest_add(c, dense_run_twin, twin, (double)f->n),
                          series_bytes(&f->bank));
    if (like.crew) {
        result->clock = "wall";
    } else if (f->plain.bank) {
        like.scores = f->scores;
        like.alarms = NULL;
        bank = field_way(f, kernel, like);
        bank->bank = &f->plain;
        result->plain = contest_add(c, dense_run_bank, bank, (double)f->n);
    }
}

static void measure_dense(const subject *s, size_t n)
{
    const int tick = is_wanted(s, "tick"), missing = is_wanted(s, "missing");
    const int bits = s->has_alarm && is_wanted(s, "bits");
    const int learn = s->has_learn && is_wanted(s, "learn");
    const int threads = s->has_threads && options.threads > 1 && n >= 1000000 &&
                        is_wanted(s, "threads");
    const char *best = kernels[kernel_count - 1];
    tocsin_bank_options lanes = shared;
    contest c = {.count = 0};
    field f = {.subject = s, .n = n};
    const size_t padded = (n + 63) / 64 * 64;

    if (!(tick || missing || bits || learn || threads))
        return;
    lanes.lanes = (uint32_t)options.threads;
    if (!has_room(s, "tick", n,
                  series_size(donors_of(s), &lanes, n) +
                      series_size(donors_of(&subjects[PLAIN]), &shared, n) + 64 * (uint64_t)n))
        return;
    f.scores_size = padded * sizeof *f.scores;
    f.alarms_size = padded / 8;
    f.scores = bench_memory(f.scores_size);
    f.alarms = bench_memory(f.alarms_size);
    noise_init(&f.values, n, 0);
    noise_init(&f.gappy, n, 0.01);
    series_init(&f.bank, donors_of(s), &lanes, n);
    if (s != &subjects[PLAIN])
        series_init(&f.plain, donors_of(&subjects[PLAIN]), &shared, n);
    twin_init(&f.twin, s->shape, n, s->slots);

    const dense scores = {.values = &f.values, .scores = f.scores, .threads = 1};
    dense other;

    for (size_t k = 0; k < kernel_count; k++) {
        if (tick)
            field_add(&f, &c, "tick", kernels[k], scores);
        if (bits) {
            other = scores;
            other.scores = NULL;
            other.alarms = f.alarms;
            field_add(&f, &c, "bits", kernels[k], other);
        }
        if (learn) {
            other = scores;
            other.scores = NULL;
            field_add(&f, &c, "learn", kernels[k], other);
        }
    }
    if (missing) {
        other = scores;
        other.values = &f.gappy;
        field_add(&f, &c, "missing", best, other);
    }
    if (threads) {
        other = scores;
        other.threads = options.threads;
        other.crew = f.crew = crew_create(options.threads);
        field_add(&f, &c, "threads", best, other);
    }
    contest_hold(&c, s, n);

    if (f.crew)
        crew_free(f.crew);
    twin_free(&f.twin);
    if (f.plain.bank)
        series_free(&f.plain);
    series_free(&f.bank);
    noise_free(&f.gappy);
    noise_free(&f.values);
    bench_release(f.alarms, f.alarms_size);
    bench_release(f.scores, f.scores_size);
}

/* ---- Rows -------------------------------------------------------------------------- */

/* The twin of rows: of every state all is read and written but seasonal slots, of which it is
 * one of each array. */
typedef struct rows_twin {
    uint64_t *states;
    size_t n, words;        /* words per series */
    size_t slots;           /* of seasons: two arrays of floats at the end of the state */
    const noise_values *values;
    double *scores;
    size_t tick;
} rows_twin;

static double run_rows_twin(void *context, size_t times)
{
    rows_twin *r = context;
    const double start = bench_cpu_ns();

    for (size_t k = 0; k < times; k++) {
        const float *values = noise_at(r->values, r->tick++);
        const size_t head = r->words - r->slots;
        const size_t slot = r->slots ? r->tick % r->slots / 2 : 0;
        uint64_t *state = r->states;

        for (size_t i = 0; i < r->n; i++, state += r->words) {
            for (size_t w = 0; w < head; w++)
                state[w]++;
            if (r->slots) {
                state[head + slot]++;
                state[head + r->slots / 2 + slot]++;
            }
            r->scores[i] = (double)values[i];
        }
    }
    return bench_cpu_ns() - start;
}

static void measure_rows(const subject *s, size_t n)
{
    contest c = {.count = 0};
    series_bank bank;
    noise_values values;
    const size_t scores_size = n * sizeof(double);
    rows_twin r = {.n = n, .slots = s->slots, .values = &values};

    if (!is_wanted(s, "rows"))
        return;
    r.words = tocsin_spec_state_size(donors_of(s)->spec) / sizeof(uint64_t);
    if (!has_room(s, "rows", n,
                  series_size(donors_of(s), NULL, n) + (uint64_t)n * (r.words * 8 + 16)))
        return;
    noise_init(&values, n, 0);
    series_init(&bank, donors_of(s), NULL, n);
    r.states = bench_memory(n * r.words * sizeof *r.states);
    r.scores = bench_memory(scores_size);

    dense d = {.bank = &bank, .kernel = kernels[kernel_count - 1], .values = &values,
               .scores = r.scores, .threads = 1, .n = n};
    const size_t way = contest_add(&c, dense_run_bank, &d, (double)n);
    const size_t twin = contest_add(&c, run_rows_twin, &r, (double)n);

    contest_tell(&c, s, "rows", "rows", way, twin, series_bytes(&bank));
    contest_hold(&c, s, n);
    bench_release(r.scores, scores_size);
    bench_release(r.states, n * r.words * sizeof *r.states);
    series_free(&bank);
    noise_free(&values);
}

/* ---- Sparse ------------------------------------------------------------------------- */

typedef struct line {
    double sum;
    char rest[LINE - sizeof(double)];
} line;

/* Points in the order of a permutation of the slots, which goes on from tick to tick. */
typedef struct sparse {
    series_bank *series;         /* the bank */
    line *lines;            /* or its twin: a cache line per series */
    const uint32_t *order;
    size_t n, at;
    size_t points;          /* per tick */
    int by_id, is_shared;
    const noise_values *values;
    size_t tick;
    tocsin_point batch[BATCH];
    double scores[BATCH];
} sparse;

static size_t sparse_batch(sparse *s, int64_t time)
{
    const float *values = noise_at(s->values, s->tick);
    const size_t count = s->n - s->at < BATCH ? s->n - s->at : BATCH;

    for (size_t i = 0; i < count; i++) {
        const uint32_t slot = s->order[s->at + i];

        s->batch[i].key = s->by_id ? series_id(slot) : slot;
        s->batch[i].time = time;
        s->batch[i].value = (double)values[s->at + i];
    }
    s->at = (s->at + count) % s->n;
    return count;
}

static double sparse_push(sparse *s, size_t count)
{
    const double start = bench_cpu_ns();

    bench_check((s->by_id ? tocsin_bank_push_ids : tocsin_bank_push_slots)(
                    s->series->bank, s->batch, count, TOCSIN_LEARN_AND_SCORE, s->scores, NULL, 0),
                "a sparse push");
    return bench_cpu_ns() - start;
}

static double run_sparse(void *context, size_t times)
{
    sparse *s = context;
    double ns = 0, start;

    for (size_t k = 0; k < times; k++) {
        tocsin_tick tick;

        series_next(s->series, &tick, NULL);
        s->tick++;
        start = bench_cpu_ns();
        if (s->is_shared)
            bench_check(tocsin_bank_tick_begin(s->series->bank, &tick), "beginning a tick");
        ns += bench_cpu_ns() - start;
        for (size_t done = 0; done < s->points;) {
            const size_t count = sparse_batch(s, tick.time);

            ns += sparse_push(s, count);
            done += count;
        }
        start = bench_cpu_ns();
        if (s->is_shared)
            bench_check(tocsin_bank_tick_end(s->series->bank), "ending a tick");
        ns += bench_cpu_ns() - start;
    }
    return ns;
}

static double run_sparse_twin(void *context, size_t times)
{
    sparse *s = context;
    double ns = 0;

    for (size_t k = 0; k < times; k++) {
        s->tick++;
        for (size_t done = 0; done < s->points;) {
            const size_t count = sparse_batch(s, 0);
            const double start = bench_cpu_ns();

            for (size_t i = 0; i < count; i++)
                s->scores[i] = s->lines[s->batch[i].key].sum += s->batch[i].value;
            ns += bench_cpu_ns() - start;
            done += count;
        }
        bench_keep(s->scores[0]);
    }
    return ns;
}

static uint32_t *permutation(size_t n)
{
    uint32_t *order = bench_memory(n * sizeof *order);

    for (size_t i = 0; i < n; i++) {
        const size_t j = (size_t)(bench_random() % (i + 1));

        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
    return order;
}

/* By slot the bank keeps no ids, for those who find their series themselves. */
static void measure_sparse_of(const subject *s, size_t n, int is_shared, int by_id)
{
    static const char *const names[2][2] = {{"rows-slots", "rows-ids"}, {"slots", "ids"}};
    const char *name = names[is_shared][by_id];
    const tocsin_bank_options own = {
        .struct_size = sizeof own,
        .clock = is_shared ? TOCSIN_CLOCK_SHARED : TOCSIN_CLOCK_OWN,
        .ids = by_id ? TOCSIN_IDS_KEPT : TOCSIN_IDS_NONE,
    };
    contest c = {.count = 0};
    static sparse ways[2];
    series_bank bank;
    noise_values values;

    if (!is_wanted(s, name) ||
        !has_room(s, name, n, series_size(donors_of(s), &own, n) + (uint64_t)n * (LINE + 8)))
        return;
    noise_init(&values, n, 0);
    series_init(&bank, donors_of(s), &own, n);

    uint32_t *order = permutation(n);
    line *lines = bench_memory(n * sizeof *lines);

    for (int k = 0; k < 2; k++)
        ways[k] = (sparse){
            .series = &bank, .lines = lines, .order = order, .n = n,
            .points = n < ROUND ? n : ROUND, .by_id = by_id && k == 0, .is_shared = is_shared,
            .values = &values, .tick = (size_t)k,
        };

    const double points = (double)ways[0].points;
    const size_t way = contest_add(&c, run_sparse, &ways[0], points);
    const size_t twin = contest_add(&c, run_sparse_twin, &ways[1], points);

    contest_tell(&c, s, name, is_shared ? kernels[kernel_count - 1] : "rows", way, twin,
                 series_bytes(&bank));
    kernels_force(kernels[kernel_count - 1]);
    contest_hold(&c, s, n);
    bench_release(lines, n * sizeof *lines);
    bench_release(order, n * sizeof *order);
    series_free(&bank);
    noise_free(&values);
}

static void measure_sparse(const subject *s, size_t n)
{
    for (int is_shared = s->has_kernel; is_shared >= 0; is_shared--)
        for (int by_id = 0; by_id < 2; by_id++)
            measure_sparse_of(s, n, is_shared, by_id);
}

/* ---- Command line -------------------------------------------------------------------- */

static int take_series(const char *argument)
{
    char text[32];

    for (size_t i = 0; i < SIZES_MAX; i++) {
        const size_t length = strcspn(argument, ",");

        if (length >= sizeof text)
            return 0;
        memcpy(text, argument, length);
        text[length] = '\0';
        given_sizes[i] = (size_t)bench_number(text);
        if (given_sizes[i] == 0 || given_sizes[i] > TOCSIN_BANK_SERIES_MAX)
            return 0;
        if (argument[length] == '\0')
            return 1;
        argument += length + 1;
    }
    return 0;
}

static int take_kernel(const char *argument)
{
    only_kernel = argument;
    return 1;
}

static int take_memory(const char *argument)
{
    memory_limit = bench_number(argument) << 30;
    return memory_limit != 0;
}

static void choose_kernel(void)
{
    for (size_t i = 0; i < kernel_count; i++)
        if (strcmp(kernels[i], only_kernel) == 0) {
            kernels[0] = kernels[i];
            kernel_count = 1;
            return;
        }
    bench_fail("no kernel %s on this machine", only_kernel);
}

static void for_each_size(const subject *s, const size_t *sizes,
                          void (*measure)(const subject *s, size_t n))
{
    if (given_sizes[0])
        sizes = given_sizes;
    for (size_t i = 0; i < SIZES_MAX && sizes[i]; i++)
        if (sizes == given_sizes || !options.is_quick || sizes[i] <= QUICK_SERIES)
            measure(s, sizes[i]);
}

int main(int argc, char **argv)
{
    static const bench_option own[] = {
        {"--series", "N,...", take_series},
        {"--kernel", "NAME", take_kernel},
        {"--memory", "GIB", take_memory},
        {NULL, NULL, NULL},
    };

    options = bench_begin(argc, argv, own);
    kernel_count = kernels_list(kernels);
    if (only_kernel)
        choose_kernel();
    for (const subject *s = subjects; s < subjects + SUBJECTS; s++) {
        if (s->has_kernel)
            for_each_size(s, s->sizes, measure_dense);
        for_each_size(s, s->sizes, measure_rows);
        if (s->is_sparse)
            for_each_size(s, sparse_sizes, measure_sparse);
    }
    for (size_t i = 0; i < SUBJECTS; i++)
        if (warm[i].spec)
            donors_free(&warm[i]);
    return bench_end(&options);
}
