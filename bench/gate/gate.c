/* gate.c - the release gate's promises and powers, by simulation with fixed seeds.
 *
 *     gate alike [RUNS [PART]]    no change: how often it ever says fail, looked at all along
 *     gate power [RUNS [PART]]    harm: how many requests until it says fail; no change: until pass
 *     gate pass [RUNS [PART]]     harm at the margin, or hidden in the tail: how often it passes
 *     gate effects [RUNS]     how often the confidence sequence for the change ever misses it
 *     gate canary FOLDER      pairs of real latencies: does its evidence tell the worse ones?
 *     gate speed              nanoseconds for each observation, microseconds for each verdict
 *
 * PART of a scene's name picks those that have it.  Run r of every simulation draws from its own
 * generator, seeded by r: the same numbers anywhere.  Each is looked at every 10 requests up to 1000,
 * then at each hundredth more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "laws.h"
#include "tocsin.h"

typedef struct scene {
    const char *name, *spec;
    double share, declared;     /* true share; declared 0: the same */
    int law;
    int kind;                   /* one of those below */
    double factor;              /* the candidate's values, times this */
    double slow, slow_factor;   /* this fraction of the candidate's is that much slower */
    uint64_t horizon;
} scene;

enum { PLAIN, SEASON, PATTERN, AUTOREGRESSIVE, SESSIONS, PODS, RAMP, ERRORS, BUCKETS, GAUGE,
       TIMEOUTS, SPITE, DRIFT, TURNS };

typedef struct world {
    rng random;
    uint64_t n;                 /* requests so far */
    double state;               /* of an autoregression */
    double pod[64];
    double user;
    uint64_t session;
    int session_left, session_arm;
    int arm;                    /* of the request before */
    uint64_t buckets[2][12];
    tocsin_counter counters[4];
    uint64_t totals[4];
} world;

static const double bounds[12] = {5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, INFINITY};

static tocsin_gate *gate_of(const char *text, tocsin_gate_spec **spec)
{
    tocsin_error error;
    tocsin_gate *gate;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    if (tocsin_gate_spec_compile(spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) < 0 ||
        tocsin_gate_create(&gate, *spec, NULL) < 0) {
        fprintf(stderr, "%s: %s\n", text, error.message);
        exit(1);
    }
    return gate;
}

static tocsin_gate_verdict judge(const tocsin_gate *gate)
{
    tocsin_gate_verdict verdict;

    memset(&verdict, 0, sizeof verdict);
    verdict.struct_size = sizeof verdict;
    tocsin_gate_judge(gate, &verdict);
    return verdict;
}

/* Failures by counters of two processes, one of which begins anew at every 997th request. */
static void request_with_counters(world *w, tocsin_gate *gate, int arm, double rate)
{
    uint64_t increase[2];
    const int failed = rng_uniform(&w->random) < rate;

    w->totals[2 * arm]++;
    w->totals[2 * arm + 1] += (uint64_t)failed;
    if (w->n % 997 == 0)
        w->totals[2 * arm] = w->totals[2 * arm + 1] = 0;
    if (w->n % 5 != 0)
        return;
    for (uint32_t a = 0; a < 2; a++) {
        for (int c = 0; c < 2; c++) {
            w->counters[2 * a + (uint32_t)c].struct_size = sizeof(tocsin_counter);
            tocsin_counter_read(&w->counters[2 * a + (uint32_t)c], w->totals[2 * a + (uint32_t)c],
                                &increase[c]);
        }
        if (increase[1] > increase[0])
            increase[1] = increase[0];
        tocsin_gate_count(gate, 0, a, TOCSIN_TIME_NONE, increase[1], increase[0]);
    }
}

