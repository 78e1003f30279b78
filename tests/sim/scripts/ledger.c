/* The side of production: gateway/ledger and a private PostgreSQL, behind a wire that can be cut. */
#include "bundle.h"

#include "tests/unit/ledger/fixture.h"
#include "tests/unit/ledger/wire.h"

enum {
    CLAIM_ARENA_MAX = 1 << 20,
    PROBES_MAX = 200,
};

struct hand { /* one writer: a store of its own */
    struct store *store;
    struct uuid writer_id;
};

static struct fixture fixture; /* its loop and its time limit; the stores are the hands' */
static struct wire wire;
static struct hand hands[SCRIPT_WRITERS];
static char conninfo[512];
static PGconn *owner;
static uint32_t run_number;
static int64_t base_us; /* wall clock when the script began */

/* ---- beginning and end ---- */

static void open_hand(struct hand *hand, unsigned slot)
{
    struct store_config config = store_config_default;
    config.conninfo = conninfo;
    config.writer_connections = 1; /* one batch after the other: their order can be followed */
    config.reader_connections = 1;
    config.linger_us = 0;
    config.reconnect_ms = 10;
    struct uuid instance_id = uuid_new();
    struct uuid boot_id = uuid_new();
    hand->writer_id = uuid_new();
    hand->store =
        store_new(fixture.loop, &config, &hand->writer_id, &instance_id, &boot_id, slot + 1);
}

bool ledger_start(void)
{
    (void)fixture_start(NULL);
    (void)fixture_new_database(NULL);
    fixture.loop = loop_new();
    loop_timer_init(&fixture.limit, fixture.loop, fixture_late, &fixture);
    wire_open(&wire, fixture.loop, fixture_dir);
    (void)snprintf(conninfo, sizeof(conninfo), "host=%s port=%d user=turnpike_gateway dbname=%s",
                   fixture_dir, WIRE_PORT, fixture_database);
    owner = fixture_connect("postgres");
    for (unsigned i = 0; i < SCRIPT_WRITERS; i++)
        open_hand(&hands[i], i);
    return owner != NULL;
}

void ledger_stop(void)
{
    for (int i = 0; i < SCRIPT_WRITERS; i++)
        store_free(&hands[i].store);
    wire_close(&wire);
    PQfinish(owner);
    loop_timer_release(&fixture.limit);
    loop_free(&fixture.loop);
    (void)fixture_stop(NULL);
}

static void must(const char *sql)
{
    const char *answer = fixture_ask(owner, sql);
    if (strncmp(answer, "ERROR", 5) == 0)
        fail_msg("%s: %s", sql, answer);
}

void ledger_reset(void)
{
    must("DELETE FROM idempotency; DELETE FROM payments; DELETE FROM attempts; DELETE FROM sends;"
         "DELETE FROM outcomes; DELETE FROM events; DELETE FROM transfers; DELETE FROM unresolved;"
         "DELETE FROM payment_answers; DELETE FROM payment_limits; DELETE FROM reviews;"
         "DELETE FROM balance_marks;"
         "UPDATE writers SET reaped_at = NULL, adopted_at = NULL");
    run_number++;
    base_us = clock_wall_us();
}

/* ---- writing ---- */

struct told { /* how the bundles of a batch ended, in their order */
    enum store_result result;
    struct store_ticket ticket;
    size_t *next; /* NULL: the order does not matter */
    size_t place;
};

static void written(void *ctx, enum store_result result, const struct store_ticket *ticket,
                    const struct error *why)
{
    struct told *told = ctx;
    (void)why;
    told->result = result;
    told->ticket = *ticket;
    if (told->next != NULL)
        told->place = (*told->next)++;
    fixture_answered(&fixture);
}

static void write_all(const struct script_write *writes, size_t count, struct told *told)
{
    static struct script_bundle rows[SCRIPT_BATCH_MAX];
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK(writes[i].writer == writes[0].writer);
        bundle_make(&writes[i], run_number, base_us, &rows[i]);
        told[i] = (struct told){.next = &next};
        fixture.waiting_for++;
        store_write_start(hands[writes[0].writer].store, &rows[i].txn, written, &told[i]);
    }
    fixture_wait(&fixture);
}

