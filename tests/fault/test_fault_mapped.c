/* Banks in mapped memory and what ends a process: killed between any two instructions of whatever
 * changes a bank, or at any time, it leaves each tile as it was before or as it is after.  And
 * damage: no byte of the memory, whatever it is, does more harm than to the series it
 * belongs to. */
#define _DEFAULT_SOURCE
#include <math.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/ptrace.h>
#endif

#include "../support/banks.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define SERIES 130          /* three tiles, the last one nearly empty */
#define SLOTS 192           /* as many as its tiles have */
#define START INT64_C(1700000000000000000)

typedef struct scenario {
    const char *text;
    uint32_t clock, ids;
    int operation;
} scenario;

enum { DENSE, DENSE_WITH_VERDICTS, PUSHES, ADD, REMOVE, MARK, COPY_IN };

static const scenario scenarios[] = {
    {"ewma clip=inf floor-history=0 | raw", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_NONE, DENSE},
    {"ewma half-life=20p warmup=8 | raw", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, DENSE},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, DENSE},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_NONE,
     DENSE_WITH_VERDICTS},
    {"clock step=1m | holt-winters season=10m step=1m | tail | alarm budget=1/1h",
     TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, DENSE},
    {"clock step=1m | holt-winters season=10m,3h step=1m | raw", TOCSIN_CLOCK_SHARED,
     TOCSIN_IDS_NONE, DENSE},
    {"gaps missing=hold | ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED,
     TOCSIN_IDS_KEPT, DENSE},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT, DENSE},
    {"clock step=1m | holt-winters season=10m step=1m | tail", TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT,
     DENSE},
    {"ewma half-life=20p warmup=8 | raw", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, PUSHES},
    {"ewma half-life=20p | raw", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_NONE, PUSHES},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, PUSHES},
    {"gaps missing=hold | ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED,
     TOCSIN_IDS_KEPT, PUSHES},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT, PUSHES},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, ADD},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT, ADD},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, REMOVE},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_OWN, TOCSIN_IDS_KEPT, MARK},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, MARK},
    {"ewma warmup=8 | tail | alarm budget=1/1h", TOCSIN_CLOCK_SHARED, TOCSIN_IDS_KEPT, COPY_IN},
    {"clock step=1m | holt-winters season=10m,3h step=1m | raw", TOCSIN_CLOCK_SHARED,
     TOCSIN_IDS_KEPT, COPY_IN},
};

/* ---- The bank under test --------------------------------------------------------------- */

typedef struct trial {
    scenario what;
    tocsin_spec *spec;
    tocsin_bank_options options;
    uint64_t size;
} trial;

static trial trial_of(const scenario *what)
{
    trial t;

    memset(&t, 0, sizeof t);
    t.what = *what;
    t.spec = specs_compile(what->text);
    t.options = banks_options();
    t.options.clock = what->clock;
    t.options.ids = what->ids;
    t.options.max_series = SERIES + 10;
    t.size = tocsin_bank_mapped_size(t.spec, &t.options, SERIES + 10);
    require(t.size > 0, "%s: no size", what->text);
    return t;
}

static void *trial_memory(const trial *t)
{
    void *memory = mmap(NULL, (size_t)t->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);

    require(memory != MAP_FAILED, "the test itself is out of memory");
    return memory;
}

static tocsin_bank *trial_open(const trial *t, void *memory, tocsin_bank_recovery *recovery)
{
    tocsin_bank *bank;
    int status;

    memset(recovery, 0, sizeof *recovery);
    recovery->struct_size = sizeof *recovery;
    status = tocsin_bank_create_mapped(&bank, t->spec, &t->options, NULL, memory, t->size,
                                       recovery);
    require(status == TOCSIN_OK, "%s: %s", t->what.text, tocsin_status_name(status));
    return bank;
}

static int64_t time_of(size_t tick)
{
    return START + (int64_t)tick * TOCSIN_MINUTE;
}

