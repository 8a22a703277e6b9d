/* decimal.c - doubles to decimal digits and back, exactly.
 *
 * A number read from a spec must mean the same bits everywhere, and a number
 * written into a spec's canonical text must read back to the bits it came from.
 * Both are done here in whole-number arithmetic, where nothing is rounded but
 * the one time it is meant to be.
 *
 * Reading.  A decimal text is D * 10^E with integers D and E, thus a fraction
 * num/den of two big integers.  Both are brought to the same length in bits, so
 * that num/den lies in [1, 2) times a power of two; schoolbook division then
 * gives the 53 bits (fewer for a subnormal), and what remains decides the
 * rounding.  The midpoint between two doubles has at most 768 significant
 * digits: digits beyond the 800th only matter by being zero or not, so they are
 * folded into one.  Where D < 2^53 and |E| <= 22 a single IEEE operation on
 * exact operands gives the same result (Clinger 1990, "How to read floating
 * point numbers accurately"), and nearly every number in a spec is like that.
 *
 * Writing.  A double is m * 2^q, again a fraction; dividing by the power of ten
 * just below it and then digit by digit gives its exact expansion, cut and
 * rounded where the caller wants.  The shortest text is found by trying 1, 2 ..
 * 17 digits and reading each back: slow (some 20 microseconds) and beyond doubt,
 * and it is not on any path where time counts.
 *
 * Cost: O(digits^2), bounded by the 800 digits, plus one pass over the text.
 * It cannot fail; a text that is no number is refused.
 */
#include "decimal.h"

/* ---- Big integers ----------------------------------------------------------
 *
 * Little-endian limbs, without leading zero limbs.  The largest that can occur
 * is 10^1132 shifted by a limb or two, 3800 bits; 160 limbs are 5120.
 */
#define DECIMAL_LIMBS 160
#define DECIMAL_MAX_DIGITS 800

typedef struct decimal_big {
    uint32_t count;
    uint32_t limb[DECIMAL_LIMBS];
} decimal_big;

static void decimal_set(decimal_big *big, uint64_t value)
{
    big->limb[0] = (uint32_t)value;
    big->limb[1] = (uint32_t)(value >> 32);
    big->count = value >> 32 ? 2 : value ? 1 : 0;
}

