#include "router/rates.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "router/document.h"

enum {
    RATE_DIGIT_MAX = 10,
    RATE_DECIMAL_MAX = 10,
    STALE_HOURS = 96,
    STALE_HOURS_MAX = 24 * 366,
    EXPONENT_MAX = 4, /* of ISO 4217 */
};

#define HOUR_US (3600 * CLOCK_SECOND_US)

struct fraction { /* units of the other currency for one of this; whole numbers of major units */
    int64_t numerator; /* 0: no rate */
    int64_t denominator;
};

struct rates_pair {
    const struct currency *from, *to;
    struct fraction worth;
};

struct rates {
    char source[RATES_TEXT_SIZE];
    int64_t time_us;
    int64_t stale_us;
    enum money_rounding rounding;
    const struct currency *base;
    struct fraction *worth; /* owned; of one base unit, by currency_index() */
    struct rates_pair pairs[RATES_PAIR_MAX];
    size_t pair_count;
    char *text; /* owned */
    size_t text_len;
    uint8_t hash[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
};

/* ---- reading ---------------------------------------------------------------------------------- */

static int64_t power_of_ten(unsigned digits)
{
    int64_t power = 1;
    while (digits-- > 0) {
        power *= 10;
    }
    return power;
}

static int64_t divisor_of(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static struct str number_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

static bool read_worth(struct document *document, const struct path *path, json_t *value,
                       struct fraction *worth, struct error *err)
{
    struct error why;
    int64_t scaled = 0;
    if (!json_is_string(value) || !money_parse(number_of(value), RATE_DECIMAL_MAX, &scaled, &why) ||
        scaled <= 0) {
        return document_refuse(document, path, err,
                               "%s is not a rate above 0 in quotes with at most %d decimals",
                               path->text, RATE_DECIMAL_MAX);
    }
    int64_t one = power_of_ten(RATE_DECIMAL_MAX);
    int64_t common = divisor_of(scaled, one);
    *worth = (struct fraction){scaled / common, one / common};
    while (scaled % 10 == 0) {
        scaled /= 10;
    }
    return scaled < power_of_ten(RATE_DIGIT_MAX) ||
           document_refuse(document, path, err, "%s has more than %d digits; round it", path->text,
                           RATE_DIGIT_MAX);
}

static bool read_pair(struct document *document, const struct path *path, struct str name,
                      json_t *value, struct rates *rates, struct error *err)
{
    struct str rest = name;
    const struct currency *from = currency_find(str_cut(&rest, '/'));
    const struct currency *to = currency_find(rest);
    if (from == NULL || to == NULL || from == to) {
        return document_refuse(document, path, err,
                               "%s is not a pair of two currencies of ISO 4217, as GBP/CHF",
                               path->text);
    }
    if (rates->pair_count == RATES_PAIR_MAX) {
        return document_refuse(document, path, err, "%s is one pair too many; %d are taken",
                               path->text, RATES_PAIR_MAX);
    }
    for (size_t i = 0; i < rates->pair_count; i++) {
        if (rates->pairs[i].from == to && rates->pairs[i].to == from) {
            return document_refuse(document, path, err,
                                   "%s stands there the other way round, too; remove one",
                                   path->text);
        }
    }
    struct rates_pair *pair = &rates->pairs[rates->pair_count++];
    *pair = (struct rates_pair){.from = from, .to = to};
    return read_worth(document, path, value, &pair->worth, err);
}

static bool read_rates(struct document *document, json_t *object, struct rates *rates,
                       struct error *err)
{
    const struct path path = {"rates"};
    const char *name = NULL;
    json_t *value = NULL;
    if (!document_object(document, &path, object, err)) {
        return false;
    }
    json_object_foreach(object, name, value)
    {
        struct path at = path_add(&path, name);
        if (strchr(name, '/') != NULL) {
            if (!read_pair(document, &at, str_of(name), value, rates, err)) {
                return false;
            }
            continue;
        }
        const struct currency *currency = currency_find(str_of(name));
        if (currency == NULL || currency == rates->base) {
            return document_refuse(document, &at, err,
                                   currency == NULL
                                       ? "%s is not a currency of ISO 4217"
                                       : "%s is the base, which is always 1; remove it",
                                   at.text);
        }
        if (!read_worth(document, &at, value, &rates->worth[currency_index(currency)], err)) {
            return false;
        }
    }
    return true;
}

static bool read_time(struct document *document, json_t *value, struct rates *rates,
                      struct error *err)
{
    const struct path path = {"time"};
    struct error why;
    if (!json_is_string(value) || !clock_parse(number_of(value), &rates->time_us, &why)) {
        return document_refuse(document, &path, err,
                               "time is not when these rates held, as \"2026-11-20T15:00:00Z\"");
    }
    return true;
}

static bool read_stale(struct document *document, json_t *value, struct rates *rates,
                       struct error *err)
{
    const struct path path = {"stale_after_hours"};
    json_int_t hours = json_is_integer(value) ? json_integer_value(value) : 0;
    if (value != NULL && (hours < 1 || hours > STALE_HOURS_MAX)) {
        return document_refuse(document, &path, err,
                               "stale_after_hours is not a whole number from 1 to %d",
                               STALE_HOURS_MAX);
    }
    rates->stale_us = (value != NULL ? hours : STALE_HOURS) * HOUR_US;
    return true;
}

static bool read_source(struct document *document, json_t *value, struct rates *rates,
                        struct error *err)
{
    const struct path path = {"source"};
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        !str_copy_to(number_of(value), rates->source, sizeof(rates->source))) {
        return document_refuse(document, &path, err,
                               "source does not say where these rates are from, in 1 to %d bytes",
                               RATES_TEXT_SIZE - 1);
    }
    return true;
}

static bool check_members(struct document *document, struct error *err)
{
    static const char *const known[] = {"source", "time", "stale_after_hours", "note", "rounding",
                                        "base",   "rates"};
    const struct path top = {""};
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(document->json, name, value)
    {
        size_t i = 0;
        while (i < ARRAY_LEN(known) && strcmp(known[i], name) != 0) {
            i++;
        }
        struct path at = path_add(&top, name);
        if (i == ARRAY_LEN(known)) {
            return document_refuse(document, &at, err,
                                   "unknown member %s; known are source, time, stale_after_hours, "
                                   "note, rounding, base and rates",
                                   at.text);
        }
    }
    return true;
}

static bool read_all(struct document *document, struct rates *rates, struct error *err)
{
    json_t *json = document->json;
    json_t *rounding = json_object_get(json, "rounding");
    const struct path base = {"base"};
    const struct path rounding_path = {"rounding"};
    rates->rounding = MONEY_HALF_UP;
    return check_members(document, err) &&
           read_source(document, json_object_get(json, "source"), rates, err) &&
           read_time(document, json_object_get(json, "time"), rates, err) &&
           read_stale(document, json_object_get(json, "stale_after_hours"), rates, err) &&
           (rounding == NULL ||
            document_rounding(document, &rounding_path, rounding, &rates->rounding, err)) &&
           document_currency(document, &base, json_object_get(json, "base"), &rates->base, err) &&
           read_rates(document, json_object_get(json, "rates"), rates, err);
}

struct rates *rates_new(struct str text, unsigned *line, struct error *err)
{
    struct document document;
    struct rates *rates = NULL;
    size_t count = 0;
    (void)currency_all(&count);
    *line = 0;
    if (document_open(&document, "rates", text, err)) {
        rates = calloc(1, sizeof(*rates));
        CHECK(rates != NULL);
        rates->worth = calloc(count, sizeof(*rates->worth));
        CHECK(rates->worth != NULL);
        if (read_all(&document, rates, err)) {
            rates->worth[currency_index(rates->base)] = (struct fraction){1, 1};
            rates->text = document_canonical(&document, &rates->text_len, rates->hash);
            document_hex(rates->hash, rates->hex);
        } else {
            *line = document.line;
            rates_free(&rates);
        }
    }
    document_release(&document);
    return rates;
}

void rates_free(struct rates **rates)
{
    if (*rates != NULL) {
        free((*rates)->worth);
        free((*rates)->text);
        free(*rates);
        *rates = NULL;
    }
}

/* ---- converting ------------------------------------------------------------------------------- */

/* What one major unit of `from` is worth in `to`; the pair itself comes before the way over the
 * base. */
static bool find_worth(const struct rates *rates, const struct currency *from,
                       const struct currency *to, struct fraction over[2])
{
    for (size_t i = 0; i < rates->pair_count; i++) {
        const struct rates_pair *pair = &rates->pairs[i];
        over[1] = (struct fraction){1, 1};
        if (pair->from == from && pair->to == to) {
            over[0] = pair->worth;
            return true;
        }
        if (pair->from == to && pair->to == from) {
            over[0] = (struct fraction){pair->worth.denominator, pair->worth.numerator};
            return true;
        }
    }
    struct fraction of_from = rates->worth[currency_index(from)];
    over[0] = (struct fraction){of_from.denominator, of_from.numerator};
    over[1] = rates->worth[currency_index(to)];
    return of_from.numerator > 0 && over[1].numerator > 0;
}

enum {
    ABOVE = 4,
    BELOW = 3,
};

static bool product(exact start, const int64_t *factors, size_t count, exact *out)
{
    *out = start;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_mul_overflow(*out, (exact)factors[i], out)) {
            return false;
        }
    }
    return true;
}