static void request(world *w, const scene *s, tocsin_gate *gate)
{
    static const double ramp[3] = {.05, .25, .5};
    double share = s->share, x;
    uint64_t unit = 0;
    int arm;

    if (s->kind == RAMP) {
        const uint64_t stage = w->n * 3 / (s->horizon + 1);

        share = ramp[stage];
        if (w->n > 0 && (w->n - 1) * 3 / (s->horizon + 1) != stage)
            tocsin_gate_ramp(gate, share);
    }
    w->n++;
    if (s->kind == DRIFT)
        share *= 1 + s->slow * sin((double)w->n * 6.283185 / 700);
    arm = s->kind == TURNS ? (int)(w->n % 2) : rng_uniform(&w->random) < share;
    if (s->kind == ERRORS) {
        request_with_counters(w, gate, arm, .02 * (arm ? s->factor : 1));
        return;
    }
    if (s->kind == SESSIONS) {
        if (w->session_left == 0) {
            w->session++;
            w->session_left = 20;
            w->session_arm = arm;
            w->user = exp(.1 * rng_normal(&w->random));
        }
        w->session_left--;
        arm = w->session_arm;
        unit = w->session;
    }
    x = law_draw(&w->random, s->law);
    if (s->kind == SEASON || s->kind == DRIFT)
        x *= exp(sin((double)w->n * 6.283185 / 700));
    /* Dependence as unkind as can be: on the arm of the request before. */
    if (s->kind == SPITE)
        x *= (w->arm ? 3 : 1) * (w->n % 32 < 16 ? 1 : 5);
    w->arm = arm;
    if (s->kind == PATTERN || s->kind == TURNS)
        x = (double)(1 + w->n % 4) * 20;
    if (s->kind == AUTOREGRESSIVE || s->kind == GAUGE) {
        w->state = .95 * w->state + sqrt(1 - .95 * .95) * rng_normal(&w->random);
        x = 100 * exp(.3 * w->state) * (s->kind == GAUGE ? 1 + .05 * rng_normal(&w->random) : 1);
    }
    if (s->kind == SESSIONS)
        x *= w->user;
    if (s->kind == PODS) {
        const uint64_t pods = s->share > .4 ? 20 : s->share > .2 ? 13 : 11;

        unit = rng_next(&w->random) % pods;
        arm = unit >= 10;
        x *= w->pod[unit];
    }
    if (arm) {
        x *= s->factor;
        if (s->kind != TIMEOUTS && s->kind != DRIFT && s->slow > 0 &&
            rng_uniform(&w->random) < s->slow)
            x *= s->slow_factor;
    }
    if (s->kind == TIMEOUTS && rng_uniform(&w->random) < (arm ? s->slow : .001))
        x = INFINITY;
    if (s->kind == BUCKETS) {
        int b = 0;

        while (x > bounds[b])
            b++;
        w->buckets[arm][b]++;
        if (w->n % 50 == 0) {
            tocsin_gate_buckets(gate, 0, TOCSIN_TIME_NONE, bounds, w->buckets[0], w->buckets[1],
                                12);
            memset(w->buckets, 0, sizeof w->buckets);
        }
        return;
    }
    tocsin_gate_observe(gate, 0, (uint32_t)arm, s->kind == GAUGE ? (int64_t)w->n * 100000000
                                                                  : TOCSIN_TIME_NONE,
                        unit, x);
}

static world world_of(uint64_t run)
{
    world w;

    memset(&w, 0, sizeof w);
    w.random = rng_seeded(run + 1);
    for (int i = 0; i < 64; i++)
        w.pod[i] = exp(.05 * rng_normal(&w.random));
    w.state = rng_normal(&w.random);
    return w;
}