/* The value of a slot at a tick. */
static double value_of(uint32_t slot, size_t tick)
{
    rng r = rng_seeded(tick * 1000 + slot);
    const double value = 10 * slot + rng_normal(&r);

    return rng_below(&r, 30) == 0 ? NAN : rng_below(&r, 60) == 0 ? value + 50 : value;
}

static void fill(double *values, size_t tick)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        values[slot] = value_of(slot, tick);
}

static void tick_of(tocsin_bank *bank, size_t number, int is_missed)
{
    double values[SLOTS];
    tocsin_tick tick = banks_tick(bank, time_of(number), values);

    fill(values, number);
    for (uint32_t slot = 0; is_missed && slot < SLOTS; slot++)
        values[slot] = NAN;
    require(tocsin_bank_tick(bank, &tick) == TOCSIN_OK, "no tick");
}

static void warm_up(tocsin_bank *bank, size_t ticks)
{
    for (uint64_t i = 0; i < SERIES; i++)
        banks_add(bank, banks_id(i));
    for (size_t i = 0; i < ticks; i++)
        tick_of(bank, i, 0);
    for (uint32_t slot = 0; slot < SERIES; slot++)      /* to step through the rest is enough */
        if (slot % 12 != 3)
            require(tocsin_bank_remove(bank, slot) == TOCSIN_OK, "not removed");
}

/* What an operation takes, made before it begins: nobody has to step through that. */
typedef struct inputs {
    size_t number;
    double values[SLOTS];
    tocsin_point points[SERIES];
} inputs;

static void inputs_init(inputs *in, size_t number)
{
    in->number = number;
    fill(in->values, number);
    for (uint32_t i = 0; i < SERIES; i++) {
        const uint32_t slot = i * 37 % SERIES;

        in->points[i].key = slot;
        in->points[i].time = time_of(number);
        in->points[i].value = in->values[slot];
    }
}

