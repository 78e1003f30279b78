/*
 * Balances that are rolled up say what a plain sum over all transfers says, at every moment.
 */
#include "tests/unit/ledger/fixture.h"

#include <stdio.h>
#include <string.h>

#include "ledger/balance.h"
#include "ledger/sql.h"
#include "tests/unit/rounds.h"

#define MERCHANTS "SELECT merchant_id FROM finance_access WHERE login = session_user"

/* As finance.trial_balance was before anything was rolled up. */
#define PLAIN                                                                                      \
    "SELECT t.merchant_id, s.account, t.currency,"                                                 \
    " coalesce(sum(amount_minor) FILTER (WHERE state = 'posted' AND debit), 0),"                   \
    " coalesce(sum(amount_minor) FILTER (WHERE state = 'posted' AND NOT debit), 0),"               \
    " coalesce(sum(amount_minor) FILTER (WHERE is_open AND debit), 0),"                            \
    " coalesce(sum(amount_minor) FILTER (WHERE is_open AND NOT debit), 0)"                         \
    " FROM (SELECT t.*, t.state = 'pending' AND NOT EXISTS (SELECT FROM transfers n"               \
    " WHERE n.merchant_id = t.merchant_id AND n.pending_id = t.transfer_id) AS is_open"            \
    " FROM transfers t WHERE t.state <> 'voided' AND t.merchant_id IN (" MERCHANTS ")) t"          \
    " CROSS JOIN LATERAL (VALUES (debit_account, true), (credit_account, false))"                  \
    " AS s (account, debit) GROUP BY 1, 2, 3"
#define VIEW                                                                                       \
    "SELECT merchant_id, account, currency, debit_minor, credit_minor, pending_debit_minor,"       \
    " pending_credit_minor FROM finance.trial_balance"

enum {
    MERCHANT_COUNT = 3,
    PENDING_MAX = 400,
    HOUR_S = 3600,
};

struct pending {
    struct uuid id;
    unsigned merchant;
    int64_t amount_minor;
    bool is_open;
    bool is_ours; /* known to the transaction that is open alone; rolled back it is gone */
};

struct books {
    PGconn *owner;
    PGconn *gateway;
    struct uuid merchants[MERCHANT_COUNT];
    struct pending pendings[PENDING_MAX];
    size_t pending_count;
};

static void order(PGconn *conn, const char *sql)
{
    const char *answer = fixture_ask(conn, sql);
    if (*answer == 'E')
        fail_msg("%s: %s", sql, answer);
}

static void add_merchant(PGconn *owner, const struct uuid *id, const char *login)
{
    char text[UUID_TEXT_SIZE];
    char sql[256];
    (void)uuid_format(id, text);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO merchants VALUES ('%s', NULL, 'm', true, 'DE', false, now())",
                   text);
    order(owner, sql);
    (void)snprintf(sql, sizeof(sql), "INSERT INTO finance_access VALUES ('%s', '%s')", login, text);
    order(owner, sql);
}

static void books_open(struct books *books)
{
    memset(books, 0, sizeof(*books));
    books->owner = fixture_connect("postgres");
    books->gateway = fixture_connect("turnpike_gateway");
    for (size_t i = 0; i < MERCHANT_COUNT; i++) {
        books->merchants[i] = uuid_new();
        add_merchant(books->owner, &books->merchants[i], "postgres");
    }
}

static void books_close(struct books *books)
{
    PQfinish(books->gateway);
    PQfinish(books->owner);
}

static void check(struct books *books, const char *when)
{
    long off = fixture_count(books->owner, "WITH plain AS MATERIALIZED (" PLAIN
                                           "), view AS MATERIALIZED (" VIEW ") SELECT count(*) FROM"
                                           " ((TABLE plain EXCEPT TABLE view)"
                                           " UNION ALL (TABLE view EXCEPT TABLE plain)) x");
    if (off != 0)
        fail_msg("%s: %ld accounts are not what their transfers sum up to", when, off);
}

