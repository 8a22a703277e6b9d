/* Golden files: what a spec said of an input once, it says for good, on every platform.
 *
 * A golden file holds a spec with its revisions pinned, the points, the verdict each of them got, bit
 * by bit, and a snapshot taken half-way.  The test pushes the points and compares; then it loads the
 * snapshot, which may be years older than the library, and goes on from there.
 *
 *     tocsin golden 1
 *     spec clock@1 | gaps@1 | ewma@1 half-life=20p | tail@1 | alarm@1 budget=1/h
 *     snapshot 100 <hexadecimal>          taken after so many points
 *     push <time> <value> <mode> : <verdict's fields>
 *     tick <time> : <verdict's fields>
 *
 * Doubles are written as hexadecimal floating point, which is exact, and NaN as nan.
 *
 * With `--write SPEC` the program writes the golden file of that spec to its standard output instead;
 * regenerate.sh calls it so.
 */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "../support/inputs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define GOLDEN_DIRECTORY "tests/golden"
#define GOLDEN_MAGIC "tocsin golden 1"
#define GOLDEN_POINTS 240
#define GOLDEN_LINE 65536

/* ---- Points and verdicts as text -------------------------------------------- */

typedef struct event {
    int is_tick;
    int mode;
    int64_t time;
    double value;
} event;

/* Where a spec has several metrics, each is the value in a unit of its own. */
static int play(tocsin_detector *detector, const event *e, tocsin_verdict *verdict)
{
    const size_t metrics = tocsin_spec_metrics(tocsin_detector_spec(detector));
    double row[256];

    for (size_t m = 0; m < metrics; m++)
        row[m] = (m % 2 ? -1.0 : 1.0) * (double)(m + 1) * e->value;
    return e->is_tick ? tocsin_detector_tick(detector, e->time, verdict, sizeof *verdict)
                      : tocsin_detector_push_row(detector, e->time, row, metrics, e->mode,
                                                 verdict, sizeof *verdict);
}

static void write_double(double value)
{
    if (isnan(value))
        printf(" nan");
    else
        printf(" %a", value);
}

static void write_line(const event *e, const tocsin_verdict *v)
{
    printf("%s %" PRId64, e->is_tick ? "tick" : "push", e->time);
    if (!e->is_tick) {
        write_double(e->value);
        printf(" %d", e->mode);
    }
    printf(" :");
    write_double(v->score);
    write_double(v->period);
    write_double(v->raw);
    write_double(v->expected);
    write_double(v->deviation);
    write_double(v->confidence);
    write_double(v->lower);
    write_double(v->upper);
    write_double(v->value);
    printf(" %" PRIx32 " %d %d %d %d %d %d %" PRId64 " %" PRId64 "\n", v->flags, v->alarm,
           v->transition, v->tier, v->reason, v->direction, v->channel, v->since, v->time);
}

static double read_double(char **at)
{
    char *end;
    const double value = strtod(*at, &end);

    ck_assert_msg(end != *at, "no number at '%.20s'", *at);
    *at = end;
    return value;
}

static int64_t read_integer(char **at, int base)
{
    char *end;
    const long long value = strtoll(*at, &end, base);

    ck_assert_msg(end != *at, "no integer at '%.20s'", *at);
    *at = end;
    return value;
}

/* The event of a line; *at is left behind its colon. */
static event read_event(char **at)
{
    event e;

    memset(&e, 0, sizeof e);
    e.is_tick = strncmp(*at, "tick ", 5) == 0;
    ck_assert(e.is_tick || strncmp(*at, "push ", 5) == 0);
    *at += 5;
    e.time = read_integer(at, 10);
    if (!e.is_tick) {
        e.value = read_double(at);
        e.mode = (int)read_integer(at, 10);
    }
    ck_assert(strncmp(*at, " :", 2) == 0);
    *at += 2;
    return e;
}

/* The bits of a double; all NaNs are alike, for text does not tell them apart. */
static uint64_t bits_of(double value)
{
    return isnan(value) ? 1 : double_bits(value);
}