static void push_all(tocsin_bank *bank, const trial *t, const inputs *in)
{
    tocsin_tick tick = banks_tick(bank, time_of(in->number), NULL);

    tick.count = 0;
    if (t->what.clock == TOCSIN_CLOCK_SHARED)
        tocsin_bank_tick_begin(bank, &tick);
    tocsin_bank_push_slots(bank, in->points, SERIES, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
    if (t->what.clock == TOCSIN_CLOCK_SHARED)
        tocsin_bank_tick_end(bank);
}

/* What is interrupted. */
static void operate(tocsin_bank *bank, const trial *t, const inputs *in, tocsin_detector *other)
{
    tocsin_verdict verdicts[SLOTS];
    tocsin_tick tick = banks_tick(bank, time_of(in->number), in->values);

    switch (t->what.operation) {
    case DENSE:
    case DENSE_WITH_VERDICTS:
        if (t->what.operation == DENSE_WITH_VERDICTS)
            tick.verdicts = verdicts;
        tocsin_bank_tick(bank, &tick);
        break;
    case PUSHES:
        push_all(bank, t, in);
        break;
    case ADD:
        tocsin_bank_add(bank, 424242, NULL);
        tocsin_bank_add(bank, 434343, NULL);
        tocsin_bank_add(bank, 444444, NULL);
        break;
    case REMOVE:
        tocsin_bank_remove(bank, 3);
        tocsin_bank_remove(bank, 123);
        break;
    case MARK:
        tocsin_bank_mark(bank, NULL, 0, TOCSIN_MARK_DEPLOY,
                         TOCSIN_MARK_MUTE | TOCSIN_MARK_NO_LEARN, time_of(in->number),
                         time_of(in->number + 1));
        break;
    default:
        tocsin_bank_copy_in(bank, 15, other);
    }
}

/* ---- What a bank holds ----------------------------------------------------------------- */

typedef struct holdings {
    int has[SLOTS];
    snapshot state[SLOTS];
} holdings;

static holdings holdings_of(const trial *t, const tocsin_bank *bank)
{
    tocsin_detector *detector = specs_detector(t->spec);
    holdings h;

    memset(&h, 0, sizeof h);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (tocsin_bank_copy_out(bank, slot, detector) == TOCSIN_OK) {
            h.has[slot] = 1;
            h.state[slot] = snapshot_of(detector);
        }
    tocsin_detector_free(detector);
    return h;
}

static void holdings_free(holdings *h)
{
    for (size_t slot = 0; slot < SLOTS; slot++)
        snapshot_free(&h->state[slot]);
}

static int holds(const holdings *h, uint32_t slot, const holdings *other)
{
    return h->has[slot] == other->has[slot] &&
           (!h->has[slot] || (h->state[slot].size == other->state[slot].size &&
                              memcmp(h->state[slot].bytes, other->state[slot].bytes,
                                     h->state[slot].size) == 0));
}

/* ---- Killed between any two instructions ------------------------------------------------- */

typedef struct expectation {
    holdings before, missed, after;
    size_t whole, ahead, mixed, interrupted;
} expectation;

/* An image of the memory, opened. */
static void check_image(const trial *t, expectation *e, const void *image, void *copy)
{
    tocsin_bank_recovery recovery;
    tocsin_bank *bank;
    holdings h;
    size_t ahead = 0;

    memcpy(copy, image, (size_t)t->size);
    bank = trial_open(t, copy, &recovery);
    h = holdings_of(t, bank);
    require(recovery.torn == 0 && recovery.restarted == 0, "%s: torn", t->what.text);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        const int condition =
            slot < tocsin_bank_slots(bank) ? tocsin_bank_tile_condition(bank, slot / 64) : 0;
        const holdings *old = recovery.interrupted == TOCSIN_ROUND_TICK ? &e->missed : &e->before;
        const int is_after = holds(&h, slot, &e->after), is_old = holds(&h, slot, old);
        const int is_partial = t->what.operation >= PUSHES || recovery.interrupted == 0;

        require(is_after || is_old, "%s: slot %u is neither of both", t->what.text, slot);
        if (condition == TOCSIN_TILE_AHEAD && !is_partial)
            require(is_after, "%s: slot %u is not ahead", t->what.text, slot);
        if (condition == TOCSIN_TILE_WHOLE && recovery.interrupted)
            require(is_old, "%s: slot %u is not whole", t->what.text, slot);
        ahead += condition == TOCSIN_TILE_AHEAD;
    }
    if (recovery.interrupted == TOCSIN_ROUND_TICK)
        require(t->what.operation <= PUSHES && recovery.time > START, "another round");
    e->interrupted += recovery.interrupted != 0;
    e->mixed += ahead > 0 && recovery.whole > 0;

    /* What was recovered can go on, and be opened again. */
    tick_of(bank, 2000, 0);
    tocsin_bank_add(bank, 7, NULL);
    tocsin_bank_free(bank);
    tocsin_bank_free(trial_open(t, copy, &recovery));
    require(!recovery.interrupted && recovery.ahead + recovery.torn == 0, "it was closed");
    holdings_free(&h);
}

/* A sanitizer's stores are not the library's, and its instructions several times as many. */
#if defined(__linux__) && defined(PT_STEP) && !defined(__SANITIZE_ADDRESS__)
/* Step a child through the operation, and look at the memory every few instructions.  0 where
 * nobody may trace. */