static int is_looked_at(uint64_t n, uint64_t *next)
{
    if (n < *next)
        return 0;
    *next = n < 1000 ? n + 10 : n + n / 100;
    return 1;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* ---- No change ------------------------------------------------------------------ */

static void alike(const scene *s, uint64_t runs)
{
    tocsin_gate_spec *spec;
    tocsin_gate *gate = gate_of(s->spec, &spec);
    uint64_t fails5 = 0, fails1 = 0, invalid = 0, invalid_at_sum = 0, failed_first = 0;

    for (uint64_t r = 0; r < runs; r++) {
        world w = world_of(r);
        uint64_t next = 10;
        double most = 0;
        int is_invalid = 0;

        tocsin_gate_reset(gate);
        while (w.n < s->horizon) {
            request(&w, s, gate);
            if (!is_looked_at(w.n, &next))
                continue;
            const tocsin_gate_verdict v = judge(gate);
            if (v.outcome == TOCSIN_OUTCOME_INVALID) {
                is_invalid = 1;
                invalid_at_sum += w.n;
                break;
            }
            if (v.log_e > most)
                most = v.log_e;
        }
        fails5 += most >= log(20);
        fails1 += most >= log(100);
        invalid += (uint64_t)is_invalid;
        failed_first += is_invalid && most >= log(20);
    }
    printf("| %s | %llu | %.4f | %.4f | %.4f |", s->name, (unsigned long long)runs,
           (double)fails5 / (double)runs, (double)fails1 / (double)runs,
           (double)invalid / (double)runs);
    if (invalid * 2 > runs)
        printf(" invalid after a mean of %llu; failed before: %llu |",
               (unsigned long long)(invalid_at_sum / invalid), (unsigned long long)failed_first);
    else
        printf(" |");
    printf("\n");
    fflush(stdout);
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
}

#define HALF "unit=request share=50% alpha=5%"

static void all_alike(uint64_t runs, const char *part)
{
    static const scene scenes[] = {
        {"lognormal", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1, 0, 0, 4000},
        {"log-Cauchy", HALF " | latency", .5, 0, LAW_CAUCHY, PLAIN, 1, 0, 0, 4000},
        {"tied", HALF " | latency", .5, 0, LAW_TIED, PLAIN, 1, 0, 0, 4000},
        {"seasonal", HALF " | latency", .5, 0, LAW_NARROW, SEASON, 1, 0, 0, 4000},
        {"repeating pattern", HALF " | latency", .5, 0, LAW_NARROW, PATTERN, 1, 0, 0, 4000},
        {"AR(.95)", HALF " | latency", .5, 0, LAW_NARROW, AUTOREGRESSIVE, 1, 0, 0, 4000},
        {"share 1 %", "unit=request share=1% alpha=5% | latency", .01, 0, LAW_LOGNORMAL, PLAIN, 1,
         0, 0, 4000},
        {"share 5 %", "unit=request share=5% alpha=5% | latency", .05, 0, LAW_LOGNORMAL, PLAIN, 1,
         0, 0, 4000},
        {"declared ramp 5, 25, 50 %", "unit=request share=5% ramp=yes alpha=5% | latency", .05, 0,
         LAW_LOGNORMAL, RAMP, 1, 0, 0, 4000},
        {"sessions of 20, users +-10 %", "unit=session share=50% alpha=5% sessions=1000 | latency",
         .5, 0, LAW_NARROW, SESSIONS, 1, 0, 0, 20000},
        {"errors by counters that reset", HALF " | errors", .5, 0, LAW_NARROW, ERRORS, 1, 0, 0,
         10000},
        {"histogram", HALF " | histogram", .5, 0, LAW_LOGNORMAL, BUCKETS, 1, 0, 0, 4000},
        {"gauge, AR(.95), 5 s blocks", "unit=request alpha=5% | gauge block=5s", .5, 0, LAW_NARROW,
         GAUGE, 1, 0, 0, 10000},
        {"wrong share: 52 for 50 %", HALF " | latency", .52, 0, LAW_LOGNORMAL, PLAIN, 1, 0, 0,
         40000},
        {"undeclared ramp", "unit=request share=5% alpha=5% | latency", .25, 0, LAW_LOGNORMAL,
         PLAIN, 1, 0, 0, 4000},
        {"pods +-5 %, 10 against 10", "unit=pod share=50% alpha=5% | latency", .5, 0, LAW_NARROW,
         PODS, 1, 0, 0, 10000},
        {"pods +-5 %, 10 against 3", "unit=pod share=50% alpha=5% | latency", .23, 0, LAW_NARROW,
         PODS, 1, 0, 0, 10000},
        {"slow ones follow on the candidate's", HALF " | latency", .5, 0, LAW_LOGNORMAL, SPITE, 1,
         0, 0, 4000},
        {"share +-20 % in step with latency", HALF " | latency", .5, 0, LAW_LOGNORMAL, DRIFT, 1, .2,
         1, 4000},
        {"pods +-5 % taken for requests", HALF " | latency", .5, 0, LAW_NARROW, PODS, 1, 0, 0,
         10000},
        {"turns on a pattern of four", HALF " | latency", .5, 0, LAW_NARROW, TURNS, 1, 0, 0, 4000},
        {"share not known", "unit=request alpha=5% | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1, 0,
         0, 2000},
        {"share not known, errors", "unit=request alpha=5% | errors", .5, 0, LAW_NARROW, ERRORS, 1,
         0, 0, 4000},
    };

    printf("| no change | runs | ever fails at .05 | at .01 | invalid | |\n"
           "|---|--:|--:|--:|--:|---|\n");
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        const int is_slow = strstr(scenes[i].name, "not known") || scenes[i].kind == PODS ||
                            strstr(scenes[i].name, "wrong");

        if (strstr(scenes[i].name, part))
            alike(&scenes[i], is_slow ? runs / 10 : runs);
    }
}

