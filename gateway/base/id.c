#include "base/id.h"

#include <string.h>

#include "base/clock.h"
#include "base/rng.h"

enum {
    COUNTER_COUNT = 1 << 12, /* rand_a of RFC 9562 section 5.7 */
    ID_DIGIT_COUNT = 26,
    ID_PREFIX_LEN = 4,
};

/* clang-format off */
static const char *const prefixes[ID_KIND_COUNT] = {
    [ID_NONE]     = "",
    [ID_PAYMENT]  = "pay_",
    [ID_ATTEMPT]  = "att_",
    [ID_REFUND]   = "ref_",
    [ID_PAYOUT]   = "pyt_",
    [ID_TRANSFER] = "trf_",
    [ID_EVENT]    = "evt_",
    [ID_MERCHANT] = "mer_",
    [ID_ACCOUNT]  = "acc_",
    [ID_KEY]      = "key_",
    [ID_REQUEST]  = "req_",
    [ID_BATCH]    = "bat_",
    [ID_REVIEW]   = "rev_",
    [ID_CAPTURE]  = "cap_",
    [ID_VOID]     = "voi_",
    [ID_REAUTHORIZATION] = "rea_",
    [ID_ENDPOINT] = "whe_",
    [ID_HOLD]     = "hld_",
    [ID_BACKTEST] = "bkt_",
    [ID_EXPORT]   = "exp_",
    [ID_AUDIT]    = "aud_",
};
/* clang-format on */

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* What the last id of this process had; a forked child goes on from here with other random bits. */
static int64_t last_ms;
static uint32_t last_counter;

static struct uuid assemble(int64_t ms, uint32_t counter, const uint8_t random[8])
{
    struct uuid id;
    uint64_t time = (uint64_t)ms;
    for (unsigned i = 0; i < 6; i++)
        id.byte[i] = (uint8_t)(time >> (40 - 8 * i));
    id.byte[6] = (uint8_t)(0x70 | (counter >> 8));
    id.byte[7] = (uint8_t)(counter & 0xff);
    memcpy(id.byte + 8, random, 8);
    id.byte[8] = (uint8_t)((id.byte[8] & 0x3f) | 0x80);
    return id;
}

struct uuid uuid_new(void)
{
    struct {
        uint8_t tail[8];
        uint16_t seed;
    } random;
    rng_fill(&random, sizeof(random));
    int64_t ms = clock_wall_us() / CLOCK_MS_US;
    last_counter++;
    if (ms > last_ms) {
        last_ms = ms;
        last_counter = random.seed % (COUNTER_COUNT / 2);
    } else if (last_counter == COUNTER_COUNT) {
        /* More than the counter holds within a millisecond: borrow the next one. */
        last_ms++;
        last_counter = random.seed % (COUNTER_COUNT / 2);
    }
    return assemble(last_ms, last_counter, random.tail);
}

struct uuid uuid_make(int64_t wall_ms, const uint8_t random[10])
{
    uint32_t counter = ((uint32_t)(random[0] & 0x0f) << 8) | random[1];
    return assemble(wall_ms, counter, random + 2);
}

struct uuid uuid_first(int64_t wall_us)
{
    static const uint8_t least[10] = {0};
    return uuid_make(wall_us > 0 ? wall_us / CLOCK_MS_US : 0, least);
}

bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->byte, b->byte, sizeof(a->byte)) == 0;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->byte, b->byte, sizeof(a->byte));
}

bool uuid_is_zero(const struct uuid *id)
{
    static const struct uuid zero;
    return uuid_eq(id, &zero);
}

struct str uuid_format(const struct uuid *id, char out[UUID_TEXT_SIZE])
{
    char *at = out;
    for (unsigned i = 0; i < sizeof(id->byte); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = str_hex_digits[id->byte[i] >> 4];
        *at++ = str_hex_digits[id->byte[i] & 0x0f];
    }
    *at = '\0';
    return (struct str){out, UUID_TEXT_SIZE - 1};
}

bool uuid_parse(struct str text, struct uuid *id, struct error *err)
{
    struct uuid result;
    if (text.len != UUID_TEXT_SIZE - 1)
        return fail(err, ERROR_INVALID, "cannot read uuid: it has not %d characters",
                    UUID_TEXT_SIZE - 1);
    size_t at = 0;
    for (unsigned i = 0; i < sizeof(result.byte); i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.at[at++] != '-')
            return fail(err, ERROR_INVALID, "cannot read uuid: no dash where one belongs");
        int high = str_hex_value(text.at[at]);
        int low = str_hex_value(text.at[at + 1]);
        if (high < 0 || low < 0)
            return fail(err, ERROR_INVALID, "cannot read uuid: not a hexadecimal digit");
        result.byte[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *id = result;
    return true;
}

static uint64_t load(const uint8_t *at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

static void store(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (56 - 8 * i));
}

struct str id_format(enum id_kind kind, const struct uuid *id, char out[ID_TEXT_SIZE])
{
    CHECK(kind > ID_NONE && kind < ID_KIND_COUNT);
    memcpy(out, prefixes[kind], ID_PREFIX_LEN);
    /* 26 digits of 5 bits hold 130: the first has 3 bits, so that texts sort as the bytes do. */
    uint64_t high = load(id->byte);
    uint64_t low = load(id->byte + 8);
    for (unsigned i = ID_DIGIT_COUNT; i-- > 0;) {
        out[ID_PREFIX_LEN + i] = digits[low & 31];
        low = low >> 5 | high << 59;
        high >>= 5;
    }
    out[ID_PREFIX_LEN + ID_DIGIT_COUNT] = '\0';
    return (struct str){out, ID_PREFIX_LEN + ID_DIGIT_COUNT};
}

/* Crockford's reading: case does not matter, I and L are 1, O is 0; U is no digit. */
static int digit_value(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - ('a' - 'A'));
    if (c == 'I' || c == 'L')
        return 1;
    if (c == 'O')
        return 0;
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

bool id_parse(enum id_kind kind, struct str text, struct uuid *id, struct error *err)
{
    CHECK(kind > ID_NONE && kind < ID_KIND_COUNT);
    if (text.len != ID_PREFIX_LEN + ID_DIGIT_COUNT ||
        !str_eq_nocase(str_sub(text, 0, ID_PREFIX_LEN), str_of(prefixes[kind])))
        return fail(err, ERROR_INVALID, "cannot read id: not %s and %d characters", prefixes[kind],
                    ID_DIGIT_COUNT);
    uint64_t high = 0;
    uint64_t low = 0;
    for (size_t i = 0; i < ID_DIGIT_COUNT; i++) {
        int value = digit_value(text.at[ID_PREFIX_LEN + i]);
        if (value < 0)
            return fail(err, ERROR_INVALID, "cannot read id: not a base 32 digit");
        if (i == 0 && value > 7)
            return fail(err, ERROR_INVALID, "cannot read id: above 128 bits");
        high = high << 5 | low >> 59;
        low = low << 5 | (unsigned)value;
    }
    store(id->byte, high);
    store(id->byte + 8, low);
    return true;
}