void ledger_write(const struct script_write *writes, size_t count, enum orchestrate_write *results,
                  size_t *order)
{
    struct told told[SCRIPT_BATCH_MAX];
    write_all(writes, count, told);
    for (size_t i = 0; i < count; i++) {
        results[i] = (enum orchestrate_write)told[i].result;
        order[told[i].place] = i;
    }
}

static enum store_result probe(const struct script_write *write, struct told *told)
{
    enum store_result result = STORE_UNAVAILABLE;
    for (int i = 0; i < PROBES_MAX && result == STORE_UNAVAILABLE; i++) {
        struct told answer = {.next = NULL};
        fixture.waiting_for++;
        store_probe_start(hands[write->writer].store, &told->ticket, written, &answer);
        fixture_wait(&fixture);
        result = answer.result;
    }
    return result;
}

void ledger_write_cut(const struct script_write *writes, size_t count, enum script_cut cut,
                      enum orchestrate_write *results)
{
    struct told told[SCRIPT_BATCH_MAX];
    wire.armed = cut == SCRIPT_CUT_KEPT ? CUT_ANSWER : CUT_HALF;
    write_all(writes, count, told);
    if (cut != SCRIPT_CUT_KEPT)
        wire_release(&wire, false);
    wire.armed = CUT_NONE;
    for (size_t i = 0; i < count; i++)
        results[i] = (enum orchestrate_write)(
            told[i].result == STORE_UNKNOWN ? probe(&writes[i], &told[i]) : told[i].result);
}

/* ---- the queue ---- */

struct claiming {
    struct script_claim *claims;
    size_t count;
};

static void claimed(void *ctx, enum store_find found, const struct store_claimed *rows,
                    size_t count, const struct error *why)
{
    struct claiming *claiming = ctx;
    if (found != STORE_FOUND)
        fail_msg("claim: %s", why->text);
    for (size_t i = 0; i < count && i < SCRIPT_CLAIM_MAX; i++)
        claiming->claims[claiming->count++] = (struct script_claim){
            .payment = bundle_slot(&rows[i].attempt_id),
            .attempt = bundle_attempt_index(&rows[i].attempt_id),
            .epoch = rows[i].epoch,
            .tries = rows[i].tries,
            .is_canceled = rows[i].is_canceled,
            .is_recheck = rows[i].is_recheck,
        };
    fixture_answered(&fixture);
}

size_t ledger_claim(uint8_t writer, int64_t now_us, unsigned limit, struct script_claim *claims)
{
    struct arena arena;
    struct claiming claiming = {.claims = claims};
    const struct store_claim_ask ask = {
        .now_us = base_us + now_us,
        .lease_ms = SCRIPT_LEASE_MS,
        .limit = limit,
        .account_max = 10000,
        .provider_max = 10000,
    };
    arena_init(&arena, CLAIM_ARENA_MAX);
    fixture.waiting_for++;
    store_claim(hands[writer].store, &ask, &arena, claimed, &claiming);
    fixture_wait(&fixture);
    arena_release(&arena);
    return claiming.count;
}

bool ledger_cancel(uint32_t payment, uint8_t merchant, uint8_t attempt, int64_t now_us)
{
    struct number number = {.f = &fixture};
    struct uuid merchant_id = bundle_merchant(run_number, merchant);
    struct uuid attempt_id = bundle_attempt(payment, attempt + 1U);
    fixture.waiting_for++;
    store_cancel(hands[0].store, &merchant_id, &attempt_id, base_us + now_us, number_done, &number);
    return number_wait(&number) > 0;
}

unsigned ledger_adopt(uint8_t dead, int64_t now_us)
{
    struct number number = {.f = &fixture};
    struct store *living = hands[(dead + 1) % SCRIPT_WRITERS].store;
    fixture.waiting_for++;
    store_reap_writer(living, &hands[dead].writer_id, base_us + now_us, number_done, &number);
    (void)number_wait(&number);
    fixture.waiting_for++;
    store_adopt(living, base_us + now_us, 1000000, number_done, &number);
    return (unsigned)number_wait(&number);
}

