/* churn.c - does the alarm keep its promise where series live hours?
 *
 * Pods of several workloads come and go; each has one metric, of one of eight kinds, and lives
 * six hours on average.  Nothing is wrong with any of them, so every alarm is a false one.  Four
 * banks see the same points: with and without class pools, at two budgets.
 *
 * A bank that never rings keeps any promise.  So the opposite is asked as well: now and then a
 * pod's state is copied out and its next ten minutes are pushed into the copy shifted upwards by 3
 * or by 6 deviations.  A deviation is what the values of one life of that class have on average.
 *
 *     churn [--spec S] [--pods 10000] [--days 3] [--life 6] [--seed 1]
 *
 * --spec is a pipe up to its alarm stage.  The seed decides about everything: also about the
 * classes' parameters, which are drawn from wide ranges.
 *
 * Exit: 0 with pools every budget is kept twice over, 1 some is not, 64 usage.
 */
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tocsin.h"

enum { EXIT_KEPT = 0, EXIT_BROKEN = 1, EXIT_USAGE = 64 };

enum { STEP = 60, DAY = 86400 / STEP, SHIFTED = 10, PROBES_PER_TICK = 4, SETTLED = DAY / 2 };

static void die(const char *what)
{
    fprintf(stderr, "churn: %s\n", what);
    exit(EXIT_USAGE);
}

/* ---- Random numbers --------------------------------------------------------- */

typedef struct {
    uint64_t state;
} rng;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t rng_next(rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Uniform in (0, 1). */
static double rng_uniform(rng *r)
{
    return ((double)(rng_next(r) >> 11) + 0.5) * 0x1p-53;
}

static double rng_between(rng *r, double low, double high)
{
    return low + (high - low) * rng_uniform(r);
}

static double rng_exponential(rng *r)
{
    return -log(rng_uniform(r));
}

/* Standard normal, by Marsaglia's polar method. */
static double rng_normal(rng *r)
{
    double a, b, s;

    do {
        a = 2 * rng_uniform(r) - 1;
        b = 2 * rng_uniform(r) - 1;
        s = a * a + b * b;
    } while (s >= 1);
    return a * sqrt(-2 * log(s) / s);
}

static double rng_poisson(rng *r, double mean)
{
    double count = 0;

    for (; mean > 30; mean -= 30)       /* so that the limit is no denormal number */
        count += rng_poisson(r, 30);

    const double limit = exp(-mean);

    for (double product = rng_uniform(r); product > limit; product *= rng_uniform(r))
        count++;
    return count;
}

/* Marsaglia and Tsang 2000. */
static double rng_gamma(rng *r, double shape)
{
    if (shape < 1)
        return rng_gamma(r, shape + 1) * pow(rng_uniform(r), 1 / shape);

    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);

    for (;;) {
        const double x = rng_normal(r), v = 1 + c * x, cube = v * v * v;

        if (v > 0 && log(rng_uniform(r)) < 0.5 * x * x + d - d * cube + d * log(cube))
            return d * cube;
    }
}

/* ---- Classes and pods --------------------------------------------------------- */

typedef struct {
    double a, b, c;         /* the kind's own */
    double spread;          /* how unlike its pods are: of the logarithm of their factors */
    double deviation;       /* of a life's values, for a pod of factor 1 */
} workload;

typedef struct {
    rng rng;
    double factor;
    double memory[3];
    uint32_t workload;
    uint32_t born, dies;    /* ticks */
    uint32_t slot;
} pod;

typedef double generator(const workload *w, pod *p, uint32_t tick);

/* Latency: log-normal about a level that wavers. */
static void plan_latency(workload *w, rng *r)
{
    w->a = rng_between(r, 0.2, 0.7);
    w->b = rng_between(r, 0, 0.95);
}

static double make_latency(const workload *w, pod *p, uint32_t tick)
{
    (void)tick;
    p->memory[0] = w->b * p->memory[0] + sqrt(1 - w->b * w->b) * rng_normal(&p->rng);
    return 20 * p->factor * exp(w->a * (0.8 * rng_normal(&p->rng) + 0.6 * p->memory[0]));
}

static void plan_poisson(workload *w, rng *r)
{
    w->a = exp(rng_between(r, log(0.05), log(8)));
}

