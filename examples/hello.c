/* hello.c - the smallest useful program: numbers in, one a line; what is unusual, out. */
#include <stdio.h>

#include "tocsin.h"

int main(void)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict verdict;
    char text[512];
    double value;

    if (tocsin_spec_compile(&spec, "ewma | tail | alarm budget=1/day", TOCSIN_NUL_TERMINATED, NULL, NULL) < 0 ||
        tocsin_detector_create(&detector, spec, NULL) < 0)
        return 1;
    while (scanf("%lf", &value) == 1) {
        tocsin_detector_push(detector, TOCSIN_TIME_NONE, value, TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
        if (verdict.transition == TOCSIN_TRANSITION_START &&
            tocsin_verdict_text(&verdict, sizeof verdict, NULL, text, sizeof text, NULL) == TOCSIN_OK)
            puts(text);
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    return 0;
}
