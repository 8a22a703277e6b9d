/* Any bytes as a snapshot: of its own spec, and for a detector that is there already.  What loads must
 * save to something that loads, and take points.  (Built by run.sh, the library skips the checksum.) */
#include "targets.h"

static void use(tocsin_detector *detector)
{
    static const double values[] = {1, 2, 1e308, -1e308, 0, 5e-324, 3};
    tocsin_verdict verdict;
    tocsin_explanation explanation;
    tocsin_forecast forecast[2];

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        tocsin_detector_push(detector, TOCSIN_TIME_NONE, values[i], TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        fuzz_check(!(verdict.score < 0));
    }
    tocsin_detector_push(detector, INT64_MAX, 4, TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
    memset(&explanation, 0, sizeof explanation);
    explanation.struct_size = sizeof explanation;
    tocsin_detector_explain(detector, &explanation);
    tocsin_detector_forecast(detector, 2, 0.95, forecast, sizeof forecast[0]);
}

static void load(const tocsin_spec *spec, const uint8_t *data, size_t size)
{
    tocsin_detector *detector, *copy;
    unsigned char *saved;
    size_t needed;

    if (tocsin_detector_create(&detector, spec, NULL) < 0)
        return;
    if (tocsin_detector_create(&copy, spec, NULL) < 0) {
        tocsin_detector_free(detector);
        return;
    }
    if (tocsin_detector_load(detector, data, size, NULL) >= 0) {
        fuzz_check(tocsin_detector_save(detector, NULL, 0, &needed) == TOCSIN_ERROR_SPACE);
        saved = malloc(needed);
        if (saved) {
            fuzz_check(tocsin_detector_save(detector, saved, needed, NULL) == TOCSIN_OK);
            fuzz_check(tocsin_detector_load(copy, saved, needed, NULL) == TOCSIN_OK);
            fuzz_check(tocsin_detector_compare(detector, copy, NULL) == TOCSIN_OK);
            free(saved);
        }
        use(detector);
    } else {
        fuzz_check(tocsin_detector_compare(detector, copy, NULL) == TOCSIN_OK);
    }
    tocsin_detector_free(copy);
    tocsin_detector_free(detector);
}

static int fuzz_snapshot(const uint8_t *data, size_t size)
{
    tocsin_spec *spec;

    if (tocsin_snapshot_spec(&spec, data, size, NULL, NULL) == TOCSIN_OK) {
        if (tocsin_spec_state_size(spec) <= FUZZ_LARGEST_STATE)
            load(spec, data, size);
        tocsin_spec_free(spec);
    }
    if (tocsin_spec_compile(&spec, "ewma", TOCSIN_NUL_TERMINATED, NULL, NULL) == TOCSIN_OK) {
        load(spec, data, size);
        tocsin_spec_free(spec);
    }
    return 0;
}

FUZZ_ENTRY(fuzz_snapshot)
