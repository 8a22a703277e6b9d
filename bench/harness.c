/* harness.c - see harness.h. */
#define _GNU_SOURCE     /* madvise */

#include "harness.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tocsin.h"

enum { TURNS = 21, TURNS_QUICK = 5, TURNS_MAX = 1001 };

/* A turn lasts at least as long: the clock is a system call, and its noise is what is left of
 * an interrupt. */
#define TURN_NS 1e6
#define TURN_QUICK_NS 2e5

#define HUGE_PAGE ((size_t)1 << 21)

/* ---- Options ---------------------------------------------------------------- */

static const char *bench_program = "bench";

void bench_fail(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "%s: ", bench_program);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void bench_check(int status, const char *what)
{
    if (status < 0)
        bench_fail("%s: %s", what, tocsin_status_text(status));
}

uint64_t bench_number(const char *text)
{
    static const struct {
        const char *suffix;
        uint64_t factor;
    } units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}};
    char *end;
    const uint64_t number = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9')
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].suffix) == 0 && number <= UINT64_MAX / units[i].factor)
            return number * units[i].factor;
    return 0;
}

static _Noreturn void usage(const bench_option *own, int status)
{
    FILE *out = status ? stderr : stdout;

    fprintf(out, "usage: %s [--only NAME,...] [--json FILE] [--quick] [--turns 1..%d]",
            bench_program, TURNS_MAX);
    for (; own && own->name; own++)
        fprintf(out, " [%s %s]", own->name, own->argument);
    fprintf(out, "\n  --only   what has one of these in its name\n"
                 "  --json   append a line of JSON for each result; - is standard output\n");
    exit(status);
}

static int take_own(const bench_option *own, const char *name, const char *argument)
{
    for (; own && own->name; own++)
        if (strcmp(name, own->name) == 0)
            return own->take(argument);
    return 0;
}

bench_options bench_begin(int argc, char **argv, const bench_option *own)
{
    bench_options options = {argv[0], NULL, NULL, 0, 0, 1};
    const char *slash = strrchr(argv[0], '/');
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);

    bench_program = options.program = slash ? slash + 1 : argv[0];
    if (processors > 1)
        options.threads = (size_t)processors;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];

        if (strcmp(name, "--help") == 0)
            usage(own, 0);
        if (strcmp(name, "--quick") == 0) {
            options.is_quick = 1;
            continue;
        }
        if (++i == argc)
            usage(own, 64);
        if (strcmp(name, "--only") == 0) {
            options.only = argv[i];
        } else if (strcmp(name, "--json") == 0) {
            options.json = strcmp(argv[i], "-") == 0 ? stdout : fopen(argv[i], "a");
            if (!options.json)
                bench_fail("cannot write %s", argv[i]);
        } else if (strcmp(name, "--turns") == 0) {
            options.turns = (size_t)bench_number(argv[i]);
            if (options.turns < 1 || options.turns > TURNS_MAX)
                usage(own, 64);
        } else if (!take_own(own, name, argv[i])) {
            usage(own, 64);
        }
    }
    if (options.turns == 0)
        options.turns = options.is_quick ? TURNS_QUICK : TURNS;
    return options;
}

int bench_end(const bench_options *options)
{
    if (options->json && options->json != stdout && fclose(options->json) != 0)
        bench_fail("the lines of JSON could not be written");
    return 0;
}

int bench_is_wanted(const bench_options *options, const char *name)
{
    const char *part = options->only;

    while (part) {
        const char *end = strchr(part, ',');
        const size_t length = end ? (size_t)(end - part) : strlen(part);

        for (const char *at = name; length && *at; at++)
            if (strncmp(at, part, length) == 0)
                return 1;
        part = end ? end + 1 : NULL;
    }
    return options->only == NULL;
}

/* ---- Measuring --------------------------------------------------------------- */

static double read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double bench_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static double median_of(const double *values, const double *in_units_of, size_t count)
{
    double *sorted = malloc(count * sizeof *sorted), median;

    if (!sorted)
        bench_fail("out of memory");
    for (size_t i = 0; i < count; i++)
        sorted[i] = in_units_of ? values[i] / in_units_of[i] : values[i];
    median = bench_median(sorted, count);
    free(sorted);
    return median;
}

