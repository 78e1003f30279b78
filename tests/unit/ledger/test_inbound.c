/*
 * Webhooks that came in: kept once, claimed by one, applied once, to what they are about; and what
 * cannot be applied keeps nobody else.
 */
#include "tests/unit/ledger/fixture.h"

#include "ledger/inbound.h"

#define SECONDS *CLOCK_SECOND_US
#define NOW     (1795335600LL SECONDS)
#define ATTEMPT "0193aaaa-0000-7000-8000-0000000000"
#define PAYMENT "0193bbbb-0000-7000-8000-0000000000"

static struct {
    struct fixture f;
    PGconn *conn; /* as postgres */
    struct uuid merchant_id;
    struct uuid account_id;
    struct arena arena;
} lab;

static struct uuid parsed(const char *text)
{
    struct uuid id;
    struct error err;
    if (!uuid_parse(str_of(text), &id, &err))
        fail_msg("%s", err.text);
    return id;
}

static void run(const char *format, ...) PRINTF_LIKE(1, 2);
static void run(const char *format, ...)
{
    char sql[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sql, sizeof(sql), format, args);
    va_end(args);
    const char *answer = fixture_ask(lab.conn, sql);
    if (*answer == 'E')
        fail_msg("%s: %s", sql, answer);
}

static long count(const char *sql)
{
    return fixture_count(lab.conn, sql);
}

static int setup(void **state)
{
    if (fixture_new_database(state) != 0)
        return -1;
    memset(&lab, 0, sizeof(lab));
    fixture_open(&lab.f);
    lab.conn = fixture_connect("postgres");
    lab.merchant_id = parsed("0193cccc-0000-7000-8000-000000000001");
    lab.account_id = parsed("0193dddd-0000-7000-8000-000000000001");
    arena_init(&lab.arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&lab.arena);
    PQfinish(lab.conn);
    fixture_close(&lab.f);
    return 0;
}

/* An attempt of the account, number n of all, with an outcome ("": none yet). */
static void make_attempt(int n, const char *operation, const char *outcome)
{
    run("INSERT INTO attempts (merchant_id, payment_id, attempt_id, account_id, writer_id, "
        "created_at,"
        " amount_minor, batch_no, number, operation, provider, currency, token_hash) VALUES"
        " ('0193cccc-0000-7000-8000-000000000001', '" PAYMENT "%02d', '" ATTEMPT "%02d',"
        " '0193dddd-0000-7000-8000-000000000001', '" ATTEMPT
        "99', now(), 100, 1, 1, '%s', 'paypal',"
        " 'EUR', '')",
        n, n, operation);
    if (outcome[0] != '\0')
        run("INSERT INTO outcomes (merchant_id, attempt_id, created_at, elapsed_us, number,"
            " send_number, http_status, send_left, outcome, code, reason, reference, facts, "
            "debug_id)"
            " VALUES ('0193cccc-0000-7000-8000-000000000001', '" ATTEMPT
            "%02d', now(), 1, 1, 1, 200,"
            " true, '%s', '', '', 'CAP-%d', '{\"order_id\":\"ORD-%d\"}', '')",
            n, outcome, n, n);
}

/* The payment of attempt n has this status from its event `number` on. */
static void tell(int n, int number, const char *status)
{
    run("INSERT INTO events (merchant_id, payment_id, event_id, attempt_id, writer_id, created_at,"
        " batch_no, number, type, status, data) VALUES ('0193cccc-0000-7000-8000-000000000001',"
        " '" PAYMENT "%02d', '0193eeee-0000-7000-8000-0000000%02d%03d', NULL, '" ATTEMPT
        "99', now(),"
        " 1, %d, 'payment.%s', '%s', '{}')",
        n, n, number, number, status, status);
}

static void park(int n, int64_t next_us, int64_t lease_us)
{
    run("INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider, "
        "next_at,"
        " lease_until, epoch, tries, reason, parked_at) VALUES"
        " ('0193cccc-0000-7000-8000-000000000001', '" ATTEMPT "%02d', '" PAYMENT "%02d',"
        " '0193dddd-0000-7000-8000-000000000001', 'paypal', to_timestamp(%lld), to_timestamp(%lld),"
        " 3, 9, 'unknown', now())",
        n, n, (long long)(next_us / CLOCK_SECOND_US), (long long)(lease_us / CLOCK_SECOND_US));
}

