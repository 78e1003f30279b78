/*
 * fake_books.h - the ledger's pages in memory, beside fake_store.h and by its rules: what was asked is kept, what is set is
 * answered.
 */
#ifndef TESTS_API_FAKE_BOOKS_H
#define TESTS_API_FAKE_BOOKS_H

#include "fake_store.h"

#include "ledger/books.h"

static struct fake_books {
    struct books books; /* what is answered */
    /* of the last question */
    struct uuid merchant_id;
    struct books_filter filter;
    char account[64], kind[64], state[64], after[64];
    struct uuid after_id;
    int64_t from_us, to_us, as_of_us;
    bool has_as_of;
    bool by_effect;
    unsigned limit;
    unsigned count;
} fake_books;

struct fake_books_job {
    books_fn done;
    void *ctx;
};

static void run_books(const struct fake_job *job)
{
    const struct fake_books_job *asked = job->ctx;
    asked->done(asked->ctx, job->found, &fake_books.books, &job->why);
}

static void fake_books_ask(const struct uuid *merchant_id, unsigned limit, books_fn done, void *ctx)
{
    struct fake_books_job *job = ARENA_NEW(&fake.memory, struct fake_books_job);
    fake_ask();
    *job = (struct fake_books_job){done, ctx};
    fake_books.merchant_id = *merchant_id;
    fake_books.limit = limit;
    fake_books.count++;
    (void)fake_job(run_books, job);
}

static void fake_books_keep(struct str text, char out[64])
{
    (void)str_copy_to(text, out, 64);
}

void books_accounts(struct store *store UNUSED, const struct uuid *merchant_id, struct str kind,
                    struct str after, unsigned limit, struct arena *arena UNUSED, books_fn done,
                    void *ctx)
{
    fake_books_keep(kind, fake_books.kind);
    fake_books_keep(after, fake_books.after);
    fake_books_ask(merchant_id, limit, done, ctx);
}

void books_transfers(struct store *store UNUSED, const struct uuid *merchant_id,
                     const struct books_filter *filter, struct arena *arena UNUSED, books_fn done,
                     void *ctx)
{
    fake_books.filter = *filter;
    fake_books_keep(filter->account, fake_books.account);
    fake_books_keep(filter->kind, fake_books.kind);
    fake_books_keep(filter->state, fake_books.state);
    fake_books_ask(merchant_id, filter->limit, done, ctx);
}

void books_balances(struct store *store UNUSED, const struct uuid *merchant_id,
                    const int64_t *as_of_us, bool by_effect, struct arena *arena UNUSED,
                    books_fn done, void *ctx)
{
    fake_books.has_as_of = as_of_us != NULL;
    fake_books.as_of_us = as_of_us != NULL ? *as_of_us : 0;
    fake_books.by_effect = by_effect;
    fake_books_ask(merchant_id, 0, done, ctx);
}

void books_statement(struct store *store UNUSED, const struct uuid *merchant_id, struct str account,
                     int64_t from_us, int64_t to_us, const struct uuid *after, unsigned limit,
                     struct arena *arena UNUSED, books_fn done, void *ctx)
{
    fake_books_keep(account, fake_books.account);
    fake_books.from_us = from_us;
    fake_books.to_us = to_us;
    fake_books.after_id = *after;
    fake_books_ask(merchant_id, limit, done, ctx);
}

#endif
