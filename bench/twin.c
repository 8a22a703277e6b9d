/* twin.c - see twin.h. */
#include "twin.h"

#include <string.h>

#include "harness.h"
#include "twin_tick.h"

/* Seasonal slots beyond this are in no cache. */
#define TWIN_SLOTS_SIZE ((size_t)1 << 28)

static const struct {
    size_t doubles, floats, bars, slots;
} twin_columns[TWIN_SHAPES] = {
#define TWIN_COLUMNS(shape, name, doubles, floats, bars, slots) \
    [shape] = {doubles, floats, bars, slots},
    TWIN_EACH_SHAPE(TWIN_COLUMNS)
};

static const struct {
    const char *kernel;
    twin_function *const (*functions)[2];
} twin_sets[] = {
    {"scalar", twin_functions_scalar},
#if defined BENCH_X86
    {"avx2", twin_functions_avx2},
    {"avx512", twin_functions_avx512},
#endif
};

/* Bytes per tile. */
static size_t tile_size(twin_shape shape)
{
    return TWIN_TILE * (twin_columns[shape].doubles * sizeof(double) +
                        (twin_columns[shape].floats + twin_columns[shape].bars) * sizeof(float));
}

static size_t slot_size(twin_shape shape)
{
    return TWIN_TILE * twin_columns[shape].slots * sizeof(float);
}

void twin_init(twin_bank *t, twin_shape shape, size_t series, size_t slots)
{
    memset(t, 0, sizeof *t);
    t->shape = shape;
    t->tiles = (series + TWIN_TILE - 1) / TWIN_TILE;
    t->columns_size = t->tiles * tile_size(shape);
    t->columns = bench_memory(t->columns_size);
    if (slot_size(shape) == 0)
        return;
    t->slot_count = TWIN_SLOTS_SIZE / (t->tiles * slot_size(shape)) + 2;
    if (t->slot_count > slots)
        t->slot_count = slots;
    t->slots_size = t->slot_count * t->tiles * slot_size(shape);
    t->slots = bench_memory(t->slots_size);
}

void twin_free(twin_bank *t)
{
    bench_release(t->columns, t->columns_size);
    if (t->slots)
        bench_release(t->slots, t->slots_size);
}

void twin_tick(const twin_bank *t, const char *kernel, size_t begin, size_t end,
               const float *values, double *scores)
{
    twin_function *const (*functions)[2] = twin_functions_native;
    twin_job job = {t->columns + begin * tile_size(t->shape), NULL, end - begin, values, scores};

    if (t->slots)
        job.slots = t->slots + (t->ticks % t->slot_count * t->tiles + begin) * slot_size(t->shape);
    for (size_t i = 0; i < sizeof twin_sets / sizeof twin_sets[0]; i++)
        if (strcmp(kernel, twin_sets[i].kernel) == 0)
            functions = twin_sets[i].functions;
    functions[t->shape][scores != NULL](&job);
}

void twin_end(twin_bank *t)
{
    t->ticks++;
}

double twin_traffic(twin_shape shape, int has_scores)
{
    return (double)(2 * sizeof(double) * twin_columns[shape].doubles +
                    2 * sizeof(float) * (twin_columns[shape].floats + twin_columns[shape].slots) +
                    sizeof(float) * twin_columns[shape].bars + sizeof(float) +
                    (has_scores ? sizeof(double) : 0));
}