/* Of the merchant $m, below the transfer $x: as if there were no pages. */
#define PLAIN_BEFORE                                                                               \
    "SELECT s.account, t.currency, coalesce(sum(amount_minor) FILTER (WHERE debit), 0)::bigint,"   \
    " coalesce(sum(amount_minor) FILTER (WHERE NOT debit), 0)::bigint FROM transfers t CROSS JOIN" \
    " LATERAL (VALUES (debit_account, true), (credit_account, false)) AS s (account, debit)"       \
    " WHERE t.merchant_id = x.merchant_id AND t.transfer_id < x.transfer_id"                       \
    " AND t.state = 'posted' GROUP BY 1, 2"
#define PAGED_BEFORE "SELECT * FROM balance_before(x.merchant_id, x.transfer_id)"
/* Every line of a statement, and what the account came to after it. */
#define PLAIN_LINES                                                                                \
    "SELECT merchant_id, transfer_id, sum(CASE WHEN debit_account = 'merchant:sales'"              \
    " THEN amount_minor ELSE -amount_minor END) OVER (PARTITION BY merchant_id"                    \
    " ORDER BY transfer_id)::bigint FROM transfers WHERE state = 'posted'"                         \
    " AND 'merchant:sales' IN (debit_account, credit_account) AND merchant_id IN (" MERCHANTS ")"
#define PAGED_LINES                                                                                \
    "SELECT merchant_id, transfer_id, balance_minor FROM"                                          \
    " finance.account_statement('merchant:sales', '-infinity') WHERE line = 'movement'"
#define DIFFERENCE(a, b) "((" a " EXCEPT " b ") UNION ALL (" b " EXCEPT " a "))"

/* Balances as they were at any moment, and statements. */
static void check_past(struct books *books, const char *when)
{
    long off = fixture_count(
        books->owner, "SELECT count(*) FROM (SELECT merchant_id, transfer_id FROM transfers WHERE"
                      " merchant_id IN (" MERCHANTS ") ORDER BY random() LIMIT 4) x CROSS JOIN"
                      " LATERAL " DIFFERENCE(PLAIN_BEFORE, PAGED_BEFORE) " d");
    if (off != 0)
        fail_msg("%s: %ld balances before some transfer are not what was posted", when, off);
    off = fixture_count(books->owner,
                        "SELECT count(*) FROM " DIFFERENCE(PLAIN_LINES, PAGED_LINES) " d");
    if (off != 0)
        fail_msg("%s: %ld lines of a statement are not what was posted", when, off);
}

static long sum(struct books *books)
{
    return fixture_count(books->owner,
                         "SELECT coalesce(sum(debit_minor), 0) FROM finance.trial_balance");
}

/* As if the marks had been rolled an hour before, and pages looked for. */
static void pass_an_hour(struct books *books)
{
    order(books->owner, "UPDATE balance_marks SET rolled_at = rolled_at - interval '1 hour',"
                        " rolled_xid = pg_current_xact_id(),"
                        " page_after = '00000000-0000-0000-0000-000000000000'");
}

static long roll(PGconn *conn, unsigned transfers)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT roll_balances(8, %u)", transfers);
    return fixture_count(conn, sql);
}

static long page(PGconn *conn, unsigned pages, unsigned size)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT page_balances(8, %u, %u)", pages, size);
    return fixture_count(conn, sql);
}

/* All is rolled up. */
static void settle(struct books *books)
{
    for (int i = 0; i < 3; i++) {
        pass_an_hour(books);
        assert_int_equal(roll(books->gateway, 100000), 0);
    }
}

/* An id as it was made then. */
static struct uuid id_of(int64_t age_s)
{
    struct uuid id = uuid_new();
    uint64_t ms = (uint64_t)(clock_wall_us() / CLOCK_MS_US - age_s * 1000);
    for (int i = 5; i >= 0; i--, ms >>= 8)
        id.byte[i] = (uint8_t)ms;
    return id;
}

