/*
 * fixture.h - a private PostgreSQL cluster for one test program, and rows to write into it.
 *
 * Each test gets a database of its own, copied from one that was migrated. A missing PostgreSQL
 * fails the program and says what to install: nothing is skipped.
 */
#ifndef TESTS_UNIT_LEDGER_FIXTURE_H
#define TESTS_UNIT_LEDGER_FIXTURE_H

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "ledger/migrate.h"
#include "ledger/store.h"
#include "tests/unit/cleaner.h"

/* Last: it has a macro called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum {
    FIXTURE_PORT = 7000, /* only names the socket file: the server listens on nothing else */
};

static char fixture_dir[] = "/tmp/turnpike-ledger-XXXXXX";
static unsigned fixture_database_count;
static char fixture_database[64];

static inline const char *fixture_pg_command(const char *verb)
{
    static char command[256];
    bool is_start = strcmp(verb, "start") == 0;
    (void)snprintf(command, sizeof(command), "PG_FAST=1 config/dev/pg.sh %s %s/pg %s", verb,
                   fixture_dir, is_start ? "7000" : "");
    return command;
}

static inline void fixture_pg(const char *verb)
{
    const char *command = fixture_pg_command(verb);
    if (system(command) != 0)
        fail_msg("%s failed", command);
}

static inline const char *fixture_conninfo(const char *user, const char *database)
{
    static char text[4][256];
    static unsigned next;
    char *out = text[next++ % 4];
    (void)snprintf(out, 256, "host=%s/pg/socket port=%d user=%s dbname=%s", fixture_dir,
                   FIXTURE_PORT, user, database);
    return out;
}

static inline PGconn *fixture_connect(const char *user)
{
    PGconn *conn = PQconnectdb(fixture_conninfo(user, fixture_database));
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

/* The first column of the first row, "" when there is none; "ERROR <sqlstate>" when refused. */
static inline const char *fixture_ask(PGconn *conn, const char *sql)
{
    static char out[4096];
    PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);
    out[0] = '\0';
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
        (void)snprintf(out, sizeof(out), "ERROR %s", code != NULL ? code : "lost");
        if (code == NULL || getenv("FIXTURE_VERBOSE") != NULL)
            print_message("%s: %s", sql, PQerrorMessage(conn));
    } else if (PQntuples(res) > 0) {
        (void)snprintf(out, sizeof(out), "%s", PQgetvalue(res, 0, 0));
    }
    PQclear(res);
    return out;
}

static inline long fixture_count(PGconn *conn, const char *sql)
{
    const char *answer = fixture_ask(conn, sql);
    char *end;
    long count = strtol(answer, &end, 10);
    if (end == answer)
        fail_msg("%s: %s", sql, answer);
    return count;
}

static inline void fixture_say(void *ctx, const char *line)
{
    if (ctx != NULL)
        (*(unsigned *)ctx)++;
    (void)line;
}

static inline int fixture_start(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(STDERR_FILENO, getenv("FIXTURE_VERBOSE") != NULL ? LOG_DEBUG : LOG_ERROR);
    if (mkdtemp(fixture_dir) == NULL || chmod(fixture_dir, 0711) != 0)
        fail_msg("cannot make %s", fixture_dir);
    char clean[512];
    (void)snprintf(clean, sizeof(clean), "%s; rm -rf %s", fixture_pg_command("kill"), fixture_dir);
    cleaner_start(clean);
    fixture_pg("start");
    (void)snprintf(fixture_database, sizeof(fixture_database), "postgres");
    PGconn *conn = fixture_connect("postgres");
    (void)fixture_ask(conn, "CREATE DATABASE migrated");
    struct error err;
    if (!migrate_up(fixture_conninfo("postgres", "migrated"), "migrations", fixture_say, NULL,
                    &err))
        fail_msg("%s", err.text);
    (void)fixture_ask(conn, "ALTER ROLE turnpike_gateway LOGIN");
    PQfinish(conn);
    return 0;
}

static inline int fixture_stop(void **state)
{
    (void)state;
    fixture_pg("kill"); /* without a last checkpoint: the cleaner removes the folder */
    return 0;
}

static inline int fixture_new_database(void **state)
{
    (void)state;
    char sql[128];
    (void)snprintf(fixture_database, sizeof(fixture_database), "postgres");
    PGconn *conn = fixture_connect("postgres");
    (void)snprintf(fixture_database, sizeof(fixture_database), "test_%u", ++fixture_database_count);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE migrated", fixture_database);
    if (*fixture_ask(conn, sql) == 'E')
        fail_msg("%s failed", sql);
    PQfinish(conn);
    return 0;
}

/* ---- a store, driven until what was asked has been answered
 * -------------------------------------- */

struct fixture {
    struct loop *loop;
    struct store *store;
    struct uuid writer_id;
    struct uuid instance_id;
    struct uuid boot_id;
    char conninfo[256];
    unsigned waiting_for;
    struct loop_timer limit;
    bool is_late;
};

