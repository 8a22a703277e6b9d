/* series.h - one detector and its last verdict, pushed minute by minute. */
#ifndef TOCSIN_TEST_SERIES_H
#define TOCSIN_TEST_SERIES_H

#include "specs.h"

typedef struct series {
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict verdict;     /* of the last point */
    int64_t time;
    int starts;                 /* alarms so far */
} series;

static inline series series_of(const char *text)
{
    series s;

    memset(&s, 0, sizeof s);
    s.spec = specs_compile(text);
    s.detector = specs_detector(s.spec);
    return s;
}

static inline void series_end(series *s)
{
    tocsin_detector_free(s->detector);
    tocsin_spec_free(s->spec);
}

/* One point, a minute after the last; the raw statistic. */
static inline double series_push(series *s, double value)
{
    s->time += TOCSIN_MINUTE;
    ck_assert_int_eq(tocsin_detector_push(s->detector, s->time, value, TOCSIN_LEARN_AND_SCORE,
                                          &s->verdict, sizeof s->verdict), 0);
    s->starts += s->verdict.transition == TOCSIN_TRANSITION_START;
    return s->verdict.raw;
}

#endif
