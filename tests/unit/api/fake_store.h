/*
 * fake_store.h - the ledger's directory and reads in memory, in the place of libledger: what this
 * file defines, the linker does not take from there. Every answer comes in a later tick, as from
 * the real one. fake.is_away lets everything fail. Payments cannot be written: they end
 * UNAVAILABLE. A function that store.h gains must be added here, or the link names it twice.
 */
#ifndef TESTS_API_FAKE_STORE_H
#define TESTS_API_FAKE_STORE_H

#include <stdlib.h>

#include "base/clock.h"
#include "ledger/balance.h"
#include "ledger/directory.h"
#include "ledger/price.h"
#include "ledger/sessions.h"

enum {
    FAKE_ROW_MAX = 64,
};

struct fake_job { /* one answer that is due */
    struct fake_job *next;
    void (*run)(const struct fake_job *job);
    void *ctx;
    enum store_find found;
    struct error why;
    struct directory_rows rows;
    int64_t count;
    const struct store_payment_view *payments;
    const struct store_key_view *key;
    bool has_more;
    union {
        directory_done_fn change;
        directory_rows_fn rows;
        store_count_fn count;
        store_payment_fn payment;
        store_list_fn list;
        store_key_fn key;
        store_done_fn write;
    } done;
};

static struct fake {
    struct loop_timer timer;
    struct fake_job *first;
    struct fake_job **last;
    struct arena memory;
    bool is_away;
    unsigned away_at; /* so many asks of the ledger from now: it goes away; 0: it does not */
    int64_t version;
    struct directory_merchant merchants[FAKE_ROW_MAX];
    size_t merchant_count;
    struct directory_key keys[FAKE_ROW_MAX];
    size_t key_count;
    struct directory_account accounts[FAKE_ROW_MAX];
    size_t account_count;
    struct store_payment_view payments[FAKE_ROW_MAX]; /* newest first */
    size_t payment_count;
    struct store_filter filter; /* of the last list */
    size_t load_count;
    size_t write_count;
    size_t key_read_count;
    struct uuid ended[FAKE_ROW_MAX]; /* sessions */
    size_t ended_count;
    size_t ended_asked; /* how often */
    /* fake_orders.h: the keys of payouts that wait; NULL: there are none */
    const struct store_key_view *(*find_key)(const struct uuid *merchant_id, struct str key);
} fake;

static void fake_run(void *ctx UNUSED)
{
    while (fake.first != NULL) {
        struct fake_job *job = fake.first;
        fake.first = job->next;
        if (fake.first == NULL)
            fake.last = &fake.first;
        job->run(job);
        free(job);
    }
}

static void fake_start(struct loop *loop)
{
    memset(&fake, 0, sizeof(fake));
    fake.last = &fake.first;
    arena_init(&fake.memory, 1 << 26);
    loop_timer_init(&fake.timer, loop, fake_run, NULL);
}

static void fake_stop(void)
{
    while (fake.first != NULL) {
        struct fake_job *job = fake.first;
        fake.first = job->next;
        free(job);
    }
    loop_timer_release(&fake.timer);
    arena_release(&fake.memory);
}

/* One ask by a request; what runs in the background does not count. */
static void fake_ask(void)
{
    if (fake.away_at > 0 && --fake.away_at == 0)
        fake.is_away = true;
}

static struct fake_job *fake_job(void (*run)(const struct fake_job *job), void *ctx)
{
    struct fake_job *job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    job->run = run;
    job->ctx = ctx;
    if (fake.is_away) {
        job->found = STORE_FAILED;
        (void)fail(&job->why, ERROR_UNAVAILABLE, "the database is away");
    }
    *fake.last = job;
    fake.last = &job->next;
    loop_timer_start(&fake.timer, 0);
    return job;
}

/* ---- directory: changes ---- */

static void run_change(const struct fake_job *job)
{
    job->done.change(job->ctx, job->found, &job->why);
}

static bool fake_change(directory_done_fn done, void *ctx, bool exists)
{
    struct fake_job *job = fake_job(run_change, ctx);
    job->done.change = done;
    if (!fake.is_away && !exists) {
        job->found = STORE_ABSENT;
        (void)fail(&job->why, ERROR_NOT_FOUND, "no such object");
    }
    fake.version++;
    return !fake.is_away && exists;
}