/* ---- Power ------------------------------------------------------------------------ */

/* Runs until an outcome; how many had another first goes to `others`. */
static void until(const scene *s, uint64_t runs, uint32_t outcome, uint64_t *others,
                  double *median, double *p90, uint64_t *reached)
{
    tocsin_gate_spec *spec;
    tocsin_gate *gate = gate_of(s->spec, &spec);
    double *at = malloc(runs * sizeof *at);

    *others = *reached = 0;
    for (uint64_t r = 0; r < runs; r++) {
        world w = world_of(r);
        uint64_t next = 10;

        tocsin_gate_reset(gate);
        at[r] = INFINITY;
        while (w.n < s->horizon) {
            request(&w, s, gate);
            if (!is_looked_at(w.n, &next))
                continue;
            const uint32_t said = judge(gate).outcome;
            if (said == outcome) {
                at[r] = (double)w.n;
                ++*reached;
                break;
            }
            if (said == TOCSIN_OUTCOME_FAIL || said == TOCSIN_OUTCOME_PASS ||
                said == TOCSIN_OUTCOME_INVALID) {
                ++*others;
                break;
            }
        }
    }
    qsort(at, runs, sizeof *at, ascending);
    *median = at[runs / 2];
    *p90 = at[runs * 9 / 10];
    free(at);
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
}

