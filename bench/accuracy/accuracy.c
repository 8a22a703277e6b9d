/* accuracy.c - scores for labelled data, as a stream would have got them.
 *
 *     accuracy [--spec S] [--rank raw|score|difference] [--json FILE] DATA_DIR OUT_DIR
 *
 * Reads each DATA_DIR/series/.../NAME.csv and writes OUT_DIR/.../NAME.csv.  Every file is a
 * series of its own and gets a new detector of the spec; nothing is carried over from one file
 * to another, rows are pushed in the order of the file, and a row's scores are fixed before the
 * next one is pushed.
 *
 *     in     timestamp,value[,label]     or  timestamp,NAME1,NAME2...[,label]
 *     out    timestamp,score,alarm_score
 *
 * Times and values are read as the command line reads them (examples/tocsin/cli_time.h, cli.h):
 * `timestamp` is in seconds since the Unix epoch (from 1e10 on in milliseconds, from 1e13 on in
 * microseconds, from 1e16 on in nanoseconds), or as 2015-02-26 21:42:53 (UTC, or with an offset
 * such as +02:00); it comes out as it went in.  A column called label, is_anomaly or anomaly is
 * skipped unread.  An empty value, nan, na, n/a, none, null or - is a missing one.
 *
 * `score` is the row's ranking: the detector's raw statistic, or with --rank score the
 * calibrated one.  --rank difference puts the plainest of all in its place, for comparison:
 * |x_t - x_(t-1)| in units of its mean so far, of the first value that a detector judges.
 * `alarm_score` is the same at rows where an alarm starts and 0 at all others.  A row without a
 * verdict (warming, missing, late, repeated) has 0.  Without --spec it is the default detector's
 * ranking that is measured, `raw | alarm threshold=5 cooldown=12h`: one threshold and one dead time
 * for every file.  `--spec ''` is what a user gets, an alarm by a budget.  Several value columns are
 * so many detectors: the score is the mean over them, and an alarm starts where any one's does; but
 * for a spec whose detector judges rows (rcforest, hstrees, iforest) each line is one, and of one
 * detector.
 *
 * Exit: 0 all files scored, 64 usage, 65 a file (or several; the others are scored) cannot be
 * read, with FILE:LINE and what is wrong, 66 no such folder or nothing in it, 73 cannot write.
 */
#define _GNU_SOURCE     /* strdup, clock_gettime */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "cli_time.h"
#include "tocsin.h"

enum { EXIT_USAGE = 64, EXIT_INPUT = 65, EXIT_NO_INPUT = 66, EXIT_CANNOT_WRITE = 73 };

#define COLUMNS 4096            /* of a file */
#define DEPTH 32                /* of folders */
/* The default detector, by its own statistic: every row that begins something. */
#define DEFAULT_SPEC "raw | alarm threshold=5 cooldown=12h"

_Noreturn static void die(int status, const char *what, const char *detail)
{
    fprintf(stderr, "accuracy: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
    exit(status);
}

static void *grow(void *memory, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity)
        return memory;
    while (*capacity < wanted)
        *capacity = *capacity ? 2 * *capacity : 1024;
    memory = realloc(memory, *capacity * size);
    if (!memory)
        die(EXIT_FAILURE, "out of memory", NULL);
    return memory;
}