static struct str fake_keep(struct str text)
{
    return arena_str(&fake.memory, text);
}

static struct directory_merchant *fake_merchant(const struct uuid *id)
{
    for (size_t i = 0; i < fake.merchant_count; i++) {
        if (uuid_eq(&fake.merchants[i].merchant_id, id))
            return &fake.merchants[i];
    }
    return NULL;
}

void directory_put_merchant(struct store *store UNUSED, const struct directory_merchant *merchant,
                            directory_done_fn done, void *ctx)
{
    if (!fake_change(done, ctx, true))
        return;
    struct directory_merchant *row = fake_merchant(&merchant->merchant_id);
    row = row != NULL ? row : &fake.merchants[fake.merchant_count++];
    *row = *merchant;
    row->name = fake_keep(merchant->name);
    row->country = fake_keep(merchant->country);
}

void directory_limit_merchant(struct store *store UNUSED, const struct directory_merchant *merchant,
                              directory_done_fn done, void *ctx)
{
    struct directory_merchant *row = fake_merchant(&merchant->merchant_id);
    if (!fake_change(done, ctx, row != NULL))
        return;
    row->rate = merchant->rate;
    row->burst = merchant->burst;
    row->in_flight_max = merchant->in_flight_max;
}

void directory_approve_merchant(struct store *store UNUSED,
                                const struct directory_merchant *merchant, directory_done_fn done,
                                void *ctx)
{
    struct directory_merchant *row = fake_merchant(&merchant->merchant_id);
    if (!fake_change(done, ctx, row != NULL))
        return;
    row->payout_limits_json = fake_keep(merchant->payout_limits_json);
}

void directory_put_key(struct store *store UNUSED, const struct directory_key *key,
                       directory_done_fn done, void *ctx)
{
    if (!fake_change(done, ctx, true))
        return;
    struct directory_key *row = &fake.keys[fake.key_count++];
    *row = *key;
    row->hint = fake_keep(key->hint);
}

static struct directory_account *fake_account(const struct uuid *id)
{
    for (size_t i = 0; i < fake.account_count; i++) {
        if (uuid_eq(&fake.accounts[i].account_id, id))
            return &fake.accounts[i];
    }
    return NULL;
}

void directory_put_account(struct store *store UNUSED, const struct directory_account *account,
                           directory_done_fn done, void *ctx)
{
    if (!fake_change(done, ctx, true))
        return;
    struct directory_account *row = fake_account(&account->account_id);
    row = row != NULL ? row : &fake.accounts[fake.account_count++];
    *row = *account;
    struct str *const texts[] = {&row->provider,   &row->name,      &row->base_url,
                                 &row->secret_ref, &row->fees_json, &row->settings_json,
                                 &row->currencies, &row->methods};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = fake_keep(*texts[i]);
}

void directory_disable_merchant(struct store *store UNUSED, const struct uuid *merchant_id,
                                bool disabled, directory_done_fn done, void *ctx)
{
    struct directory_merchant *row = fake_merchant(merchant_id);
    if (fake_change(done, ctx, row != NULL))
        row->disabled = disabled;
}

void directory_bind_merchant(struct store *store UNUSED, const struct uuid *merchant_id,
                             struct str client_keys, directory_done_fn done, void *ctx)
{
    struct directory_merchant *row = fake_merchant(merchant_id);
    if (fake_change(done, ctx, row != NULL))
        row->client_keys = fake_keep(client_keys);
}

static struct directory_key *fake_key(const struct uuid *id)
{
    for (size_t i = 0; i < fake.key_count; i++) {
        if (uuid_eq(&fake.keys[i].key_id, id))
            return &fake.keys[i];
    }
    return NULL;
}

void directory_disable_key(struct store *store UNUSED, const struct uuid *key_id, int64_t at_us,
                           directory_done_fn done, void *ctx)
{
    struct directory_key *row = fake_key(key_id);
    if (fake_change(done, ctx, row != NULL))
        row->disabled_us = at_us;
}