static double make_poisson(const workload *w, pod *p, uint32_t tick)
{
    (void)tick;
    return rng_poisson(&p->rng, w->a * p->factor);
}

static void plan_retries(workload *w, rng *r)
{
    w->a = exp(rng_between(r, log(0.3), log(20)));
    w->b = rng_between(r, 0.3, 3);
}

static double make_retries(const workload *w, pod *p, uint32_t tick)
{
    (void)tick;
    return rng_poisson(&p->rng, w->a * p->factor * rng_gamma(&p->rng, w->b) / w->b);
}

/* A gauge that dwells at one level and then at another. */
static void plan_cpu(workload *w, rng *r)
{
    w->a = rng_between(r, 15, 150);         /* minutes */
    w->b = rng_between(r, 0.005, 0.06);
}

static double make_cpu(const workload *w, pod *p, uint32_t tick)
{
    if (tick == p->born || rng_uniform(&p->rng) < 1 / w->a)
        p->memory[0] = rng_between(&p->rng, 0.1, 0.9);
    return p->factor * (p->memory[0] + w->b * rng_normal(&p->rng));
}

/* Bursts whose heights follow a Pareto law. */
static void plan_queue(workload *w, rng *r)
{
    w->a = rng_between(r, 40, 300);         /* minutes between them */
    w->b = rng_between(r, 1, 12);           /* minutes that they last */
    w->c = rng_between(r, 1.8, 3.5);
}

static double make_queue(const workload *w, pod *p, uint32_t tick)
{
    (void)tick;
    if (p->memory[0] > 0)
        p->memory[0] -= 1;
    else if (rng_uniform(&p->rng) < 1 / w->a) {
        p->memory[0] = w->b * rng_exponential(&p->rng);
        p->memory[1] = 10 * pow(rng_uniform(&p->rng), -1 / w->c);
    }
    return rng_poisson(&p->rng, p->factor * (2 + (p->memory[0] > 0 ? p->memory[1] : 0)));
}

static void plan_ar(workload *w, rng *r)
{
    w->a = rng_between(r, 0.6, 0.985);
}

static double make_ar(const workload *w, pod *p, uint32_t tick)
{
    if (tick == p->born)
        p->memory[0] = rng_normal(&p->rng);
    p->memory[0] = w->a * p->memory[0] + sqrt(1 - w->a * w->a) * rng_normal(&p->rng);
    return p->factor * (100 + 10 * p->memory[0]);
}

/* The load of the day, which all pods of a workload share. */
static void plan_load(workload *w, rng *r)
{
    w->a = rng_between(r, 0.2, 0.7);
    w->b = rng_between(r, 0, DAY);
    w->c = rng_between(r, 0.02, 0.15);
}

static double make_load(const workload *w, pod *p, uint32_t tick)
{
    const double wave = sin(6.283185307179586 * (tick + w->b) / DAY);

    return 1000 * p->factor * (1 + w->a * wave) * (1 + w->c * rng_normal(&p->rng));
}

/* Memory that fills until it is collected, and now and then a restart. */
static void plan_memory(workload *w, rng *r)
{
    w->a = rng_between(r, 25, 200);         /* minutes */
    w->b = rng_between(r, 0.005, 0.05);
    w->c = rng_between(r, 120, 1200);       /* minutes between restarts */
}

static double make_memory(const workload *w, pod *p, uint32_t tick)
{
    if (tick == p->born)
        p->memory[1] = rng_between(&p->rng, 0.3, 1);
    p->memory[1] += (1 + 0.5 * rng_normal(&p->rng)) * 0.7 / w->a;
    if (p->memory[1] > 1)
        p->memory[1] = 0.3 + 0.05 * rng_normal(&p->rng);
    if (rng_uniform(&p->rng) < 1 / w->c)
        p->memory[1] = 0.1;
    return 512 * p->factor * (p->memory[1] + w->b * rng_normal(&p->rng));
}

typedef struct {
    const char *name;
    void (*plan)(workload *w, rng *r);
    generator *make;
} kind;

static const kind kinds[] = {
    {"latency", plan_latency, make_latency}, {"poisson", plan_poisson, make_poisson},
    {"retries", plan_retries, make_retries}, {"cpu", plan_cpu, make_cpu},
    {"queue", plan_queue, make_queue},       {"ar", plan_ar, make_ar},
    {"load", plan_load, make_load},          {"memory", plan_memory, make_memory},
};