/* ---- reading ---- */

static void loaded(void *ctx, enum store_find found, const struct store_payment_view *view,
                   const struct error *why)
{
    struct text *to = ctx;
    if (found == STORE_FAILED)
        fail_msg("load: %s", why->text);
    if (found == STORE_ABSENT) {
        text_add(to, "absent\n");
        fixture_answered(&fixture);
        return;
    }
    text_add(to, "%s, %d events, %lld %lld %lld %lld %lld\n", payment_status_name(view->status),
             view->event_count, (long long)view->authorized, (long long)view->captured,
             (long long)view->capture_open, (long long)view->refunded,
             (long long)view->refund_open);
    for (size_t i = 0; i < view->attempt_count; i++) {
        const struct store_attempt_view *attempt = &view->attempts[i];
        size_t count = attempt->outcome_count;
        text_add(to, "attempt %d: %zu sends, outcomes up to %d%s%s", attempt->row.number,
                 attempt->send_count, count > 0 ? attempt->outcomes[count - 1].number : 0,
                 attempt->parked ? ", parked" : "",
                 attempt->parked && attempt->is_canceled ? ", canceled" : "");
        if (attempt->late.exists)
            text_add(to, ", late: %lld %lld", (long long)attempt->late.held_minor,
                     (long long)attempt->late.open_minor);
        text_add(to, "\n");
    }
    fixture_answered(&fixture);
}

void ledger_read(uint32_t payment, uint8_t merchant, struct text *to)
{
    struct arena arena;
    struct uuid merchant_id = bundle_merchant(run_number, merchant);
    struct uuid payment_id = bundle_payment(payment);
    text_clear(to);
    arena_init(&arena, CLAIM_ARENA_MAX);
    fixture.waiting_for++;
    store_load_payment(hands[0].store, &merchant_id, &payment_id, STORE_ANY, &arena, loaded, to);
    fixture_wait(&fixture);
    arena_release(&arena);
}

/* ---- the tables ---- */

/* Numbers out of ids, see bundle.c. */
#define SLOT(id)   "('x' || substr(replace(" id "::text, '-', ''), 21, 8))::bit(32)::integer"
#define NUMBER(id) "('x' || substr(replace(" id "::text, '-', ''), 29, 2))::bit(8)::integer"
/* The limits of a payment, not those of a capture. */
#define OF_PAYMENT                                                                                 \
    " AND (SELECT p.parent_id FROM payments p WHERE p.merchant_id = l.merchant_id"                 \
    " AND p.payment_id = l.payment_id) IS NULL"
#define US(time) "round(extract(epoch FROM " time ") * 1000000)::bigint - $1::bigint"