/* Take out what is both above and below: only where the product would not fit otherwise. */
static void shorten(int64_t above[ABOVE], int64_t below[BELOW])
{
    for (size_t i = 0; i < ABOVE; i++) {
        for (size_t k = 0; k < BELOW; k++) {
            int64_t common = divisor_of(above[i], below[k]);
            above[i] /= common;
            below[k] /= common;
        }
    }
}

/* amount x over[0] x over[1] in `parts` of a minor unit of `to`. False: no room for the product,
 * which ten digits of a rate leave to absurd ones. */
static bool scale(int64_t amount_minor, const struct fraction over[2], int64_t parts,
                  const struct currency *from, const struct currency *to,
                  enum money_rounding rounding, exact *out)
{
    CHECK(from->exponent <= EXPONENT_MAX && to->exponent <= EXPONENT_MAX);
    bool grows = to->exponent >= from->exponent;
    int64_t power = power_of_ten(grows ? (unsigned)(to->exponent - from->exponent)
                                       : (unsigned)(from->exponent - to->exponent));
    int64_t above[ABOVE] = {over[0].numerator, over[1].numerator, grows ? power : 1, parts};
    int64_t below[BELOW] = {over[0].denominator, over[1].denominator, grows ? 1 : power};
    exact numerator = 0;
    exact denominator = 0;
    if (!product(amount_minor, above, ABOVE, &numerator)) {
        shorten(above, below);
        if (!product(amount_minor, above, ABOVE, &numerator)) {
            return false;
        }
    }
    if (!product(1, below, BELOW, &denominator)) {
        return false;
    }
    *out = exact_divide(numerator, denominator, rounding);
    return true;
}

