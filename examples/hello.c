/* hello.c - numbers in, one a line; what is unusual about them, out. */
#include <stdio.h>
#include "tocsin.h"

int main(void)
{
    tocsin_spec *spec;
    tocsin_detector *bell;
    tocsin_verdict v;
    char text[512];
    double value;

    if (tocsin_spec_compile(&spec, "alarm budget=1/day", TOCSIN_NUL_TERMINATED, NULL, NULL) < 0 ||
        tocsin_detector_create(&bell, spec, NULL) < 0)
        return 1;
    while (scanf("%lf", &value) == 1) {
        tocsin_detector_push(bell, TOCSIN_TIME_NONE, value, TOCSIN_LEARN_AND_SCORE, &v, sizeof v);
        if (v.transition == TOCSIN_TRANSITION_START &&
            tocsin_verdict_text(&v, sizeof v, NULL, text, sizeof text, NULL) == TOCSIN_OK)
            puts(text);
    }
    tocsin_detector_free(bell);
    tocsin_spec_free(spec);
}
