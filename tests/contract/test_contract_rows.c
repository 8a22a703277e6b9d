/* test_contract_rows.c - what every detector of rows keeps, whatever the rows.
 *
 * A detector that has a parameter `metrics` takes points with several values.  This walks over
 * all of them: what is true of single values (test_contract_verdicts.c and the others cover each
 * detector with metrics=1) must be true of rows, whichever way they come. */
#include "../support/banks.h"
#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/verdicts.h"

#define ROWS_METRICS 3
#define ROWS_POINTS 260
#define ROWS_SERIES 5

static int stage_takes_rows(size_t stage)
{
    const tocsin_stage_info info = specs_stage(stage);

    for (size_t p = 0; p < info.parameter_count; p++)
        if (strcmp(specs_parameter(stage, p).name, "metrics") == 0)
            return 1;
    return 0;
}

/* Each detector of rows, with and without lags, with a calibrator and without. */
static specs specs_of_rows(uint32_t metrics, int is_small)
{
    static const char *const pipes[] = {
        "| raw",
        "shingle=3 half-life=60p | tail | alarm budget=1/30m",
    };
    specs list;

    memset(&list, 0, sizeof list);
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++)
        for (size_t i = 0; i < sizeof pipes / sizeof pipes[0] && stage_takes_rows(s); i++) {
            char small[SPECS_TEXT], text[2 * SPECS_TEXT];

            if (is_small)
                specs_small(s, "", small);
            else
                snprintf(small, sizeof small, "%s", specs_stage(s).name);
            snprintf(text, sizeof text, "%s metrics=%u %s", small, (unsigned)metrics, pipes[i]);
            if (list.count == list.capacity) {
                list.capacity = list.capacity ? 2 * list.capacity : 16;
                list.text = realloc(list.text, list.capacity * sizeof *list.text);
                require(list.text != NULL, "the test itself is out of memory");
            }
            require(strlen(text) < SPECS_TEXT, "a text too long");
            memcpy(list.text[list.count++], text, strlen(text) + 1);
        }
    require(list.count > 0, "no detector takes rows");
    return list;
}

/* A row out of an input's value: what follows it, what runs against it, and noise with holes. */
static void row_of(const input *in, size_t i, double row[ROWS_METRICS])
{
    rng r = rng_seeded(i);
    const double noise = rng_normal(&r);

    row[0] = in->value[i];
    row[1] = 5 - 0.5 * in->value[i] + noise;
    row[2] = rng_below(&r, 9) == 0 ? NAN : noise;
}

static tocsin_detector *play_rows(const tocsin_spec *spec, const input *in, size_t begin,
                                  size_t end, tocsin_detector *detector,
                                  tocsin_verdict *verdicts)
{
    if (!detector)
        detector = specs_detector(spec);
    for (size_t i = begin; i < end; i++) {
        double row[ROWS_METRICS];

        row_of(in, i, row);
        require(tocsin_detector_push_row(detector, in->time[i], row, ROWS_METRICS,
                                         TOCSIN_LEARN_AND_SCORE, &verdicts[i],
                                         sizeof verdicts[i]) >= 0, "refused");
    }
    return detector;
}

