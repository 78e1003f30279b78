#include "ledger/past.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mix.h"
#include "base/money.h"
#include "ledger/copy.h"
#include "ledger/finder.h"

enum {
    SQL_BYTES_MAX = 2048,
    RECORD_BYTES = 480, /* of a decision: what is before its candidates, and a little more */
    EARLIER_S = 60,     /* an id may be so much older than its row */
};

#define UNLIKE "cannot read the history: a row is unlike what was asked for"

static const struct mix_seed seed = {{UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89)}};

struct attempt { /* until all outcomes are there */
    struct uuid attempt_id;
    uint32_t payment;
    uint32_t account;
    uint16_t number;
    uint16_t outcome_number; /* of the last one */
    uint8_t outcome;
};

struct load {
    struct past *past;
    const struct past_wanted *wanted;
    struct copy *copy;       /* owned */
    struct attempt *attempt; /* owned */
    size_t attempt_count;
    size_t attempt_room;
    struct finder payments;
    struct finder attempts;
};

/* ---- what is asked for ------------------------------------------------------------------------ */

/* Of one merchant the primary key leads to them, by ids that are made of times; of all it is a scan. */
static void write_where(const struct past_wanted *wanted, const char *id_column, bool has_end,
                        char out[512])
{
    char merchant[UUID_TEXT_SIZE];
    char first[UUID_TEXT_SIZE];
    char until[96] = "";
    int64_t from_us = wanted->since_us - EARLIER_S * CLOCK_SECOND_US;
    struct uuid id = uuid_first(from_us);
    if (has_end && wanted->until_us > 0)
        (void)snprintf(until, sizeof(until),
                       " AND created_at < 'epoch'::timestamptz + %" PRId64
                       " * interval '1 microsecond'",
                       wanted->until_us);
    int len = snprintf(
        out, 512, "created_at >= 'epoch'::timestamptz + %" PRId64 " * interval '1 microsecond'%s",
        wanted->since_us, until);
    if (!uuid_is_zero(&wanted->merchant_id)) {
        (void)uuid_format(&wanted->merchant_id, merchant);
        (void)uuid_format(&id, first);
        (void)snprintf(out + len, 512 - (size_t)len, " AND merchant_id = '%s' AND %s >= '%s'",
                       merchant, id_column, first);
    }
}

/* ---- payments --------------------------------------------------------------------------------- */

static bool is_payment(const void *owner, uint32_t index, const void *key)
{
    return memcmp(&past_payment(owner, index)->payment_id, key, sizeof(struct uuid)) == 0;
}

static bool take_payment(struct load *load, const struct str *field)
{
    struct past *past = load->past;
    struct past_payment *payment = past_add(past);
    const struct currency *currency = currency_find(field[3]);
    if (!copy_uuid(field[0], &payment->payment_id) || !copy_time(field[1], &payment->created_us) ||
        !copy_int(field[2], &payment->amount_minor) || currency == NULL)
        return false;
    payment->currency = (uint16_t)currency_index(currency);
    payment->method = past_keep(past, field[4]);
    payment->country = past_keep(past, field[5]);
    payment->routing = past_keep(past, field[6]);
    payment->reference = past_keep(past, field[7]);
    payment->metadata = past_keep(past, field[8]);
    finder_add(&load->payments, mix_bytes(&seed, &payment->payment_id, sizeof(struct uuid)),
               (uint32_t)past_count(past) - 1);
    return true;
}

static bool read_payments(struct load *load, struct error *err)
{
    char sql[SQL_BYTES_MAX];
    char where[512];
    struct str field[COPY_COLUMN_MAX];
    write_where(load->wanted, "payment_id", true, where);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT payment_id, created_at, amount_minor, currency, method_type, country,"
                   " routing, %s, %s FROM payments WHERE parent_id IS NULL AND %s",
                   load->wanted->reference ? "reference" : "NULL::text",
                   load->wanted->metadata ? "metadata" : "NULL::text", where);
    if (!copy_start(load->copy, sql, 9, err))
        return false;
    while (copy_next(load->copy, field, err)) {
        if (past_count(load->past) == PAST_PAYMENT_MAX)
            return fail(err, ERROR_BUSY, "cannot read the history: more than %d payments",
                        PAST_PAYMENT_MAX);
        if (!take_payment(load, field))
            return fail(err, ERROR_IO, UNLIKE);
    }
    return err->text[0] == '\0';
}

/* ---- attempts --------------------------------------------------------------------------------- */

static bool is_attempt(const void *owner, uint32_t index, const void *key)
{
    const struct attempt *attempt = owner;
    return memcmp(&attempt[index].attempt_id, key, sizeof(struct uuid)) == 0;
}

static struct attempt *add_attempt(struct load *load)
{
    if (load->attempt_count == load->attempt_room) {
        load->attempt_room = load->attempt_room == 0 ? 1024 : load->attempt_room * 2;
        load->attempt = realloc(load->attempt, load->attempt_room * sizeof(*load->attempt));
        CHECK(load->attempt != NULL);
    }
    struct attempt *attempt = &load->attempt[load->attempt_count++];
    *attempt = (struct attempt){.outcome = OUTCOME_NONE};
    return attempt;
}

