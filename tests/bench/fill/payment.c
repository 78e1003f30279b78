#include "tests/bench/fill/fill.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    UUID_SIZE = 16,
    UUID_TEXT_SIZE = 37,
    ID_TEXT_LEN = 26,
    AMOUNT_MOST = 50000,
};

struct values { /* of one payment */
    char payment[UUID_TEXT_SIZE];
    char payment_text[ID_TEXT_LEN + 1];
    char attempt[UUID_TEXT_SIZE];
    char attempt_text[ID_TEXT_LEN + 1];
    char key[UUID_TEXT_SIZE];
    char amount[24];
    char fingerprint[2 * SHA256_DIGEST_LENGTH + 1];
    char id[ID_MAX][UUID_TEXT_SIZE];
    int64_t at_ms;
    const struct merchant *merchant;
};

void text_add(struct text *text, const char *at, size_t len)
{
    if (text->len + len > text->room) {
        text->room = (text->len + len) * 2 + 4096;
        text->at = realloc(text->at, text->room);
        if (text->at == NULL)
            give_up("out of memory");
    }
    memcpy(text->at + text->len, at, len);
    text->len += len;
}

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void print_uuid(const uint8_t uuid[UUID_SIZE], char out[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[len++] = '-';
        out[len++] = digits[uuid[i] >> 4];
        out[len++] = digits[uuid[i] & 15];
    }
    out[len] = '\0';
}

/* 26 characters of 5 bits each, the first of 3: as ids are shown (base/id.h). */
static void print_id(const uint8_t uuid[UUID_SIZE], char out[ID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    __extension__ unsigned __int128 whole = 0;
    for (size_t i = 0; i < UUID_SIZE; i++)
        whole = whole << 8 | uuid[i];
    for (size_t i = ID_TEXT_LEN; i-- > 0; whole >>= 5)
        out[i] = digits[(unsigned)whole & 31];
    out[ID_TEXT_LEN] = '\0';
}

static void make_uuid7(int64_t ms, uint64_t *rng, uint8_t out[UUID_SIZE])
{
    uint64_t high = next(rng);
    uint64_t low = next(rng);
    for (int i = 0; i < 6; i++)
        out[i] = (uint8_t)(ms >> (8 * (5 - i)));
    memcpy(out + 6, &high, 2);
    memcpy(out + 8, &low, 8);
    out[6] = (uint8_t)(0x70 | (out[6] & 0x0f));
    out[8] = (uint8_t)(0x80 | (out[8] & 0x3f));
}

static double unit(uint64_t *rng)
{
    return (double)(next(rng) >> 11) / 9007199254740992.0;
}

/* Large ones have many payments: the cube of a uniform number falls on the first twentieth of all
 * merchants for more than a third of the payments. */
static const struct merchant *draw_merchant(const struct plan *plan, uint64_t *rng)
{
    double u = unit(rng);
    return &plan->merchant[(size_t)(u * u * u * (double)plan->merchant_count)];
}

static const struct shape *draw_shape(const struct plan *plan, uint64_t *rng)
{
    double at = unit(rng);
    for (size_t i = 0; i + 1 < plan->shape_count; i++) {
        at -= plan->shape[i].share;
        if (at < 0)
            return &plan->shape[i];
    }
    return &plan->shape[plan->shape_count - 1];
}

static void add_time(struct text *text, int64_t ms)
{
    char out[40];
    struct tm utc;
    time_t seconds = (time_t)(ms / 1000);
    (void)gmtime_r(&seconds, &utc);
    size_t len = strftime(out, sizeof(out), "%Y-%m-%d %H:%M:%S", &utc);
    int more = snprintf(out + len, sizeof(out) - len, ".%03d+00", (int)(ms % 1000));
    text_add(text, out, len + (size_t)more);
}

static const char *value_of(const struct values *values, const struct piece *piece)
{
    switch (piece->place) {
    case PLACE_PAYMENT:
        return values->payment;
    case PLACE_PAYMENT_TEXT:
        return values->payment_text;
    case PLACE_ATTEMPT:
        return values->attempt;
    case PLACE_ATTEMPT_TEXT:
        return values->attempt_text;
    case PLACE_MERCHANT:
        return values->merchant->id;
    case PLACE_ACCOUNT:
        return values->merchant->account;
    case PLACE_ACCOUNT_TEXT:
        return values->merchant->account_text;
    case PLACE_KEY:
        return values->key;
    case PLACE_AMOUNT:
        return values->amount;
    case PLACE_FINGERPRINT:
        return values->fingerprint;
    case PLACE_ID:
        return values->id[piece->number];
    case PLACE_TEXT:
    case PLACE_TIME:
        break;
    }
    return "";
}

static void add_pieces(struct text *text, const struct values *values, const struct piece *pieces,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct piece *piece = &pieces[i];
        if (piece->place == PLACE_TEXT) {
            text_add(text, piece->text, piece->len);
        } else if (piece->place == PLACE_TIME) {
            add_time(text, values->at_ms + piece->number);
        } else {
            const char *value = value_of(values, piece);
            text_add(text, value, strlen(value));
        }
    }
}

static void draw_ids(struct values *values, uint64_t *rng)
{
    uint8_t uuid[UUID_SIZE];
    make_uuid7(values->at_ms, rng, uuid);
    print_uuid(uuid, values->payment);
    print_id(uuid, values->payment_text);
    make_uuid7(values->at_ms, rng, uuid);
    print_uuid(uuid, values->attempt);
    print_id(uuid, values->attempt_text);
    for (size_t i = 0; i < ID_MAX; i++) {
        make_uuid7(values->at_ms, rng, uuid);
        print_uuid(uuid, values->id[i]);
    }
    uint64_t key[2] = {next(rng), next(rng)}; /* clients choose random keys */
    memcpy(uuid, key, sizeof(key));
    uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f));
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
    print_uuid(uuid, values->key);
}

static void make_fingerprint(struct values *values, const struct shape *shape)
{
    static struct text body;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    body.len = 0;
    add_pieces(&body, values, shape->body, shape->body_count);
    (void)SHA256((const unsigned char *)body.at, body.len, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        (void)snprintf(values->fingerprint + 2 * i, 3, "%02x", digest[i]);
}

void payment_write(const struct plan *plan, int64_t index, struct text tables[TABLE_MAX])
{
    struct values values;
    uint64_t rng = plan->seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)index;
    (void)next(&rng);
    double share = ((double)index + unit(&rng)) / (double)plan->payment_count;
    values.at_ms = plan->from_ms + (int64_t)((double)(plan->until_ms - plan->from_ms) * share);
    values.merchant = draw_merchant(plan, &rng);
    const struct shape *shape = draw_shape(plan, &rng);
    (void)snprintf(values.amount, sizeof(values.amount), "%d",
                   100 + (int)(unit(&rng) * AMOUNT_MOST));
    draw_ids(&values, &rng);
    make_fingerprint(&values, shape);
    for (size_t i = 0; i < shape->row_count; i++) {
        const struct row *row = &shape->row[i];
        add_pieces(&tables[row->table], &values, row->pieces, row->piece_count);
    }
}
