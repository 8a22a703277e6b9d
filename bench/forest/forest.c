/* forest.c - what isolation forests cost: to fit one, and to score points in batches and alone.
 *
 * A hundred trees of 256 points, of 1, 8 and 32 metrics, with each kernel that this machine has.
 * Points come from three Gaussian clusters and some noise between them; other points are scored
 * than were fitted.  Lines say nanoseconds per point, those of fitting per forest.
 *
 *     forest/fit/d8       from 10,000 rows of doubles; no kernel has a part in it
 *     forest/batch/d8     16,384 rows at once
 *     forest/point/d8     the same one by one, a call each
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "tocsin.h"

enum { ROWS = 16384, FIT_ROWS = 10000, DIMENSIONS = 3, KERNELS = 8 };

typedef struct cloud {
    size_t columns;
    double *fitted, *judged;
    tocsin_forest *forest;
    double bytes;
} cloud;

typedef struct row {
    char name[32];
    cloud *points;
    const char *kernel;         /* NULL: none has a part in it */
    int is_alone;
} row;

static double scores[ROWS];

static void fill(double *values, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        const double centre = 4 * (double)(bench_random() % 3);
        const int is_noise = bench_random() % 50 == 0;

        for (size_t c = 0; c < columns; c++)
            values[r * columns + c] = (is_noise ? 10 : 1) * bench_gaussian() + centre;
    }
}

static tocsin_matrix matrix_of(const double *values, size_t rows, size_t columns)
{
    tocsin_matrix matrix;

    memset(&matrix, 0, sizeof matrix);
    matrix.struct_size = sizeof matrix;
    matrix.rows = rows;
    matrix.columns = columns;
    matrix.values = values;
    return matrix;
}

static void cloud_init(cloud *points, size_t columns)
{
    tocsin_forest_info info = {.struct_size = sizeof info};

    points->columns = columns;
    points->fitted = bench_memory(FIT_ROWS * columns * sizeof(double));
    points->judged = bench_memory(ROWS * columns * sizeof(double));
    fill(points->fitted, FIT_ROWS, columns);
    fill(points->judged, ROWS, columns);

    const tocsin_matrix matrix = matrix_of(points->fitted, FIT_ROWS, columns);
    bench_check(tocsin_forest_fit(&points->forest, NULL, &matrix, NULL), "a forest");
    bench_check(tocsin_forest_describe(points->forest, &info), "its description");
    points->bytes = (double)info.bytes;
}

static void cloud_free(cloud *points)
{
    tocsin_forest_free(points->forest);
    bench_release(points->fitted, FIT_ROWS * points->columns * sizeof(double));
    bench_release(points->judged, ROWS * points->columns * sizeof(double));
}

static double fit(void *context, size_t times)
{
    const row *r = context;
    const tocsin_matrix matrix = matrix_of(r->points->fitted, FIT_ROWS, r->points->columns);
    const double start = bench_cpu_ns();

    for (size_t k = 0; k < times; k++) {
        const tocsin_forest_options options = {.struct_size = sizeof options, .seed = k};
        tocsin_forest *forest;

        bench_check(tocsin_forest_fit(&forest, &options, &matrix, NULL), "a forest");
        tocsin_forest_free(forest);
    }
    return bench_cpu_ns() - start;
}

static double judge(void *context, size_t times)
{
    const row *r = context;
    const size_t columns = r->points->columns;
    tocsin_matrix matrix = matrix_of(r->points->judged, ROWS, columns);

    bench_check(tocsin_kernel_force(r->kernel), r->kernel);
    const double start = bench_cpu_ns();
    for (size_t k = 0; k < times; k++) {
        if (!r->is_alone) {
            tocsin_forest_score(r->points->forest, &matrix, scores);
            continue;
        }
        matrix.rows = 1;
        for (size_t p = 0; p < ROWS; p++) {
            matrix.values = r->points->judged + p * columns;
            tocsin_forest_score(r->points->forest, &matrix, scores + p);
        }
    }
    const double ns = bench_cpu_ns() - start;

    tocsin_kernel_force(NULL);
    bench_keep(scores[ROWS - 1]);
    return ns;
}

int main(int argc, char **argv)
{
    static const size_t dimensions[DIMENSIONS] = {1, 8, 32};
    static row rows[DIMENSIONS * (1 + 2 * KERNELS)];
    static bench_way ways[DIMENSIONS * (1 + 2 * KERNELS)];
    const bench_options options = bench_begin(argc, argv, NULL);
    cloud points[DIMENSIONS];
    size_t count = 0;

    for (size_t d = 0; d < DIMENSIONS; d++) {
        static const char *const kinds[] = {"fit", "batch", "point"};

        cloud_init(&points[d], dimensions[d]);
        for (size_t kind = 0; kind < 3; kind++)
            for (size_t k = 0; k < (kind == 0 ? 1 : tocsin_kernel_count()); k++) {
                row *const r = &rows[count];

                snprintf(r->name, sizeof r->name, "forest/%s/d%zu", kinds[kind], dimensions[d]);
                if (!bench_is_wanted(&options, r->name))
                    continue;
                r->points = &points[d];
                r->kernel = kind == 0 ? NULL : tocsin_kernel_name(k);
                r->is_alone = kind == 2;
                ways[count++] =
                    (bench_way){kind == 0 ? fit : judge, r, kind == 0 ? 1 : ROWS, 0, NULL, 0};
            }
    }
    bench_measure(&options, ways, count);
    for (size_t i = 0; i < count; i++) {
        const bench_line line = {
            .name = rows[i].name,
            .kernel = rows[i].kernel,
            .n = rows[i].kernel ? ROWS : FIT_ROWS,
            .ns = ways[i].ns,
            .bytes = rows[i].points->bytes,
            .clock = "cpu",
        };

        bench_print(&options, &line);
    }
    bench_ways_free(ways, count);
    for (size_t d = 0; d < DIMENSIONS; d++)
        cloud_free(&points[d]);
    return bench_end(&options);
}