static inline void fixture_late(void *ctx)
{
    struct fixture *f = ctx;
    f->is_late = true;
    loop_stop(f->loop);
}

static inline void fixture_wait(struct fixture *f)
{
    f->is_late = false;
    loop_timer_start(&f->limit, 30 * CLOCK_SECOND_US);
    if (f->waiting_for > 0)
        loop_run(f->loop);
    loop_timer_stop(&f->limit);
    if (f->is_late)
        fail_msg("%u answers did not come within 30 s", f->waiting_for);
}

static inline void fixture_answered(struct fixture *f)
{
    assert_true(f->waiting_for > 0);
    if (--f->waiting_for == 0)
        loop_stop(f->loop);
}

/* Before fixture_open: */
static struct store_config fixture_config;

static inline void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->loop = loop_new();
    f->writer_id = uuid_new();
    f->instance_id = uuid_new();
    f->boot_id = uuid_new();
    (void)snprintf(f->conninfo, sizeof(f->conninfo), "%s",
                   fixture_conninfo("turnpike_gateway", fixture_database));
    if (fixture_config.batch_max == 0)
        fixture_config = store_config_default;
    struct store_config config = fixture_config;
    config.conninfo = f->conninfo;
    f->store = store_new(f->loop, &config, &f->writer_id, &f->instance_id, &f->boot_id, 1);
    loop_timer_init(&f->limit, f->loop, fixture_late, f);
}

static inline void fixture_close(struct fixture *f)
{
    store_free(&f->store);
    loop_timer_release(&f->limit);
    loop_free(&f->loop);
    memset(&fixture_config, 0, sizeof(fixture_config));
}

struct write { /* how one bundle ended */
    struct fixture *f;
    bool is_done;
    enum store_result result;
    struct store_ticket ticket;
    struct error why;
};

static inline void write_done(void *ctx, enum store_result result,
                              const struct store_ticket *ticket, const struct error *why)
{
    struct write *write = ctx;
    assert_false(write->is_done);
    write->is_done = true;
    write->result = result;
    write->ticket = *ticket;
    write->why = *why;
    fixture_answered(write->f);
}

static inline void write_start(struct fixture *f, const struct store_txn *txn, struct write *write)
{
    *write = (struct write){.f = f};
    f->waiting_for++;
    store_write_start(f->store, txn, write_done, write);
    assert_false(write->is_done);
}

static inline enum store_result write_now(struct fixture *f, const struct store_txn *txn)
{
    struct write write;
    write_start(f, txn, &write);
    fixture_wait(f);
    return write.result;
}

static inline enum store_result probe_now(struct fixture *f, const struct store_ticket *ticket)
{
    struct write write = {.f = f};
    f->waiting_for++;
    store_probe_start(f->store, ticket, write_done, &write);
    fixture_wait(f);
    return write.result;
}

struct number { /* a count, a version */
    struct fixture *f;
    enum store_find found;
    int64_t count;
};

static inline void number_done(void *ctx, enum store_find found, int64_t count,
                               const struct error *why)
{
    struct number *number = ctx;
    (void)why;
    number->found = found;
    number->count = count;
    fixture_answered(number->f);
}

static inline int64_t number_wait(struct number *number)
{
    fixture_wait(number->f);
    assert_int_equal(number->found, STORE_FOUND);
    return number->count;
}

/* ---- rows
 * ----------------------------------------------------------------------------------------- */

struct rows { /* of one payment; what a test does not want it clears in txn */
    struct store_payment payment;
    struct store_attempt attempt;
    struct store_send send;
    struct store_outcome outcome;
    struct store_transfer transfers[2];
    struct store_event events[1];
    struct store_limits limits;
    struct store_final answer;
    struct store_park park;
    struct store_unpark unpark;
    struct store_txn txn;
    char key[64];
    char reference[64];
};

static inline void rows_payment(struct rows *r, const struct uuid *merchant_id, int64_t now_us)
{
    char text[UUID_TEXT_SIZE];
    struct uuid payment_id = uuid_new();
    (void)snprintf(r->key, sizeof(r->key), "key-%s", uuid_format(&payment_id, text).at);
    (void)snprintf(r->reference, sizeof(r->reference), "order-%s", text);
    r->payment = (struct store_payment){
        .merchant_id = *merchant_id,
        .payment_id = payment_id,
        .created_us = now_us,
        .amount_minor = 1099,
        .currency = "EUR",
        .capture_automatic = true,
        .reference = str_of(r->reference),
        .try_number = 1,
        .method_type = STR("card"),
        .country = STR("DE"),
        .customer_json = STR("{\"id\":\"c-7\"}"),
        .metadata_json = STR("{}"),
        .routing_json = STR("{}"),
        .tokens_sealed = STR("\0\1\2\xff"),
        .key = str_of(r->key),
    };
    memset(r->payment.fingerprint, 7, sizeof(r->payment.fingerprint));
}

