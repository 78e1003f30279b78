/* Service levels: what is rolled up by day says the same as the attempts themselves, whatever came late. */
#include "ledger/levels.h"

#include "tests/unit/ledger/fixture.h"

/* 2026-11-01T00:00:00Z, and the month. */
#define NOVEMBER (INT64_C(1793491200) * CLOCK_SECOND_US)
#define DAY      (86400 * CLOCK_SECOND_US)
#define MINUTE   (60 * CLOCK_SECOND_US)

enum {
    ROUNDS_MAX = 500,
    ROW_MAX = 64,
    TEXT_MAX = 8192,
};

static struct fixture f;
static PGconn *owner;

static const char rows_sql[] =
    "CREATE FUNCTION id_at(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql RETURN"
    " (left(replace(balance_floor(at)::text, '-', ''), 12) || lpad(to_hex(n), 20, '0'))::uuid;"
    "CREATE TABLE chosen (n bigint PRIMARY KEY, merchant_id uuid, account_id uuid, at timestamptz,"
    " currency text, kind integer);"
    "GRANT SELECT ON chosen TO turnpike_gateway;"
    "INSERT INTO merchants (merchant_id, twin_id, name, livemode, disabled, country, created_at,"
    " client_keys, payout_limits) SELECT ('00000000-0000-7000-8000-00000000000' || m)::uuid,"
    " ('00000000-0000-7000-8000-00000000001' || m)::uuid, 'm' || m, true, false, 'US', now(), '', "
    "'{}'"
    " FROM generate_series(1, 3) m";

/* Attempts $1 to $2 in as many days before $3; what each came to follows from its number. */
static const char attempts_sql[] =
    "WITH made AS (INSERT INTO chosen SELECT n,"
    " ('00000000-0000-7000-8000-00000000000' || 1 + n %% 2)::uuid,"
    " ('00000000-0000-7000-9000-00000000000' || 1 + n %% 3)::uuid,"
    " '2026-11-01'::timestamptz + random() * interval '1 day' * %d + interval '1 day' * %d,"
    " (ARRAY['EUR', 'USD', 'JPY'])[1 + n %% 3], floor(random() * 8)::integer"
    " FROM generate_series(%d, %d) n RETURNING *)"
    " INSERT INTO attempts (merchant_id, payment_id, attempt_id, account_id, writer_id, created_at,"
    " amount_minor, expected_fee_minor, batch_no, number, operation, provider, currency, "
    "token_hash)"
    " SELECT merchant_id, id_at(at, n), id_at(at, n), account_id, id_at(at, 0), at, 100,"
    " CASE WHEN n %% 5 > 0 THEN n %% 97 END, 1, 1, 'sale', 'paypal', currency, '' FROM made";

/* Of attempts $1 to $2: what their kind says, as outcome `number`, so long after. */
static const char outcomes_sql[] =
    "INSERT INTO outcomes (merchant_id, attempt_id, created_at, elapsed_us, number, send_number,"
    " http_status, send_left, outcome, code, reason, reference, facts, debug_id)"
    " SELECT merchant_id, id_at(at, n), at, (exp(random() * 9 + 6))::bigint, %d, 1,"
    " CASE kind WHEN 4 THEN 503 WHEN 5 THEN 429 ELSE 200 END, true,"
    " CASE WHEN %d > 1 THEN (ARRAY['approved', 'declined_soft', 'unknown', 'failed'])[1 + n %% 4]"
    " ELSE (ARRAY['approved', 'approved', 'declined_soft', 'declined_hard', 'unknown', 'failed',"
    " 'pending', 'none'])[1 + kind] END, '', '', '', '{}', ''"
    " FROM chosen WHERE n BETWEEN %d AND %d AND n %% %d = 0";

static const char fees_sql[] =
    "INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, writer_id, "
    "created_at,"
    " amount_minor, batch_no, state, debit_account, credit_account, currency, kind)"
    " SELECT merchant_id, id_at(at + interval '1 day' * %d, 500000 + n), id_at(at, n), id_at(at, "
    "n),"
    " id_at(at, 0), at, 1 + n %% 31, 1, 'posted', 'a', 'b', currency,"
    " CASE WHEN n %% 3 = 0 THEN 'fee' ELSE 'payment' END FROM chosen WHERE n BETWEEN %d AND %d";