static struct inbound_event event_of(const char *id, int attempt)
{
    char text[UUID_TEXT_SIZE];
    struct inbound_event event = {
        .merchant_id = lab.merchant_id,
        .account_id = lab.account_id,
        .received_us = NOW,
        .event_id = str_of(id),
        .provider = STR("paypal"),
        .event_type = STR("PAYMENT.CAPTURE.COMPLETED"),
        .says = OUTCOME_APPROVED,
        .operations = 1u << OPERATION_SALE,
        .state = INBOUND_WAITING,
        .reason = STR("new"),
        .body_sealed = STR("sealed"),
    };
    (void)snprintf(text, sizeof(text), ATTEMPT "%02d", attempt);
    if (attempt > 0)
        event.attempt_id = parsed(text);
    return event;
}

static int64_t keep(const struct inbound_event *event)
{
    struct number number = {.f = &lab.f};
    lab.f.waiting_for++;
    inbound_store_start(lab.f.store, event, number_done, &number);
    return number_wait(&number);
}

struct claims {
    struct inbound_claim *claim;
    size_t count;
};
static struct claims taken;

static void claim_done(void *ctx, enum store_find found, const struct inbound_claim *claims,
                       size_t number, const struct error *why)
{
    (void)ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    taken.claim = ARENA_ARRAY(&lab.arena, struct inbound_claim, number);
    taken.count = number;
    for (size_t i = 0; i < number; i++)
        taken.claim[i] = claims[i];
    fixture_answered(&lab.f);
}

static size_t claim(int64_t now_us)
{
    lab.f.waiting_for++;
    inbound_claim_start(lab.f.store, 100, 10, now_us, 30000, &lab.arena, claim_done, NULL);
    fixture_wait(&lab.f);
    return taken.count;
}

static struct inbound_tally tally;
static enum store_find applied;

static void apply_done(void *ctx, enum store_find found, const struct inbound_tally *is,
                       const struct error *why)
{
    (void)ctx;
    (void)why;
    applied = found;
    tally = *is;
    fixture_answered(&lab.f);
}

static struct inbound_pace pace_at(int64_t now_us)
{
    return (struct inbound_pace){
        .now_us = now_us,
        .soon_ms = 200,
        .retry_ms = 2000,
        .retry_max_ms = 60000,
        .tries_max = 5,
        .alert_ms = 600000,
    };
}

static void apply_some(const struct inbound_claim *claims, size_t number, int64_t now_us)
{
    struct inbound_pace pace = pace_at(now_us);
    lab.f.waiting_for++;
    inbound_apply_start(lab.f.store, claims, number, &pace, apply_done, NULL);
    fixture_wait(&lab.f);
}

static struct inbound_tally apply(int64_t now_us)
{
    size_t number = claim(now_us);
    if (number == 0)
        return (struct inbound_tally){0};
    apply_some(taken.claim, number, now_us);
    assert_int_equal(applied, STORE_FOUND);
    return tally;
}

static void assert_state(const char *event_id, const char *wanted)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT state || ' ' || reason FROM inbound_events WHERE event_id = '%s'",
                   event_id);
    assert_string_equal(fixture_ask(lab.conn, sql), wanted);
}

/* ---- kept ------------------------------------------------------------------------------------ */

static void an_event_is_kept_once_for_an_account(void **state UNUSED)
{
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(keep(&event), 0);
    event.says = OUTCOME_FAILED; /* a repeat changes nothing */
    assert_int_equal(keep(&event), 0);
    assert_int_equal(count("SELECT count(*) FROM inbound_events WHERE says = 'approved'"), 1);
    event.account_id = parsed("0193dddd-0000-7000-8000-000000000002");
    assert_int_equal(keep(&event), 1);
    event.merchant_id = parsed("0193cccc-0000-7000-8000-000000000002");
    assert_int_equal(keep(&event), 1);
    assert_int_equal(count("SELECT count(*) FROM inbound_events"), 3);
}