enum { KINDS = sizeof kinds / sizeof kinds[0], PER_KIND = 3, WORKLOADS = KINDS * PER_KIND };

typedef struct {
    const char *spec;
    uint32_t pods, ticks, life;
    uint64_t seed;
} options;

static double make(const workload *workloads, pod *p, uint32_t tick)
{
    return kinds[p->workload % KINDS].make(&workloads[p->workload], p, tick);
}

static void be_born(const options *o, const workload *workloads, uint64_t number, uint32_t tick,
                    pod *p)
{
    memset(p, 0, sizeof *p);
    p->rng.state = (o->seed + 1) * UINT64_C(0xd1342543de82ef95) + number *
                   UINT64_C(0x2545f4914f6cdd1d);
    rng_next(&p->rng);
    p->workload = (uint32_t)(number % WORKLOADS);
    p->factor = exp(workloads[p->workload].spread * rng_normal(&p->rng));
    p->born = tick;
    p->dies = tick + (uint32_t)(o->life * rng_between(&p->rng, 0.5, 1.5));
}

static void plan(const options *o, workload *workloads)
{
    rng r = {o->seed * UINT64_C(0x9e3779b97f4a7c15)};

    memset(workloads, 0, WORKLOADS * sizeof *workloads);
    for (uint32_t i = 0; i < WORKLOADS; i++) {
        kinds[i % KINDS].plan(&workloads[i], &r);
        workloads[i].spread = rng_uniform(&r) < 0.3 ? 0 : rng_between(&r, 0, 0.5);
    }
    for (uint32_t i = 0; i < WORKLOADS; i++) {
        const uint32_t lives = 100;

        for (uint32_t n = 0; n < lives; n++) {
            double mean = 0, squares = 0;
            pod p;

            be_born(o, workloads, (UINT64_C(1) << 40) + i + (uint64_t)n * WORKLOADS, 0, &p);
            p.workload = i;
            for (uint32_t tick = 0; tick < o->life; tick++) {
                const double value = make(workloads, &p, tick), d = value - mean;

                mean += d / (tick + 1);
                squares += d * (value - mean);
            }
            workloads[i].deviation += sqrt(squares / o->life) / p.factor / lives;
        }
    }
}

/* ---- Banks ---------------------------------------------------------------------- */

enum { BANKS = 4, SIZES = 2 };

static const char *const budgets[] = {"1/day", "1/week"};
static const double periods[] = {DAY, 7 * DAY};
static const double sizes[SIZES] = {3, 6};

/* Bank b: budget b / 2, with pools if odd. */
typedef struct {
    tocsin_spec *spec;
    tocsin_bank *bank;
    uint64_t alarms[WORKLOADS], later[WORKLOADS];
    uint64_t found[SIZES][WORKLOADS];
} side;

typedef struct {
    tocsin_detector *copy[BANKS][SIZES];
    int is_found[BANKS][SIZES];
    uint32_t pod;           /* index */
    uint32_t left;          /* ticks; 0: no probe */
} probe;

enum { PROBES = PROBES_PER_TICK * SHIFTED };

typedef struct {
    options o;
    workload workloads[WORKLOADS];
    pod *pods;
    double *values;
    tocsin_alarm *alarms;
    side sides[BANKS];
    probe probes[PROBES];
    uint64_t lived[WORKLOADS], lived_later[WORKLOADS], tried[WORKLOADS];
    uint64_t born;
    rng rng;
} simulation;

static void start(simulation *s)
{
    s->pods = calloc(s->o.pods, sizeof *s->pods);
    s->values = calloc(s->o.pods, sizeof *s->values);
    s->alarms = calloc(65537, sizeof *s->alarms);
    if (!s->pods || !s->values || !s->alarms)
        die("out of memory");
    plan(&s->o, s->workloads);
    s->rng.state = ~s->o.seed;
    for (int b = 0; b < BANKS; b++) {
        tocsin_bank_options bank_options = {.struct_size = sizeof bank_options,
                                       .alarms_per_round = 65536,
                                       .max_classes = WORKLOADS};
        tocsin_error error = {.struct_size = sizeof error};
        char text[1024];

        snprintf(text, sizeof text, "%s | alarm budget=%s", s->o.spec, budgets[b / 2]);
        if (tocsin_spec_compile(&s->sides[b].spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) < 0)
            die(error.message);
        if (tocsin_bank_create(&s->sides[b].bank, s->sides[b].spec, &bank_options, NULL) < 0)
            die("no bank");
        for (int i = 0; i < PROBES; i++)
            for (int z = 0; z < SIZES; z++)
                if (tocsin_detector_create(&s->probes[i].copy[b][z], s->sides[b].spec, NULL) < 0)
                    die("no detector");
    }
}

