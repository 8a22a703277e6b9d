/* Any stream of points, ticks, marks, saves and loads, under any spec: the first line is the spec, the
 * rest the calls, a byte for which and the next ones for their arguments. */
#include "targets.h"

/* Small steps forward for the most part; sometimes any time at all. */
static int64_t take_time(feed *f, int64_t *now)
{
    const uint64_t how = take(f, 1);

    if (how == 0)
        return TOCSIN_TIME_NONE;
    if (how == 1)
        return (int64_t)take(f, 8);
    *now = (int64_t)((uint64_t)*now + how * (uint64_t)TOCSIN_SECOND);
    return *now;
}

/* Through a snapshot and back: nothing may change. */
static void save_and_load(tocsin_detector *detector)
{
    tocsin_detector *copy;
    unsigned char *saved;
    size_t size;

    if (tocsin_detector_clone(&copy, detector, NULL) < 0)
        return;
    fuzz_check(tocsin_detector_save(detector, NULL, 0, &size) == TOCSIN_ERROR_SPACE);
    saved = malloc(size);
    if (saved) {
        fuzz_check(tocsin_detector_save(detector, saved, size, NULL) == TOCSIN_OK);
        fuzz_check(tocsin_detector_load(detector, saved, size, NULL) == TOCSIN_OK);
        fuzz_check(tocsin_detector_compare(detector, copy, NULL) == TOCSIN_OK);
        free(saved);
    }
    tocsin_detector_free(copy);
}

static void run(tocsin_detector *detector, feed *f)
{
    int64_t now = INT64_C(1767225600) * TOCSIN_SECOND;
    int was_on = 0;

    while (f->left > 0) {
        const uint64_t call = take(f, 1);
        const int mode = (int)(call >> 4 & 3);
        tocsin_verdict verdict;
        tocsin_explanation explanation;
        int status = TOCSIN_ERROR_ARGUMENT;

        switch (call & 15) {
        case 0:
            save_and_load(detector);
            break;
        case 1:
            tocsin_detector_mark(detector, 1 + (int)(call >> 4 & 1), (uint32_t)(call >> 6), now,
                                 now + (int64_t)take(f, 2) * TOCSIN_SECOND);
            break;
        case 2:
            status = tocsin_detector_tick(detector, take_time(f, &now), &verdict, sizeof verdict);
            break;
        case 3:
            status = tocsin_detector_push_u64(detector, take_time(f, &now), take(f, 8), mode,
                                              &verdict, sizeof verdict);
            break;
        case 4:
            memset(&explanation, 0, sizeof explanation);
            explanation.struct_size = sizeof explanation;
            fuzz_check(tocsin_detector_explain(detector, &explanation) == TOCSIN_OK);
            break;
        case 5: case 6: case 7:
            status = tocsin_detector_push(detector, take_time(f, &now), take_double(f), mode,
                                          &verdict, sizeof verdict);
            break;
        default:
            now += TOCSIN_MINUTE;
            status = tocsin_detector_push(detector, now, (double)take(f, 1), TOCSIN_LEARN_AND_SCORE,
                                          &verdict, sizeof verdict);
        }
        if (status >= 0) {
            fuzz_check(!(verdict.score < 0));
            fuzz_check(verdict.score == verdict.score || verdict.flags != 0);
            fuzz_check(verdict.transition != TOCSIN_TRANSITION_CLEAR || was_on);
            was_on = verdict.alarm == TOCSIN_ALARM_ON;
        }
    }
    save_and_load(detector);
}

static int fuzz_push(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    tocsin_spec *spec;
    tocsin_detector *detector;
    feed f;

    if (!newline)
        return 0;
    f.at = newline + 1;
    f.left = size - (size_t)(newline + 1 - data);
    if (tocsin_spec_compile(&spec, (const char *)data, (size_t)(newline - data), NULL, NULL) < 0)
        return 0;
    if (tocsin_spec_state_size(spec) <= FUZZ_LARGEST_STATE &&
        tocsin_detector_create(&detector, spec, NULL) == TOCSIN_OK) {
        run(detector, &f);
        tocsin_detector_free(detector);
    }
    tocsin_spec_free(spec);
    return 0;
}

FUZZ_ENTRY(fuzz_push)