void directory_disable_account(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                               const struct uuid *account_id, bool disabled, directory_done_fn done,
                               void *ctx)
{
    struct directory_account *row = fake_account(account_id);
    if (fake_change(done, ctx, row != NULL))
        row->disabled = disabled;
}

/* ---- directory: reads ---- */

static void run_rows(const struct fake_job *job)
{
    job->done.rows(job->ctx, job->found, &job->rows, &job->why);
}

static struct fake_job *fake_rows(directory_rows_fn done, void *ctx, struct arena *arena)
{
    struct fake_job *job = fake_job(run_rows, ctx);
    job->done.rows = done;
    job->rows.merchants = ARENA_ARRAY(arena, struct directory_merchant, FAKE_ROW_MAX);
    job->rows.keys = ARENA_ARRAY(arena, struct directory_key, FAKE_ROW_MAX);
    job->rows.accounts = ARENA_ARRAY(arena, struct directory_account, FAKE_ROW_MAX);
    return job;
}

static void add_merchant(struct fake_job *job, const struct uuid *id)
{
    const struct directory_merchant *row = fake_merchant(id);
    if (row != NULL)
        job->rows.merchants[job->rows.merchant_count++] = *row;
}

static void absent_if_empty(struct fake_job *job)
{
    if (job->found == STORE_FOUND && job->rows.merchant_count + job->rows.key_count == 0)
        job->found = STORE_ABSENT;
}

void directory_find_key(struct store *store UNUSED, const uint8_t digest[32], struct arena *arena,
                        directory_rows_fn done, void *ctx)
{
    struct fake_job *job = fake_rows(done, ctx, arena);
    for (size_t i = 0; i < fake.key_count; i++) {
        if (memcmp(fake.keys[i].digest, digest, 32) == 0) {
            job->rows.keys[job->rows.key_count++] = fake.keys[i];
            add_merchant(job, &fake.keys[i].merchant_id);
        }
    }
    absent_if_empty(job);
}

void directory_load_key(struct store *store UNUSED, const struct uuid *key_id, struct arena *arena,
                        directory_rows_fn done, void *ctx)
{
    struct fake_job *job = fake_rows(done, ctx, arena);
    const struct directory_key *row = fake_key(key_id);
    if (row != NULL)
        job->rows.keys[job->rows.key_count++] = *row;
    absent_if_empty(job);
}

void directory_load_merchant(struct store *store UNUSED, const struct uuid *merchant_id,
                             struct arena *arena, directory_rows_fn done, void *ctx)
{
    struct fake_job *job = fake_rows(done, ctx, arena);
    add_merchant(job, merchant_id);
    for (size_t i = 0; i < fake.key_count; i++) {
        if (uuid_eq(&fake.keys[i].merchant_id, merchant_id))
            job->rows.keys[job->rows.key_count++] = fake.keys[i];
    }
    for (size_t i = 0; i < fake.account_count; i++) {
        if (uuid_eq(&fake.accounts[i].merchant_id, merchant_id))
            job->rows.accounts[job->rows.account_count++] = fake.accounts[i];
    }
    absent_if_empty(job);
}

void directory_list_merchants(struct store *store UNUSED, struct arena *arena,
                              directory_rows_fn done, void *ctx)
{
    struct fake_job *job = fake_rows(done, ctx, arena);
    job->rows.merchant_count = fake.merchant_count;
    memcpy(job->rows.merchants, fake.merchants, sizeof(fake.merchants));
}

void directory_list_accounts(struct store *store UNUSED, struct arena *arena,
                             directory_rows_fn done, void *ctx)
{
    struct fake_job *job = fake_rows(done, ctx, arena);
    job->rows.account_count = fake.account_count;
    memcpy(job->rows.accounts, fake.accounts, sizeof(fake.accounts));
    for (size_t i = 0; i < fake.key_count; i++) {
        if (fake.keys[i].role == KEY_OPERATOR)
            job->rows.keys[job->rows.key_count++] = fake.keys[i];
    }
}

static const char *const fake_roles[KEY_ROLE_COUNT] = {"none", "merchant", "finance", "operator"};

