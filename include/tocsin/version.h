/* tocsin/version.h - which release, and which ABI, this is.
 *
 * The release number follows semantic versioning.  The ABI number is counted
 * apart from it and changes only when programs must be compiled anew; it is the
 * shared library's soname.
 */
#ifndef TOCSIN_VERSION_H
#define TOCSIN_VERSION_H

#include <stddef.h>
#include <stdint.h>

/** The release's major number. */
#define TOCSIN_VERSION_MAJOR 0
/** Its minor number. */
#define TOCSIN_VERSION_MINOR 1
/** Its patch number. */
#define TOCSIN_VERSION_PATCH 0

/** The release these headers belong to as one number: 10000 * major + 100 * minor + patch. */
#define TOCSIN_VERSION \
    (TOCSIN_VERSION_MAJOR * 10000 + TOCSIN_VERSION_MINOR * 100 + TOCSIN_VERSION_PATCH)

/** The ABI these headers describe. */
#define TOCSIN_ABI 0

/* A vendored copy can be renamed: compile it and its users with
 * -DTOCSIN_NAMESPACE=prefix_ and every public function tocsin_x becomes
 * prefix_tocsin_x, so that two copies live in one process. */
#ifdef TOCSIN_NAMESPACE
#include "namespace.h"
#endif

#ifndef TOCSIN_API
#if defined(_WIN32) && defined(TOCSIN_SHARED)
#ifdef TOCSIN_BUILDING
#define TOCSIN_API __declspec(dllexport)
#else
#define TOCSIN_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) && !defined(_WIN32)
#define TOCSIN_API __attribute__((visibility("default")))
#else
#define TOCSIN_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The release of the library that is linked, as TOCSIN_VERSION. */
TOCSIN_API int tocsin_version(void);

/** The same as text, "0.1.0".  Static; never NULL. */
TOCSIN_API const char *tocsin_version_string(void);

/** The ABI of the library that is linked, as TOCSIN_ABI. */
TOCSIN_API int tocsin_abi(void);

#ifdef __cplusplus
}
#endif
#endif