static void all_powers(uint64_t runs, const char *part)
{
    static const scene scenes[] = {
        {"lognormal +10 %", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1.1, 0, 0, 60000},
        {"share 5 %, +10 %", "unit=request share=5% alpha=5% | latency", .05, 0, LAW_LOGNORMAL,
         PLAIN, 1.1, 0, 0, 200000},
        {"gamma(2) +10 %", HALF " | latency", .5, 0, LAW_GAMMA, PLAIN, 1.1, 0, 0, 60000},
        {"bimodal +10 %", HALF " | latency", .5, 0, LAW_BIMODAL, PLAIN, 1.1, 0, 0, 60000},
        {"Pareto(2.5) +10 %", HALF " | latency", .5, 0, LAW_PARETO, PLAIN, 1.1, 0, 0, 60000},
        {".5 % 20 times slower", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1, .005, 20,
         200000},
        {"2 % 5 times slower", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1, .02, 5, 200000},
        {"timeouts .1 -> .5 %", HALF " | latency", .5, 0, LAW_LOGNORMAL, TIMEOUTS, 1, .005, 1,
         200000},
        {"histogram, lognormal +10 %", HALF " | histogram", .5, 0, LAW_LOGNORMAL, BUCKETS, 1.1, 0,
         0, 60000},
        {"errors 2 -> 4 % (requests)", HALF " | errors", .5, 0, LAW_NARROW, ERRORS, 2, 0, 0, 60000},
        {"errors 2 -> 2.4 % (requests)", HALF " | errors", .5, 0, LAW_NARROW, ERRORS, 1.2, 0, 0,
         200000},
        {"share not known, lognormal +10 %", "unit=request alpha=5% | latency", .5, 0,
         LAW_LOGNORMAL, PLAIN, 1.1, 0, 0, 30000},
        {"pods +-5 %, 10 against 10, +10 %", "unit=pod alpha=5% | latency", .5, 0, LAW_NARROW, PODS,
         1.1, 0, 0, 70000},
        {"pods +-5 %, 10 against 3, +10 %", "unit=pod alpha=5% | latency", .23, 0, LAW_NARROW, PODS,
         1.1, 0, 0, 70000},
        {"pods +-5 %, 10 against 1, +10 %", "unit=pod alpha=5% | latency", .1, 0, LAW_NARROW, PODS,
         1.1, 0, 0, 70000},
    };
    static const scene passes[] = {
        {"pass, default guards", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1, 0, 0, 300000},
        {"pass, tail=q999", HALF " | latency tail=q999", .5, 0, LAW_LOGNORMAL, PLAIN, 1, 0, 0,
         600000},
    };
    const size_t harms = sizeof scenes / sizeof *scenes;
    const size_t all = harms + sizeof passes / sizeof *passes;

    printf("| alpha .05 | runs | reached | another first | median | 90 %% |\n"
           "|---|--:|--:|--:|--:|--:|\n");
    for (size_t i = 0; i < all; i++) {
        const scene *const s = i < harms ? &scenes[i] : &passes[i - harms];
        const int is_slow = strstr(s->name, "not known") || s->kind == PODS;
        const uint64_t count = is_slow ? runs / 10 : runs;
        uint64_t others, reached;
        double median, p90;

        if (!strstr(s->name, part))
            continue;
        until(s, count, i < harms ? TOCSIN_OUTCOME_FAIL : TOCSIN_OUTCOME_PASS, &others, &median,
              &p90, &reached);
        printf("| %s | %llu | %llu | %llu | %.0f | %.0f |\n", s->name, (unsigned long long)count,
               (unsigned long long)reached, (unsigned long long)others, median, p90);
        fflush(stdout);
    }
}

static void all_passes(uint64_t runs, const char *part)
{
    static const scene scenes[] = {
        {"+10 %, the margin", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1.1, 0, 0, 60000},
        {".5 % 20 times slower", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1, .005, 20,
         60000},
        {"2 % 5 times slower", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, 1, .02, 5, 60000},
        {".5 % 20 times slower, tail=q999", HALF " | latency tail=q999", .5, 0, LAW_LOGNORMAL,
         PLAIN, 1, .005, 20, 60000},
        {"+10 %, histogram", HALF " | histogram", .5, 0, LAW_LOGNORMAL, BUCKETS, 1.1, 0, 0, 60000},
        {"errors 2 -> 2.2 %, the margin", HALF " | errors", .5, 0, LAW_NARROW, ERRORS, 1.1, 0, 0,
         60000},
    };

    printf("| harm | runs | passes before it fails |\n|---|--:|--:|\n");
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        uint64_t others, reached;
        double median, p90;

        if (!strstr(scenes[i].name, part))
            continue;
        until(&scenes[i], runs, TOCSIN_OUTCOME_PASS, &others, &median, &p90, &reached);
        printf("| %s | %llu | %.4f |\n", scenes[i].name, (unsigned long long)runs,
               (double)reached / (double)runs);
        fflush(stdout);
    }
}

/* ---- How much? -------------------------------------------------------------------- */

