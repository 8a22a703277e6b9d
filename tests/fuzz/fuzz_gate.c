/* Any stream of observations, counts, buckets, ramps, merges, saves and loads, under any gate spec: the
 * first line is the spec, the rest the calls, a byte for which and the next ones for their arguments.
 * And the same bytes as a gate's snapshot.  Whatever came: silence does not pass, evidence is no NaN,
 * and what is saved loads and goes on to the bit. */
#include "targets.h"

static tocsin_gate *gate_fuzz_create(const tocsin_gate_spec *spec)
{
    tocsin_gate *gate;

    if (tocsin_gate_size(spec) > FUZZ_LARGEST_STATE || tocsin_gate_create(&gate, spec, NULL) < 0)
        return NULL;
    return gate;
}

static void gate_fuzz_judge(const tocsin_gate *gate)
{
    tocsin_gate_verdict verdict;
    tocsin_gate_effect effects[16];
    tocsin_gate_level levels[20];
    uint32_t blamed[4];
    char text[1024];
    size_t count;

    memset(&verdict, 0, sizeof verdict);
    verdict.struct_size = sizeof verdict;
    fuzz_check(tocsin_gate_judge(gate, &verdict) == TOCSIN_OK);
    fuzz_check(verdict.outcome <= TOCSIN_OUTCOME_INVALID);
    fuzz_check(verdict.log_e == verdict.log_e && verdict.log_e_pass == verdict.log_e_pass);
    fuzz_check(verdict.p >= 0 && verdict.p <= 1);
    if (verdict.baseline_units == 0 || verdict.candidate_units == 0)
        fuzz_check(verdict.outcome != TOCSIN_OUTCOME_PASS &&
                   verdict.outcome != TOCSIN_OUTCOME_SHIFT_ONLY);
    fuzz_check(tocsin_gate_text(gate, &verdict, text, sizeof text, &count) == TOCSIN_OK);
    fuzz_check(strlen(text) + 1 == count);
    tocsin_gate_effects(gate, verdict.metric, effects, 16, &count);
    tocsin_gate_levels(gate, verdict.metric, levels, 20, &count);
    tocsin_gate_blame(gate, blamed, 4, &count);
}

static unsigned char *gate_fuzz_save(const tocsin_gate *gate, size_t *size)
{
    unsigned char *bytes;

    fuzz_check(tocsin_gate_save(gate, NULL, 0, size) == TOCSIN_ERROR_SPACE);
    bytes = malloc(*size);
    if (bytes)
        fuzz_check(tocsin_gate_save(gate, bytes, *size, NULL) == TOCSIN_OK);
    return bytes;
}

/* Through a snapshot and back: nothing may change. */
static void gate_fuzz_save_and_load(tocsin_gate *gate)
{
    size_t size, again_size;
    unsigned char *const bytes = gate_fuzz_save(gate, &size);

    if (!bytes)
        return;
    fuzz_check(tocsin_gate_load(gate, bytes, size, NULL) == TOCSIN_OK);
    unsigned char *const again = gate_fuzz_save(gate, &again_size);
    fuzz_check(!again || (again_size == size && memcmp(bytes, again, size) == 0));
    free(again);
    free(bytes);
}

/* With one that saw the first of it: too much for one gate, or the sum of both. */
static void gate_fuzz_merge(tocsin_gate *gate, const tocsin_gate *other)
{
    const int status = tocsin_gate_merge(gate, other);

    fuzz_check(status == TOCSIN_OK || status == TOCSIN_ERROR_RANGE ||
               status == TOCSIN_ERROR_MISMATCH);
    fuzz_check(tocsin_gate_look(gate) == TOCSIN_OK);
}

static void gate_fuzz_buckets(tocsin_gate *gate, uint32_t metric, feed *f)
{
    double bounds[4] = {1, 10, take_double(f), 0};
    uint64_t counts[2][4];

    memcpy(&bounds[3], &(uint64_t){UINT64_C(0x7ff0000000000000)}, sizeof(double));
    for (size_t i = 0; i < 8; i++)
        counts[i / 4][i % 4] = take(f, i == 7 ? 8 : 1);
    tocsin_gate_buckets(gate, metric, TOCSIN_TIME_NONE, bounds, counts[0], counts[1], 4);
}