/* With the gateway's own statement. */
static void insert(PGconn *conn, const struct uuid *merchant, const struct uuid *id,
                   const struct uuid *pending_id, const char *state, int64_t amount_minor)
{
    static const char writer[] = "00000000-0000-7000-8000-000000000001";
    static const char unknown[] = "{00000000-0000-7000-8000-000000000002}";
    char text[UUID_TEXT_SIZE];
    char merchants[64];
    char ids[64];
    char pendings[64];
    char states[32];
    char amounts[32];
    (void)snprintf(merchants, sizeof(merchants), "{%s}", uuid_format(merchant, text).at);
    (void)snprintf(ids, sizeof(ids), "{%s}", uuid_format(id, text).at);
    (void)snprintf(pendings, sizeof(pendings), "{%s}",
                   pending_id != NULL ? uuid_format(pending_id, text).at : "NULL");
    (void)snprintf(states, sizeof(states), "{%s}", state);
    (void)snprintf(amounts, sizeof(amounts), "{%lld}", (long long)amount_minor);
    const char *debit = id->byte[15] % 3 == 0 ? "{merchant:refunds}" : "{" FIXTURE_PENDING "}";
    const char *const params[] = {
        writer,         "1",    "{NULL}", merchants,          ids,     unknown, unknown,
        pendings,       states, debit,    "{merchant:sales}", amounts, "{EUR}", "{payment}",
        "{2026-01-01}",
    };
    PGresult *res = PQexecParams(conn, sql_text(SQL_TRANSFERS)->text, ARRAY_LEN(params), NULL,
                                 params, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(res);
}

/* Something is booked: a sale, an authorization, its capture (also of a part) or its end. */
static void book(struct books *books, PGconn *conn, struct rng *rng, int64_t age_s, bool is_ours)
{
    struct uuid id = id_of(age_s);
    unsigned merchant = (unsigned)rng_below(rng, MERCHANT_COUNT);
    int64_t amount_minor = 1 + (int64_t)rng_below(rng, 100000);
    struct pending *old =
        books->pending_count > 0 ? &books->pendings[rng_below(rng, books->pending_count)] : NULL;
    if (old != NULL && old->is_open && !(old->is_ours && !is_ours) && rng_below(rng, 2) == 0) {
        bool is_voided = rng_below(rng, 3) == 0;
        int64_t part_minor = 1 + (int64_t)rng_below(rng, (uint64_t)old->amount_minor);
        insert(conn, &books->merchants[old->merchant], &id, &old->id,
               is_voided ? "voided" : "posted", part_minor);
        old->is_open = false;
    } else if (books->pending_count < PENDING_MAX && rng_below(rng, 2) == 0) {
        insert(conn, &books->merchants[merchant], &id, NULL, "pending", amount_minor);
        books->pendings[books->pending_count++] =
            (struct pending){id, merchant, amount_minor, true, is_ours};
    } else {
        insert(conn, &books->merchants[merchant], &id, NULL, "posted", amount_minor);
    }
}

static void balances_are_the_plain_sum_at_any_time(void **state)
{
    (void)state;
    struct books books;
    struct books before; /* what is open outside of the open transaction */
    const char *text = getenv("SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)clock_wall_us();
    struct rng rng;
    rng_seed(&rng, seed);
    books_open(&books);
    PGconn *other = fixture_connect("turnpike_gateway");
    bool is_open = false;
    char when[64];
    for (unsigned step = 0; step < rounds_of(600); step++) {
        (void)snprintf(when, sizeof(when), "SEED=%llu step %u", (unsigned long long)seed, step);
        unsigned what = (unsigned)rng_below(&rng, 10);
        if (what < 4 && !is_open) {
            book(&books, books.gateway, &rng, (int64_t)rng_below(&rng, 2) * 3 * HOUR_S, false);
        } else if (what < 4) { /* who makes the same mark would wait for it */
            bool all_marked =
                fixture_count(books.owner, "SELECT count(*) FROM balance_marks") == MERCHANT_COUNT;
            int64_t age_s = all_marked ? (int64_t)rng_below(&rng, 2) * 3 * HOUR_S : 0;
            book(&books, other, &rng, age_s, true);
        } else if (what < 6) {
            if (!is_open) {
                before = books;
                order(other, "BEGIN");
            } else if (rng_below(&rng, 3) == 0) {
                order(other, "ROLLBACK");
                memcpy(books.pendings, before.pendings, sizeof(books.pendings));
                books.pending_count = before.pending_count;
            } else {
                order(other, "COMMIT");
                for (size_t i = 0; i < books.pending_count; i++)
                    books.pendings[i].is_ours = false;
            }
            is_open = !is_open;
        } else if (what < 7) {
            if (!is_open)
                pass_an_hour(&books);
        } else if (what < 9) {
            (void)roll(books.gateway, 1 + (unsigned)rng_below(&rng, 60));
        } else {
            (void)page(books.gateway, 1 + (unsigned)rng_below(&rng, 4),
                       1 + (unsigned)rng_below(&rng, 5));
        }
        check(&books, when);
        if (step % 4 == 0)
            check_past(&books, when);
    }
    order(other, is_open ? "COMMIT" : "SELECT 1");
    settle(&books);
    check(&books, "in the end");
    assert_int_equal(page(books.gateway, 10000, 3), 0);
    assert_true(fixture_count(books.owner, "SELECT count(*) FROM balance_bounds") > 10);
    check_past(&books, "in the end");
    assert_int_equal(fixture_count(books.owner, "SELECT count(*) FROM balance_tail"), 0);
    PQfinish(other);
    books_close(&books);
}

static void what_is_committed_after_a_roll_counts_once(void **state)
{
    (void)state;
    struct books books;
    books_open(&books);
    PGconn *other = fixture_connect("turnpike_gateway");
    PGconn *gone = fixture_connect("turnpike_gateway");
    for (int i = 0; i < 3; i++) {
        struct uuid id = id_of(0);
        insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 100);
    }
    assert_int_equal(sum(&books), 300); /* without a mark */
    (void)roll(books.gateway, 1000);
    pass_an_hour(&books);
    struct uuid id = id_of(0);
    order(other, "BEGIN");
    order(gone, "BEGIN");
    insert(other, &books.merchants[0], &id, NULL, "posted", 1000);
    id = id_of(0);
    insert(gone, &books.merchants[0], &id, NULL, "posted", 10000);
    id = id_of(0);
    insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 7);
    (void)roll(books.gateway, 1000);
    assert_int_equal(fixture_count(books.owner, "SELECT sum(debit_minor) FROM balance_snapshots"),
                     307);
    assert_int_equal(sum(&books), 307);
    order(other, "COMMIT");
    order(gone, "ROLLBACK");
    assert_int_equal(sum(&books), 1307);
    pass_an_hour(&books);
    (void)roll(books.gateway, 1000);
    assert_int_equal(sum(&books), 1307);
    assert_int_equal(fixture_count(books.owner, "SELECT sum(debit_minor) FROM balance_snapshots"),
                     1307);
    check(&books, "rolled up");
    PQfinish(gone);
    PQfinish(other);
    books_close(&books);
}