static char *joined(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (!path)
        die(EXIT_FAILURE, "out of memory", NULL);
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* ---- One file in memory ------------------------------------------------------------ */

typedef struct table {
    const char *path;
    size_t line;                /* being read, from 1 */
    char *text;                 /* the whole file; cells are cut out of it in place */
    char **stamp;               /* of each row, as written */
    int64_t *time;              /* ns */
    double *value;              /* rows by columns */
    size_t rows, columns;
    size_t stamp_capacity, time_capacity, value_capacity;
} table;

static void table_free(table *t)
{
    free(t->text);
    free(t->stamp);
    free(t->time);
    free(t->value);
}

static int complain(const table *t, const char *what, const char *detail)
{
    fprintf(stderr, "%s:%zu: %s%s%.60s\n", t->path, t->line, what, detail ? ": " : "",
            detail ? detail : "");
    return 0;
}

/* The whole file with a NUL behind it; bytes that are NUL themselves end a line early and are
 * found as a row that is too short. */
static int table_slurp(table *t)
{
    FILE *file = fopen(t->path, "rb");
    size_t length = 0, capacity = 0, got;

    if (!file)
        return complain(t, "cannot read", strerror(errno));
    do {
        t->text = grow(t->text, &capacity, length + 65537, 1);
        got = fread(t->text + length, 1, 65536, file);
        length += got;
    } while (got > 0);
    t->text[length] = '\0';
    const int failed = ferror(file);

    fclose(file);
    if (failed)
        return complain(t, "cannot read", NULL);
    if (memchr(t->text, '\0', length))
        return complain(t, "this is not text", NULL);
    return 1;
}

/* Cut the next line at its commas, in place; quotes around a cell and blanks about it go.  The
 * number of cells; 0 at the end; SIZE_MAX for a line that makes no sense. */
static size_t table_cut(char **at, char **cell, size_t capacity)
{
    size_t count = 0;
    char *from = *at;

    if (*from == '\0')
        return 0;
    for (int is_last = 0; !is_last; count++) {
        char *end, *close;

        if (count == capacity)
            return SIZE_MAX;
        from += strspn(from, " \t");
        if (*from == '"') {
            from++;
            close = from + strcspn(from, "\"\n");
            if (*close != '"')
                return SIZE_MAX;
            end = close + 1 + strspn(close + 1, " \t\r");
        } else {
            close = end = from + strcspn(from, ",\n");
            while (close > from && strchr(" \t\r", close[-1]))
                close--;
        }
        if (*end != ',' && *end != '\n' && *end != '\0')
            return SIZE_MAX;
        is_last = *end != ',';
        cell[count] = from;
        from = *end ? end + 1 : end;
        *close = '\0';
    }
    *at = from;
    return count;
}

static int is_label(const char *name)
{
    return strcasecmp(name, "label") == 0 || strcasecmp(name, "is_anomaly") == 0 ||
           strcasecmp(name, "anomaly") == 0;
}

static int parse_time(const char *text, int64_t *ns)
{
    return cli_parse_time(cli_text_of(text), CLI_UNIT_AUTO, ns) == 1;
}

static int parse_value(const char *text, double *value)
{
    cli_number number;

    if (cli_parse_number(cli_text_of(text), &number) == CLI_NOT_A_NUMBER)
        return 0;
    *value = number.value;
    return 1;
}

/* Read all rows; 0 after having said what is wrong. */
static int table_read(table *t)
{
    static char *head[COLUMNS], *cell[COLUMNS];
    char *at;
    size_t cells, stamp = SIZE_MAX;
    unsigned char is_value[COLUMNS] = {0};

    if (!table_slurp(t))
        return 0;
    at = t->text;
    if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    t->line = 1;
    cells = table_cut(&at, head, COLUMNS);
    if (cells == 0)
        return complain(t, "the file is empty; expected a header like timestamp,value", NULL);
    if (cells == SIZE_MAX)
        return complain(t, "a header that is no list of names", NULL);
    for (size_t i = 0; i < cells; i++)
        if (strcasecmp(head[i], "timestamp") == 0)
            stamp = i;
        else if (!is_label(head[i])) {
            is_value[i] = 1;
            t->columns++;
        }
    if (stamp == SIZE_MAX)
        return complain(t, "no column is called timestamp", NULL);
    if (t->columns == 0)
        return complain(t, "no column has values", NULL);

    for (;;) {
        const size_t row = t->rows;
        size_t found, column = 0;

        t->line++;
        found = table_cut(&at, cell, COLUMNS);
        if (found == 0)
            return 1;
        if (found == 1 && cell[0][0] == '\0')       /* a blank line */
            continue;
        if (found != cells)
            return complain(t, found < cells ? "fewer cells than the header has"
                                             : "more cells than the header has, or a quote left "
                                               "open", NULL);
        t->stamp = grow(t->stamp, &t->stamp_capacity, row + 1, sizeof *t->stamp);
        t->time = grow(t->time, &t->time_capacity, row + 1, sizeof *t->time);
        t->value = grow(t->value, &t->value_capacity, (row + 1) * t->columns, sizeof *t->value);
        t->stamp[row] = cell[stamp];
        if (!parse_time(cell[stamp], &t->time[row]))
            return complain(t, "neither a number since 1970 nor a date and time", cell[stamp]);
        for (size_t i = 0; i < cells; i++)
            if (is_value[i] && !parse_value(cell[i], &t->value[row * t->columns + column++]))
                return complain(t, "not a number", cell[i]);
        t->rows++;
    }
}

/* ---- Scoring ---------------------------------------------------------------------------- */

typedef enum { RANK_RAW, RANK_SCORE, RANK_DIFFERENCE, RANKS } rank_kind;

static const char *const ranks[] = {"raw", "score", "difference"};

typedef struct run {
    tocsin_spec *spec;
    rank_kind rank;             /* what a row's ranking is */
    uint64_t files, points, alarms;     /* a row is a point */
    size_t bytes;               /* of the largest state */
    double ns;                  /* in pushes */
    int status;
} run;

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The spec for rows of so many columns; NULL if its detector judges single values. */
static tocsin_spec *spec_of_rows(const tocsin_spec *spec, size_t columns)
{
    char number[24];
    tocsin_setting setting = {
        .struct_size = sizeof setting, .value_count = 1, .parameter = "metrics", .text = number};

    snprintf(number, sizeof number, "%zu", columns);
    for (size_t i = 0; columns > 1 && i < tocsin_spec_stage_count(spec); i++) {
        tocsin_spec *rows;

        setting.stage = tocsin_spec_stage_name(spec, i);
        if (tocsin_spec_derive(&rows, spec, &setting, 1, NULL, NULL) == TOCSIN_OK)
            return rows;
    }
    return NULL;
}

/* The distance of a value from the one before it, in units of the mean distance before. */
typedef struct {
    double last, sum, count;
} differences;

static double next_difference(differences *d, double value)
{
    const double distance = fabs(value - d->last);
    double rank = 0;

    if (isnan(value))
        return 0;
    d->last = value;
    if (isnan(distance))
        return 0;
    if (d->sum > 0)
        rank = distance / (d->sum / d->count);
    d->sum += distance;
    d->count++;
    return rank;
}

/* Some columns, one or all of them, judged together: adds each row's ranking, and marks the rows
 * where an alarm starts. */
static void score_columns(run *r, const tocsin_spec *spec, const table *t, size_t column,
                          size_t count, double *ranking, unsigned char *starts)
{
    tocsin_detector *detector;
    tocsin_verdict verdict;
    differences steps = {.last = NAN};
    double began;

    if (tocsin_detector_create(&detector, spec, NULL) < 0)
        die(EXIT_FAILURE, "out of memory", NULL);
    if (tocsin_spec_state_size(spec) > r->bytes)
        r->bytes = tocsin_spec_state_size(spec);
    began = now_ns();
    for (size_t i = 0; i < t->rows; i++) {
        double rank;

        if (tocsin_detector_push_row(detector, t->time[i], &t->value[i * t->columns + column],
                                     count, TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict) < 0)
            die(EXIT_FAILURE, "a push failed", t->path);
        rank = r->rank == RANK_SCORE        ? verdict.score
               : r->rank == RANK_DIFFERENCE ? next_difference(
                                                  &steps, t->value[i * t->columns + column])
                                            : verdict.raw;
        if (rank > 0)
            ranking[i] += rank;
        if (verdict.transition == TOCSIN_TRANSITION_START) {
            starts[i] = 1;
            r->alarms++;
        }
    }
    r->ns += now_ns() - began;
    r->points += t->rows;
    tocsin_detector_free(detector);
}

/* Create the folders of a file's path. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            die(EXIT_CANNOT_WRITE, path, strerror(errno));
        *slash = '/';
    }
}

static void write_scores(const table *t, char *path, const double *ranking,
                         const unsigned char *starts, size_t detectors)
{
    FILE *file;

    make_folders(path);
    file = fopen(path, "w");
    if (!file)
        die(EXIT_CANNOT_WRITE, path, strerror(errno));
    fputs("timestamp,score,alarm_score\n", file);
    for (size_t i = 0; i < t->rows; i++) {
        const double score = ranking[i] / (double)detectors;
        const char *quote = strchr(t->stamp[i], ',') ? "\"" : "";

        fprintf(file, "%s%s%s,%.9g,", quote, t->stamp[i], quote, score);
        if (starts[i])
            fprintf(file, "%.9g\n", score);
        else
            fputs("0\n", file);
    }
    if (fclose(file) != 0)
        die(EXIT_CANNOT_WRITE, path, strerror(errno));
}

static void score_file(run *r, const char *from, char *to)
{
    table t = {.path = from};
    double *ranking;
    unsigned char *starts;
    tocsin_spec *rows;

    if (!table_read(&t)) {
        r->status = EXIT_INPUT;
        table_free(&t);
        return;
    }
    ranking = calloc(t.rows + 1, sizeof *ranking);
    starts = calloc(t.rows + 1, 1);
    if (!ranking || !starts)
        die(EXIT_FAILURE, "out of memory", NULL);
    rows = spec_of_rows(r->spec, t.columns);
    if (rows)
        score_columns(r, rows, &t, 0, t.columns, ranking, starts);
    for (size_t column = 0; !rows && column < t.columns; column++)
        score_columns(r, r->spec, &t, column, 1, ranking, starts);
    write_scores(&t, to, ranking, starts, rows ? 1 : t.columns);
    tocsin_spec_free(rows);
    r->files++;
    free(ranking);
    free(starts);
    table_free(&t);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every CSV file of a folder and the folders below it, in the order of their names. */
static void score_folder(run *r, const char *from, const char *to, int depth)
{
    DIR *folder = opendir(from);
    char **name = NULL;
    size_t count = 0, capacity = 0;

    if (!folder)
        die(EXIT_NO_INPUT, from, strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        name = grow(name, &capacity, count + 1, sizeof *name);
        name[count] = strdup(entry->d_name);
        if (!name[count++])
            die(EXIT_FAILURE, "out of memory", NULL);
    }
    closedir(folder);
    if (count)
        qsort(name, count, sizeof *name, by_name);
    for (size_t i = 0; i < count; i++) {
        char *source = joined(from, name[i]), *target = joined(to, name[i]);
        const size_t length = strlen(name[i]);
        struct stat about;

        if (stat(source, &about) != 0)
            die(EXIT_NO_INPUT, source, strerror(errno));
        if (S_ISDIR(about.st_mode)) {
            if (depth == DEPTH)
                die(EXIT_NO_INPUT, "folders too deep", source);
            score_folder(r, source, target, depth + 1);
        } else if (length > 4 && strcmp(name[i] + length - 4, ".csv") == 0) {
            score_file(r, source, target);
        }
        free(source);
        free(target);
        free(name[i]);
    }
    free(name);
}

/* ---- The program --------------------------------------------------------------------------- */

static tocsin_spec *compile(const char *text)
{
    tocsin_error error = {.struct_size = sizeof error};
    tocsin_spec *spec;

    if (tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) < 0)
        die(EXIT_USAGE, text, error.message);
    return spec;
}