static size_t step_through(const trial *t, expectation *e, tocsin_bank *bank, void *memory,
                           const inputs *in, tocsin_detector *other)
{
    void *copy = aligned_alloc(64, (size_t)(t->size + 63) / 64 * 64);
    size_t steps = 0, next = 1, images = 0;
    int status;
    const pid_t child = fork();

    require(copy != NULL && child >= 0, "no child");
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(9);
        raise(SIGSTOP);
        operate(bank, t, in, other);
        _exit(0);
    }
    for (;;) {
        require(waitpid(child, &status, 0) == child, "lost the child");
        if (!WIFSTOPPED(status))
            break;
        if (steps++ == next) {
            check_image(t, e, memory, copy);
            images++;
            next += 13 + next / 40 + images % 7;
        }
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0)
            break;
    }
    require(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9),
            "the child failed");
    free(copy);
    return WEXITSTATUS(status) == 9 ? 0 : images;
}
#else
static size_t step_through(const trial *t, expectation *e, tocsin_bank *bank, void *memory,
                           const inputs *in, tocsin_detector *other)
{
    (void)check_image;
    (void)t;
    (void)e;
    (void)bank;
    (void)memory;
    (void)in;
    (void)other;
    return 0;
}
#endif

START_TEST(killed_at_any_instruction)
{
    trial t = trial_of(&scenarios[_i]);
    const int is_tick = t.what.operation <= PUSHES;
    const size_t ticks = _i % 3 == 0 ? 9 : 185;     /* a season comes into use, or all is in use */
    tocsin_detector *other = specs_detector(t.spec);
    void *memory = trial_memory(&t);
    tocsin_bank_recovery recovery;
    tocsin_bank *bank = trial_open(&t, memory, &recovery);
    tocsin_bank *reference = banks_create(t.spec, &t.options);
    tocsin_bank *missing = banks_create(t.spec, &t.options);
    expectation e;
    inputs in;

    memset(&e, 0, sizeof e);
    inputs_init(&in, ticks);
    tocsin_detector_push(other, START, 3, TOCSIN_LEARN_AND_SCORE, NULL, 0);
    warm_up(bank, ticks);
    warm_up(reference, ticks);
    warm_up(missing, ticks);
    e.before = holdings_of(&t, reference);
    operate(reference, &t, &in, other);
    e.after = holdings_of(&t, reference);
    if (is_tick && t.what.clock == TOCSIN_CLOCK_SHARED)
        tick_of(missing, ticks, 1);
    e.missed = holdings_of(&t, missing);

    const size_t images = step_through(&t, &e, bank, memory, &in, other);

    if (images > 0) {
        require(images > 20, "%zu images only", images);
        if (t.what.operation <= DENSE_WITH_VERDICTS && t.what.ids == TOCSIN_IDS_KEPT)
            require(e.interrupted > 5, "%s: nothing was interrupted", t.what.text);
    }
    holdings_free(&e.before);
    holdings_free(&e.missed);
    holdings_free(&e.after);
    tocsin_detector_free(other);
    tocsin_bank_free(reference);
    tocsin_bank_free(missing);
    tocsin_bank_free(bank);
    munmap(memory, (size_t)t.size);
    tocsin_spec_free(t.spec);
}
END_TEST

/* ---- Killed at any time -------------------------------------------------------------------- */

/* Ticks until it is killed. */
static void tick_for_ever(const trial *t, void *memory, size_t number)
{
    tocsin_bank_recovery recovery;
    tocsin_bank *bank = trial_open(t, memory, &recovery);

    for (;; number++)
        tick_of(bank, number, 0);
}

/* The tick that was interrupted, for the tiles that have had it. */
static void tick_partly(tocsin_bank *reference, const trial *t, const tocsin_bank *found,
                        size_t number)
{
    double values[SLOTS];
    tocsin_tick tick = banks_tick(reference, time_of(number), values);
    const uint32_t slots = tocsin_bank_slots(reference);

    fill(values, number);
    require(tocsin_bank_tick_begin(reference, &tick) == TOCSIN_OK, "no tick");
    for (uint32_t slot = 0; slot < slots; slot += 64)
        if (tocsin_bank_tile_condition(found, slot / 64) == TOCSIN_TILE_AHEAD)
            tocsin_bank_tick_range(reference, 0, slot, slot + 64 < slots ? slot + 64 : slots);
    tocsin_bank_tick_end(reference);
    (void)t;
}