bool rates_convert(const struct rates *rates, int64_t amount_minor, const struct currency *from,
                   const struct currency *to, int64_t *out)
{
    struct fraction over[2];
    exact result = 0;
    if (from == to) {
        *out = amount_minor;
        return true;
    }
    if (!find_worth(rates, from, to, over) ||
        !scale(amount_minor, over, 1, from, to, rates->rounding, &result) ||
        result > MONEY_AMOUNT_MAX || result < -MONEY_AMOUNT_MAX) {
        return false;
    }
    *out = (int64_t)result;
    return true;
}

bool rates_convert_exact(const struct rates *rates, int64_t amount_minor,
                         const struct currency *from, const struct currency *to, exact *out)
{
    struct fraction over[2];
    exact bound = (exact)MONEY_AMOUNT_MAX * EXACT_MILLION;
    if (from == to) {
        *out = (exact)amount_minor * EXACT_MILLION;
        return true;
    }
    return find_worth(rates, from, to, over) &&
           scale(amount_minor, over, EXACT_MILLION, from, to, MONEY_HALF_UP, out) &&
           *out <= bound && *out >= -bound;
}

const char *rates_source(const struct rates *rates)
{
    return rates->source;
}

int64_t rates_time_us(const struct rates *rates)
{
    return rates->time_us;
}

bool rates_is_stale(const struct rates *rates, int64_t now_wall_us)
{
    return now_wall_us - rates->time_us > rates->stale_us;
}

struct str rates_text(const struct rates *rates)
{
    return (struct str){rates->text, rates->text_len};
}

const uint8_t *rates_hash(const struct rates *rates)
{
    return rates->hash;
}

const char *rates_hex(const struct rates *rates)
{
    return rates->hex;
}
