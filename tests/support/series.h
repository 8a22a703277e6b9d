/* series.h - one detector and its last verdict, pushed minute by minute. */
#ifndef TOCSIN_TEST_SERIES_H
#define TOCSIN_TEST_SERIES_H

#include "suite.h"
#include "tocsin.h"

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
    tocsin_error error;

    memset(&s, 0, sizeof s);
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    ck_assert_msg(tocsin_spec_compile(&s.spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) == 0,
                  "%s: %s", text, error.message);
    ck_assert_int_eq(tocsin_detector_create(&s.detector, s.spec, NULL), 0);
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