static void what_is_about_nothing_is_never_claimed(void **state UNUSED)
{
    struct inbound_event event = event_of("WH-1", 0);
    event.state = INBOUND_IGNORED;
    event.reason = STR("irrelevant");
    assert_int_equal(keep(&event), 1);
    event.event_id = STR("WH-2");
    event.state = INBOUND_DEAD;
    assert_int_equal(keep(&event), 1);
    assert_int_equal(claim(NOW + 1000 SECONDS), 0);
    assert_int_equal(count("SELECT count(*) FROM inbound_events WHERE done_at IS NOT NULL"), 2);
}

/* ---- claimed --------------------------------------------------------------------------------- */

static void one_is_claimed_by_one_until_its_lease_ends(void **state UNUSED)
{
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    assert_int_equal(claim(NOW - 1), 0);
    assert_int_equal(claim(NOW), 1);
    assert_int_equal(taken.claim[0].epoch, 1);
    assert_int_equal(claim(NOW + 29 SECONDS), 0);
    struct inbound_claim first;
    assert_int_equal(claim(NOW + 31 SECONDS), 1);
    assert_int_equal(taken.claim[0].epoch, 2);
    /* Who lost it changes nothing. */
    make_attempt(1, "sale", "unknown");
    park(1, NOW + 500 SECONDS, 0);
    first = taken.claim[0];
    first.epoch = 1;
    apply_some(&first, 1, NOW + 32 SECONDS);
    assert_int_equal(tally.applied, 0);
    assert_state("WH-1", "waiting new");
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 9"), 1);
    apply_some(taken.claim, 1, NOW + 32 SECONDS);
    assert_int_equal(tally.applied, 1);
    assert_state("WH-1", "applied due");
}

static void a_flood_for_one_account_keeps_no_other_waiting(void **state UNUSED)
{
    char id[32];
    struct inbound_event event;
    for (int i = 0; i < 60; i++) {
        (void)snprintf(id, sizeof(id), "WH-%d", i);
        event = event_of(id, 1);
        assert_int_equal(keep(&event), 1);
    }
    event = event_of("WH-other", 1);
    event.account_id = parsed("0193dddd-0000-7000-8000-000000000002");
    event.received_us = NOW + 1 SECONDS;
    assert_int_equal(keep(&event), 1);
    assert_int_equal(claim(NOW + 2 SECONDS), 11); /* ten of the one, and the other's */
}

static void what_kills_its_claimers_is_dead_in_the_end(void **state UNUSED)
{
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    int64_t now_us = NOW;
    for (int i = 0; i < INBOUND_CRASH_MAX; i++, now_us += 31 SECONDS)
        assert_int_equal(claim(now_us), 1);
    assert_int_equal(claim(now_us), 0);
    assert_state("WH-1", "dead poison");
}

/* ---- applied --------------------------------------------------------------------------------- */

static void an_attempt_that_waits_is_due_at_once(void **state UNUSED)
{
    make_attempt(1, "sale", "unknown");
    park(1, NOW + 500 SECONDS, 0);
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    struct inbound_tally got = apply(NOW + 1 SECONDS);
    assert_int_equal(got.applied, 1);
    assert_int_equal(got.rechecked, 0);
    assert_state("WH-1", "applied due");
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 0 AND epoch = 3"
                           " AND next_at = to_timestamp(1795335601)"),
                     1);
    assert_int_equal(claim(NOW + 1000 SECONDS), 0);
}

static void an_attempt_that_somebody_looks_at_is_waited_for(void **state UNUSED)
{
    make_attempt(1, "sale", "unknown");
    park(1, NOW, NOW + 5 SECONDS);
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW + 1 SECONDS).waiting, 1);
    assert_state("WH-1", "waiting in_hand");
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 9"), 1);
    /* Put back, for later: the event, which comes again soon, makes it due. */
    run("UPDATE unresolved SET lease_until = '-infinity', next_at = to_timestamp(1795335900)");
    assert_int_equal(apply(NOW + 2 SECONDS).applied, 1);
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 0"
                           " AND next_at = to_timestamp(1795335602)"),
                     1);
}

static void a_row_that_is_being_changed_is_not_waited_for(void **state UNUSED)
{
    make_attempt(1, "sale", "unknown");
    park(1, NOW + 500 SECONDS, 0);
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    run("BEGIN");
    run("UPDATE unresolved SET tries = 8");
    assert_int_equal(apply(NOW + 1 SECONDS).waiting, 1);
    assert_state("WH-1", "waiting in_hand");
    run("COMMIT");
    assert_int_equal(apply(NOW + 2 SECONDS).applied, 1);
}