static inline void rows_attempt(struct rows *r, int32_t number)
{
    const struct store_payment *payment = &r->payment;
    r->attempt = (struct store_attempt){
        .merchant_id = payment->merchant_id,
        .payment_id = payment->payment_id,
        .attempt_id = uuid_new(),
        .number = number,
        .operation = OPERATION_SALE,
        .account_id = uuid_new(),
        .provider = STR("paypal"),
        .amount_minor = payment->amount_minor,
        .currency = "EUR",
        .decision_json = STR("{\"rule\":\"default\"}"),
        .expected_fee_minor = 88,
        .created_us = payment->created_us,
    };
    r->send = (struct store_send){
        .merchant_id = payment->merchant_id,
        .attempt_id = r->attempt.attempt_id,
        .number = 1,
        .step = STR("charge"),
        .moves_money = true,
        .adapter_version = STR("paypal/1"),
        .provider_key = STR("k-1"),
        .key_valid_until_us = payment->created_us + 1000000,
        .not_after_us = payment->created_us + 500000,
        .body_sealed = STR("\0sealed"),
        .created_us = payment->created_us,
    };
}

#define FIXTURE_PENDING "provider:paypal:acc_00000000000000000000000001:pending"

static inline void rows_transfers(struct rows *r)
{
    const struct store_payment *payment = &r->payment;
    for (int i = 0; i < 2; i++) {
        r->transfers[i] = (struct store_transfer){
            .merchant_id = payment->merchant_id,
            .transfer_id = uuid_new(),
            .payment_id = payment->payment_id,
            .attempt_id = r->attempt.attempt_id,
            .state = TRANSFER_POSTED,
            .debit_account = i == 0 ? STR(FIXTURE_PENDING) : STR("fees:payment"),
            .credit_account = i == 0 ? STR("merchant:sales") : STR(FIXTURE_PENDING),
            .amount_minor = i == 0 ? payment->amount_minor : 88,
            .currency = "EUR",
            .kind = i == 0 ? STR("payment") : STR("fee"),
            .created_us = payment->created_us + 60000,
        };
    }
}

static inline void rows_close(struct rows *r)
{
    const struct store_payment *payment = &r->payment;
    r->outcome = (struct store_outcome){
        .merchant_id = payment->merchant_id,
        .attempt_id = r->attempt.attempt_id,
        .number = 1,
        .send_number = 1,
        .outcome = OUTCOME_APPROVED,
        .left = true,
        .code = STR("COMPLETED"),
        .reference = STR("CAP-1"),
        .facts_json = STR("{}"),
        .http_status = 201,
        .fee_minor = -1,
        .elapsed_us = 51234,
        .created_us = payment->created_us + 60000,
    };
    rows_transfers(r);
    r->events[0] = (struct store_event){
        .merchant_id = payment->merchant_id,
        .event_id = uuid_new(),
        .payment_id = payment->payment_id,
        .attempt_id = r->attempt.attempt_id,
        .number = 1,
        .type = STR("payment.succeeded"),
        .status = PAYMENT_SUCCEEDED,
        .data_json = STR("{}"),
        .created_us = payment->created_us + 60000,
    };
    r->limits = (struct store_limits){
        .merchant_id = payment->merchant_id,
        .payment_id = payment->payment_id,
        .create = true,
        .currency = "EUR",
        .authorized = payment->amount_minor,
        .captured = payment->amount_minor,
    };
    r->answer = (struct store_final){
        .merchant_id = payment->merchant_id,
        .payment_id = payment->payment_id,
        .status = 201,
        .body = STR("{\"id\":\"x\",\"decision\":,\"caf\xc3\xa9\":1}\n"),
        .created_us = payment->created_us + 60000,
    };
}

/* All rows of a payment that opens; txn is the opening. */
static inline void rows_open(struct rows *r, const struct uuid *merchant_id)
{
    memset(r, 0, sizeof(*r));
    rows_payment(r, merchant_id, clock_wall_us());
    rows_attempt(r, 1);
    r->txn = (struct store_txn){
        .name = "open", .payment = &r->payment, .attempt = &r->attempt, .send = &r->send};
}

/* txn becomes the closing. */
static inline void rows_to_close(struct rows *r)
{
    rows_close(r);
    r->txn = (struct store_txn){
        .name = "close",
        .outcome = &r->outcome,
        .transfers = r->transfers,
        .transfer_count = 2,
        .events = r->events,
        .event_count = 1,
        .limits = &r->limits,
        .answer = &r->answer,
    };
}

static inline void rows_to_park(struct rows *r, int64_t epoch, int64_t next_us)
{
    r->park = (struct store_park){
        .merchant_id = r->payment.merchant_id,
        .attempt_id = r->attempt.attempt_id,
        .payment_id = r->payment.payment_id,
        .account_id = r->attempt.account_id,
        .provider = r->attempt.provider,
        .next_us = next_us,
        .tries = 0,
        .epoch = epoch,
        .reason = STR("timeout"),
    };
    r->txn = (struct store_txn){.name = "park", .park = &r->park};
}

#endif