/* Plausible values, as many as a byte says: enough for the levels to stand. */
static void gate_fuzz_run(tocsin_gate *gate, uint32_t metric, feed *f)
{
    const uint64_t count = take(f, 1);
    uint64_t bits = take(f, 2) | 1;

    for (uint64_t i = 0; i < count; i++) {
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        tocsin_gate_observe(gate, metric, (uint32_t)(bits >> 63), (int64_t)i * TOCSIN_SECOND,
                            bits >> 58, (double)(bits >> 40 & 255) / 8);
    }
}

static void gate_fuzz_call(tocsin_gate *gate, tocsin_gate *other, uint32_t metrics, feed *f)
{
    const uint64_t what = take(f, 1);
    const uint32_t metric = metrics > 0 ? (uint32_t)(take(f, 1) % metrics) : 0;
    const uint32_t arm = (uint32_t)(what >> 3 & 1);

    switch (what % 8) {
    case 0:
    case 1: {
        const int64_t time = (int64_t)take(f, what & 64 ? 8 : 4);

        tocsin_gate_observe(what & 16 ? other : gate, metric, arm, time, take(f, 1),
                            take_double(f));
        break;
    }
    case 2: gate_fuzz_run(what & 16 ? other : gate, metric, f); break;
    case 3: tocsin_gate_count(gate, metric, arm, TOCSIN_TIME_NONE, take(f, 2), take(f, 4)); break;
    case 4: gate_fuzz_buckets(gate, metric, f); break;
    case 5: tocsin_gate_ramp(gate, (double)take(f, 1) / 256); break;
    case 6: gate_fuzz_merge(gate, other); break;
    default: gate_fuzz_save_and_load(gate); break;
    }
}

static void gate_fuzz_calls(const tocsin_gate_spec *spec, feed *f)
{
    const uint32_t metrics = (uint32_t)tocsin_gate_metric_count(spec);
    tocsin_gate *const gate = gate_fuzz_create(spec), *const other = gate_fuzz_create(spec);

    for (int calls = 0; gate && other && f->left > 0 && calls < 256; calls++)
        gate_fuzz_call(gate, other, metrics, f);
    if (gate && other) {
        gate_fuzz_judge(gate);
        gate_fuzz_judge(other);
    }
    tocsin_gate_free(other);
    tocsin_gate_free(gate);
}

static void gate_fuzz_snapshot(const uint8_t *data, size_t size)
{
    tocsin_gate_spec *spec;
    tocsin_gate *gate;

    if (tocsin_gate_snapshot_spec(&spec, data, size, NULL, NULL) < 0)
        return;
    gate = gate_fuzz_create(spec);
    if (gate && tocsin_gate_load(gate, data, size, NULL) == TOCSIN_OK) {
        static const uint8_t plausible[3] = {100, 7, 7};
        feed f = {plausible, sizeof plausible};

        gate_fuzz_judge(gate);
        gate_fuzz_run(gate, 0, &f);
        gate_fuzz_save_and_load(gate);
        gate_fuzz_judge(gate);
    }
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
}

static int fuzz_gate(const uint8_t *data, size_t size)
{
    const uint8_t *const line_end = size > 0 ? memchr(data, '\n', size) : NULL;
    tocsin_gate_spec *spec;

    gate_fuzz_snapshot(data, size);
    if (!line_end)
        return 0;
    if (tocsin_gate_spec_compile(&spec, (const char *)data, (size_t)(line_end - data), NULL,
                                 NULL) == TOCSIN_OK) {
        feed f = {line_end + 1, size - (size_t)(line_end - data) - 1};

        gate_fuzz_calls(spec, &f);
        tocsin_gate_spec_free(spec);
    }
    return 0;
}

FUZZ_ENTRY(fuzz_gate)