const char *key_role_name(enum key_role role)
{
    return fake_roles[role];
}

enum key_role key_role_find(struct str name)
{
    for (int role = KEY_MERCHANT; role < KEY_ROLE_COUNT; role++) {
        if (str_eq(name, str_of(fake_roles[role])))
            return (enum key_role)role;
    }
    return KEY_ROLE_NONE;
}

/* ---- store: counts ---- */

static void run_count(const struct fake_job *job)
{
    job->done.count(job->ctx, job->found, job->count, &job->why);
}

static void fake_count(store_count_fn done, void *ctx, int64_t count)
{
    struct fake_job *job = fake_job(run_count, ctx);
    job->done.count = done;
    job->count = count;
}

void directory_version(struct store *store UNUSED, store_count_fn done, void *ctx)
{
    fake_count(done, ctx, fake.version);
}

void price_keep(struct store *store UNUSED, const struct price *price UNUSED, store_count_fn done,
                void *ctx)
{
    fake_count(done, ctx, 1);
}

static bool fake_is_ended(const struct uuid *session_id)
{
    for (size_t i = 0; i < fake.ended_count; i++) {
        if (uuid_eq(&fake.ended[i], session_id))
            return true;
    }
    return false;
}

void sessions_end(struct store *store UNUSED, const struct uuid *session_id, int64_t now_us UNUSED,
                  int64_t expires_us UNUSED, store_count_fn done, void *ctx)
{
    fake_count(done, ctx, 1);
    if (!fake.is_away && !fake_is_ended(session_id))
        fake.ended[fake.ended_count++] = *session_id;
}

void sessions_ask(struct store *store UNUSED, const struct uuid *session_id, store_count_fn done,
                  void *ctx)
{
    fake.ended_asked++;
    fake_count(done, ctx, fake_is_ended(session_id));
}

void store_adopt(struct store *store UNUSED, int64_t now_us UNUSED, int64_t dead_after_ms UNUSED,
                 store_count_fn done, void *ctx)
{
    fake_count(done, ctx, 0);
}

void store_heartbeat(struct store *store UNUSED, int64_t now_us UNUSED, int64_t watermark_us UNUSED,
                     store_count_fn done, void *ctx)
{
    fake_count(done, ctx, 1); /* 0 would say that this writer was reaped */
}

void store_reap_writer(struct store *store UNUSED, const struct uuid *writer_id UNUSED,
                       int64_t now_us UNUSED, store_count_fn done, void *ctx)
{
    fake_count(done, ctx, 0);
}

void store_reap_instance(struct store *store UNUSED, int64_t now_us UNUSED, store_count_fn done,
                         void *ctx)
{
    fake_count(done, ctx, 0);
}

bool store_clock_ahead(const struct store *store UNUSED, int64_t *ahead_us)
{
    *ahead_us = 0;
    return !fake.is_away;
}

size_t store_queued(const struct store *store UNUSED)
{
    return 0;
}

/* The resolver's asking is never answered: there is nothing to resolve. */
void store_claim(struct store *store UNUSED, const struct store_claim_ask *ask UNUSED,
                 struct arena *arena UNUSED, store_claim_fn done UNUSED, void *ctx UNUSED)
{
}

void store_cancel(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                  const struct uuid *attempt_id UNUSED, int64_t now_us UNUSED, store_count_fn done,
                  void *ctx)
{
    struct fake_job *job = fake_job(run_count, ctx);
    job->done.count = done;
}

void store_backlog(struct store *store UNUSED, store_backlog_fn done UNUSED, void *ctx UNUSED)
{
}

/* Balances are never rolled up here, however long a test takes. */
void balances_roll(struct store *store UNUSED, unsigned merchants UNUSED, unsigned transfers UNUSED,
                   store_count_fn done UNUSED, void *ctx UNUSED)
{
}

void balances_page(struct store *store UNUSED, unsigned merchants UNUSED, unsigned pages UNUSED,
                   unsigned transfers UNUSED, store_count_fn done UNUSED, void *ctx UNUSED)
{
}

bool store_is_connected(const struct store *store UNUSED)
{
    return !fake.is_away;
}