static void nothing_is_done_with_while_an_older_transaction_is_open(void **state)
{
    (void)state;
    struct books books;
    books_open(&books);
    PGconn *other = fixture_connect("turnpike_gateway");
    struct uuid id = id_of(0);
    insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 100);
    order(other, "BEGIN");
    order(other, "SELECT pg_current_xact_id()"); /* what it writes later may be old by then */
    (void)roll(books.gateway, 1000);
    pass_an_hour(&books);
    (void)roll(books.gateway, 1000);
    static const char *const since = "SELECT count(*) FROM balance_marks WHERE since"
                                     " > '00000000-0000-0000-0000-000000000000'";
    assert_int_equal(fixture_count(books.owner, since), 0);
    /* One with many more has another turn later; nobody asks again and again. */
    for (int i = 0; i < 5; i++) {
        id = id_of(0);
        insert(books.gateway, &books.merchants[1], &id, NULL, "posted", 100);
    }
    (void)roll(books.gateway, 2);
    pass_an_hour(&books);
    assert_int_equal(roll(books.gateway, 2), 0);
    assert_int_equal(fixture_count(books.owner, "SELECT count(*) FROM balance_marks"
                                                " WHERE rolled_at > now() - interval '10 min'"),
                     2);
    check(&books, "while it is open");
    assert_int_equal(fixture_count(books.owner, since), 0);
    order(other, "COMMIT");
    pass_an_hour(&books);
    (void)roll(books.gateway, 1000);
    assert_int_equal(fixture_count(books.owner, since), 2);
    check(&books, "after it");
    PQfinish(other);
    books_close(&books);
}