static void one_that_comes_before_our_own_answer_waits_for_it(void **state UNUSED)
{
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    /* Before the attempt is known at all. */
    assert_int_equal(apply(NOW).waiting, 1);
    assert_state("WH-1", "waiting unknown_reference");
    make_attempt(1, "sale", ""); /* sent, not answered */
    assert_int_equal(apply(NOW + 3 SECONDS).waiting, 1);
    assert_state("WH-1", "waiting in_hand");
    run("INSERT INTO outcomes (merchant_id, attempt_id, created_at, elapsed_us, number, "
        "send_number,"
        " http_status, send_left, outcome, code, reason, reference, facts, debug_id) VALUES"
        " ('0193cccc-0000-7000-8000-000000000001', '" ATTEMPT "01', now(), 1, 1, 1, 200, true,"
        " 'approved', '', '', 'CAP-1', '{}', '')");
    assert_int_equal(apply(NOW + 6 SECONDS).applied, 1);
    assert_state("WH-1", "applied nothing_new");
    assert_int_equal(count("SELECT count(*) FROM unresolved"), 0);
}

static void a_final_attempt_is_looked_up_again_when_the_event_says_otherwise(void **state UNUSED)
{
    static const struct {
        const char *operation;
        const char *final;
        enum outcome says;
        unsigned operations;
        bool again;
    } cases[] = {
        {"sale", "approved", OUTCOME_APPROVED, 1u << OPERATION_SALE, false},
        {"sale", "failed", OUTCOME_APPROVED, 1u << OPERATION_SALE, true},
        {"sale", "declined_soft", OUTCOME_APPROVED, 1u << OPERATION_SALE, true},
        {"sale", "declined_hard", OUTCOME_DECLINED_SOFT, 1u << OPERATION_SALE, false},
        {"sale", "failed", OUTCOME_FAILED, 1u << OPERATION_SALE, false},
        {"sale", "approved", OUTCOME_FAILED, 1u << OPERATION_SALE, true},
        {"sale", "approved", OUTCOME_PENDING, 1u << OPERATION_SALE, false},
        {"sale", "approved", OUTCOME_NONE, 0, true},
        {"sale", "approved", OUTCOME_NONE, 1u << OPERATION_SALE, true},
        {"authorize", "approved", OUTCOME_APPROVED, 1u << OPERATION_CAPTURE, true},
        {"authorize", "approved", OUTCOME_APPROVED, 1u << OPERATION_AUTHORIZE, false},
        {"capture", "approved", OUTCOME_APPROVED, 1u << OPERATION_CAPTURE, false},
        {"void", "approved", OUTCOME_APPROVED, 1u << OPERATION_VOID, false},
        {"refund", "failed", OUTCOME_APPROVED, 1u << OPERATION_REFUND, true},
        {"payout", "approved", OUTCOME_FAILED, 1u << OPERATION_PAYOUT, true},
        {"payout", "approved", OUTCOME_APPROVED, 1u << OPERATION_PAYOUT, false},
    };
    char id[32];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int n = (int)i + 1;
        make_attempt(n, cases[i].operation, cases[i].final);
        tell(n, 1, "succeeded");
        (void)snprintf(id, sizeof(id), "WH-%zu", i);
        struct inbound_event event = event_of(id, n);
        event.says = cases[i].says;
        event.operations = cases[i].operations;
        assert_int_equal(keep(&event), 1);
        struct inbound_tally got = apply(NOW + 1 SECONDS);
        assert_int_equal(got.applied, 1);
        if (got.rechecked != cases[i].again)
            fail_msg("case %zu: rechecked %d", i, (int)got.rechecked);
        assert_state(id, cases[i].again ? "applied recheck" : "applied nothing_new");
    }
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE reason = 'recheck' AND epoch = 0"
                           " AND tries = 0 AND next_at = to_timestamp(1795335601)"
                           " AND provider = 'paypal'"),
                     8);
}

static void what_is_in_review_is_left_to_a_person(void **state UNUSED)
{
    make_attempt(1, "sale", "unknown");
    tell(1, 1, "review");
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).applied, 1);
    assert_state("WH-1", "applied nothing_new");
    assert_int_equal(count("SELECT count(*) FROM unresolved"), 0);
}