/* Scores must never overwrite what they are made from. */
static void refuse_same_folder(const char *series, const char *out)
{
    struct stat a, b;

    if (stat(series, &a) == 0 && stat(out, &b) == 0 && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        die(EXIT_USAGE, "OUT_DIR holds the data itself", out);
}

static void write_json(const char *path, const run *r, const char *spec)
{
    FILE *file = fopen(path, "w");

    if (!file)
        die(EXIT_CANNOT_WRITE, path, strerror(errno));
    fprintf(file, "{\"spec\": \"%s\", \"files\": %llu, \"points\": %llu, \"alarms\": %llu, "
                  "\"ns_per_point\": %.2f, \"bytes_per_series\": %zu}\n",
            spec, (unsigned long long)r->files, (unsigned long long)r->points,
            (unsigned long long)r->alarms, r->points ? r->ns / (double)r->points : 0,
            r->bytes);
    if (fclose(file) != 0)
        die(EXIT_CANNOT_WRITE, path, strerror(errno));
}

static void usage(FILE *to)
{
    fputs("usage: accuracy [--spec S] [--rank raw|score|difference] [--json FILE] DATA_DIR OUT_DIR\n", to);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"spec", required_argument, NULL, 's'},
        {"rank", required_argument, NULL, 'r'},
        {"json", required_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *spec = DEFAULT_SPEC, *json = NULL;
    run r = {.status = EXIT_SUCCESS};
    char text[4096];
    char *series;

    for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1;)
        switch (option) {
        case 's': spec = optarg; break;
        case 'r':
            r.rank = RANK_RAW;
            while (r.rank < RANKS && strcmp(optarg, ranks[r.rank]) != 0)
                r.rank++;
            if (r.rank == RANKS)
                die(EXIT_USAGE, "--rank is raw, score or difference, not", optarg);
            break;
        case 'j': json = optarg; break;
        case 'h': usage(stdout); return EXIT_SUCCESS;
        default: usage(stderr); return EXIT_USAGE;
        }
    if (argc - optind != 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    r.spec = compile(spec);
    series = joined(argv[optind], "series");
    refuse_same_folder(series, argv[optind + 1]);
    score_folder(&r, series, argv[optind + 1], 0);
    if (r.files == 0 && r.status == EXIT_SUCCESS)
        die(EXIT_NO_INPUT, "no .csv files", series);
    if (tocsin_spec_text(r.spec, TOCSIN_TEXT_SHORT, text, sizeof text, NULL) < 0)
        snprintf(text, sizeof text, "%s", "(long)");
    fprintf(stderr, "%s: %llu files, %llu points, %llu alarms, %.1f ns per point, %zu bytes per "
                    "series\n",
            text, (unsigned long long)r.files, (unsigned long long)r.points,
            (unsigned long long)r.alarms, r.points ? r.ns / (double)r.points : 0,
            r.bytes);
    if (json)
        write_json(json, &r, text);
    free(series);
    tocsin_spec_free(r.spec);
    return r.status;
}