static void a_late_transfer_is_told_to_the_mark(void **state)
{
    (void)state;
    struct books books;
    books_open(&books);
    PGconn *other = fixture_connect("turnpike_gateway");
    struct uuid id = id_of(0);
    insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 100);
    (void)roll(books.gateway, 1000);
    settle(&books);
    id = id_of(5 * HOUR_S); /* its host's clock is behind */
    insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 1000);
    assert_int_equal(sum(&books), 1100);
    id = id_of(6 * HOUR_S); /* whose merchant has no mark */
    insert(books.gateway, &books.merchants[1], &id, NULL, "posted", 10000);
    assert_int_equal(sum(&books), 11100);
    settle(&books);
    assert_int_equal(sum(&books), 11100);
    /* A roll leaves the merchant alone until it is committed. */
    id = id_of(0);
    insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 1);
    pass_an_hour(&books);
    id = id_of(7 * HOUR_S);
    order(other, "BEGIN");
    insert(other, &books.merchants[0], &id, NULL, "posted", 99999);
    (void)roll(books.gateway, 1000); /* waits for nobody */
    order(other, "COMMIT");
    assert_int_equal(sum(&books), 111100);
    settle(&books);
    check(&books, "in the end");
    assert_int_equal(fixture_count(books.owner, "SELECT count(*) FROM balance_tail"), 0);
    PQfinish(other);
    books_close(&books);
}

/* Both roll all merchants, over and over, while others write. */
static long bounds(struct books *books)
{
    return fixture_count(books->owner, "SELECT count(*) FROM balance_bounds");
}

/* Pages above a transfer that came late are not believed, and are made anew. */
static void a_late_transfer_makes_its_pages_anew(void **state)
{
    (void)state;
    struct books books;
    books_open(&books);
    for (int i = 0; i < 40; i++) {
        struct uuid id = id_of(i < 20 ? 4 * HOUR_S : 2 * HOUR_S);
        insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 100);
    }
    settle(&books);
    assert_int_equal(page(books.gateway, 100, 5), 0);
    assert_int_equal(bounds(&books), 7);
    check_past(&books, "paged");
    static const char *const looked = "SELECT max(rolled_xid::text::bigint) FROM balance_marks";
    long before = fixture_count(books.owner, looked);
    assert_int_equal(page(books.gateway, 100, 1), 0); /* nothing is new: not looked at again */
    assert_int_equal(fixture_count(books.owner, looked), before);
    struct uuid late = id_of(3 * HOUR_S);
    insert(books.gateway, &books.merchants[0], &late, NULL, "posted", 7);
    check_past(&books, "late");
    check(&books, "late");
    settle(&books);
    check_past(&books, "counted, not paged");
    assert_int_equal(page(books.gateway, 100, 5), 0);
    assert_int_equal(bounds(&books), 8);
    check_past(&books, "paged anew");
    order(books.owner, "DELETE FROM balance_marks");
    order(books.owner, "UPDATE transfers SET amount_minor = amount_minor + 1");
    settle(&books);
    check_past(&books, "counted from the beginning");
    assert_int_equal(page(books.gateway, 3, 5), 1); /* some at a time */
    check_past(&books, "half of it");
    assert_int_equal(page(books.gateway, 100, 5), 0);
    check_past(&books, "all of it");
    books_close(&books);
}

