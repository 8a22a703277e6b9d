/* Any bytes as an isolation forest.  What loads scores between 0 and 1, in batches as alone, explains
 * itself, and saves to something that loads to the same.  (Built by run.sh, the library skips the
 * checksums.) */
#include "targets.h"

enum { FUZZ_FOREST_ROWS = 20 };

/* Rows of strange values, as many metrics as the forest has. */
static double *forest_rows(size_t columns)
{
    static const double values[] = {0, -0.0, 1, -1, 1e9, 1e308, -1e308, 5e-324, 3.5};
    double *const rows = malloc(FUZZ_FOREST_ROWS * columns * sizeof *rows);

    for (size_t k = 0; rows && k < FUZZ_FOREST_ROWS * columns; k++)
        rows[k] = k % 11 == 0   ? 0 * (values[5] * values[5])     /* NaN */
                  : k % 13 == 0 ? values[5] * values[5]           /* infinity */
                                : values[k * k % (sizeof values / sizeof values[0])];
    return rows;
}

static void use_forest(const tocsin_forest *forest, const tocsin_forest *copy, size_t columns)
{
    double scores[FUZZ_FOREST_ROWS], again[FUZZ_FOREST_ROWS], alone;
    double *const rows = forest_rows(columns);
    double *const parts = malloc(columns * sizeof *parts);
    tocsin_matrix matrix;

    memset(&matrix, 0, sizeof matrix);
    matrix.struct_size = sizeof matrix;
    matrix.rows = FUZZ_FOREST_ROWS;
    matrix.columns = columns;
    matrix.values = rows;
    if (rows && parts) {
        fuzz_check(tocsin_forest_score(forest, &matrix, scores) == TOCSIN_OK);
        fuzz_check(tocsin_forest_score(copy, &matrix, again) == TOCSIN_OK);
        fuzz_check(memcmp(scores, again, sizeof scores) == 0);
        matrix.rows = 1;
        for (size_t r = 0; r < FUZZ_FOREST_ROWS; r++) {
            matrix.values = rows + r * columns;
            fuzz_check(scores[r] >= 0 && scores[r] <= 1);
            fuzz_check(tocsin_forest_score(forest, &matrix, &alone) == TOCSIN_OK);
            fuzz_check(memcmp(&alone, &scores[r], sizeof alone) == 0);
        }
        fuzz_check(tocsin_forest_explain(forest, &matrix, parts) == TOCSIN_OK);
    }
    free(rows);
    free(parts);
}

static int fuzz_forest(const uint8_t *data, size_t size)
{
    tocsin_forest_info info;
    tocsin_forest *forest, *copy;
    unsigned char *bytes;
    size_t needed;

    if (tocsin_forest_load(&forest, data, size, NULL, NULL) != TOCSIN_OK)
        return 0;
    info.struct_size = sizeof info;
    fuzz_check(tocsin_forest_describe(forest, &info) == TOCSIN_OK);
    fuzz_check(tocsin_forest_save(forest, NULL, 0, &needed) == TOCSIN_ERROR_SPACE);
    bytes = malloc(needed);
    if (bytes) {
        fuzz_check(tocsin_forest_save(forest, bytes, needed, NULL) == TOCSIN_OK);
        fuzz_check(tocsin_forest_load(&copy, bytes, needed, NULL, NULL) == TOCSIN_OK);
        use_forest(forest, copy, (size_t)info.columns);
        tocsin_forest_free(copy);
    }
    free(bytes);
    tocsin_forest_free(forest);
    return 0;
}

FUZZ_ENTRY(fuzz_forest)