static void decimal_multiply_add(decimal_big *big, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;

    for (uint32_t i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limb[i] * factor;
        big->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        big->limb[big->count++] = (uint32_t)carry;
}

static void decimal_scale(decimal_big *big, int power_of_ten)
{
    for (; power_of_ten >= 9; power_of_ten -= 9)
        decimal_multiply_add(big, 1000000000, 0);
    for (; power_of_ten > 0; power_of_ten--)
        decimal_multiply_add(big, 10, 0);
}

static void decimal_shift(decimal_big *big, uint32_t bits)
{
    const uint32_t limbs = bits / 32;

    if (big->count == 0)
        return;
    if (limbs > 0) {
        memmove(big->limb + limbs, big->limb, big->count * sizeof big->limb[0]);
        memset(big->limb, 0, limbs * sizeof big->limb[0]);
        big->count += limbs;
    }
    if (bits % 32 > 0)
        decimal_multiply_add(big, UINT32_C(1) << bits % 32, 0);
}

static int decimal_bits(const decimal_big *big)
{
    int bits = 0;

    if (big->count == 0)
        return 0;
    for (uint32_t top = big->limb[big->count - 1]; top != 0; top >>= 1)
        bits++;
    return bits + 32 * (int)(big->count - 1);
}

static int decimal_compare(const decimal_big *a, const decimal_big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* a -= b, where a >= b. */
static void decimal_subtract(decimal_big *a, const decimal_big *b)
{
    uint32_t borrow = 0;

    for (uint32_t i = 0; i < a->count; i++) {
        const uint64_t take = (uint64_t)(i < b->count ? b->limb[i] : 0) + borrow;

        borrow = a->limb[i] < take;
        a->limb[i] = (uint32_t)(a->limb[i] - take);
    }
    while (a->count > 0 && a->limb[a->count - 1] == 0)
        a->count--;
}

/* ---- Reading --------------------------------------------------------------- */

static int decimal_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int decimal_is_word(const char *text, size_t length, const char *word)
{
    size_t i = 0;

    for (; i < length && word[i] != '\0'; i++)
        if ((text[i] | 0x20) != word[i])
            return 0;
    return i == length && word[i] == '\0';
}

/* The double nearest to num/den > 0. */
static double decimal_divide(decimal_big *num, decimal_big *den)
{
    int exponent = decimal_bits(num) - decimal_bits(den);

    if (exponent > 0)
        decimal_shift(den, (uint32_t)exponent);
    else
        decimal_shift(num, (uint32_t)-exponent);
    if (decimal_compare(num, den) < 0) {
        decimal_shift(num, 1);
        exponent--;
    }

    if (exponent > 1023)
        return tocsin__infinity();
    const int bits = exponent >= -1022 ? 53 : exponent + 1075;
    if (bits < 0)
        return 0;

    uint64_t mantissa = 0;
    for (int i = 0; i < bits; i++) {
        mantissa <<= 1;
        if (decimal_compare(num, den) >= 0) {
            decimal_subtract(num, den);
            mantissa |= 1;
        }
        decimal_shift(num, 1);
    }
    const int rest = decimal_compare(num, den);
    if (rest > 0 || (rest == 0 && (mantissa & 1)))
        mantissa++;

    /* Rounding up to the next power of two carries into the exponent's bits, which is right. */
    if (exponent >= -1022)
        mantissa += (uint64_t)(exponent + 1022) << 52;
    double value;
    memcpy(&value, &mantissa, sizeof value);
    return value;
}

/* digits[0..count) * 10^exponent, plus a little where `inexact`. */
static double decimal_value(const char *digits, size_t count, int64_t exponent, int inexact)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    decimal_big num, den;
    const int64_t magnitude = (int64_t)count + exponent;

    if (count == 0 || magnitude < -330)
        return 0;
    if (magnitude > 310)
        return tocsin__infinity();

    if (count <= 15 && !inexact && exponent >= -22 && exponent <= 22) {
        uint64_t whole = 0;

        for (size_t i = 0; i < count; i++)
            whole = whole * 10 + (uint64_t)(digits[i] - '0');
        return exponent < 0 ? (double)whole / powers[-exponent] : (double)whole * powers[exponent];
    }

    decimal_set(&num, 0);
    for (size_t i = 0; i < count; i++)
        decimal_multiply_add(&num, 10, (uint32_t)(digits[i] - '0'));
    if (inexact) {
        decimal_multiply_add(&num, 10, 1);
        exponent--;
    }
    decimal_set(&den, 1);
    decimal_scale(exponent < 0 ? &den : &num, (int)(exponent < 0 ? -exponent : exponent));
    return decimal_divide(&num, &den);
}

int tocsin__decimal_parse(const char *text, size_t length, int scale, double *value)
{
    char digits[DECIMAL_MAX_DIGITS];
    size_t count = 0, at = 0, read = 0;
    int64_t exponent = scale;
    int inexact = 0, is_negative = 0, past_point = 0;

    if (at < length && (text[at] == '-' || text[at] == '+'))
        is_negative = text[at++] == '-';
    if (decimal_is_word(text + at, length - at, "inf") ||
        decimal_is_word(text + at, length - at, "infinity")) {
        *value = is_negative ? -tocsin__infinity() : tocsin__infinity();
        return 1;
    }

    for (; at < length && (decimal_is_digit(text[at]) || (text[at] == '.' && !past_point)); at++) {
        if (text[at] == '.') {
            past_point = 1;
            continue;
        }
        read++;
        exponent -= past_point;
        if (count == 0 && text[at] == '0')
            continue;
        if (count < DECIMAL_MAX_DIGITS) {
            digits[count++] = text[at];
        } else {
            inexact |= text[at] != '0';
            exponent++;
        }
    }
    if (read == 0)
        return 0;

    if (at < length && (text[at] | 0x20) == 'e') {
        const int is_minus = ++at < length && text[at] == '-';
        const size_t start = at += at < length && (text[at] == '-' || text[at] == '+');
        int64_t power = 0;

        for (; at < length && decimal_is_digit(text[at]); at++)
            if (power < 1000000000)
                power = power * 10 + (text[at] - '0');
        if (at == start)
            return 0;
        exponent += is_minus ? -power : power;
    }
    if (at != length)
        return 0;

    while (count > 0 && digits[count - 1] == '0' && !inexact) {
        count--;
        exponent++;
    }
    *value = decimal_value(digits, count, exponent, inexact);
    if (is_negative)
        *value = -*value;
    return 1;
}

/* ---- Writing --------------------------------------------------------------- */

void tocsin__decimal_digits(double value, int count, char digits[TOCSIN__DECIMAL_DIGITS],
                            int *exponent)
{
    decimal_big num, den;
    uint64_t bits, mantissa;
    int power_of_two, power_of_ten;

    memcpy(&bits, &value, sizeof bits);
    mantissa = bits & UINT64_C(0x000fffffffffffff);
    power_of_two = (int)(bits >> 52 & 0x7ff);
    if (power_of_two == 0)
        power_of_two = 1;
    else
        mantissa |= UINT64_C(1) << 52;
    power_of_two -= 1075;

    decimal_set(&num, mantissa);
    decimal_set(&den, 1);
    /* log10(2) is just below 0.30103: an estimate within one of floor(log10(value)). */
    power_of_ten = (int)((int64_t)(decimal_bits(&num) - 1 + power_of_two) * 30103 / 100000);
    decimal_shift(power_of_two > 0 ? &num : &den,
                  (uint32_t)(power_of_two > 0 ? power_of_two : -power_of_two));
    decimal_scale(power_of_ten > 0 ? &den : &num, power_of_ten > 0 ? power_of_ten : -power_of_ten);
    for (; decimal_compare(&num, &den) < 0; power_of_ten--)
        decimal_multiply_add(&num, 10, 0);
    for (;; power_of_ten++) {
        decimal_big tenfold = den;

        decimal_multiply_add(&tenfold, 10, 0);
        if (decimal_compare(&num, &tenfold) < 0)
            break;
        den = tenfold;
    }

    for (int i = 0; i < count; i++) {
        digits[i] = '0';
        for (; decimal_compare(&num, &den) >= 0; digits[i]++)
            decimal_subtract(&num, &den);
        decimal_multiply_add(&num, 10, 0);
    }

    /* What remains has been multiplied by ten: half of the last digit's unit is 5 den. */
    decimal_multiply_add(&den, 5, 0);
    const int rest = decimal_compare(&num, &den);
    if (rest > 0 || (rest == 0 && (digits[count - 1] & 1))) {
        int i = count - 1;

        for (; i >= 0 && digits[i] == '9'; i--)
            digits[i] = '0';
        if (i >= 0) {
            digits[i]++;
        } else {
            digits[0] = '1';
            power_of_ten++;
        }
    }
    *exponent = power_of_ten;
}

size_t tocsin__decimal_write(double value, int count, char text[TOCSIN__DECIMAL_TEXT])
{
    char digits[TOCSIN__DECIMAL_DIGITS];
    size_t at = 0;
    uint64_t bits;
    int exponent;

    memcpy(&bits, &value, sizeof bits);
    if (tocsin__is_nan(value)) {
        memcpy(text, "nan", 4);
        return 3;
    }
    if (bits >> 63) {
        text[at++] = '-';
        value = -value;
    }
    if (!tocsin__is_finite(value)) {
        memcpy(text + at, "inf", 4);
        return at + 3;
    }
    if (value == 0) {
        memcpy(text + at, "0", 2);
        return at + 1;
    }

    tocsin__decimal_digits(value, count, digits, &exponent);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    const int is_plain = exponent >= -4 && exponent <= 15;
    /* Where the point stands: after so many digits; none if that is all of them. */
    int point = is_plain ? exponent + 1 : 1;

    if (point <= 0) {
        text[at++] = '0';
        text[at++] = '.';
        for (; point < 0; point++)
            text[at++] = '0';
        point = -1;
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point)
            text[at++] = '.';
        text[at++] = i < count ? digits[i] : '0';
    }
    if (!is_plain) {
        int power = exponent < 0 ? -exponent : exponent;

        text[at++] = 'e';
        if (exponent < 0)
            text[at++] = '-';
        if (power >= 100)
            text[at++] = (char)('0' + power / 100);
        if (power >= 10)
            text[at++] = (char)('0' + power / 10 % 10);
        text[at++] = (char)('0' + power % 10);
    }
    text[at] = '\0';
    return at;
}

size_t tocsin__decimal_write_shortest(double value, char text[TOCSIN__DECIMAL_TEXT])
{
    for (int count = 1;; count++) {
        const size_t length = tocsin__decimal_write(value, count, text);
        double back;

        if (count == TOCSIN__DECIMAL_DIGITS || !tocsin__is_finite(value) ||
            (tocsin__decimal_parse(text, length, 0, &back) && back == value))
            return length;
    }
}