START_TEST(verdicts_keep_their_word)
{
    specs list = specs_of_rows(ROWS_METRICS, 1);
    static input in;

    input_make(&in, _i, 31);
    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);
        tocsin_detector *detector = specs_detector(spec);
        tocsin_verdict before, verdict;

        tocsin_detector_verdict(detector, &before, sizeof before);
        for (size_t i = 0; i < ROWS_POINTS; i++) {
            const verdict_context where = {list.text[l], in.name, i};
            double row[ROWS_METRICS], sum = 0;
            tocsin_share shares[3 * ROWS_METRICS];
            size_t count;
            int status;

            row_of(&in, i, row);
            status = tocsin_detector_push_row(detector, in.time[i], row, ROWS_METRICS,
                                              TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            require(status >= 0, "refused");
            verdict_check_fields(&verdict, &where);
            verdict_check_sequence(&before, &verdict, status, &where);
            verdict_check(verdict.metric < ROWS_METRICS, &where);
            verdict_check(!(fabs(row[0]) <= 1e150 && isnan(verdict.score)) ||
                              verdict.flags & VERDICT_NO_SCORE, &where);

            status = tocsin_detector_shares(detector, shares, sizeof shares[0],
                                            sizeof shares / sizeof shares[0], &count);
            verdict_check((status == TOCSIN_OK) == !isnan(verdict.raw), &where);
            for (size_t s = 0; s < count; s++) {
                verdict_check(shares[s].metric == s % ROWS_METRICS, &where);
                verdict_check(shares[s].lag == s / ROWS_METRICS, &where);
                verdict_check(isnan(shares[s].value) == (status != TOCSIN_OK), &where);
                verdict_check(!(shares[s].value < 0), &where);
                sum += shares[s].value;
            }
            verdict_check(status != TOCSIN_OK ||
                              fabs(sum - verdict.raw) <= 1e-9 * (1 + verdict.raw), &where);
            before = verdict;
        }
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* The score alone, one row after the other, all rows of a bank at a tick, rows pushed by id and by
 * slot: all say the same. */
START_TEST(all_ways_say_the_same)
{
    specs list = specs_of_rows(ROWS_METRICS, 1);
    static input in;

    input_make(&in, _i, 32);
    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);
        tocsin_detector *full = specs_detector(spec), *brief = specs_detector(spec);
        tocsin_bank *ticked = banks_create(spec, NULL), *pushed = banks_create(spec, NULL);

        for (uint64_t s = 0; s < ROWS_SERIES; s++) {
            banks_add(ticked, s);
            banks_add(pushed, s);
        }
        for (size_t i = 0; i < ROWS_POINTS; i++) {
            double rows[ROWS_SERIES * ROWS_METRICS], score;
            float floats[ROWS_SERIES * ROWS_METRICS];
            tocsin_verdict verdict, again, of_tick[ROWS_SERIES], of_push[ROWS_SERIES];
            tocsin_point points[ROWS_SERIES];
            tocsin_tick tick;

            memset(&tick, 0, sizeof tick);
            tick.struct_size = sizeof tick;
            tick.time = in.time[i];
            tick.count = ROWS_SERIES;
            tick.verdicts = of_tick;
            tick.verdict_size = sizeof of_tick[0];
            for (uint64_t s = 0; s < ROWS_SERIES; s++) {
                row_of(&in, i, rows + s * ROWS_METRICS);
                rows[s * ROWS_METRICS] += (double)s;
                points[s] = (tocsin_point){s, in.time[i], 0};
            }
            for (size_t v = 0; v < ROWS_SERIES * ROWS_METRICS; v++) {
                if (fabs(rows[v]) > 1e30)
                    rows[v] = 1e30;
                floats[v] = (float)rows[v];
                rows[v] = (double)floats[v];
            }
            tick.values = i % 2 ? (const void *)floats : (const void *)rows;
            tick.value_type = i % 2 ? TOCSIN_VALUES_FLOAT : TOCSIN_VALUES_DOUBLE;
            tocsin_detector_push_row(full, in.time[i], rows + ROWS_METRICS, ROWS_METRICS,
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            tocsin_detector_score_row(brief, in.time[i], rows + ROWS_METRICS, ROWS_METRICS,
                                      TOCSIN_LEARN_AND_SCORE, &score);
            tocsin_detector_verdict(brief, &again, sizeof again);
            assert_same_bits(score, verdict.score);
            assert_same_verdict(&verdict, &again, list.text[l]);
            require(tocsin_bank_tick(ticked, &tick) == TOCSIN_OK, "no tick");
            assert_same_verdict(&verdict, &of_tick[1], list.text[l]);
            require((i % 2 ? tocsin_bank_push_rows_ids : tocsin_bank_push_rows_slots)(
                        pushed, points, rows, ROWS_METRICS, ROWS_SERIES, TOCSIN_LEARN_AND_SCORE,
                        NULL, of_push, sizeof of_push[0]) >= 0, "no push");
            for (size_t s = 0; s < ROWS_SERIES; s++)
                assert_same_verdict(&of_push[s], &of_tick[s], list.text[l]);
        }
        assert_same_state(full, brief, list.text[l]);
        tocsin_bank_copy_out(pushed, 1, brief);
        assert_same_state(full, brief, list.text[l]);
        tocsin_bank_free(pushed);
        tocsin_bank_free(ticked);
        tocsin_detector_free(brief);
        tocsin_detector_free(full);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* Many rows in one call, in pieces of different length, with room between the verdicts. */
START_TEST(many_in_one_call)
{
    specs list = specs_of_rows(ROWS_METRICS, 1);
    static double rows[ROWS_POINTS][ROWS_METRICS];
    static struct {
        tocsin_verdict verdict;
        int64_t room;
    } verdicts[ROWS_POINTS];
    static input in;

    input_make(&in, _i, 40);
    for (size_t i = 0; i < ROWS_POINTS; i++)
        row_of(&in, i, rows[i]);
    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);
        tocsin_detector *one = specs_detector(spec), *many = specs_detector(spec);

        memset(verdicts, 0x55, sizeof verdicts);
        for (size_t i = 0, piece = 1; i < ROWS_POINTS; i += piece, piece = piece * 2 % 61) {
            const size_t count = piece < ROWS_POINTS - i ? piece : ROWS_POINTS - i;
            int status = TOCSIN_OK;

            for (size_t n = i; n < i + count; n++) {
                tocsin_verdict verdict;
                const int last = tocsin_detector_push_row(one, in.time[n], rows[n], ROWS_METRICS,
                                                          TOCSIN_LEARN_AND_SCORE, &verdict,
                                                          sizeof verdict);

                status = last != TOCSIN_OK ? last : status;
            }
            ck_assert_int_eq(tocsin_detector_push_rows(many, count, in.time + i, rows[i],
                                                       ROWS_METRICS, TOCSIN_LEARN_AND_SCORE,
                                                       &verdicts[i].verdict, sizeof verdicts[i]),
                             status);
        }
        assert_same_state(one, many, list.text[l]);
        tocsin_detector_free(one);
        one = specs_detector(spec);
        for (size_t i = 0; i < ROWS_POINTS; i++) {
            tocsin_verdict verdict;

            tocsin_detector_push_row(one, in.time[i], rows[i], ROWS_METRICS,
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            assert_same_verdict(&verdict, &verdicts[i].verdict, list.text[l]);
        }
        tocsin_detector_free(many);
        tocsin_detector_free(one);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* One metric as a row is a value. */
START_TEST(rows_of_one_are_values)
{
    specs list = specs_of_rows(1, 1);
    static input in;

    input_make(&in, _i, 33);
    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);
        tocsin_detector *a = specs_detector(spec), *b = specs_detector(spec);

        for (size_t i = 0; i < ROWS_POINTS; i++) {
            tocsin_verdict of_value, of_row;

            tocsin_detector_push(a, in.time[i], in.value[i], TOCSIN_LEARN_AND_SCORE, &of_value,
                                 sizeof of_value);
            tocsin_detector_push_row(b, in.time[i], &in.value[i], 1, TOCSIN_LEARN_AND_SCORE,
                                     &of_row, sizeof of_row);
            assert_same_verdict(&of_value, &of_row, list.text[l]);
        }
        assert_same_state(a, b, list.text[l]);
        tocsin_detector_free(b);
        tocsin_detector_free(a);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* A loaded, a cloned and an untouched detector go on alike. */
START_TEST(snapshots_go_on)
{
    specs list = specs_of_rows(ROWS_METRICS, 1);
    static input in;

    input_make(&in, INPUT_WALK, 34);
    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);
        tocsin_detector *whole = specs_detector(spec), *loaded = specs_detector(spec), *clone;

        for (size_t i = 0; i < ROWS_POINTS; i++) {
            tocsin_verdict verdict, of_loaded;
            double row[ROWS_METRICS];

            row_of(&in, i, row);
            tocsin_detector_push_row(whole, in.time[i], row, ROWS_METRICS,
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            tocsin_detector_push_row(loaded, in.time[i], row, ROWS_METRICS,
                                     TOCSIN_LEARN_AND_SCORE, &of_loaded, sizeof of_loaded);
            assert_same_verdict(&verdict, &of_loaded, list.text[l]);
            if (i % 7 == 3) {
                snapshot s = snapshot_of(loaded);

                tocsin_detector_free(loaded);
                loaded = specs_detector(spec);
                require(tocsin_detector_load(loaded, s.bytes, s.size, NULL) == TOCSIN_OK,
                        "not loaded");
                snapshot_free(&s);
            } else if (i % 7 == 5) {
                require(tocsin_detector_clone(&clone, loaded, NULL) == TOCSIN_OK, "no clone");
                tocsin_detector_free(loaded);
                loaded = clone;
            }
        }
        assert_same_state(whole, loaded, list.text[l]);
        tocsin_detector_free(loaded);
        tocsin_detector_free(whole);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* CRC-32C, bit by bit: so that what is damaged on purpose is not found out. */
static uint32_t checksum(const unsigned char *bytes, size_t size)
{
    uint32_t sum = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~sum;
}

/* Whatever stands in a snapshot whose checksum is right: it is refused, or what comes of it is
 * a detector. */
START_TEST(hostile_snapshots_are_survived)
{
    specs list = specs_of_rows(ROWS_METRICS, 1);
    rng r = rng_seeded(35);
    static input in;
    static tocsin_verdict verdicts[INPUT_POINTS];

    input_make(&in, INPUT_NOISE, 35);
    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);
        tocsin_detector *detector = play_rows(spec, &in, 0, 120, NULL, verdicts);
        snapshot s = snapshot_of(detector);
        unsigned char *bytes = malloc(s.size);

        require(bytes != NULL, "the test itself is out of memory");
        for (int round = 0; round < 120; round++) {
            uint32_t sum;

            memcpy(bytes, s.bytes, s.size);
            for (size_t hits = 1 + rng_below(&r, 8); hits > 0; hits--) {
                /* Most of it is the forest, whose last parts are its structure. */
                const size_t at = s.size / 3 + rng_below(&r, s.size - s.size / 3 - 4);

                bytes[at] = (unsigned char)(rng_below(&r, 2) ? rng_u64(&r) : 0xff);
            }
            sum = checksum(bytes, s.size - 4);
            for (int b = 0; b < 4; b++)
                bytes[s.size - 4 + (size_t)b] = (unsigned char)(sum >> 8 * b);
            if (tocsin_detector_load(detector, bytes, s.size, NULL) >= 0)
                play_rows(spec, &in, 120, 150, detector, verdicts);
        }
        free(bytes);
        snapshot_free(&s);
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* What is held or only scored leaves the model as it was. */
START_TEST(what_is_held_is_not_learnt)
{
    specs list = specs_of_rows(ROWS_METRICS, 1);
    static input in;
    static tocsin_verdict verdicts[INPUT_POINTS];

    input_make(&in, INPUT_NOISE, 36);
    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);
        tocsin_detector *a = play_rows(spec, &in, 0, 120, NULL, verdicts);
        tocsin_detector *b = play_rows(spec, &in, 0, 120, NULL, verdicts);
        static const int modes[] = {TOCSIN_SCORE_ONLY, TOCSIN_HOLD};

        for (size_t i = 120; i < 140; i++) {
            const double row[ROWS_METRICS] = {1e6, 0, 3}, other[ROWS_METRICS] = {1, 1e5, 3};
            tocsin_verdict verdict;

            tocsin_detector_push_row(a, in.time[i], row, ROWS_METRICS, modes[i % 2], &verdict,
                                     sizeof verdict);
            tocsin_detector_push_row(b, in.time[i], other, ROWS_METRICS, modes[1 - i % 2],
                                     &verdict, sizeof verdict);
        }
        for (size_t i = 140; i < 200; i++) {
            tocsin_verdict of_a, of_b;
            double row[ROWS_METRICS];

            row_of(&in, i, row);
            tocsin_detector_push_row(a, in.time[i], row, ROWS_METRICS, TOCSIN_LEARN_AND_SCORE,
                                     &of_a, sizeof of_a);
            tocsin_detector_push_row(b, in.time[i], row, ROWS_METRICS, TOCSIN_LEARN_AND_SCORE,
                                     &of_b, sizeof of_b);
            assert_same_bits(of_a.raw, of_b.raw);
        }
        tocsin_detector_free(b);
        tocsin_detector_free(a);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* One metric of three goes off: it is the one that is blamed, and what is normal for it is
 * where it was. */
START_TEST(the_metric_that_went_off_is_blamed)
{
    specs list = specs_of_rows(ROWS_METRICS, 0);

    for (size_t l = 0; l < list.count; l++) {
        tocsin_spec *spec = specs_compile(list.text[l]);

        for (uint32_t guilty = 0; guilty < ROWS_METRICS; guilty++) {
            tocsin_detector *detector = specs_detector(spec);
            tocsin_share shares[3 * ROWS_METRICS];
            tocsin_verdict verdict;
            rng r = rng_seeded(37 + guilty);
            size_t count;
            double usual = 0, rest = 0;

            for (size_t i = 0; i < 700; i++) {
                double row[ROWS_METRICS];

                for (size_t m = 0; m < ROWS_METRICS; m++)
                    row[m] = 100 * (double)m + rng_normal(&r);
                if (i == 699)
                    row[guilty] += 30;
                tocsin_detector_push_row(detector, (int64_t)i * TOCSIN_MINUTE, row,
                                         ROWS_METRICS, TOCSIN_LEARN_AND_SCORE, &verdict,
                                         sizeof verdict);
                if (i >= 600 && i < 699)
                    usual += verdict.raw / 99;
            }
            require(verdict.raw > usual, "'%s': %g is not more than %g", list.text[l],
                    verdict.raw, usual);
            if (verdict.score >= 1) {
                require(verdict.metric == guilty, "'%s': %u is blamed, not %u", list.text[l],
                        (unsigned)verdict.metric, (unsigned)guilty);
                require(verdict.direction == 1, "'%s': a wrong direction", list.text[l]);
            }
            ck_assert_int_eq(tocsin_detector_shares(detector, shares, sizeof shares[0], 9, &count),
                             TOCSIN_OK);
            for (size_t s = 0; s < count; s++)
                if (shares[s].lag == 0 && shares[s].metric != guilty)
                    rest += shares[s].value;
            require(shares[guilty].value > rest, "'%s': %g of %g", list.text[l],
                    shares[guilty].value, verdict.raw);
            require(fabs(shares[guilty].normal - 100 * guilty) < 6, "'%s': %g is not normal",
                    list.text[l], shares[guilty].normal);
            tocsin_detector_free(detector);
        }
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* Thirteen deviations in one metric of three ring, after two calm weeks of minutes, at once a week. */
START_TEST(what_is_plain_to_see_rings)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++) {
        char text[SPECS_TEXT];
        tocsin_spec *spec;
        tocsin_detector *detector;
        rng r = rng_seeded(39);

        if (!stage_takes_rows(s))
            continue;
        snprintf(text, sizeof text, "%s metrics=3 | tail | alarm budget=1/week",
                 specs_stage(s).name);
        spec = specs_compile(text);
        detector = specs_detector(spec);
        for (int i = 0; i < 14 * 1440; i++) {
            double row[ROWS_METRICS];
            tocsin_verdict verdict;

            for (size_t m = 0; m < ROWS_METRICS; m++)
                row[m] = rng_normal(&r);
            tocsin_detector_push_row(detector, i * TOCSIN_MINUTE, row, ROWS_METRICS,
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
        }
        for (uint32_t guilty = 0; guilty < ROWS_METRICS; guilty++) {
            double row[ROWS_METRICS] = {0, 0, 0};
            tocsin_detector *clone;
            tocsin_verdict verdict;

            row[guilty] = 13;
            require(tocsin_detector_clone(&clone, detector, NULL) == TOCSIN_OK, "no clone");
            tocsin_detector_push_row(clone, 14 * 1440 * TOCSIN_MINUTE, row, ROWS_METRICS,
                                     TOCSIN_LEARN_AND_SCORE, &verdict, sizeof verdict);
            require(verdict.alarm == TOCSIN_ALARM_ON, "'%s': a score of %g does not ring", text,
                    verdict.score);
            require(verdict.metric == guilty, "'%s': %u is blamed", text,
                    (unsigned)verdict.metric);
            tocsin_detector_free(clone);
        }
        tocsin_detector_free(detector);
        tocsin_spec_free(spec);
    }
}
END_TEST

/* Another seed grows other trees; the same one the same. */
START_TEST(seeds_make_the_trees)
{
    static input in;
    static tocsin_verdict verdicts[3][INPUT_POINTS];

    input_make(&in, INPUT_NOISE, 38);
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++) {
        int differs = 0;

        if (!stage_takes_rows(s))
            continue;
        for (int i = 0; i < 3; i++) {
            char small[SPECS_TEXT], text[SPECS_TEXT + 40];
            tocsin_spec *spec;

            specs_small(s, "", small);
            snprintf(text, sizeof text, "%s metrics=3 seed=%d | raw", small, 7 + i / 2);
            spec = specs_compile(text);
            tocsin_detector_free(play_rows(spec, &in, 0, INPUT_POINTS, NULL, verdicts[i]));
            tocsin_spec_free(spec);
        }
        for (size_t i = 0; i < INPUT_POINTS; i++) {
            assert_same_verdict(&verdicts[0][i], &verdicts[1][i], "the same seed");
            differs |= double_bits(verdicts[0][i].raw) != double_bits(verdicts[2][i].raw);
        }
        ck_assert(differs);
    }
}
END_TEST

START_TEST(widths_are_checked)
{
    specs list = specs_of_rows(ROWS_METRICS, 1);
    tocsin_spec *spec = specs_compile(list.text[0]), *single = specs_compile("ewma");
    tocsin_detector *detector = specs_detector(spec), *of_values = specs_detector(single);
    tocsin_bank *bank = banks_create(spec, NULL);
    const double row[ROWS_METRICS] = {1, 2, 3};
    const tocsin_point point = {0, 0, 1};
    tocsin_share share;
    double score;
    size_t count;

    ck_assert_uint_eq(tocsin_spec_metrics(spec), ROWS_METRICS);
    ck_assert_uint_eq(tocsin_spec_metrics(single), 1);
    ck_assert_uint_eq(tocsin_spec_metrics(NULL), 0);
    ck_assert_int_eq(tocsin_detector_push(detector, 0, 1, 0, NULL, 0), TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_push_u64(detector, 0, 1, 0, NULL, 0), TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_push_n(detector, 1, NULL, row, 0, NULL, 0),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_score(detector, 0, 1, 0, &score), TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_push_row(detector, 0, row, 2, 0, NULL, 0),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_push_rows(detector, 1, NULL, row, 2, 0, NULL, 0),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_push_rows(detector, 1, NULL, NULL, 3, 0, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push_rows(NULL, 1, NULL, row, 3, 0, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push_rows(detector, 0, NULL, NULL, 3, 0, NULL, 0), TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_score_row(detector, 0, row, 4, 0, &score),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_push_row(of_values, 0, row, 3, 0, NULL, 0),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_detector_push_row(of_values, 0, row, 1, 0, NULL, 0), TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_push_row(detector, 0, NULL, 3, 0, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_push_row(NULL, 0, row, 3, 0, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_score_row(detector, 0, row, 3, 0, NULL),
                     TOCSIN_ERROR_ARGUMENT);
    banks_add(bank, 0);
    ck_assert_int_eq(tocsin_bank_push_ids(bank, &point, 1, 0, NULL, NULL, 0),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_bank_push_slots(bank, &point, 1, 0, NULL, NULL, 0),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_bank_push_rows_ids(bank, &point, row, 2, 1, 0, NULL, NULL, 0),
                     TOCSIN_ERROR_WIDTH);
    ck_assert_int_eq(tocsin_bank_push_rows_slots(bank, &point, NULL, 3, 1, 0, NULL, NULL, 0),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_bank_push_rows_slots(bank, &point, row, 3, 1, 0, NULL, NULL, 0),
                     TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_shares(of_values, &share, sizeof share, 1, &count),
                     TOCSIN_ERROR_UNSUPPORTED);
    ck_assert_int_eq(tocsin_detector_shares(detector, &share, sizeof share - 1, 1, &count),
                     TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_detector_shares(detector, &share, sizeof share, 1, &count),
                     TOCSIN_ERROR_SPACE);
    ck_assert_uint_eq(count, 3);
    ck_assert(isnan(share.value));
    tocsin_bank_free(bank);
    tocsin_detector_free(of_values);
    tocsin_detector_free(detector);
    tocsin_spec_free(single);
    tocsin_spec_free(spec);
    specs_free(&list);
}
END_TEST

/* Stages that prepare single values say so of rows. */
START_TEST(conflicts_are_told)
{
    static const char *const texts[] = {
        "counter | hstrees metrics=2",
        "gaps missing=hold | hstrees metrics=2",
        "gaps missing=expected | hstrees metrics=2",
        "hstrees metrics=256 shingle=5",
        "hstrees half-life=1h",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tocsin_spec *spec;

        ck_assert_int_eq(tocsin_spec_compile(&spec, texts[i], TOCSIN_NUL_TERMINATED, NULL, NULL),
                         TOCSIN_ERROR_CONFLICT);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_rows");
    TCase *tcase = suite_case(s, "rows");

    tcase_add_loop_test(tcase, verdicts_keep_their_word, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, all_ways_say_the_same, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, many_in_one_call, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, rows_of_one_are_values, 0, INPUT_KINDS);
    tcase_add_test(tcase, snapshots_go_on);
    tcase_add_test(tcase, hostile_snapshots_are_survived);
    tcase_add_test(tcase, what_is_held_is_not_learnt);
    tcase_add_test(tcase, the_metric_that_went_off_is_blamed);
    tcase_add_test(tcase, what_is_plain_to_see_rings);
    tcase_add_test(tcase, seeds_make_the_trees);
    tcase_add_test(tcase, widths_are_checked);
    tcase_add_test(tcase, conflicts_are_told);
    return s;
}

TOCSIN_TEST_MAIN(suite)