void bench_measure(const bench_options *options, bench_way *ways, size_t count)
{
    const double least = options->is_quick ? TURN_QUICK_NS : TURN_NS;

    for (size_t w = 0; w < count; w++) {
        bench_way *way = &ways[w];
        double ns;

        way->turns = calloc(options->turns, sizeof *way->turns);
        if (!way->turns)
            bench_fail("out of memory");
        way->times = 1;
        while ((ns = way->run(way->context, way->times)) < least)
            way->times *= ns < least / 4 ? 4 : 2;
    }
    for (size_t turn = 0; turn < options->turns; turn++)
        for (size_t w = 0; w < count; w++)
            ways[w].turns[turn] = ways[w].run(ways[w].context, ways[w].times) /
                                  ((double)ways[w].times * ways[w].points);
    for (size_t w = 0; w < count; w++)
        ways[w].ns = median_of(ways[w].turns, NULL, options->turns);
}

double bench_ratio(const bench_options *options, const bench_way *a, const bench_way *b)
{
    return median_of(a->turns, b->turns, options->turns);
}

void bench_ways_free(bench_way *ways, size_t count)
{
    for (size_t w = 0; w < count; w++)
        free(ways[w].turns);
}

void bench_keep(double value)
{
    volatile double kept = value;

    (void)kept;
}

/* ---- Results ------------------------------------------------------------------ */

static void print_row(const bench_line *line)
{
    static int has_heading;

    if (!has_heading)
        printf("%-34s %-8s %10s %10s %9s %8s %8s %9s\n", "", "kernel", "series", "ns/point", "twin",
               "of twin", "x plain", "B/series");
    has_heading = 1;
    printf("%-34s %-8s %10zu %10.3f", line->name, line->kernel ? line->kernel : "-", line->n,
           line->ns);
    if (line->twin_ns > 0)
        printf(" %9.3f %7.1f%%", line->twin_ns, 100 * line->twin_ratio);
    else
        printf(" %9s %8s", "-", "-");
    if (line->plain_ratio > 0)
        printf(" %8.2f", line->plain_ratio);
    else
        printf(" %8s", "-");
    printf(" %9.1f\n", line->bytes);
    fflush(stdout);
}

/* Names and specs have neither quotes nor backslashes. */
static void write_text(FILE *out, const char *key, const char *text)
{
    if (text)
        fprintf(out, "\"%s\": \"%s\", ", key, text);
    else
        fprintf(out, "\"%s\": null, ", key);
}

/* What is not positive was not measured. */
static void write_number(FILE *out, const char *key, double number)
{
    if (number > 0)
        fprintf(out, "\"%s\": %.4f, ", key, number);
    else
        fprintf(out, "\"%s\": null, ", key);
}

static void write_json(FILE *out, const bench_line *line, size_t turns)
{
    fputc('{', out);
    write_text(out, "name", line->name);
    write_text(out, "spec", line->spec);
    write_text(out, "kernel", line->kernel);
    write_text(out, "clock", line->clock);
    fprintf(out, "\"n\": %zu, ", line->n);
    write_number(out, "ns_per_point", line->ns);
    write_number(out, "twin_ns_per_point", line->twin_ns);
    write_number(out, "twin_ratio", line->twin_ratio);
    write_number(out, "plain_ratio", line->plain_ratio);
    fprintf(out, "\"bytes_per_series\": %.2f, \"turns\": %zu}\n", line->bytes, turns);
    fflush(out);
}

void bench_print(const bench_options *options, const bench_line *line)
{
    if (options->json != stdout)
        print_row(line);
    if (options->json)
        write_json(options->json, line, options->turns);
}

/* ---- Memory -------------------------------------------------------------------- */

void *bench_memory(size_t size)
{
    void *memory;

    if (size < HUGE_PAGE) {
        size = (size + 63) / 64 * 64;
        memory = aligned_alloc(64, size ? size : 64);
        if (!memory)
            bench_fail("out of memory");
        return memset(memory, 0, size);
    }
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        bench_fail("out of memory");
#ifdef MADV_HUGEPAGE
    madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memset(memory, 0, size);     /* no page shall be missing while something is measured */
}

void bench_release(void *memory, size_t size)
{
    if (size < HUGE_PAGE)
        free(memory);
    else
        munmap(memory, size);
}

uint64_t bench_memory_free(void)
{
    FILE *info = fopen("/proc/meminfo", "r");
    char line[128];
    unsigned long long kilobytes = 8u << 20;

    while (info && fgets(line, sizeof line, info))
        if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
            break;
    if (info)
        fclose(info);
    return kilobytes * 1024 / 10 * 9;
}

/* ---- Values --------------------------------------------------------------------- */

uint64_t bench_random(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Box and Muller's, one of the two. */
double bench_gaussian(void)
{
    const double u = ((double)(bench_random() >> 11) + 1) * 0x1p-53;
    const double v = (double)(bench_random() >> 11) * 0x1p-53;

    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}