static void write_rows(const char *format, int a, int b, int c, int d, int e)
{
    char sql[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(sql, sizeof(sql), format, a, b, c, d, e);
#pragma GCC diagnostic pop
    const char *answer = fixture_ask(owner, sql);
    if (*answer == 'E')
        fail_msg("%s: %s", sql, PQerrorMessage(owner));
}

static int set_up(void **state)
{
    (void)fixture_new_database(state);
    fixture_open(&f);
    owner = fixture_connect("postgres");
    (void)fixture_ask(owner, "SET timezone = 'UTC'");
    (void)fixture_ask(owner, "SELECT setseed(0.25)");
    (void)fixture_ask(owner, rows_sql);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    PQfinish(owner);
    fixture_close(&f);
    return 0;
}

/* ---- two ways to ask -------------------------------------------------------------------------- */

struct told {
    enum store_find found;
    size_t count;
    char counts[TEXT_MAX]; /* everything but latencies */
    char whose[ROW_MAX][40];
    int64_t latency[ROW_MAX][3];
};

static void tell(void *ctx, enum store_find found, const struct levels *levels,
                 const struct error *why)
{
    struct told *told = ctx;
    size_t len = 0;
    if (found == STORE_FAILED)
        print_message("%s\n", why->text);
    told->found = found;
    told->count = levels->row_count;
    assert_true(levels->row_count <= ROW_MAX);
    for (size_t i = 0; i < levels->row_count; i++) {
        const struct level_row *row = &levels->rows[i];
        char account[UUID_TEXT_SIZE];
        (void)uuid_format(&row->account_id, account);
        len += (size_t)snprintf(
            told->counts + len, sizeof(told->counts) - len,
            "%x %s %.*s %lld %lld %lld %lld %lld %lld %lld %lld\n", row->merchant_id.byte[15],
            account, (int)row->provider.len, row->provider.at, (long long)row->attempts,
            (long long)row->approved, (long long)row->declined, (long long)row->failed,
            (long long)row->unknown, (long long)row->still_unknown, (long long)row->minutes_asked,
            (long long)row->minutes_answered);
        (void)snprintf(told->whose[i], sizeof(told->whose[i]), "%x%s", row->merchant_id.byte[15],
                       account);
        told->latency[i][0] = row->p50_us;
        told->latency[i][1] = row->p95_us;
        told->latency[i][2] = row->p99_us;
    }
    for (size_t i = 0; i < levels->cost_count; i++) {
        const struct level_cost *cost = &levels->costs[i];
        char account[UUID_TEXT_SIZE];
        (void)uuid_format(&cost->account_id, account);
        len +=
            (size_t)snprintf(told->counts + len, sizeof(told->counts) - len, "%x %s %s %lld %lld\n",
                             cost->merchant_id.byte[15], account, cost->currency,
                             (long long)cost->expected_minor, (long long)cost->booked_minor);
    }
    fixture_answered(&f);
}

static struct told ask(const struct uuid *merchant_id)
{
    struct told told = {.counts = ""};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    f.waiting_for++;
    levels_read(f.store, merchant_id, NOVEMBER, NOVEMBER + 30 * DAY, &arena, tell, &told);
    fixture_wait(&f);
    arena_release(&arena);
    assert_int_equal(told.found, STORE_FOUND);
    return told;
}

/* From the rows, as plainly as it can be said. $1: which merchants. */
#define DIRECT                                                                                     \
    "WITH asked AS (SELECT a.*, date_trunc('minute', a.created_at) AS minute, f.outcome AS first," \
    " f.elapsed_us, coalesce(f.http_status BETWEEN 100 AND 499 AND f.http_status <> 429, false)"   \
    " AS answered, CASE WHEN f.outcome IN ('approved', 'declined_soft', 'declined_hard', "         \
    "'failed')"                                                                                    \
    " THEN f.outcome ELSE (SELECT o.outcome FROM outcomes o WHERE o.merchant_id = a.merchant_id "  \
    "AND o.attempt_id = a.attempt_id"                                                              \
    " AND o.outcome <> 'none' ORDER BY o.number DESC LIMIT 1) END AS last FROM attempts a"         \
    " LEFT JOIN LATERAL (SELECT * FROM outcomes o WHERE o.merchant_id = a.merchant_id AND "        \
    "o.attempt_id = a.attempt_id"                                                                  \
    " AND o.outcome <> 'none' ORDER BY o.number LIMIT 1) f ON true"                                \
    " WHERE a.created_at >= '2026-11-01' AND a.created_at < '2026-12-01' AND (%s)) "

static const char counts_sql[] = DIRECT
    "SELECT string_agg(line, E'\\n') FROM (SELECT"
    " concat_ws(' ', right(merchant_id::text, 1), account_id, provider, count(*),"
    " count(*) FILTER (WHERE last = 'approved'), count(*) FILTER (WHERE last LIKE 'declined%%'),"
    " count(*) FILTER (WHERE last = 'failed'), count(*) FILTER (WHERE first = 'unknown'),"
    " count(*) FILTER (WHERE last = 'unknown'), count(DISTINCT minute),"
    " count(DISTINCT minute) FILTER (WHERE answered)) AS line FROM asked"
    " GROUP BY merchant_id, account_id, provider"
    " UNION ALL SELECT concat_ws(' ', right(merchant_id::text, 1), account_id, currency,"
    " coalesce(sum(expected_fee_minor) FILTER (WHERE last = 'approved'), 0),"
    " coalesce((SELECT sum(t.amount_minor) FROM transfers t JOIN attempts b"
    " USING (merchant_id, attempt_id) WHERE t.kind = 'fee' AND t.currency = q.currency"
    " AND b.account_id = q.account_id AND b.merchant_id = q.merchant_id"
    " AND b.created_at >= '2026-11-01' AND b.created_at < '2026-12-01'), 0))"
    " FROM asked q GROUP BY merchant_id, account_id, currency) l";

static const char latency_sql[] =
    DIRECT "SELECT percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY elapsed_us)"
           " FILTER (WHERE answered) FROM asked WHERE provider = 'paypal'";

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(char text[TEXT_MAX])
{
    char *line[ROW_MAX * 2];
    static char copy[TEXT_MAX];
    size_t count = 0;
    size_t len = 0;
    memcpy(copy, text, TEXT_MAX);
    char *rest = NULL;
    for (char *at = strtok_r(copy, "\n", &rest); at != NULL; at = strtok_r(NULL, "\n", &rest)) {
        assert_true(count < ARRAY_LEN(line));
        line[count++] = at;
    }
    qsort(line, count, sizeof(*line), compare_lines);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, TEXT_MAX - len, "%s\n", line[i]);
}

