/* bells.c - see bells.h. */
#include "bells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *what, const char *detail)
{
    fprintf(stderr, "calibration: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
    exit(64);
}

static int is_random(const char *text)
{
    return strcmp(text, "random") == 0;
}

/* The spec for rows of so many metrics. */
static tocsin_spec *spec_of_rows(tocsin_spec *spec, size_t metrics)
{
    char number[24];
    tocsin_setting setting = {
        .struct_size = sizeof setting, .value_count = 1, .parameter = "metrics", .text = number};
    tocsin_spec *rows = NULL;

    snprintf(number, sizeof number, "%zu", metrics);
    for (size_t i = 0; !rows && i < tocsin_spec_stage_count(spec); i++) {
        setting.stage = tocsin_spec_stage_name(spec, i);
        if (tocsin_spec_derive(&rows, spec, &setting, 1, NULL, NULL) != TOCSIN_OK)
            rows = NULL;
    }
    if (!rows)
        die("rows need a detector of rows", tocsin_spec_stage_name(spec, 0));
    tocsin_spec_free(spec);
    return rows;
}

tocsin_spec *bell_spec(const char *text, const kind *k, const char *budget)
{
    char whole[1024];
    tocsin_error error = {.struct_size = sizeof error};
    tocsin_spec *spec;

    snprintf(whole, sizeof whole, "%s | alarm budget=%s", is_random(text) ? "ewma | tail" : text,
             budget);
    if (tocsin_spec_compile(&spec, whole, TOCSIN_NUL_TERMINATED, NULL, &error) < 0)
        die(whole, error.message);
    return k->metrics > 1 && !is_random(text) ? spec_of_rows(spec, k->metrics) : spec;
}

/* Asked of the library, which reads rates anyway. */
double bell_period(const tocsin_spec *spec)
{
    tocsin_value value;
    size_t count;

    if (tocsin_spec_get(spec, "alarm", "budget", &value, 1, &count) < 0 || count != 1)
        die("the alarm has no budget", NULL);
    return (double)value.duration * 1e-9;
}

bell bell_make(const char *text, const tocsin_spec *spec, double step, uint64_t seed)
{
    bell b = {.chance = step / bell_period(spec), .rng = {.state = seed}};

    if (!is_random(text) && tocsin_detector_create(&b.detector, spec, NULL) < 0)
        die("out of memory", NULL);
    return b;
}

bell bell_copy(bell *original)
{
    bell b = *original;

    if (b.detector && tocsin_detector_clone(&b.detector, original->detector, NULL) < 0)
        die("out of memory", NULL);
    b.rng.state = rng_next(&original->rng);
    return b;
}

void bell_free(bell *b)
{
    tocsin_detector_free(b->detector);
}

int bell_push_row(bell *b, double t, const double *row, size_t metrics)
{
    tocsin_verdict verdict;

    if (!b->detector)
        return rng_uniform(&b->rng) < b->chance;
    if (tocsin_detector_push_row(b->detector, (int64_t)(t * 1e9), row, metrics,
                                 TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict) < 0)
        die("push failed", NULL);
    return verdict.transition == TOCSIN_TRANSITION_START;
}

int bell_push(bell *b, double t, double value)
{
    return bell_push_row(b, t, &value, 1);
}
