/* A million texts that hardly anybody would write: each is a spec or gets a status and a full
 * explanation, nothing leaks, and what does compile works. */
#include "../support/counting_allocator.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define ROUNDS 20
#define TEXTS_PER_ROUND 50000

/* Words of the grammar, and some that only look like it. */
static const char *const words[] = {
    " ",   "=",    "|",     ",",    "@",    "@1",    "@2",   "#",     "\n",    "\t",
    "5m",  "12p",  "0.1",   "5%",   "inf",  "-inf",  "nan",  "1/week", "1/0s", "3/day",
    "-1",  "1e6",  "1e308", "1e999", "0",   "9223372036854775807ns", "1h30m",  "250ms",
    "auto", "double", "mixed", "1d,1w", "1/", "/day", "p",   "0x10",  "1,2,3,4,5,6,7,8",
};

static size_t append(char *text, size_t length, size_t size, const char *word)
{
    const size_t more = strlen(word);

    if (length + more >= size)
        return length;
    memcpy(text + length, word, more);
    return length + more;
}

/* Words of the grammar and of the catalog in any order. */
static size_t shuffled_words(rng *r, char *text, size_t size)
{
    const size_t count = rng_below(r, 16);
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t s = rng_below(r, tocsin_catalog_stage_count());
        const tocsin_stage_info stage = specs_stage(s);

        switch (rng_below(r, 3)) {
        case 0:
            length = append(text, length, size, stage.name);
            break;
        case 1:
            if (stage.parameter_count > 0)
                length = append(text, length, size,
                                specs_parameter(s, rng_below(r, stage.parameter_count)).name);
            break;
        default:
            length = append(text, length, size, words[rng_below(r, sizeof words / sizeof *words)]);
        }
        if (rng_below(r, 2))
            length = append(text, length, size, " ");
    }
    return length;
}

/* A pipe that might compile, with some bytes replaced, removed or doubled. */
static size_t damaged_pipe(rng *r, char *text)
{
    size_t length, damages = rng_below(r, 4);

    specs_random_text(r, text);
    length = strlen(text);
    while (damages-- > 0 && length > 0) {
        const size_t at = rng_below(r, length);

        switch (rng_below(r, 3)) {
        case 0:
            text[at] = (char)rng_u64(r);
            break;
        case 1:
            memmove(text + at, text + at + 1, length - at - 1);
            length--;
            break;
        default:
            if (length + 1 < SPECS_TEXT) {
                memmove(text + at + 1, text + at, length - at);
                length++;
            }
        }
    }
    return length;
}

static size_t random_bytes(rng *r, char *text)
{
    const size_t length = rng_below(r, 64);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)rng_u64(r);
    return length;
}

static void try_out(const tocsin_spec *spec)
{
    tocsin_detector *detector;
    tocsin_verdict verdict;
    static const double row[256] = {1, 2};
    char text[8192];
    size_t needed;
    tocsin_spec *again;

    if (tocsin_spec_state_size(spec) <= SPECS_LARGEST_STATE) {
        detector = specs_detector(spec);
        for (int i = 0; i < 3; i++)
            require(tocsin_detector_push_row(detector, TOCSIN_TIME_NONE, row,
                                             tocsin_spec_metrics(spec), TOCSIN_LEARN_AND_SCORE,
                                             &verdict, sizeof verdict) == TOCSIN_OK,
                    "point %d is refused", i);
        tocsin_detector_free(detector);
    }
    require(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, text, sizeof text, &needed) == TOCSIN_OK,
            "no canonical text");
    require(tocsin_spec_compile(&again, text, needed - 1, NULL, NULL) == TOCSIN_OK,
            "canonical, but does not compile: %s", text);
    tocsin_spec_free(again);
}

START_TEST(random_texts)
{
    rng r = rng_seeded(100 + (uint64_t)_i);
    size_t compiled = 0;

    for (size_t i = 0; i < TEXTS_PER_ROUND; i++) {
        counting_allocator counting;
        const tocsin_allocator allocator = counting_start(&counting);
        tocsin_error error = states_error();
        char buffer[SPECS_TEXT], *text;
        size_t length;
        tocsin_spec *spec;
        int status;

        switch (rng_below(&r, 4)) {
        case 0: length = random_bytes(&r, buffer); break;
        case 1: length = damaged_pipe(&r, buffer); break;
        default: length = shuffled_words(&r, buffer, sizeof buffer);
        }
        /* A block of exactly its length: reading past the end would be seen. */
        text = malloc(length ? length : 1);
        require(text != NULL, "the test itself is out of memory");
        memcpy(text, buffer, length);
        status = tocsin_spec_compile(&spec, text, length, &allocator, &error);
        if (status == TOCSIN_OK) {
            require(spec != NULL, "'%.*s' compiles to nothing", (int)length, text);
            if (compiled++ % 16 == 0)
                try_out(spec);
        } else {
            require(status <= TOCSIN_ERROR_SYNTAX && status >= TOCSIN_ERROR_CONFLICT,
                    "'%.*s' gives %s", (int)length, text, tocsin_status_name(status));
            require(!spec && error.status == status, "'%.*s'", (int)length, text);
            require(error.offset + (uint64_t)error.length <= length,
                    "the error of '%.*s' is outside of it", (int)length, text);
            require(error.message[0] && memchr(error.message, '\0', sizeof error.message),
                    "'%.*s' is refused without a word", (int)length, text);
        }
        tocsin_spec_free(spec);
        require(counting.live == 0, "'%.*s' leaks", (int)length, text);
        free(text);
    }
    ck_assert_uint_gt(compiled, TEXTS_PER_ROUND / 100);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fault_specs");

    tcase_add_loop_test(suite_case(s, "specs"), random_texts, 0, ROUNDS);
    return s;
}

TOCSIN_TEST_MAIN(suite)