/* Its payment may go on to another provider, which nobody could while one of its attempts waits. */
static void a_final_attempt_of_a_payment_that_goes_on_is_waited_for(void **state UNUSED)
{
    make_attempt(1, "sale", "failed");
    tell(1, 1, "processing");
    struct inbound_event event = event_of("WH-1", 1);
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).waiting, 1);
    assert_int_equal(count("SELECT count(*) FROM unresolved"), 0);
    tell(1, 2, "failed");
    assert_int_equal(apply(NOW + 1 SECONDS).rechecked, 1);
}

/* Authorized, held for a time, and due for a look when that is over. */
static void what_is_held_is_not_looked_up_for_what_is_known(void **state UNUSED)
{
    make_attempt(1, "authorize", "approved");
    tell(1, 1, "authorized");
    park(1, NOW + 500 SECONDS, 0);
    run("UPDATE unresolved SET reason = 'recheck'");
    struct inbound_event event = event_of("WH-1", 1);
    event.operations = 1u << OPERATION_AUTHORIZE;
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).applied, 1);
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 9"), 1);
    event.event_id = STR("WH-2");
    event.says = OUTCOME_NONE; /* voided, say */
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).applied, 1);
    assert_int_equal(
        count("SELECT count(*) FROM unresolved WHERE tries = 0 AND reason = 'recheck'"), 1);
}

static void operations_on_the_payment_are_due_with_it(void **state UNUSED)
{
    make_attempt(1, "authorize", "approved");
    tell(1, 1, "authorized");
    for (int n = 2; n <= 3; n++) {
        make_attempt(n, "capture", "unknown");
        run("INSERT INTO payments (merchant_id, payment_id, parent_id, writer_id, created_at,"
            " amount_minor, batch_no, try_number, capture_automatic, livemode, kind, currency,"
            " method_type, country, key) VALUES ('0193cccc-0000-7000-8000-000000000001',"
            " '" PAYMENT "%02d', '" PAYMENT "%02d', '" ATTEMPT
            "99', now(), 100, 1, 1, false, false,"
            " 'capture', 'EUR', '', '', 'k-%d')",
            n, n == 2 ? 1 : 9, n);
        park(n, NOW + 500 SECONDS, 0);
    }
    struct inbound_event event = event_of("WH-1", 1);
    event.operations = 1u << OPERATION_SALE | 1u << OPERATION_CAPTURE;
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).applied, 1);
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 0"
                           " AND attempt_id = '" ATTEMPT "02'"),
                     1);
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 9"), 1); /* another's */
    event.event_id = STR("WH-2");
    event.attempt_id = (struct uuid){{0}};
    event.payment_id = parsed(PAYMENT "01");
    run("UPDATE unresolved SET tries = 9");
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).applied, 1);
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 0"
                           " AND attempt_id = '" ATTEMPT "02'"),
                     1);
}

static void an_attempt_is_found_by_the_payment_or_by_the_providers_id(void **state UNUSED)
{
    for (int n = 1; n <= 4; n++) {
        make_attempt(n, "sale", "unknown");
        park(n, NOW + 500 SECONDS, 0);
    }
    struct inbound_event event = event_of("WH-pay", 0);
    event.payment_id = parsed(PAYMENT "01");
    assert_int_equal(keep(&event), 1);
    event = event_of("WH-reference", 0);
    event.provider_ids = STR("X-1\nCAP-2");
    assert_int_equal(keep(&event), 1);
    event = event_of("WH-fact", 0);
    event.provider_ids = STR("ORD-3");
    assert_int_equal(keep(&event), 1);
    event = event_of("WH-part", 0); /* a part of an id is none */
    event.provider_ids = STR("ORD");
    assert_int_equal(keep(&event), 1);
    struct inbound_tally got = apply(NOW);
    assert_int_equal(got.applied, 3);
    assert_int_equal(got.waiting, 1);
    assert_state("WH-part", "waiting unknown_reference");
    assert_int_equal(
        count("SELECT count(*) FROM unresolved WHERE tries = 0 AND attempt_id IN ('" ATTEMPT
              "01', '" ATTEMPT "02', '" ATTEMPT "03')"),
        3);
}