static void stop(simulation *s)
{
    for (int b = 0; b < BANKS; b++) {
        for (int i = 0; i < PROBES; i++)
            for (int z = 0; z < SIZES; z++)
                tocsin_detector_free(s->probes[i].copy[b][z]);
        tocsin_bank_free(s->sides[b].bank);
        tocsin_spec_free(s->sides[b].spec);
    }
    free(s->pods);
    free(s->values);
    free(s->alarms);
}

static void replace(simulation *s, uint32_t i, uint32_t tick)
{
    pod *p = &s->pods[i];
    const uint32_t slot = p->slot;
    const int is_first = tick == 0;

    be_born(&s->o, s->workloads, s->born++, tick, p);
    if (is_first)           /* those we find are of any age */
        p->dies = tick + 1 + (uint32_t)((p->dies - tick) * rng_uniform(&p->rng));
    for (int b = 0; b < BANKS; b++) {
        tocsin_bank *bank = s->sides[b].bank;

        if (!is_first && tocsin_bank_remove(bank, slot) < 0)
            die("not removed");
        if ((b % 2 ? tocsin_bank_add_to(bank, s->born, p->workload, &p->slot)
                   : tocsin_bank_add(bank, s->born, &p->slot)) < 0)
            die("not added");
    }
}

static void probe_begin(simulation *s, probe *one, uint32_t tick)
{
    const pod *p;

    one->pod = (uint32_t)(rng_next(&s->rng) % s->o.pods);
    p = &s->pods[one->pod];
    if (p->dies < tick + SHIFTED)
        return;
    one->left = SHIFTED;
    s->tried[p->workload]++;
    memset(one->is_found, 0, sizeof one->is_found);
    for (int b = 0; b < BANKS; b++)
        for (int z = 0; z < SIZES; z++)
            if (tocsin_bank_copy_out(s->sides[b].bank, p->slot, one->copy[b][z]) < 0)
                die("no copy");
}

static void probe_push(simulation *s, probe *one, uint32_t tick)
{
    const pod *p = &s->pods[one->pod];
    const workload *w = &s->workloads[p->workload];

    for (int b = 0; b < BANKS; b++)
        for (int z = 0; z < SIZES; z++) {
            tocsin_verdict verdict;
            const double value = s->values[p->slot] + sizes[z] * w->deviation * p->factor;

            if (tocsin_detector_push(one->copy[b][z], (int64_t)tick * STEP * TOCSIN_SECOND, value,
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict) < 0)
                die("push failed");
            if (verdict.transition == TOCSIN_TRANSITION_START && !one->is_found[b][z]) {
                one->is_found[b][z] = 1;
                s->sides[b].found[z][p->workload]++;
            }
        }
    one->left--;
}

static void count_alarms(simulation *s, int b, const uint32_t *workload_of, uint32_t tick)
{
    const size_t listed = tocsin_bank_alarms(s->sides[b].bank, s->alarms, sizeof *s->alarms, 65537);

    for (size_t i = 0; i < listed; i++) {
        const uint32_t w = workload_of[s->alarms[i].slot];

        s->sides[b].alarms[w]++;
        s->sides[b].later[w] += tick >= SETTLED;
    }
}