/* Each page goes on where the one before ended; the opening and closing lines agree with the balance. */
static void a_statement_comes_in_pages(void **state)
{
    (void)state;
    struct books books;
    books_open(&books);
    for (int i = 0; i < 60; i++) {
        struct uuid id = id_of(2 * HOUR_S + (60 - i) * 60);
        insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 100 + i);
    }
    settle(&books);
    assert_int_equal(page(books.gateway, 100, 8), 0);
    order(
        books.owner,
        "DO $$ DECLARE last uuid := '00000000-0000-0000-0000-000000000000'; r record; n int := 0;"
        " sum bigint; seen bigint; t0 timestamptz := now() - interval '165 minutes 30 seconds';"
        " t1 timestamptz := now() - interval '130 minutes 30 seconds'; closed bigint; BEGIN"
        " SELECT balance_minor INTO sum FROM finance.balance('merchant:sales', t0);"
        " LOOP seen := 0; FOR r IN SELECT * FROM finance.account_statement('merchant:sales', t0,"
        " t1, 7, last, (SELECT merchant_id FROM transfers LIMIT 1)) LOOP IF r.line = 'opening' "
        "THEN ASSERT n = 0 AND r.balance_minor = sum;"
        " ELSIF r.line = 'movement' THEN ASSERT r.transfer_id > last; last := r.transfer_id;"
        " sum := sum + coalesce(r.debit_minor, 0) - coalesce(r.credit_minor, 0);"
        " ASSERT r.balance_minor = sum; seen := seen + 1; n := n + 1;"
        " ELSE ASSERT r.balance_minor = sum; closed := sum; END IF; END LOOP;"
        " EXIT WHEN seen < 7; END LOOP; ASSERT n = 35, n;"
        " ASSERT closed = (SELECT balance_minor FROM finance.balance('merchant:sales', t1));"
        " ASSERT (SELECT count(*) FROM finance.account_statement('nobody:here', t0)) = 0;"
        " ASSERT (SELECT sum(debit_minor) - sum(credit_minor) FROM finance.trial_balance(t1)) = 0;"
        " END $$");
    /* With several merchants a position is one's only. */
    assert_string_equal(fixture_ask(books.owner,
                                    "SELECT * FROM finance.account_statement('merchant:sales',"
                                    " '-infinity', 'infinity', 7, gen_random_uuid())"),
                        "ERROR 22023");
    books_close(&books);
}