static void a_hint_says_nothing_of_anothers_attempt(void **state UNUSED)
{
    make_attempt(1, "sale", "unknown");
    park(1, NOW + 500 SECONDS, 0);
    struct inbound_event event = event_of("WH-1", 1);
    event.account_id = parsed("0193dddd-0000-7000-8000-000000000002");
    assert_int_equal(keep(&event), 1);
    event = event_of("WH-2", 1);
    event.merchant_id = parsed("0193cccc-0000-7000-8000-000000000002");
    assert_int_equal(keep(&event), 1);
    event.event_id = STR("WH-3");
    event.attempt_id = (struct uuid){{0}};
    event.provider_ids = STR("CAP-1");
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).waiting, 3);
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 9"), 1);
}

static void what_stays_unknown_is_told_and_given_up(void **state UNUSED)
{
    struct inbound_event event = event_of("WH-1", 7);
    assert_int_equal(keep(&event), 1);
    assert_int_equal(apply(NOW).late, 0);
    assert_int_equal(claim(NOW + 1 SECONDS), 0); /* two seconds, then twice as long each time */
    assert_int_equal(apply(NOW + 3 SECONDS).waiting, 1);
    assert_int_equal(claim(NOW + 6 SECONDS), 0);
    assert_int_equal(apply(NOW + 8 SECONDS).waiting, 1);
    struct inbound_tally got = apply(NOW + 1000 SECONDS);
    assert_int_equal(got.waiting, 1);
    assert_int_equal(got.late, 1);
    got = apply(NOW + 2000 SECONDS);
    assert_int_equal(got.dead, 1);
    assert_state("WH-1", "dead unknown_reference");
    assert_int_equal(claim(NOW + 100000 SECONDS), 0);
}

/* Another program's payments, at the same provider account: nobody is called for them. */
static void what_names_nothing_of_ours_is_left_alone(void **state UNUSED)
{
    struct inbound_event event = event_of("WH-1", 0);
    event.provider_ids = STR("CAP-77");
    assert_int_equal(keep(&event), 1);
    for (int i = 0; i < 4; i++) {
        struct inbound_tally got = apply(NOW + (i + 1) * 1000 SECONDS);
        assert_int_equal(got.waiting, 1);
        assert_int_equal(got.late, 0);
    }
    assert_int_equal(apply(NOW + 5000 SECONDS).dead, 0);
    assert_state("WH-1", "ignored unknown_reference");
}

/* One program of a provider may tell two accounts of everything. */
static void what_is_another_accounts_is_left_to_it(void **state UNUSED)
{
    make_attempt(1, "payout", "unknown");
    park(1, NOW + 500 SECONDS, 0);
    struct inbound_event event = event_of("WH-1", 1);
    event.account_id = parsed("0193dddd-0000-7000-8000-000000000002");
    assert_int_equal(keep(&event), 1);
    event.event_id = STR("WH-2");
    event.attempt_id = (struct uuid){{0}};
    event.payment_id = parsed(PAYMENT "01");
    assert_int_equal(keep(&event), 1);
    for (int i = 0; i < 5; i++) {
        struct inbound_tally got = apply(NOW + (i + 1) * 1000 SECONDS);
        assert_int_equal(got.dead + got.late + got.applied, 0);
    }
    assert_state("WH-1", "ignored unknown_reference");
    assert_state("WH-2", "ignored unknown_reference");
    assert_int_equal(count("SELECT count(*) FROM unresolved WHERE tries = 9"), 1);
}

