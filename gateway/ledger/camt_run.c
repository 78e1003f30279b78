#include "ledger/camt_run.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/camt.h"

enum {
    FLUSH_BYTES = 1 << 18,
    OUT_BYTES_MAX = 1 << 20,
    PROGRESS_ROWS = 8192,
};

struct stating {
    const struct export_wanted *wanted;
    struct camt camt;
    struct buf out;
    uint64_t rows;
    uint64_t bytes;
    struct sums opening;
    struct sums closing;
};

static bool flush(struct stating *s, struct error *err)
{
    if (!buf_is_ok(&s->out))
        return fail(err, ERROR_INTERNAL, "an entry is longer than it may be");
    s->bytes += s->out.len;
    bool ok = s->out.len == 0 || fwrite(s->out.at, 1, s->out.len, s->wanted->out) == s->out.len;
    buf_clear(&s->out);
    return ok || fail(err, ERROR_IO, "cannot write: %s", strerror(errno));
}

static bool put_entry(void *ctx, const struct export_row *row, struct error *err)
{
    struct stating *s = ctx;
    if (!camt_entry(&s->camt, row, err))
        return false;
    s->rows++;
    if (s->rows % PROGRESS_ROWS == 0 && s->wanted->progress != NULL)
        s->wanted->progress(s->wanted->ctx, s->rows, s->bytes, row->created_us);
    return s->out.len < FLUSH_BYTES || flush(s, err);
}

/* Bounds of ids are milliseconds: balances and entries must have the same. */
static int64_t cut(int64_t us)
{
    return us == INT64_MIN || us == INT64_MAX ? us : us - us % CLOCK_MS_US;
}

static bool state(struct stating *s, struct copy *copy, const struct export_merchant *merchant,
                  const struct currency *currency, struct error *err)
{
    size_t index = currency_index(currency);
    struct export_merchant one = *merchant;
    const struct export_merchants merchants = {.at = &one, .count = 1};
    const struct export_wanted wanted = {
        .format = EXPORT_ROWS,
        .account = s->wanted->account,
        .currency = currency,
        .has_references = true,
        .from_us = cut(s->wanted->from_us),
        .to_us = cut(s->wanted->to_us),
        .row = put_entry,
        .ctx = s,
    };
    uint64_t ignored = 0;
    return camt_statement(&s->camt, currency, &s->opening.of[index], &s->closing.of[index], err) &&
           export_run(copy, &wanted, &merchants, &ignored, err) &&
           camt_statement_end(&s->camt, err);
}

static bool state_all(struct stating *s, struct copy *copy, const struct export_merchant *merchant,
                      struct error *err)
{
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    size_t stated = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sum *sum = &s->closing.of[currency_index(&all[i])];
        if (sum->debit_minor == 0 && sum->credit_minor == 0)
            continue;
        if (!state(s, copy, merchant, &all[i], err))
            return false;
        stated++;
    }
    return stated > 0 || fail(err, ERROR_NOT_FOUND,
                              "cannot state \"" STR_FMT
                              "\": nothing was posted on it until then; turnpike ledger "
                              "accounts lists the accounts",
                              STR_ARG(s->wanted->account));
}

static bool read_balances(struct stating *s, struct copy *copy, const struct uuid *merchant_id,
                          struct error *err)
{
    const struct export_wanted *wanted = s->wanted;
    return sums_read(copy, merchant_id, wanted->account, cut(wanted->from_us), false, &s->opening,
                     err) &&
           sums_read(copy, merchant_id, wanted->account, cut(wanted->to_us), false, &s->closing,
                     err);
}

bool camt_run(struct copy *copy, const struct export_wanted *wanted,
              const struct export_merchant *merchant, uint64_t *rows, struct error *err)
{
    struct stating s = {.wanted = wanted};
    const struct camt_scope scope = {
        .merchant = merchant->name,
        .merchant_id = merchant->id,
        .account = wanted->account,
        .made_us = wanted->now_us,
        .from_us = cut(wanted->from_us),
        .to_us = cut(wanted->to_us),
    };
    if (wanted->account.len > EXPORT_ACCOUNT_MAX)
        return fail(err, ERROR_INVALID, "the account's name is too long");
    buf_init(&s.out, OUT_BYTES_MAX);
    bool ok = read_balances(&s, copy, &merchant->id, err);
    if (ok)
        camt_begin(&s.camt, &scope, &s.out);
    ok = ok && state_all(&s, copy, merchant, err);
    if (ok)
        camt_end(&s.camt);
    ok = ok && flush(&s, err) &&
         (fflush(wanted->out) == 0 || fail(err, ERROR_IO, "cannot write: %s", strerror(errno)));
    *rows = s.rows;
    buf_release(&s.out);
    return ok;
}