static void two_may_roll_at_once(void **state)
{
    (void)state;
    static const char *const rolls =
        "DO $$ BEGIN FOR i IN 1..150 LOOP"
        " UPDATE balance_marks SET rolled_at = rolled_at - interval '1 hour',"
        " rolled_xid = pg_current_xact_id() WHERE merchant_id IN (SELECT merchant_id"
        " FROM balance_sound ORDER BY 1 FOR UPDATE SKIP LOCKED); COMMIT;"
        " PERFORM roll_balances(8, 1000); COMMIT; END LOOP; END $$";
    struct books books;
    struct rng rng;
    books_open(&books);
    rng_seed(&rng, 7);
    PGconn *rollers[3];
    for (size_t i = 0; i < ARRAY_LEN(rollers); i++) {
        rollers[i] = fixture_connect("postgres");
        assert_true(PQsendQuery(rollers[i], rolls) == 1);
    }
    bool is_busy = true;
    while (is_busy) {
        for (int i = 0; i < 10; i++)
            book(&books, books.gateway, &rng, 0, false);
        check(&books, "while two roll");
        is_busy = false;
        for (size_t i = 0; i < ARRAY_LEN(rollers); i++) {
            assert_true(PQconsumeInput(rollers[i]) == 1);
            is_busy = is_busy || PQisBusy(rollers[i]) == 1;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(rollers); i++) {
        PGresult *res = PQgetResult(rollers[i]);
        if (PQresultStatus(res) != PGRES_COMMAND_OK)
            fail_msg("%s", PQerrorMessage(rollers[i]));
        PQclear(res);
        PQfinish(rollers[i]);
    }
    settle(&books);
    check(&books, "in the end");
    assert_int_equal(fixture_count(books.owner, "SELECT count(*) FROM balance_tail"), 0);
    books_close(&books);
}

static void a_mark_that_cannot_be_believed_is_made_anew(void **state)
{
    (void)state;
    static const char *const doubts[] = {
        /* pg_dump into another cluster: copied rows, other transactions. */
        "UPDATE balance_marks SET rolled_xid = '900', taken = '800000:800000:'",
        /* This server's clock was an hour ahead. */
        "UPDATE balance_marks SET rolled_at = rolled_at + interval '5 hours',"
        " since = balance_floor(now() + interval '4 hours'), rolled_xid = pg_current_xact_id()",
    };
    struct books books;
    books_open(&books);
    struct uuid id;
    for (int i = 0; i < 5; i++) {
        id = id_of(2 * HOUR_S);
        insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 100);
    }
    (void)roll(books.gateway, 1000);
    settle(&books);
    for (size_t i = 0; i < ARRAY_LEN(doubts); i++) {
        order(books.owner, doubts[i]);
        check(&books, doubts[i]);
        id = id_of(i == 0 ? 3 * HOUR_S : 0);
        insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 100);
        check(&books, "not believed, and something new");
        (void)roll(books.gateway, 1000);
        check(&books, "begun anew");
        assert_int_equal(fixture_count(books.owner, "SELECT sum(debit_minor) FROM"
                                                    " balance_snapshots"),
                         0);
        settle(&books);
        check(&books, "rolled up again");
        assert_int_equal(fixture_count(books.owner, "SELECT count(*) FROM balance_tail"), 0);
    }
    books_close(&books);
}

static void the_store_rolls_and_finance_sees_its_own(void **state)
{
    (void)state;
    struct books books;
    books_open(&books);
    order(books.owner, "CREATE ROLE fin LOGIN IN ROLE turnpike_finance");
    char sql[256];
    char text[UUID_TEXT_SIZE];
    (void)snprintf(sql, sizeof(sql), "INSERT INTO finance_access VALUES ('fin', '%s')",
                   uuid_format(&books.merchants[1], text).at);
    order(books.owner, sql);
    for (int i = 0; i < 500; i++) {
        struct uuid id = id_of(60);
        insert(books.gateway, &books.merchants[i % 2], &id, NULL, "posted", 1);
    }
    struct fixture f;
    fixture_open(&f);
    pass_an_hour(&books); /* the marks were made by what was inserted: however long that took */
    for (int i = 0; i < 3; i++) {
        int64_t wanted = i == 0 ? 2 : 0;
        int64_t left = -1;
        for (int tries = 0; left != wanted && tries < 1000; tries++) {
            struct number number = {.f = &f};
            f.waiting_for++;
            balances_roll(f.store, 8, i == 0 ? 100 : 100000, number_done, &number);
            left = number_wait(&number); /* an open transaction of the server's own: not yet */
            pass_an_hour(&books);
        }
        assert_int_equal(left, wanted);
    }
    fixture_close(&f);
    for (int i = 0; i < 2; i++) { /* not rolled up */
        struct uuid id = id_of(0);
        insert(books.gateway, &books.merchants[i], &id, NULL, "posted", 1000);
    }
    PGconn *fin = fixture_connect("fin");
    assert_int_equal(fixture_count(fin, "SELECT sum(debit_minor) FROM finance.trial_balance"),
                     1250);
    assert_int_equal(fixture_count(fin, "SELECT count(DISTINCT merchant_id) FROM"
                                        " finance.trial_balance"),
                     1);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(*) FROM finance.trial_balance WHERE merchant_id = '%s'",
                   uuid_format(&books.merchants[0], text).at);
    assert_int_equal(fixture_count(fin, sql), 0);
    static const char *const hidden[] = {
        "SELECT * FROM public.balance_marks", "SELECT * FROM public.balance_snapshots",
        "SELECT * FROM public.balance_tail",  "SELECT * FROM public.balance_sound",
        "SELECT public.roll_balances(1, 1)",
    };
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        assert_string_equal(fixture_ask(fin, hidden[i]), "ERROR 42501");
    PQfinish(fin);
    order(books.owner, "REVOKE ALL ON SCHEMA public FROM fin");
    order(books.owner, "DROP ROLE fin");
    books_close(&books);
}