static bool take_attempt(struct load *load, const struct str *field)
{
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid account_id;
    struct uuid attempt_id;
    int64_t number = 0;
    int64_t fee_minor = -1;
    uint32_t at = 0;
    if (!copy_uuid(field[0], &merchant_id) || !copy_uuid(field[1], &payment_id) ||
        !copy_uuid(field[2], &attempt_id) || !copy_uuid(field[3], &account_id) ||
        !copy_int(field[4], &number) || !copy_int(field[5], &fee_minor))
        return false;
    if (!finder_find(&load->payments, mix_bytes(&seed, &payment_id, sizeof(payment_id)), is_payment,
                     load->past, &payment_id, &at))
        return true; /* of a capture, a refund, or before the span */
    struct attempt *attempt = add_attempt(load);
    struct past_payment *payment = past_edit(load->past, at);
    attempt->attempt_id = attempt_id;
    attempt->payment = at;
    attempt->number = (uint16_t)number;
    attempt->account = past_keep_account(load->past, &merchant_id, &account_id);
    finder_add(&load->attempts, mix_bytes(&seed, &attempt_id, sizeof(attempt_id)),
               (uint32_t)load->attempt_count - 1);
    payment->attempts++;
    if (number != 1)
        return true;
    payment->account = attempt->account;
    payment->fee_minor = fee_minor;
    payment->operation = (uint8_t)operation_find(field[6]);
    past_take_decision(load->past, payment, field[7]);
    past_take_facts(load->past, payment, field[8]);
    return true;
}

/* Bytes of a decision, not characters: counting those takes three times as long as all the rest. */
static bool read_attempts(struct load *load, struct error *err)
{
    static const char facts[] =
        "CASE number WHEN 1 THEN split_part(decision, '" PAST_FACTS "', 2) END";
    char sql[SQL_BYTES_MAX];
    char where[512];
    struct str field[COPY_COLUMN_MAX];
    write_where(load->wanted, "attempt_id", false, where);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT merchant_id, payment_id, attempt_id, account_id, number,"
                   " coalesce(expected_fee_minor, -1), operation,"
                   " CASE number WHEN 1 THEN substring(textsend(decision), 1, %d) END, %s"
                   " FROM attempts WHERE %s",
                   RECORD_BYTES, load->wanted->facts ? facts : "NULL::text", where);
    if (!copy_start(load->copy, sql, 9, err))
        return false;
    while (copy_next(load->copy, field, err)) {
        if (!take_attempt(load, field))
            return fail(err, ERROR_IO, UNLIKE);
    }
    return err->text[0] == '\0';
}

/* ---- outcomes --------------------------------------------------------------------------------- */

static bool take_outcome(struct load *load, const struct str *field)
{
    struct uuid attempt_id;
    int64_t number = 0;
    int64_t elapsed_us = 0;
    uint32_t at = 0;
    if (!copy_uuid(field[0], &attempt_id) || !copy_int(field[1], &number) ||
        !copy_int(field[2], &elapsed_us))
        return false;
    if (!finder_find(&load->attempts, mix_bytes(&seed, &attempt_id, sizeof(attempt_id)), is_attempt,
                     load->attempt, &attempt_id, &at))
        return true;
    struct attempt *attempt = &load->attempt[at];
    struct past_payment *payment = past_edit(load->past, attempt->payment);
    if (attempt->number == 1 && payment->elapsed_us == 0)
        payment->elapsed_us = elapsed_us > UINT32_MAX ? UINT32_MAX : (uint32_t)elapsed_us;
    if (number > attempt->outcome_number) {
        attempt->outcome_number = (uint16_t)number;
        attempt->outcome = (uint8_t)outcome_find(field[3]);
    }
    return true;
}

static bool read_outcomes(struct load *load, struct error *err)
{
    char sql[SQL_BYTES_MAX];
    char where[512];
    struct str field[COPY_COLUMN_MAX];
    write_where(load->wanted, "attempt_id", false, where);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT attempt_id, number, elapsed_us, outcome FROM outcomes"
                   " WHERE outcome <> 'none' AND %s",
                   where);
    if (!copy_start(load->copy, sql, 4, err))
        return false;
    while (copy_next(load->copy, field, err)) {
        if (!take_outcome(load, field))
            return fail(err, ERROR_IO, UNLIKE);
    }
    return err->text[0] == '\0';
}

/* Of two attempts of a payment: approved wins, then what is not known, then what came last. */
static enum outcome join(enum outcome before, enum outcome other)
{
    if (before == OUTCOME_APPROVED || other == OUTCOME_APPROVED)
        return OUTCOME_APPROVED;
    return outcome_is_final(before) ? other : before;
}

static void settle(struct load *load)
{
    for (size_t i = 0; i < load->attempt_count; i++) {
        const struct attempt *attempt = &load->attempt[i];
        struct past_payment *payment = past_edit(load->past, attempt->payment);
        enum outcome outcome = (enum outcome)attempt->outcome;
        if (attempt->number == 1)
            payment->first = attempt->outcome;
        if (outcome == OUTCOME_APPROVED)
            payment->paid = attempt->account;
        bool is_only = payment->attempts == 1 || payment->final == OUTCOME_NONE;
        payment->final = (uint8_t)(is_only ? outcome : join((enum outcome)payment->final, outcome));
    }
}

bool past_load(struct past *past, const char *conninfo, const struct past_wanted *wanted,
               struct error *err)
{
    struct load load = {.past = past, .wanted = wanted, .copy = copy_open(conninfo, err)};
    bool ok = load.copy != NULL && read_payments(&load, err) && read_attempts(&load, err) &&
              read_outcomes(&load, err);
    if (ok) {
        settle(&load);
        past_sort(past);
    }
    copy_close(&load.copy);
    free(load.attempt);
    finder_release(&load.payments);
    finder_release(&load.attempts);
    return ok;
}