/* Does the confidence sequence for the change ever miss the true one?  And how wide is it? */
static void all_effects(uint64_t runs)
{
    static const double changes[] = {1, 1.0488088481701516, 1.1, 1.21};
    static const uint64_t widths_at[] = {3000, 10000, 30000};

    printf("| true change | runs | ever missed at .05 | at 3,000 | at 10,000 | at 30,000 |\n"
           "|---|--:|--:|--:|--:|--:|\n");
    for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
        const scene s = {
            "", HALF " | latency", .5, 0, LAW_LOGNORMAL, PLAIN, changes[c], 0, 0, 30000};
        tocsin_gate_spec *spec;
        tocsin_gate *gate = gate_of(s.spec, &spec);
        double *ends = malloc(6 * runs * sizeof *ends);
        uint64_t missed = 0;

        for (uint64_t r = 0; r < runs; r++) {
            world w = world_of(r);
            uint64_t next = 10;
            int is_missed = 0;
            size_t width = 0;

            tocsin_gate_reset(gate);
            while (w.n < s.horizon) {
                request(&w, &s, gate);
                const int is_width = width < 3 && w.n == widths_at[width];
                if (!is_looked_at(w.n, &next) && !is_width)
                    continue;
                const tocsin_gate_verdict v = judge(gate);
                is_missed |= v.effect_low > s.factor - 1 + 1e-9 ||
                             v.effect_high < s.factor - 1 - 1e-9;
                if (is_width) {
                    ends[2 * width * runs + r] = v.effect_low;
                    ends[(2 * width + 1) * runs + r] = v.effect_high;
                    width++;
                }
            }
            missed += (uint64_t)is_missed;
        }
        printf("| %+.1f %% | %llu | %.4f |", 100 * (s.factor - 1), (unsigned long long)runs,
               (double)missed / (double)runs);
        for (size_t i = 0; i < 6; i++) {
            qsort(ends + i * runs, runs, sizeof *ends, ascending);
            printf(i % 2 == 0 ? " %+.1f" : " .. %+.1f |", 100 * ends[i * runs + runs / 2]);
        }
        printf("\n");
        fflush(stdout);
        free(ends);
        tocsin_gate_free(gate);
        tocsin_gate_spec_free(spec);
    }
}

/* ---- Real latencies ------------------------------------------------------------------ */

/* A pair's evidence: its two columns interleaved in stream order, one of each in turn, with the
 * order within a turn drawn, so that an arm is a toss of a coin. */
static double pair_evidence(const char *path, tocsin_gate *gate)
{
    static double values[2][4096];
    size_t count[2] = {0, 0};
    char line[256];
    FILE *file = fopen(path, "r");
    rng s = rng_seeded(1);

    if (!file) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, file)) {
        const int arm = strncmp(line, "canary,", 7) == 0;
        const char *comma = strchr(line, ',');

        if ((arm || strncmp(line, "baseline,", 9) == 0) && count[arm] < 4096)
            values[arm][count[arm]++] = atof(comma + 1);
    }
    fclose(file);
    tocsin_gate_reset(gate);
    for (size_t i[2] = {0, 0}; i[0] < count[0] || i[1] < count[1];) {
        const double left = (double)(count[1] - i[1]);
        const double all = left + (double)(count[0] - i[0]);
        const int arm = rng_uniform(&s) * all < left;

        tocsin_gate_observe(gate, 0, (uint32_t)arm, TOCSIN_TIME_NONE, 0, values[arm][i[arm]]);
        i[arm]++;
    }
    return judge(gate).log_e;
}