static void one_that_cannot_be_applied_is_put_off_alone(void **state UNUSED)
{
    for (int n = 1; n <= 3; n++) {
        make_attempt(n, "sale", "failed");
        tell(n, 1, "failed");
    }
    run("ALTER TABLE unresolved ADD CHECK (attempt_id <> '" ATTEMPT "02')");
    static const char *const ids[] = {"WH-1", "WH-2", "WH-3"};
    for (int n = 1; n <= 3; n++) {
        struct inbound_event event = event_of(ids[n - 1], n);
        assert_int_equal(keep(&event), 1);
    }
    assert_int_equal(claim(NOW), 3);
    apply_some(taken.claim, 3, NOW);
    assert_int_equal(applied, STORE_FAILED);
    assert_int_equal(count("SELECT count(*) FROM unresolved"), 0); /* none of them */
    struct claims all = taken;
    struct inbound_pace pace = pace_at(NOW);
    for (size_t i = 0; i < all.count; i++) {
        apply_some(&all.claim[i], 1, NOW);
        if (applied == STORE_FOUND)
            continue;
        assert_true(str_eq(all.claim[i].event_id, STR("WH-2")));
        struct number number = {.f = &lab.f};
        lab.f.waiting_for++;
        inbound_fail_start(lab.f.store, &all.claim[i], &pace, number_done, &number);
        assert_int_equal(number_wait(&number), 0);
    }
    assert_state("WH-1", "applied recheck");
    assert_state("WH-2", "waiting cannot_be_applied");
    assert_state("WH-3", "applied recheck");
    int64_t dead = 0;
    for (int i = 0; i < 10 && dead == 0; i++) {
        int64_t now_us = NOW + (i + 1) * 1000 SECONDS;
        assert_int_equal(claim(now_us), 1);
        pace = pace_at(now_us);
        struct number number = {.f = &lab.f};
        lab.f.waiting_for++;
        inbound_fail_start(lab.f.store, taken.claim, &pace, number_done, &number);
        dead = number_wait(&number);
    }
    assert_int_equal(dead, 1);
    assert_state("WH-2", "dead cannot_be_applied");
}

static void owner_done(void *ctx, enum store_find found, const struct uuid *merchant_id,
                       const struct error *why)
{
    (void)why;
    *(int *)ctx = found == STORE_FOUND && !uuid_eq(merchant_id, &lab.merchant_id) ? -1 : (int)found;
    fixture_answered(&lab.f);
}

static void an_account_tells_its_merchant(void **state UNUSED)
{
    int found = -1;
    run("INSERT INTO merchants (merchant_id, name, livemode, created_at) VALUES"
        " ('0193cccc-0000-7000-8000-000000000001', 'M', false, now())");
    run("INSERT INTO accounts (merchant_id, account_id, provider, name, base_url, secret_ref,"
        " created_at) VALUES ('0193cccc-0000-7000-8000-000000000001',"
        " '0193dddd-0000-7000-8000-000000000001', 'paypal', 'A', 'https://x', 'file:x', now())");
    lab.f.waiting_for++;
    inbound_account_start(lab.f.store, &lab.account_id, owner_done, &found);
    fixture_wait(&lab.f);
    assert_int_equal(found, STORE_FOUND);
    lab.f.waiting_for++;
    inbound_account_start(lab.f.store, &lab.merchant_id, owner_done, &found);
    fixture_wait(&lab.f);
    assert_int_equal(found, STORE_ABSENT);
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(an_event_is_kept_once_for_an_account),
        WITH_DATABASE(what_is_about_nothing_is_never_claimed),
        WITH_DATABASE(one_is_claimed_by_one_until_its_lease_ends),
        WITH_DATABASE(a_flood_for_one_account_keeps_no_other_waiting),
        WITH_DATABASE(what_kills_its_claimers_is_dead_in_the_end),
        WITH_DATABASE(an_attempt_that_waits_is_due_at_once),
        WITH_DATABASE(an_attempt_that_somebody_looks_at_is_waited_for),
        WITH_DATABASE(a_row_that_is_being_changed_is_not_waited_for),
        WITH_DATABASE(one_that_comes_before_our_own_answer_waits_for_it),
        WITH_DATABASE(a_final_attempt_is_looked_up_again_when_the_event_says_otherwise),
        WITH_DATABASE(what_is_in_review_is_left_to_a_person),
        WITH_DATABASE(a_final_attempt_of_a_payment_that_goes_on_is_waited_for),
        WITH_DATABASE(what_is_held_is_not_looked_up_for_what_is_known),
        WITH_DATABASE(operations_on_the_payment_are_due_with_it),
        WITH_DATABASE(an_attempt_is_found_by_the_payment_or_by_the_providers_id),
        WITH_DATABASE(a_hint_says_nothing_of_anothers_attempt),
        WITH_DATABASE(what_stays_unknown_is_told_and_given_up),
        WITH_DATABASE(what_names_nothing_of_ours_is_left_alone),
        WITH_DATABASE(what_is_another_accounts_is_left_to_it),
        WITH_DATABASE(one_that_cannot_be_applied_is_put_off_alone),
        WITH_DATABASE(an_account_tells_its_merchant),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