const char *store_result_name(enum store_result result UNUSED)
{
    return "unavailable";
}

/* ---- store: payments ---- */

static void run_payment(const struct fake_job *job)
{
    job->done.payment(job->ctx, job->found, job->payments, &job->why);
}

void store_load_payment(struct store *store UNUSED, const struct uuid *merchant_id,
                        const struct uuid *payment_id, enum store_kind kind,
                        struct arena *arena UNUSED, store_payment_fn done, void *ctx)
{
    struct fake_job *job = fake_job(run_payment, ctx);
    job->done.payment = done;
    fake.load_count++;
    for (size_t i = 0; i < fake.payment_count; i++) {
        if (uuid_eq(&fake.payments[i].row.merchant_id, merchant_id) &&
            uuid_eq(&fake.payments[i].row.payment_id, payment_id) &&
            (kind == STORE_ANY || fake.payments[i].row.is_payout == (kind == STORE_PAYOUTS)))
            job->payments = &fake.payments[i];
    }
    if (job->found == STORE_FOUND && job->payments == NULL)
        job->found = STORE_ABSENT;
}

void store_load_reference(struct store *store, const struct uuid *merchant_id, enum store_kind kind,
                          struct str reference UNUSED, struct arena *arena, store_payment_fn done,
                          void *ctx)
{
    struct uuid none = {{0}};
    store_load_payment(store, merchant_id, &none, kind, arena, done, ctx);
}

static void run_list(const struct fake_job *job)
{
    job->done.list(job->ctx, job->found, job->payments, (size_t)job->count, job->has_more,
                   &job->why);
}

void store_list_operations(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                           const struct uuid *payment_id UNUSED, enum store_kind kind UNUSED,
                           bool has_metadata UNUSED, struct arena *arena UNUSED, store_list_fn done,
                           void *ctx)
{
    static const struct error none = {ERROR_NONE, ""};
    done(ctx, STORE_FOUND, NULL, 0, false, &none);
}

void store_list_payments(struct store *store UNUSED, const struct store_filter *filter,
                         struct arena *arena, store_list_fn done, void *ctx)
{
    struct fake_job *job = fake_job(run_list, ctx);
    struct store_payment_view *found = ARENA_ARRAY(arena, struct store_payment_view, FAKE_ROW_MAX);
    job->done.list = done;
    job->payments = found;
    fake.filter = *filter;
    for (size_t i = 0; i < fake.payment_count; i++) {
        if (!uuid_eq(&fake.payments[i].row.merchant_id, &filter->merchant_id) ||
            fake.payments[i].row.is_payout != (filter->kind == STORE_PAYOUTS))
            continue;
        if (job->count == (int64_t)filter->limit)
            job->has_more = true;
        else
            found[job->count++] = fake.payments[i];
    }
}

static void run_key(const struct fake_job *job)
{
    job->done.key(job->ctx, job->found, job->key, &job->why);
}

void store_load_key(struct store *store UNUSED, const struct uuid *merchant_id, struct str key,
                    struct arena *arena UNUSED, store_key_fn done, void *ctx)
{
    fake_ask();
    struct fake_job *job = fake_job(run_key, ctx);
    fake.key_read_count++;
    job->done.key = done;
    job->key = fake.find_key != NULL ? fake.find_key(merchant_id, key) : NULL;
    job->found = fake.is_away ? STORE_FAILED : job->key != NULL ? STORE_FOUND : STORE_ABSENT;
}

static void run_write(const struct fake_job *job)
{
    struct store_ticket ticket = {.batch_no = 0};
    job->done.write(job->ctx, STORE_UNAVAILABLE, &ticket, &job->why);
}

void store_write_start(struct store *store UNUSED, const struct store_txn *txn UNUSED,
                       store_done_fn done, void *ctx)
{
    struct fake_job *job = fake_job(run_write, ctx);
    job->done.write = done;
    fake.write_count++;
}

void store_probe_start(struct store *store, const struct store_ticket *ticket UNUSED,
                       store_done_fn done, void *ctx)
{
    store_write_start(store, NULL, done, ctx);
}

#include "fake_events.h"

#endif