static int canary(const char *folder)
{
    static double evidence[2][4096];
    size_t count[2] = {0, 0};
    tocsin_gate_spec *spec;
    tocsin_gate *gate = gate_of(HALF " | latency", &spec);
    char path[4096], line[512];
    double above = 0;
    FILE *manifest;

    snprintf(path, sizeof path, "%s/manifest.csv", folder);
    manifest = fopen(path, "r");
    if (!manifest) {
        perror(path);
        return 1;
    }
    while (fgets(line, sizeof line, manifest)) {
        char *comma = strchr(line, ',');

        if (!comma || (comma[1] != '0' && comma[1] != '1') || comma[2] != ',')
            continue;
        const int label = comma[1] - '0';
        *comma = '\0';
        snprintf(path, sizeof path, "%s/pairs/%s.csv", folder, line);
        if (count[label] < 4096)
            evidence[label][count[label]++] = pair_evidence(path, gate);
    }
    fclose(manifest);
    size_t failed[2] = {0, 0};
    for (int l = 0; l < 2; l++)
        for (size_t i = 0; i < count[l]; i++)
            failed[l] += evidence[l][i] >= log(20);
    for (size_t i = 0; i < count[1]; i++)
        for (size_t j = 0; j < count[0]; j++)
            above += evidence[1][i] > evidence[0][j]   ? 1
                     : evidence[1][i] < evidence[0][j] ? 0
                                                       : .5;
    printf("pairs alike %zu, unlike %zu; AUC %.4f; fail at .05: alike %zu, unlike %zu\n", count[0],
           count[1], above / (double)(count[0] * count[1]), failed[0], failed[1]);
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
    return 0;
}

/* ---- Speed --------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void speed_of(const char *text)
{
    enum { EVENTS = 1 << 16, REPEATS = 50, VERDICTS = 200 };
    static double values[EVENTS];
    static uint32_t arms[EVENTS];
    rng s = rng_seeded(5);
    tocsin_gate_spec *spec;
    tocsin_gate *gate = gate_of(text, &spec);
    double fastest = 1e9, verdict_fastest = 1e9;

    for (int i = 0; i < EVENTS; i++) {
        values[i] = law_draw(&s, LAW_LOGNORMAL);
        arms[i] = rng_uniform(&s) < .5;
    }
    for (int r = 0; r < REPEATS; r++) {
        const double start = now();

        for (int i = 0; i < EVENTS; i++)
            tocsin_gate_observe(gate, 0, arms[i], TOCSIN_TIME_NONE, 0, values[i]);
        const double taken = (now() - start) / EVENTS;
        fastest = taken < fastest ? taken : fastest;
    }
    for (int r = 0; r < VERDICTS; r++) {
        const double start = now();

        judge(gate);
        const double taken = now() - start;
        verdict_fastest = taken < verdict_fastest ? taken : verdict_fastest;
    }
    printf("%-50s %6.1f ns an observation, %7.1f us a verdict, %zu bytes\n", text, fastest * 1e9,
           verdict_fastest * 1e6, tocsin_gate_size(spec));
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
}

int main(int argc, char **argv)
{
    const char *const what = argc > 1 ? argv[1] : "";
    const uint64_t runs = argc > 2 ? (uint64_t)atoll(argv[2]) : 0;
    const char *const part = argc > 3 ? argv[3] : "";

    if (strcmp(what, "alike") == 0) {
        all_alike(runs > 0 ? runs : 10000, part);
    } else if (strcmp(what, "power") == 0) {
        all_powers(runs > 0 ? runs : 1000, part);
    } else if (strcmp(what, "pass") == 0) {
        all_passes(runs > 0 ? runs : 1000, part);
    } else if (strcmp(what, "effects") == 0) {
        all_effects(runs > 0 ? runs : 1000);
    } else if (strcmp(what, "canary") == 0 && argc > 2) {
        return canary(argv[2]);
    } else if (strcmp(what, "speed") == 0) {
        speed_of(HALF " | latency");
        speed_of(HALF " | latency | latency name=second");
        speed_of("unit=request share=50% ramp=yes | latency");
        speed_of("unit=request | latency");
        speed_of(HALF " | errors");
    } else {
        fprintf(stderr, "usage: gate alike|power|pass [RUNS [PART]] | effects [RUNS] | "
                        "canary FOLDER | speed\n");
        return 64;
    }
    return 0;
}