static uint64_t rounds_of(const tocsin_bank *bank)
{
    tocsin_bank_counts counts;

    counts.struct_size = sizeof counts;
    require(tocsin_bank_total(bank, &counts) == TOCSIN_OK, "no counts");
    return counts.rounds;
}

static void spin(rng *r)
{
    struct timespec begin, now;
    const long wanted = (long)rng_below(r, 3000000);

    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < wanted);
}

START_TEST(killed_at_any_time)
{
    const trial t = trial_of(&scenarios[_i]);
    void *memory = trial_memory(&t);
    tocsin_bank *reference = banks_create(t.spec, &t.options);
    tocsin_bank_recovery recovery;
    tocsin_bank *bank = trial_open(&t, memory, &recovery);
    rng r = rng_seeded((uint64_t)_i);
    size_t number = 20;

    warm_up(reference, number);
    warm_up(bank, number);
    tocsin_bank_free(bank);
    for (size_t kill_number = 0; kill_number < 25; kill_number++) {
        const pid_t child = fork();
        int status;

        require(child >= 0, "no child");
        if (child == 0)
            tick_for_ever(&t, memory, number);
        spin(&r);
        kill(child, SIGKILL);
        require(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "it lived");

        bank = trial_open(&t, memory, &recovery);
        require(recovery.torn == 0, "torn");

        const uint64_t rounds = rounds_of(bank);

        while (rounds_of(reference) + (recovery.interrupted != 0) < rounds)
            tick_of(reference, number++, 0);
        if (recovery.interrupted) {
            require(recovery.time == time_of(number), "another tick");
            tick_partly(reference, &t, bank, number++);
        }
        require(rounds_of(reference) == rounds, "rounds differ");

        holdings ours = holdings_of(&t, reference), theirs = holdings_of(&t, bank);

        for (uint32_t slot = 0; slot < SLOTS; slot++)
            require(holds(&ours, slot, &theirs), "%s: slot %u differs", t.what.text, slot);
        require(banks_info(bank).time == banks_info(reference).time, "newest times differ");
        holdings_free(&ours);
        holdings_free(&theirs);
        tocsin_bank_free(bank);
    }
    tocsin_bank_free(reference);
    munmap(memory, (size_t)t.size);
    tocsin_spec_free(t.spec);
}
END_TEST

/* ---- Damage ---------------------------------------------------------------------------------- */

/* Whatever can be done with a bank. */
static void use(const trial *t, tocsin_bank *bank, size_t number)
{
    tocsin_detector *detector = specs_detector(t->spec);
    inputs in;

    tick_of(bank, number, 0);
    inputs_init(&in, number + 1);
    push_all(bank, t, &in);
    for (uint32_t slot = 0; slot < tocsin_bank_slots(bank); slot += 7) {
        tocsin_bank_copy_out(bank, slot, detector);
        tocsin_bank_tile_condition(bank, slot / 64);
    }
    tocsin_bank_add(bank, 1, NULL);
    tocsin_bank_add(bank, 2, NULL);
    tocsin_bank_remove(bank, 6);
    tocsin_bank_remove(bank, 7);
    tocsin_bank_add(bank, 3, NULL);
    tocsin_bank_evict(bank, START, NULL);
    tocsin_detector_free(detector);
}

static size_t try_image(const trial *t, void *image, uint64_t size)
{
    tocsin_bank_recovery recovery;
    tocsin_bank *bank;

    memset(&recovery, 0, sizeof recovery);
    recovery.struct_size = sizeof recovery;

    const int status = tocsin_bank_create_mapped(&bank, t->spec, &t->options, NULL, image, size,
                                                 &recovery);

    if (status < 0) {
        require(bank == NULL, "a bank came with an error");
        return 0;
    }
    require((status == TOCSIN_INFO_TORN) == (recovery.torn > 0) &&
                (recovery.torn > 0) == (recovery.restarted > 0),
            "torn or not?");
    use(t, bank, 3000);
    tocsin_bank_free(bank);
    return 1 + (status == TOCSIN_INFO_TORN);
}

