/* stream.c - what forests cost that learn as they score: one row after the other, a call each.
 *
 *     stream/rcforest/d8      100 trees of 256 points, half-life as long as AWS's forest has it
 *     stream/hstrees/d8       25 trees of depth 8, windows of 250 points
 *
 * Rows of 1, 8 and 32 metrics come from three Gaussian clusters and some noise between them.  Each
 * is scored and then learnt; shares are worked out where the score is at least 1, as always.
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "tocsin.h"

enum { ROWS = 4096, SOME = 1024, WARM = 8192, DIMENSIONS = 3, KINDS = 2 };

typedef struct stream {
    char name[32], spec[96];
    size_t columns, next;
    double *values;
    tocsin_spec *compiled;
    tocsin_detector *detector;
    double bytes;
} stream;

static void push(stream *s, size_t times)
{
    double score = 0, sum = 0;

    for (size_t k = 0; k < times; k++) {
        tocsin_detector_score_row(s->detector, TOCSIN_TIME_NONE, s->values + s->next * s->columns,
                                  s->columns, TOCSIN_LEARN_AND_SCORE, &score);
        sum += score;
        s->next = (s->next + 1) % ROWS;
    }
    bench_keep(sum);
}

static void stream_init(stream *s)
{
    s->values = bench_memory(ROWS * s->columns * sizeof(double));
    for (size_t r = 0; r < ROWS; r++) {
        const double centre = 4 * (double)(bench_random() % 3);
        const int is_noise = bench_random() % 50 == 0;

        for (size_t c = 0; c < s->columns; c++)
            s->values[r * s->columns + c] = (is_noise ? 10 : 1) * bench_gaussian() + centre;
    }
    bench_check(tocsin_spec_compile(&s->compiled, s->spec, strlen(s->spec), NULL, NULL), s->spec);
    bench_check(tocsin_detector_create(&s->detector, s->compiled, NULL), "a detector");
    s->bytes = (double)tocsin_spec_state_size(s->compiled);
    push(s, WARM);
}

static double run(void *context, size_t times)
{
    const double start = bench_cpu_ns();

    push(context, times * SOME);
    return bench_cpu_ns() - start;
}

int main(int argc, char **argv)
{
    static const size_t dimensions[DIMENSIONS] = {1, 8, 32};
    static const char *const kinds[KINDS][2] = {
        {"rcforest", "trees=100 sample=256 half-life=1774p"},
        {"hstrees", "trees=25 depth=8 window=250"},
    };
    static stream streams[KINDS * DIMENSIONS];
    static bench_way ways[KINDS * DIMENSIONS];
    const bench_options options = bench_begin(argc, argv, NULL);
    size_t count = 0;

    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t d = 0; d < DIMENSIONS; d++) {
            stream *const s = &streams[count];

            snprintf(s->name, sizeof s->name, "stream/%s/d%zu", kinds[kind][0], dimensions[d]);
            if (!bench_is_wanted(&options, s->name))
                continue;
            snprintf(s->spec, sizeof s->spec, "%s metrics=%zu %s", kinds[kind][0], dimensions[d],
                     kinds[kind][1]);
            s->columns = dimensions[d];
            stream_init(s);
            ways[count++] = (bench_way){run, s, SOME, 0, NULL, 0};
        }
    bench_measure(&options, ways, count);
    for (size_t i = 0; i < count; i++) {
        const bench_line line = {
            .name = streams[i].name,
            .spec = streams[i].spec,
            .n = 1,
            .ns = ways[i].ns,
            .bytes = streams[i].bytes,
            .clock = "cpu",
        };

        bench_print(&options, &line);
    }
    bench_ways_free(ways, count);
    for (size_t i = 0; i < count; i++) {
        tocsin_detector_free(streams[i].detector);
        tocsin_spec_free(streams[i].compiled);
        bench_release(streams[i].values, ROWS * streams[i].columns * sizeof(double));
    }
    return bench_end(&options);
}
