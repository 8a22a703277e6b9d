/* Any text: it compiles, and its canonical text compiles to the same, or it is refused with a place
 * inside the text. */
#include "targets.h"

static char *canonical(const tocsin_spec *spec, int style, size_t *length)
{
    char *text;

    fuzz_check(tocsin_spec_text(spec, style, NULL, 0, length) == TOCSIN_ERROR_SPACE);
    text = malloc(*length);
    if (text)
        fuzz_check(tocsin_spec_text(spec, style, text, *length, length) == TOCSIN_OK);
    return text;
}

static int fuzz_spec(const uint8_t *data, size_t size)
{
    tocsin_error error;
    tocsin_spec *spec, *again;
    int status;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    status = tocsin_spec_compile(&spec, (const char *)data, size, NULL, &error);
    if (status < 0) {
        fuzz_check(!spec && error.status == status && error.message[0]);
        fuzz_check(size > 65535 || error.offset + (uint64_t)error.length <= size);
        return 0;
    }
    for (int style = TOCSIN_TEXT_SHORT; style <= TOCSIN_TEXT_FULL; style++) {
        size_t length, full_length;
        char *text = canonical(spec, style, &length), *full, *full_again;

        if (!text)
            continue;
        fuzz_check(tocsin_spec_compile(&again, text, length - 1, NULL, NULL) == TOCSIN_OK);
        full = canonical(spec, TOCSIN_TEXT_FULL, &full_length);
        full_again = canonical(again, TOCSIN_TEXT_FULL, &length);
        fuzz_check(!full || !full_again ||
                   (length == full_length && memcmp(full, full_again, length) == 0));
        free(full_again);
        free(full);
        free(text);
        tocsin_spec_free(again);
    }
    tocsin_spec_free(spec);
    return 0;
}

FUZZ_ENTRY(fuzz_spec)
