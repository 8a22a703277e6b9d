/* test_mapped.c - banks in mapped memory: the same bits as any other, before and after closing. */
#include "../support/suite.h"

static Suite *suite(void)
{
    return suite_create("mapped");
}

TOCSIN_TEST_MAIN(suite)
