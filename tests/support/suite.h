/* suite.h - one test program: a libcheck suite and its main.
 *
 *     static Suite *suite(void) { ... }
 *     TOCSIN_TEST_MAIN(suite)
 *
 * Each test runs in a process of its own (CK_FORK=no keeps them in one, for a
 * debugger), so that a crash names the test that caused it.
 */
#ifndef TOCSIN_TEST_SUITE_H
#define TOCSIN_TEST_SUITE_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Generous, because the same programs run under valgrind and emulators. */
#define TEST_TIMEOUT_SECONDS 120

/* A test case of that name, added to the suite. */
static inline TCase *suite_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
    suite_add_tcase(suite, tcase);
    return tcase;
}

/* One whose tests do the same over and over with other numbers: what they find depends on the
 * numbers alone, and golden files hold those on every machine.  Left out where each instruction
 * costs more than one (CK_EXCLUDE_TAGS=long: sanitizers, valgrind and emulators). */
static inline TCase *suite_long_case(Suite *suite, const char *name)
{
    TCase *tcase = suite_case(suite, name);

    tcase_set_tags(tcase, "long");
    return tcase;
}

/* Are they left out? */
static inline int suite_is_short(void)
{
    const char *tags = getenv("CK_EXCLUDE_TAGS");

    return tags && strstr(tags, "long") != NULL;
}

static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define TOCSIN_TEST_MAIN(make_suite)        \
    int main(void)                          \
    {                                       \
        return suite_run(make_suite());     \
    }

/* For inner loops, and for what is also used outside of a running test: a ck_assert reports its
 * place to the parent process even when it holds. */
#define require(condition, ...)        \
    do {                               \
        if (!(condition))              \
            ck_abort_msg(__VA_ARGS__); \
    } while (0)

/* Equality bit for bit: NaN equals itself, and 0 differs from -0. */
static inline uint64_t double_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#define assert_same_bits(a, b)                                                                  \
    do {                                                                                        \
        const double a_ = (a), b_ = (b);                                                        \
        require(double_bits(a_) == double_bits(b_), "%s is %.17g, %s is %.17g", #a, a_, #b, b_); \
    } while (0)

#endif