#define assert_golden_double(at, v, field, where)                                             \
    do {                                                                                      \
        const double golden_ = read_double(at);                                               \
        require(bits_of(golden_) == bits_of((v)->field), "%s: %s is %a, it was %a", where,    \
                #field, (v)->field, golden_);                                                 \
    } while (0)

#define assert_golden_integer(at, v, field, base, where)                                      \
    do {                                                                                      \
        const int64_t golden_ = read_integer(at, base);                                       \
        require(golden_ == (int64_t)(v)->field, "%s: %s is %" PRId64 ", it was %" PRId64,     \
                where, #field, (int64_t)(v)->field, golden_);                                 \
    } while (0)

static void compare_verdict(char *at, const tocsin_verdict *v, const char *where)
{
    assert_golden_double(&at, v, score, where);
    assert_golden_double(&at, v, period, where);
    assert_golden_double(&at, v, raw, where);
    assert_golden_double(&at, v, expected, where);
    assert_golden_double(&at, v, deviation, where);
    assert_golden_double(&at, v, confidence, where);
    assert_golden_double(&at, v, lower, where);
    assert_golden_double(&at, v, upper, where);
    assert_golden_double(&at, v, value, where);
    assert_golden_integer(&at, v, flags, 16, where);
    assert_golden_integer(&at, v, alarm, 10, where);
    assert_golden_integer(&at, v, transition, 10, where);
    assert_golden_integer(&at, v, tier, 10, where);
    assert_golden_integer(&at, v, reason, 10, where);
    assert_golden_integer(&at, v, direction, 10, where);
    assert_golden_integer(&at, v, channel, 10, where);
    assert_golden_integer(&at, v, since, 10, where);
    assert_golden_integer(&at, v, time, 10, where);
}

/* ---- Writing a golden file --------------------------------------------------- */

/* A counter's readings for the rates that the values are; it is reset once. */
static void accumulate(event *events, size_t count)
{
    double total = 0;

    for (size_t i = 0; i < count; i++) {
        if (i == 140)
            total = 0;
        if (events[i].value > 0)
            total += (double)(int)(60 * events[i].value);
        if (!isnan(events[i].value))
            events[i].value = total;
    }
}

/* A day in the life: a daily course with noise, a hole, a spike, a step, a pause, late and repeated
 * points, a quiet learner, and silence at the end. */
static size_t make_events(event *events)
{
    rng r = rng_seeded(2026);
    int64_t time = INPUT_START;
    size_t count = 0;

    for (size_t i = 0; i < GOLDEN_POINTS; i++) {
        event *e = &events[count++];
        const size_t slot = i % 24;

        memset(e, 0, sizeof *e);
        time += i == 150 ? 40 * TOCSIN_MINUTE : TOCSIN_MINUTE;
        e->time = time;
        e->value = 100 + 4 * (double)(slot < 12 ? slot : 24 - slot) + 3 * rng_normal(&r);
        if (i == 60 || (i >= 90 && i < 93))
            e->value = NAN;
        if (i == 120 || i == 200)
            e->value += 80;
        if (i >= 170 && i < 190)
            e->value -= 60;
        if (i == 100)
            e->time -= 5 * TOCSIN_MINUTE;
        if (i == 110)
            e->time -= TOCSIN_MINUTE;
        if (i >= 130 && i < 134)
            e->mode = (int)(i - 130);
    }
    for (size_t i = 0; i < 8; i++) {
        event *e = &events[count++];

        memset(e, 0, sizeof *e);
        e->is_tick = i < 6;
        time += 2 * TOCSIN_MINUTE;
        e->time = time;
        e->value = 110;
    }
    return count;
}

static int write_golden(const char *text)
{
    static event events[GOLDEN_POINTS + 8];
    const size_t count = make_events(events), half = count / 2;
    tocsin_value per;
    size_t values;
    tocsin_error error = states_error();
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict verdict;
    snapshot s;
    char canonical[4096];

    if (tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    if (tocsin_spec_get(spec, "counter", "per", &per, 1, &values) == TOCSIN_OK)
        accumulate(events, count);
    require(tocsin_spec_text(spec, TOCSIN_TEXT_SHORT, canonical, sizeof canonical, NULL) == TOCSIN_OK,
            "no canonical text");
    require(tocsin_detector_create(&detector, spec, NULL) == TOCSIN_OK, "no detector");
    printf("%s\nspec %s\nsnapshot %zu ", GOLDEN_MAGIC, canonical, half);
    for (size_t i = 0; i < half; i++)
        play(detector, &events[i], &verdict);
    s = snapshot_of(detector);
    for (size_t i = 0; i < s.size; i++)
        printf("%02x", s.bytes[i]);
    printf("\n");
    tocsin_detector_reset(detector);
    for (size_t i = 0; i < count; i++) {
        play(detector, &events[i], &verdict);
        write_line(&events[i], &verdict);
    }
    snapshot_free(&s);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    return EXIT_SUCCESS;
}

/* ---- Reading golden files ----------------------------------------------------- */

typedef struct golden {
    FILE *file;
    char path[512];
    char line[GOLDEN_LINE];
    size_t number;
} golden;

/* The next line without its newline, or NULL at the end. */
static char *next_line(golden *g)
{
    if (!fgets(g->line, sizeof g->line, g->file))
        return NULL;
    g->number++;
    ck_assert_msg(strlen(g->line) + 1 < sizeof g->line, "%s:%zu is too long", g->path, g->number);
    g->line[strcspn(g->line, "\r\n")] = '\0';
    return g->line;
}

static char *next_line_with(golden *g, const char *head)
{
    char *line = next_line(g);

    ck_assert_msg(line && strncmp(line, head, strlen(head)) == 0, "%s:%zu does not begin with '%s'",
                  g->path, g->number, head);
    return line + strlen(head);
}

static snapshot read_snapshot(char *at)
{
    snapshot s;

    while (*at == ' ')
        at++;
    s.size = strlen(at) / 2;
    s.bytes = malloc(s.size);
    ck_assert_ptr_nonnull(s.bytes);
    for (size_t i = 0; i < s.size; i++) {
        const char digits[3] = {at[2 * i], at[2 * i + 1], '\0'};

        s.bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return s;
}

static void check_golden(const char *name)
{
    golden *g = calloc(1, sizeof *g);
    tocsin_error error = states_error();
    tocsin_spec *spec, *saved_spec;
    tocsin_detector *steady, *loaded;
    size_t half, i = 0;
    snapshot s;
    char *at;

    ck_assert_ptr_nonnull(g);
    snprintf(g->path, sizeof g->path, "%s/%s", GOLDEN_DIRECTORY, name);
    g->file = fopen(g->path, "r");
    ck_assert_msg(g->file != NULL, "cannot open %s", g->path);
    next_line_with(g, GOLDEN_MAGIC);
    at = next_line_with(g, "spec ");
    ck_assert_msg(tocsin_spec_compile(&spec, at, TOCSIN_NUL_TERMINATED, NULL, &error) == TOCSIN_OK,
                  "%s: %s", g->path, error.message);
    ck_assert_int_eq(tocsin_detector_create(&steady, spec, NULL), TOCSIN_OK);

    at = next_line_with(g, "snapshot ");
    half = (size_t)read_integer(&at, 10);
    s = read_snapshot(at);
    ck_assert_msg(tocsin_snapshot_spec(&saved_spec, s.bytes, s.size, NULL, &error) == TOCSIN_OK,
                  "%s: the snapshot's spec: %s", g->path, error.message);
    ck_assert_int_eq(tocsin_detector_create(&loaded, saved_spec, NULL), TOCSIN_OK);
    ck_assert_msg(tocsin_detector_load(loaded, s.bytes, s.size, &error) == TOCSIN_OK,
                  "%s: the snapshot: %s", g->path, error.message);

    for (; (at = next_line(g)) != NULL; i++) {
        const event e = read_event(&at);
        tocsin_verdict verdict;
        char where[600];

        snprintf(where, sizeof where, "%s:%zu", g->path, g->number);
        if (i == half)
            assert_same_state(steady, loaded, where);
        play(steady, &e, &verdict);
        compare_verdict(at, &verdict, where);
        if (i >= half) {
            play(loaded, &e, &verdict);
            compare_verdict(at, &verdict, where);
        }
    }
    ck_assert_uint_gt(i, half);
    assert_same_state(steady, loaded, g->path);

    snapshot_free(&s);
    tocsin_detector_free(loaded);
    tocsin_detector_free(steady);
    tocsin_spec_free(saved_spec);
    tocsin_spec_free(spec);
    fclose(g->file);
    free(g);
}

static int is_golden(const char *name)
{
    const size_t length = strlen(name);

    return length > 7 && strcmp(name + length - 7, ".golden") == 0;
}

START_TEST(golden_files_hold)
{
    DIR *directory = opendir(GOLDEN_DIRECTORY);
    struct dirent *entry;
    size_t count = 0;

    ck_assert_msg(directory != NULL, "run me at the top of the source tree");
    while ((entry = readdir(directory)) != NULL)
        if (is_golden(entry->d_name)) {
            check_golden(entry->d_name);
            count++;
        }
    closedir(directory);
    ck_assert_uint_gt(count, 0);
}
END_TEST

/* A detector without a golden file could change and nobody would know. */
START_TEST(every_detector_has_one)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++) {
        tocsin_stage_info info;
        char path[512];
        FILE *file;

        memset(&info, 0, sizeof info);
        info.struct_size = sizeof info;
        ck_assert_int_eq(tocsin_catalog_stage(s, &info), TOCSIN_OK);
        if (info.kind != TOCSIN_STAGE_DETECT)
            continue;
        snprintf(path, sizeof path, "%s/%s.golden", GOLDEN_DIRECTORY, info.name);
        file = fopen(path, "r");
        ck_assert_msg(file != NULL, "there is no %s: sh tests/golden/regenerate.sh %s '%s'", path,
                      info.name, info.name);
        fclose(file);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("golden");
    TCase *tcase = suite_case(s, "golden");

    tcase_add_test(tcase, golden_files_hold);
    tcase_add_test(tcase, every_detector_has_one);
    return s;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_golden(argv[2]);
    return suite_run(suite());
}
