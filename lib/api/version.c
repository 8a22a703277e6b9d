/* version.c - which release and which ABI was linked, as the headers it was built with say. */
#include "../core/common.h"

#define VERSION_JOIN(major, minor, patch) #major "." #minor "." #patch
#define VERSION_TEXT(major, minor, patch) VERSION_JOIN(major, minor, patch)

int tocsin_version(void)
{
    return TOCSIN_VERSION;
}

const char *tocsin_version_string(void)
{
    return VERSION_TEXT(TOCSIN_VERSION_MAJOR, TOCSIN_VERSION_MINOR, TOCSIN_VERSION_PATCH);
}

int tocsin_abi(void)
{
    return TOCSIN_ABI;
}