/* An image of a bank that was left in the middle of a tick. */
static unsigned char *image_of(const trial *t)
{
    unsigned char *image = aligned_alloc(64, (size_t)(t->size + 63) / 64 * 64);
    double values[SLOTS];
    tocsin_bank_recovery recovery;
    tocsin_bank *bank;
    tocsin_tick tick;

    require(image != NULL, "the test itself is out of memory");
    memset(image, 0, (size_t)t->size);
    bank = trial_open(t, image, &recovery);
    warm_up(bank, 60);
    fill(values, 60);
    tick = banks_tick(bank, time_of(60), values);
    require(tocsin_bank_tick_begin(bank, &tick) == TOCSIN_OK &&
                tocsin_bank_tick_range(bank, 0, 0, 64) == TOCSIN_OK,
            "no tick");
    tocsin_bank_free(bank);
    return image;
}

START_TEST(any_damage)
{
    const trial t = trial_of(&scenarios[_i]);
    unsigned char *image = image_of(&t);
    unsigned char *damaged = aligned_alloc(64, (size_t)(t.size + 63) / 64 * 64);
    rng r = rng_seeded(77 + (uint64_t)_i);
    size_t opened = 0, torn = 0, refused = 0;

    require(damaged != NULL, "the test itself is out of memory");
    for (size_t trial_number = 0; trial_number < 1200; trial_number++) {
        const size_t count = 1 + rng_below(&r, 4);
        uint64_t size = t.size, at = 0;

        memcpy(damaged, image, (size_t)t.size);
        for (size_t i = 0; i < count; i++) {
            /* The head and the records are small beside the tiles, and the logs are empty. */
            at = rng_below(&r, 2) ? rng_below(&r, 2048) : rng_below(&r, (size_t)t.size);
            if (rng_below(&r, 2))
                at = t.size - 1 - rng_below(&r, (size_t)t.size / 4);
            if (rng_below(&r, 2))
                damaged[at] ^= (unsigned char)(1u << rng_below(&r, 8));
            else
                memset(damaged + at, rng_below(&r, 2) ? 0xff : (int)rng_below(&r, 256),
                       (size_t)(t.size - at < 16 ? t.size - at : 16));
        }
        if (rng_below(&r, 20) == 0)
            size = rng_below(&r, (size_t)t.size);

        const size_t result = try_image(&t, damaged, size);

        refused += result == 0;
        opened += result > 0;
        torn += result > 1;
    }
    require(refused > 50 && opened > 50 && (torn > 0 || _i < 2),
            "%s: %zu refused, %zu opened, %zu torn", t.what.text, refused, opened, torn);
    free(image);
    free(damaged);
    tocsin_spec_free(t.spec);
}
END_TEST

START_TEST(any_truncation)
{
    const trial t = trial_of(&scenarios[1]);
    unsigned char *image = image_of(&t);

    for (uint64_t size = 0; size < t.size; size += size < 4096 ? 1 : 997) {
        unsigned char *part = aligned_alloc(64, (size_t)(size + 64) / 64 * 64);

        require(part != NULL, "the test itself is out of memory");
        memcpy(part, image, (size_t)size);
        require(try_image(&t, part, size) == 0, "%zu bytes are a bank", (size_t)size);
        free(part);
    }
    free(image);
    tocsin_spec_free(t.spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fault_mapped");
    TCase *tc = suite_long_case(s, "killed, step by step");

    tcase_add_loop_test(tc, killed_at_any_instruction, 0,
                        (int)(sizeof scenarios / sizeof *scenarios));

    tc = suite_case(s, "killed");
    tcase_add_loop_test(tc, killed_at_any_time, 0, 9);

    tc = suite_case(s, "damaged");
    tcase_add_loop_test(tc, any_damage, 0, 9);
    tcase_add_test(tc, any_truncation);
    return s;
}

TOCSIN_TEST_MAIN(suite)