static void run(simulation *s)
{
    uint32_t *workload_of = calloc(s->o.pods, sizeof *workload_of);
    int next = 0;

    if (!workload_of)
        die("out of memory");
    for (uint32_t tick = 0; tick < s->o.ticks; tick++) {
        tocsin_tick all = {.struct_size = sizeof all,
                           .time = (int64_t)tick * STEP * TOCSIN_SECOND,
                           .values = s->values,
                           .count = s->o.pods};

        for (uint32_t i = 0; i < s->o.pods; i++)
            if (tick >= s->pods[i].dies)
                replace(s, i, tick);
        for (int n = 0; n < PROBES_PER_TICK; n++)
            probe_begin(s, &s->probes[next++ % PROBES], tick);
        for (uint32_t i = 0; i < s->o.pods; i++) {
            pod *p = &s->pods[i];

            s->values[p->slot] = make(s->workloads, p, tick);
            workload_of[p->slot] = p->workload;
            s->lived[p->workload]++;
            s->lived_later[p->workload] += tick >= SETTLED;
        }
        for (int i = 0; i < PROBES; i++)
            if (s->probes[i].left)
                probe_push(s, &s->probes[i], tick);
        for (int b = 0; b < BANKS; b++) {
            if (tocsin_bank_tick(s->sides[b].bank, &all) < 0)
                die("tick failed");
            count_alarms(s, b, workload_of, tick);
        }
    }
    free(workload_of);
}

/* ---- Tables ----------------------------------------------------------------------- */

static uint64_t sum(const uint64_t *of, int begin, int step)
{
    uint64_t total = 0;

    for (int w = begin; w < WORKLOADS; w += step)
        total += of[w];
    return total;
}

/* A row: the workloads begin, begin + step ... */
static void print_row(const simulation *s, const char *name, int begin, int step)
{
    const double lived = (double)sum(s->lived, begin, step);
    const double later = (double)sum(s->lived_later, begin, step);
    const double tried = (double)sum(s->tried, begin, step);

    printf("| %s |", name);
    for (int g = 0; g < 2; g++)
        for (int pooled = 0; pooled < 2; pooled++) {
            const side *of = &s->sides[2 * g + pooled];

            printf(" %.2f", (double)sum(of->alarms, begin, step) * periods[g] / lived);
            if (pooled)
                printf(" (%.2f)", (double)sum(of->later, begin, step) * periods[g] / later);
            printf(" |");
        }
    for (int g = 0; g < 2; g++)
        for (int z = 0; z < SIZES; z++)
            printf(" %.2f / %.2f |", (double)sum(s->sides[2 * g].found[z], begin, step) / tried,
                   (double)sum(s->sides[2 * g + 1].found[z], begin, step) / tried);
    printf("\n");
}

static int print(const simulation *s)
{
    int is_kept = 1;

    printf("| seed %llu | 1/day, alone | 1/day, pools (after 12 h) | 1/week, alone "
           "| 1/week, pools (after 12 h) | 1/day: 3 dev. | 6 dev. | 1/week: 3 dev. | 6 dev. |\n"
           "|---|---|---|---|---|---|---|---|---|\n",
           (unsigned long long)s->o.seed);
    for (int k = 0; k < KINDS; k++)
        print_row(s, kinds[k].name, k, KINDS);
    print_row(s, "all", 0, 1);
    for (int g = 0; g < 2; g++)
        for (int k = 0; k < KINDS; k++)
            is_kept &= (double)sum(s->sides[2 * g + 1].alarms, k, KINDS) * periods[g] <=
                       2 * (double)sum(s->lived, k, KINDS);
    return is_kept;
}

int main(int argc, char **argv)
{
    static simulation s;
    static const struct option known[] = {
        {"spec", required_argument, NULL, 's'},  {"pods", required_argument, NULL, 'p'},
        {"days", required_argument, NULL, 'd'},  {"life", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 'r'},  {NULL, 0, NULL, 0},
    };
    double pods = 10000, days = 3, life = 6, seed = 1;
    int option;

    s.o.spec = "ewma | tail";
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (option) {
        case 's': s.o.spec = optarg; break;
        case 'p': pods = atof(optarg); break;
        case 'd': days = atof(optarg); break;
        case 'l': life = atof(optarg); break;
        case 'r': seed = atof(optarg); break;
        default: return EXIT_USAGE;
        }
    if (optind != argc || !(pods >= WORKLOADS && pods <= 1e6) || !(days > 0 && days <= 1000) ||
        !(life >= 0.5 && life <= 1000) || !(seed >= 0 && seed < 1e9))
        die("see the head of churn.c for the options");
    s.o.pods = (uint32_t)pods;
    s.o.ticks = (uint32_t)(days * DAY);
    s.o.life = (uint32_t)(life * 3600 / STEP);
    s.o.seed = (uint64_t)seed;
    start(&s);
    run(&s);
    const int is_kept = print(&s);
    stop(&s);
    return is_kept ? EXIT_KEPT : EXIT_BROKEN;
}