/* Within the 1 % that is promised, and what rounding to microseconds adds. */
static void check_latencies(const char *when, const struct told *told)
{
    static char sql[4096];
    char where[160];
    for (size_t i = 0; i < told->count; i++) {
        long long wanted[3];
        (void)snprintf(where, sizeof(where), "right(a.merchant_id::text, 1) || a.account_id = '%s'",
                       told->whose[i]);
        (void)snprintf(sql, sizeof(sql), latency_sql, where);
        const char *answer = fixture_ask(owner, sql);
        assert_int_equal(sscanf(answer, "{%lld,%lld,%lld}", &wanted[0], &wanted[1], &wanted[2]), 3);
        for (size_t k = 0; k < ARRAY_LEN(wanted); k++) {
            long long off = llabs((long long)told->latency[i][k] - wanted[k]);
            if (off * 100 > wanted[k] + 100)
                fail_msg("%s, %s: latency %zu is %lld, wanted %lld", when, told->whose[i], k,
                         (long long)told->latency[i][k], wanted[k]);
        }
    }
}

static void compare(const char *when)
{
    static char sql[4096];
    static char wanted[TEXT_MAX];
    static const struct {
        struct uuid merchant_id;
        const char *sql;
    } whose[] = {
        {{{0}}, "true"},
        {{{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 2}},
         "a.merchant_id = '00000000-0000-7000-8000-000000000002'"},
        {{{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 3}}, "false"},
    };
    for (size_t i = 0; i < ARRAY_LEN(whose); i++) {
        (void)snprintf(sql, sizeof(sql), counts_sql, whose[i].sql);
        (void)snprintf(wanted, sizeof(wanted), "%s", fixture_ask(owner, sql));
        struct told told = ask(&whose[i].merchant_id);
        sort_lines(told.counts);
        sort_lines(wanted);
        if (strcmp(told.counts, wanted) != 0)
            fail_msg("%s, %s:\n%s\nwanted\n%s", when, whose[i].sql, told.counts, wanted);
        check_latencies(when, &told);
    }
}