/* However much the merchant has: its marks and sums, and the few transfers that are new. */
static void a_balance_reads_ranges_of_its_merchant(void **state)
{
    (void)state;
    struct books books;
    books_open(&books);
    char sql[512];
    char text[UUID_TEXT_SIZE];
    (void)uuid_format(&books.merchants[0], text);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO transfers SELECT '%s', (to_char(n, 'FM00000000') ||"
                   " '-0000-7000-8000-000000000000')::uuid, '%s', '%s', NULL, '%s', now(), 1, 1,"
                   " 'posted', 'a', 'b', 'EUR', 'payment' FROM generate_series(1, 30000) n",
                   text, text, text, text);
    order(books.owner, sql);
    order(books.owner, "ANALYZE");
    (void)roll(books.gateway, 100000);
    settle(&books);
    for (int i = 0; i < 3; i++) {
        struct uuid id = id_of(0);
        id.byte[15] = 0; /* all debit the same account */
        insert(books.gateway, &books.merchants[0], &id, NULL, "posted", 1);
    }
    static const char *const read = "SELECT seq_tup_read + idx_tup_fetch FROM "
                                    "pg_stat_xact_user_tables WHERE relname = 'transfers'";
    static const char *const asked[] = {
        "SELECT count(*) FROM finance.trial_balance",
        "SELECT count(*) FROM finance.accounts",
    };
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        order(books.owner, "BEGIN");
        long before = fixture_count(books.owner, read);
        assert_int_equal(fixture_count(books.owner, asked[i]), 4);
        long after = fixture_count(books.owner, read);
        order(books.owner, "COMMIT");
        if (after - before < 3 || after - before > 20)
            fail_msg("%s reads %ld transfers", asked[i], after - before);
    }
    assert_int_equal(sum(&books), 30003);
    check(&books, "rolled up");
    books_close(&books);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(balances_are_the_plain_sum_at_any_time, fixture_new_database),
        cmocka_unit_test_setup(what_is_committed_after_a_roll_counts_once, fixture_new_database),
        cmocka_unit_test_setup(nothing_is_done_with_while_an_older_transaction_is_open,
                               fixture_new_database),
        cmocka_unit_test_setup(a_late_transfer_is_told_to_the_mark, fixture_new_database),
        cmocka_unit_test_setup(a_late_transfer_makes_its_pages_anew, fixture_new_database),
        cmocka_unit_test_setup(a_statement_comes_in_pages, fixture_new_database),
        cmocka_unit_test_setup(two_may_roll_at_once, fixture_new_database),
        cmocka_unit_test_setup(a_mark_that_cannot_be_believed_is_made_anew, fixture_new_database),
        cmocka_unit_test_setup(the_store_rolls_and_finance_sees_its_own, fixture_new_database),
        cmocka_unit_test_setup(a_balance_reads_ranges_of_its_merchant, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