static const char *const dumps[] = {
    "SELECT 'payment ' || " SLOT("p.payment_id") " || ': merchant ' || " NUMBER(
        "p.merchant_id") " - 1 || ', ' || a.operation || ' of ' || p.amount_minor || ', key ' ||"
                         " replace(substr(p.key, 5), '-', '.') || CASE WHEN p.reference IS NULL "
                         "THEN '' ELSE"
                         " ', reference ' || substr(p.reference, 5) || '.' || p.try_number END"
                         " || CASE WHEN p.parent_id IS NULL THEN '' ELSE ', on ' || " SLOT(
                             "p.parent_id") " END"
                                            " FROM payments p JOIN attempts a ON a.merchant_id = "
                                            "p.merchant_id"
                                            " AND a.payment_id = p.payment_id AND a.number = 1 "
                                            "JOIN idempotency k"
                                            " ON k.merchant_id = p.merchant_id AND k.key = p.key "
                                            "AND k.payment_id = p.payment_id"
                                            " WHERE $1::bigint <> 0 AND $2::text <> ''",

    "SELECT 'events ' || " SLOT(
        "p.payment_id") " || ': ' || coalesce(max(e.number), 0) || ', ' ||"
                        " coalesce((array_agg(e.status ORDER BY e.number DESC) FILTER (WHERE "
                        "e.number IS NOT NULL))[1],"
                        " 'processing') || CASE WHEN count(e.number) <> coalesce(max(e.number), 0) "
                        "THEN ', a hole'"
                        " ELSE '' END FROM payments p LEFT JOIN events e ON e.merchant_id = "
                        "p.merchant_id"
                        " AND e.payment_id = p.payment_id WHERE $1::bigint <> 0 AND $2::text <> ''"
                        " GROUP BY p.merchant_id, p.payment_id",

    "SELECT 'answer ' || " SLOT("payment_id") " FROM payment_answers"
                                              " WHERE $1::bigint <> 0 AND $2::text <> ''",

    "SELECT 'limits ' || " SLOT("payment_id") " || '.' || " NUMBER(
        "payment_id") " || ': ' || authorized || ' authorized, ' || captured"
                      " || ' captured, ' || capture_open || ' open, ' || refunded || ' refunded, ' "
                      "|| refund_open"
                      " || ' open' FROM payment_limits WHERE $1::bigint <> 0 AND $2::text <> ''",

    "SELECT 'attempt ' || " SLOT(
        "attempt_id") " || '.' || number || ': provider ' ||"
                      " substr(provider, 10) || ', writer ' || position(writer_id::text IN "
                      "$2::text) / 37"
                      " || CASE WHEN payment_id IS NULL OR " NUMBER(
                          "attempt_id") " <> number THEN ', misnamed'"
                                        " ELSE '' END FROM attempts WHERE $1::bigint <> 0",

    "SELECT 'send ' || " SLOT("attempt_id") " || '.' || " NUMBER(
        "attempt_id") " || '.' || number"
                      " || ': ' || CASE WHEN moves_money THEN 'moves money' ELSE 'moves nothing' "
                      "END FROM sends"
                      " WHERE $1::bigint <> 0 AND $2::text <> ''",

    "SELECT 'outcome ' || " SLOT("attempt_id") " || '.' || " NUMBER(
        "attempt_id") " || '.' || number"
                      " || ': send ' || send_number || ', ' || outcome || CASE WHEN send_left THEN "
                      "', left' ELSE ''"
                      " END FROM outcomes WHERE $1::bigint <> 0 AND $2::text <> ''",

    "SELECT 'unresolved ' || " SLOT("attempt_id") " || '.' || " NUMBER(
        "attempt_id") " || ': epoch '"
                      " || epoch || ', tries ' || tries || ', next ' || " US(
                          "next_at") " || ', lease ' ||"
                                     " CASE WHEN lease_until = '-infinity' THEN -1 ELSE " US(
                                         "lease_until") " END ||"
                                                        " CASE WHEN canceled_at IS NULL THEN '' "
                                                        "ELSE ', canceled' END ||"
                                                        " CASE WHEN reason = 'recheck' THEN ', "
                                                        "recheck' ELSE '' END FROM unresolved"
                                                        " WHERE $2::text <> ''",

#define OF_TRANSFERS                                                                               \
    " || ': ' || count(*) || ' ' || state || ', ' || coalesce(sum(amount_minor)"                   \
    " FILTER (WHERE debit_account LIKE 'provider:%'), 0) || ' in, ' ||"                            \
    " coalesce(sum(amount_minor) FILTER (WHERE credit_account LIKE 'provider:%'), 0) || ' out'"    \
    " FROM transfers WHERE kind <> 'fee' AND $1::bigint <> 0 AND $2::text <> ''"
    "SELECT 'transfers ' || " SLOT("attempt_id") OF_TRANSFERS
    " AND NOT (kind = 'authorization' AND transfer_id <> attempt_id)"
    " GROUP BY merchant_id, " SLOT("attempt_id") ", state",

    /* What SQL_HOLDS writes. */
    "SELECT 'held ' || " SLOT("payment_id") OF_TRANSFERS
    " AND kind = 'authorization' AND transfer_id <> attempt_id"
    " GROUP BY merchant_id, " SLOT("payment_id") ", state",
};