static unsigned attempts_max = 100000;

static int64_t roll(int64_t now_us, unsigned checks)
{
    struct number number = {.f = &f};
    f.waiting_for++;
    levels_roll(f.store, now_us, checks, attempts_max, number_done, &number);
    return number_wait(&number);
}

/* Until there is nothing to do; how many rounds that took. */
static int roll_all(int64_t now_us)
{
    int rounds = 0;
    while (roll(now_us, 100) > 0)
        assert_true(++rounds < ROUNDS_MAX);
    return rounds;
}

static long count_of(const char *sql)
{
    return fixture_count(owner, sql);
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void write_days(int first, int last, int from_day, int days)
{
    write_rows(attempts_sql, days, from_day, first, last, 0);
    write_rows(outcomes_sql, 1, 1, first, last, 1);
    write_rows(fees_sql, 0, first, last, 0, 0);
}

static void each_day_rolled_up_changes_no_answer(void **state)
{
    (void)state;
    write_days(1, 3000, -1, 7); /* the last of October, too, which is not asked for */
    compare("nothing is rolled up");
    assert_int_equal(count_of("SELECT count(*) FROM level_days"), 0);
    int64_t now_us = NOVEMBER + 5 * DAY + 30 * MINUTE; /* the fifth is not over for an hour */
    int rounds = 0;
    while (roll(now_us, 100) > 0) {
        assert_true(++rounds < ROUNDS_MAX);
        compare("some days are");
    }
    assert_int_equal(count_of("SELECT count(DISTINCT day_at) FROM level_days"), 5);
    assert_int_equal(count_of("SELECT count(*) FROM level_days WHERE day_at >= '2026-11-05'"), 0);
    assert_true(roll_all(now_us + 30 * MINUTE) > 0);
    assert_int_equal(count_of("SELECT count(DISTINCT day_at) FROM level_days"), 6);
    compare("all days are");
    assert_int_equal(roll_all(now_us + 60 * MINUTE), 0);
    /* Nor are they read any more. */
    struct uuid all = {{0}};
    struct told whole = ask(&all);
    (void)fixture_ask(owner, "DELETE FROM outcomes WHERE created_at < '2026-11-06'");
    assert_string_equal(ask(&all).counts, whole.counts);
}

static void what_comes_late_corrects_its_day(void **state)
{
    (void)state;
    int64_t now_us = NOVEMBER + 10 * DAY;
    write_days(1, 2000, 0, 8);
    roll_all(now_us);
    compare("before");
    struct uuid all = {{0}};
    struct told before = ask(&all);
    write_rows(outcomes_sql, 2, 2, 1, 2000, 3); /* a third is found out */
    write_days(2001, 2100, 2, 1);               /* attempts that were committed very late */
    assert_string_equal(ask(&all).counts, before.counts); /* not yet */
    write_rows(fees_sql, 9, 1, 500, 0, 0);                /* fees booked nine days later: again */
    now_us += 11 * MINUTE;
    assert_true(roll_all(now_us) > 0);
    /* Days older than a week have their turn within six hours. */
    now_us += 6 * 60 * MINUTE;
    (void)roll_all(now_us);
    compare("after what came late");
    write_rows(outcomes_sql, 3, 3, 1, 2000, 7);
    (void)roll_all(now_us + 30 * DAY);
    compare("after what came very late");
    assert_int_equal(roll_all(now_us + 30 * DAY), 0);
}

static void two_at_once_roll_up_each_day_once(void **state)
{
    (void)state;
    write_days(1, 2000, 0, 8);
    struct number number[6];
    bool is_over = false;
    for (int rounds = 0; !is_over; rounds++) {
        assert_true(rounds < ROUNDS_MAX);
        is_over = true;
        for (size_t i = 0; i < ARRAY_LEN(number); i++) {
            number[i] = (struct number){.f = &f};
            f.waiting_for++;
            levels_roll(f.store, NOVEMBER + 10 * DAY, 3, 1000, number_done, &number[i]);
        }
        (void)fixture_ask(owner, "SELECT roll_levels('2026-11-11', 3, 1000)");
        fixture_wait(&f);
        for (size_t i = 0; i < ARRAY_LEN(number); i++) {
            assert_int_equal(number[i].found, STORE_FOUND);
            is_over = is_over && number[i].count == 0;
        }
    }
    compare("by several");
}

static void a_large_day_is_rolled_up_by_the_hour(void **state)
{
    (void)state;
    write_days(1, 3000, 0, 2); /* 750 a day of each merchant */
    write_days(3001, 3100, 3, 1);
    attempts_max = 200;
    roll_all(NOVEMBER + 5 * DAY);
    compare("by the hour");
    assert_true(count_of("SELECT count(DISTINCT day_at) FROM level_days WHERE day_at <"
                         " '2026-11-03'") > 24); /* the rest of a day is one again */
    assert_int_equal(count_of("SELECT count(*) FROM level_checks WHERE day_at = '2026-11-04'"
                              " AND ends_at = '2026-11-05'"),
                     2);
    write_rows(outcomes_sql, 2, 2, 1, 2000, 3);
    roll_all(NOVEMBER + 6 * DAY);
    compare("corrected by the hour");
    /* Too large even so: left alone for a day, and nobody waits for it. */
    attempts_max = 10;
    write_days(4001, 5000, 6, 1);
    roll_all(NOVEMBER + 8 * DAY);
    compare("too large");
    assert_int_equal(roll(NOVEMBER + 8 * DAY + 60 * MINUTE, 100), 0);
    attempts_max = 100000;
    roll_all(NOVEMBER + 9 * DAY);
    assert_int_equal(count_of("SELECT count(*) FROM level_checks WHERE day_at = '2026-11-07'"), 2);
    compare("a day later");
}

static void what_was_never_sent_is_not_the_providers(void **state)
{
    (void)state;
    write_days(1, 1000, 0, 4);
    struct uuid all = {{0}};
    struct told before = ask(&all);
    /* Declined by a rule, taken by nobody, not expressible: an outcome without a send. */
    write_rows(attempts_sql, 4, 0, 1001, 1300, 0);
    (void)fixture_ask(owner, "UPDATE chosen SET kind = 5 WHERE n > 1000");
    write_rows(outcomes_sql, 1, 1, 1001, 1300, 1);
    assert_true(strcmp(ask(&all).counts, before.counts) != 0);
    (void)fixture_ask(owner, "UPDATE outcomes SET send_number = 0 FROM chosen WHERE n > 1000"
                             " AND attempt_id = id_at(at, n)");
    assert_string_equal(ask(&all).counts, before.counts);
    roll_all(NOVEMBER + 10 * DAY);
    assert_true(count_of("SELECT count(*) FROM level_days") > 0);
    assert_string_equal(ask(&all).counts, before.counts);
}

/* Their attempts are in a file: what was counted of them stays, however often it is compared. */
static void what_is_archived_stays_counted(void **state)
{
    (void)state;
    struct uuid all = {{0}};
    write_days(1, 400, 0, 4);
    roll_all(NOVEMBER + 10 * DAY);
    struct told before = ask(&all);
    (void)fixture_ask(owner, "DELETE FROM outcomes WHERE attempt_id < id_at('2026-11-03', 0)");
    (void)fixture_ask(owner, "DELETE FROM attempts WHERE attempt_id < id_at('2026-11-03', 0)");
    (void)fixture_ask(owner, "UPDATE level_checks SET due_at = '2026-11-01'");
    while (roll(NOVEMBER + 10 * DAY, 100) != 0)
        ;
    assert_string_equal(ask(&all).counts, before.counts);
    assert_int_equal(count_of("SELECT count(*) FROM level_checks WHERE due_at <= '2026-11-11'"), 0);
}

static void merchants_without_attempts_cost_nothing(void **state)
{
    (void)state;
    assert_int_equal(roll_all(NOVEMBER + 10 * DAY), 0);
    assert_int_equal(count_of("SELECT count(*) FROM level_spans"), 0);
    write_days(2, 2, 0, 1); /* one, of one merchant */
    (void)roll_all(NOVEMBER + 10 * DAY);
    assert_int_equal(count_of("SELECT count(*) FROM level_spans"), 1);
    assert_int_equal(count_of("SELECT count(*) FROM level_checks"), 1);
    compare("one attempt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_day_rolled_up_changes_no_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_late_corrects_its_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_at_once_roll_up_each_day_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_day_is_rolled_up_by_the_hour, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_never_sent_is_not_the_providers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_archived_stays_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merchants_without_attempts_cost_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
