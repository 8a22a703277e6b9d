/* consumer.c - a program that has nothing but an installed or vendored tocsin.
 *
 * It says whether headers and library belong together and whether the library works at
 * all; that it works well is for the other tests.  C and C++98.
 */
#include <stdio.h>

#include <tocsin.h>

#define POINTS 400
#define SPIKE 1e6

int main(void)
{
    tocsin_spec *spec;
    tocsin_detector *detector;
    tocsin_verdict verdict;
    size_t i;
    int scored = 0;

    if (tocsin_version() != TOCSIN_VERSION || tocsin_abi() != TOCSIN_ABI) {
        fprintf(stderr, "headers %d, library %s\n", TOCSIN_VERSION, tocsin_version_string());
        return 1;
    }
    if (tocsin_spec_compile(&spec, "ewma | raw", TOCSIN_NUL_TERMINATED, NULL, NULL) < 0)
        return 1;
    if (tocsin_detector_create(&detector, spec, NULL) < 0)
        return 1;
    for (i = 0; i < POINTS; i++) {
        const int64_t time = (int64_t)i * TOCSIN_MINUTE;
        const double value = i == POINTS - 1 ? SPIKE : (double)(i * 7 % 13);

        if (tocsin_detector_push(detector, time, value, TOCSIN_LEARN_AND_SCORE, &verdict,
                                 sizeof verdict) != TOCSIN_OK)
            return 1;
        scored += verdict.score >= 0;
    }
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    if (scored == 0 || !(verdict.score > 10) || verdict.direction != 1) {
        fprintf(stderr, "%d points scored, the spike %g\n", scored, verdict.score);
        return 1;
    }
    return 0;
}