static const char *const audits[] = {
    /* The hold of an authorization that came late is that of its attempt's row, and of no other. */
    "SELECT 'audit: the holds of ' || " SLOT("l.payment_id") " || '.' || " NUMBER(
        "l.payment_id") " || ' are ' || h.held || ', its limits leave ' || l.authorized - "
                        "l.captured"
                        " FROM payment_limits l LEFT JOIN attempts a ON a.merchant_id = "
                        "l.merchant_id"
                        " AND a.attempt_id = l.payment_id CROSS JOIN LATERAL"
                        " (SELECT coalesce(sum(t.amount_minor), 0) AS held FROM transfers t"
                        " WHERE t.merchant_id = l.merchant_id AND t.payment_id = "
                        "coalesce(a.payment_id, l.payment_id)"
                        " AND CASE WHEN a.attempt_id IS NULL THEN NOT EXISTS (SELECT FROM "
                        "payment_limits o"
                        " WHERE o.merchant_id = t.merchant_id AND o.payment_id = t.transfer_id)"
                        " ELSE t.transfer_id = a.attempt_id END"
                        " AND t.kind = 'authorization' AND t.state = 'pending' AND NOT EXISTS "
                        "(SELECT FROM transfers v"
                        " WHERE v.merchant_id = t.merchant_id AND v.pending_id = t.transfer_id)) h"
                        " WHERE h.held <> l.authorized - l.captured" OF_PAYMENT
                        " AND $1::bigint <> 0 AND $2::text <> ''",

    "SELECT 'audit: pending transfer of ' || " SLOT(
        "t.attempt_id") " || ' was ended ' || count(*)"
                        " || ' times' FROM transfers t JOIN transfers v ON v.merchant_id = "
                        "t.merchant_id"
                        " AND v.pending_id = t.transfer_id WHERE $1::bigint <> 0 AND $2::text <> ''"
                        " GROUP BY t.merchant_id, t.attempt_id, t.transfer_id HAVING count(*) > 1",

    "SELECT 'audit: ' || " SLOT(
        "l.payment_id") " || ' has ' || l.captured || ' captured and ' ||"
                        " l.refunded || ' refunded, transfers say ' || s.sold || ' and ' || s.given"
                        " FROM payment_limits l CROSS JOIN LATERAL (SELECT"
                        " coalesce(sum(amount_minor) FILTER (WHERE kind = 'payment'), 0) AS sold,"
                        " coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS given "
                        "FROM transfers t"
                        " WHERE t.merchant_id = l.merchant_id AND t.payment_id = l.payment_id AND "
                        "t.state = 'posted') s"
                        " WHERE (s.sold <> l.captured OR s.given <> l.refunded)" OF_PAYMENT
                        " AND $1::bigint <> 0 AND $2::text <> ''",
};

static void run(const char *const *queries, size_t count, struct text *to)
{
    char base[32];
    char writers[SCRIPT_WRITERS * UUID_TEXT_SIZE + 1] = "";
    (void)snprintf(base, sizeof(base), "%lld", (long long)base_us);
    for (int i = 0; i < SCRIPT_WRITERS; i++) {
        char id[UUID_TEXT_SIZE];
        (void)uuid_format(&hands[i].writer_id, id);
        (void)snprintf(writers + strlen(writers), sizeof(writers) - strlen(writers), "%.36s ", id);
    }
    const char *const values[] = {base, writers};
    for (size_t i = 0; i < count; i++) {
        PGresult *res = PQexecParams(owner, queries[i], 2, NULL, values, NULL, NULL, 0);
        if (PQresultStatus(res) != PGRES_TUPLES_OK)
            fail_msg("%s: %s", queries[i], PQerrorMessage(owner));
        for (int row = 0; row < PQntuples(res); row++)
            text_add(to, "%s\n", PQgetvalue(res, row, 0));
        PQclear(res);
    }
}

void ledger_dump(struct text *to)
{
    text_clear(to);
    run(dumps, ARRAY_LEN(dumps), to);
    text_sort(to);
}

void ledger_audit(struct text *to)
{
    run(audits, ARRAY_LEN(audits), to);
}
