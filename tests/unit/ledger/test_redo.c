/* The journal, and a ledger that was set back and gets again what it lacks. */
#include "tests/unit/ledger/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <sys/wait.h>

#include "ledger/journal.h"
#include "ledger/order.h"
#include "ledger/redo.h"

enum {
    COUNT = 40,
    ROUNDS = 12,             /* batches beyond 9: numbers, not texts, are sorted */
    END_BYTES = 12 + 16 + 4, /* the frame of an end */
    WON_BYTES = 12 + 32 + 4, /* ... of one key that was won */
};

static char folder[64];
static unsigned folder_count;

static int new_journal(void **state)
{
    (void)fixture_new_database(state);
    (void)snprintf(folder, sizeof(folder), "%s/journal-%u", fixture_dir, ++folder_count);
    return 0;
}

static void open_store(struct fixture *f)
{
    fixture_config = store_config_default;
    fixture_config.journal_folder = folder;
    fixture_open(f);
}

/* What the database is now, under another name; nobody is connected. */
static void copy_database(const char *from, const char *to)
{
    char sql[128];
    char now[sizeof(fixture_database)];
    (void)snprintf(now, sizeof(now), "%s", fixture_database);
    (void)snprintf(fixture_database, sizeof(fixture_database), "postgres");
    PGconn *conn = fixture_connect("postgres");
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", to, from);
    for (int tries = 0; *fixture_ask(conn, sql) == 'E'; tries++) {
        assert_true(tries < 100); /* backends that are leaving */
        (void)fixture_ask(conn, "SELECT pg_sleep(0.05)");
    }
    PQfinish(conn);
    (void)snprintf(fixture_database, sizeof(fixture_database), "%s", now);
}

static void use(const char *database)
{
    (void)snprintf(fixture_database, sizeof(fixture_database), "%s", database);
}

static const char *gateway(const char *database)
{
    return fixture_conninfo("turnpike_gateway", database);
}

static struct redo_look look_at(const char *database)
{
    struct redo_look look;
    struct error err;
    if (!redo_look(gateway(database), folder, &look, &err))
        fail_msg("%s", err.text);
    return look;
}

static bool redo_into(const char *database, struct redo_result *result, struct error *err)
{
    const struct redo_asked asked = {.conninfo = gateway(database), .folder = folder};
    return redo_run(&asked, result, err);
}

static void redo_well(const char *database, struct redo_result *result)
{
    struct error err;
    if (!redo_into(database, result, &err))
        fail_msg("%s", err.text);
}

/* Every row of every table that batches write. */
static void assert_same(const char *one, const char *other)
{
    static const char *const tables[] = {
        "idempotency",    "payments",        "attempts",   "sends",
        "outcomes",       "transfers",       "events",     "reviews",
        "payment_limits", "payment_answers", "unresolved", "token_budget",
    };
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        char sql[160];
        char before[4096];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY "
                       "t::text)), '') FROM %s t",
                       tables[i]);
        use(one);
        PGconn *conn = fixture_connect("postgres");
        (void)snprintf(before, sizeof(before), "%s", fixture_ask(conn, sql));
        PQfinish(conn);
        use(other);
        conn = fixture_connect("postgres");
        print_message("%s: %s\n", tables[i], before);
        assert_string_equal(fixture_ask(conn, sql), before);
        PQfinish(conn);
    }
}

static long count_in(const char *database, const char *sql)
{
    use(database);
    PGconn *conn = fixture_connect("postgres");
    long count = fixture_count(conn, sql);
    PQfinish(conn);
    return count;
}

/* Openings and closings, some of which are refused in each of the ways. */
static void write_much(struct fixture *f, const struct uuid *merchant_id)
{
    static struct rows rows[COUNT];
    static struct write writes[COUNT];
    struct rows twin;
    for (size_t i = 0; i < COUNT; i++) {
        rows_open(&rows[i], merchant_id);
        write_start(f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(f);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(writes[i].result, STORE_COMMITTED);
        if (i % 4 == 3)
            rows_to_park(&rows[i], 0, clock_wall_us());
        else
            rows_to_close(&rows[i]);
        write_start(f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(f);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(writes[i].result, STORE_COMMITTED);
    rows_open(&twin, merchant_id); /* the key is taken */
    twin.payment.key = rows[0].payment.key;
    assert_int_equal(write_now(f, &twin.txn), STORE_KEY_TAKEN);
    rows_open(&twin, merchant_id); /* the reference is */
    twin.payment.reference = rows[0].payment.reference;
    assert_int_equal(write_now(f, &twin.txn), STORE_REFERENCE_TAKEN);
    rows_to_close(&rows[0]); /* it was closed before: rolled back */
    assert_int_equal(write_now(f, &rows[0].txn), STORE_FENCED);
}

static void what_was_lost_comes_back_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    char whole[64];
    struct redo_result result;
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    for (int i = 0; i < ROUNDS; i++) {
        struct rows r;
        rows_open(&r, &merchant_id);
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    }
    write_much(&f, &merchant_id);
    fixture_close(&f);
    copy_database(whole, "set_back");
    open_store(&f);
    write_much(&f, &merchant_id);
    fixture_close(&f);
    assert_int_equal(look_at(whole).found, REDO_COMPLETE);
    struct redo_look look = look_at("set_back");
    assert_int_equal(look.found, REDO_LOST);
    assert_true(look.lost_count > 0 && look.first_us > 0);

    redo_well("set_back", &result);
    assert_int_equal(result.batches, look.lost_count);
    assert_same(whole, "set_back");
    assert_int_equal(look_at("set_back").found, REDO_COMPLETE);
    redo_well("set_back", &result); /* once more does nothing */
    assert_int_equal(result.batches, 0);
    assert_same(whole, "set_back");
}

static void open_of(struct fixture *f, struct rows *r, const struct uuid *merchant_id)
{
    rows_open(r, merchant_id);
    assert_int_equal(write_now(f, &r->txn), STORE_COMMITTED);
}

/* The first job of a writer's first file says that it was sent then. */
static void set_first_sent(const struct uuid *writer_id, int64_t sent_us)
{
    char path[512];
    char id[UUID_TEXT_SIZE];
    const size_t head = sizeof(struct journal_frame) + sizeof(struct journal_head) + 4;
    const size_t at = head + sizeof(struct journal_frame) + offsetof(struct journal_job, sent_us);
    (void)snprintf(path, sizeof(path), "%s/%s.000001.journal", folder,
                   uuid_format(writer_id, id).at);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &sent_us, sizeof(sent_us), (off_t)at), sizeof(sent_us));
    (void)close(fd);
}

/* A call that was made so much after everything else: nobody pays, an operator changes something. */
static void add_late_call(int64_t later_us)
{
    struct params params;
    struct journal_config config = {
        .folder = folder, .writer_id = uuid_new(), .keep_us = INT64_MAX / 4, .bytes_max = 1 << 20};
    struct journal *journal = journal_new(&config);
    params_init(&params);
    int64_t number = journal_begin(journal);
    journal_put(journal, SQL_DISABLE_MERCHANT, &params);
    journal_append(journal);
    journal_end(journal, number, true);
    journal_free(&journal);
    params_release(&params);
    set_first_sent(&config.writer_id, clock_wall_us() + later_us);
}

/* The newest that was written is no payment: the newest payments are asked for all the same. */
static void calls_hide_no_lost_payment(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    char whole[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    fixture_close(&f);
    copy_database(whole, "set_back_quietly");
    open_store(&f);
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    fixture_close(&f);
    add_late_call(3600LL * CLOCK_SECOND_US);
    assert_int_equal(look_at(whole).found, REDO_COMPLETE);
    struct redo_look look = look_at("set_back_quietly");
    assert_int_equal(look.found, REDO_LOST);
    assert_int_equal(look.lost_count, 1);
}

/* In a process of its own: whoever waits for a standby is told to wait no longer. */
static pid_t end_the_wait(void)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    PGconn *conn = fixture_connect("postgres");
    bool is_done = false;
    while (!is_done)
        is_done = fixture_count(conn, "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                                      " WHERE wait_event = 'SyncRep'") > 0;
    PQfinish(conn);
    _exit(0);
}

static void need_standby(PGconn *conn, const char *name)
{
    char sql[96];
    (void)snprintf(sql, sizeof(sql), "ALTER SYSTEM SET synchronous_standby_names = '%s'", name);
    assert_string_equal(fixture_ask(conn, sql), "");
    assert_string_equal(fixture_ask(conn, "SELECT pg_reload_conf()"), "t");
    while (strcmp(fixture_ask(conn, "SHOW synchronous_standby_names"), name) != 0)
        continue;
}

/* Its transactions wait for nobody; that all is well is said when the standby has all of them. */
static void a_redo_ends_when_the_standby_has_it(void **state)
{
    (void)state;
    struct fixture f;
    struct redo_result result;
    struct error err;
    struct rows r;
    char whole[64];
    int status;
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    fixture_close(&f);
    copy_database(whole, "no_standby");
    open_store(&f);
    for (int i = 0; i < ROUNDS; i++) {
        rows_open(&r, &merchant_id);
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    }
    fixture_close(&f);
    PGconn *conn = fixture_connect("postgres");
    need_standby(conn, "nobody");
    pid_t pid = end_the_wait();
    bool is_told = redo_into("no_standby", &result, &err);
    need_standby(conn, "");
    PQfinish(conn);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(is_told);
    assert_int_equal(err.code, ERROR_UNAVAILABLE); /* once more, then */
    assert_non_null(strstr(err.text, "the standby does not say"));
    redo_well("no_standby", &result);
    assert_int_equal(result.batches, 0);
    assert_same(whole, "no_standby");
}

/* Cut the last bytes off the newest file: as if the process had died there. */
static void cut_newest(off_t bytes)
{
    char path[512];
    char newest[512] = "";
    struct timespec changed = {0, 0};
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    struct stat about;
    while ((entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (strstr(entry->d_name, ".journal") == NULL || stat(path, &about) != 0)
            continue;
        if (about.st_mtim.tv_sec > changed.tv_sec ||
            (about.st_mtim.tv_sec == changed.tv_sec && about.st_mtim.tv_nsec > changed.tv_nsec)) {
            changed = about.st_mtim;
            (void)snprintf(newest, sizeof(newest), "%s", path);
        }
    }
    closedir(dir);
    assert_int_equal(stat(newest, &about), 0);
    assert_int_equal(truncate(newest, about.st_size - bytes), 0);
}

/*
 * Nobody knows of the first opening; it is redone. Of the second likewise, but a committed one won the
 * same key: the second cannot have been committed, and the winner is the one that comes back.
 */
static void what_nobody_knows_gives_way_to_what_was_committed(void **state)
{
    (void)state;
    struct fixture f;
    struct redo_result result;
    struct rows known;
    struct rows early;
    struct rows unknown;
    struct rows beaten;
    struct rows winner;
    char base[64];
    char sql[160];
    char id[UUID_TEXT_SIZE];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(base, sizeof(base), "%s", fixture_database);
    open_store(&f); /* there was a ledger before */
    rows_open(&known, &merchant_id);
    assert_int_equal(write_now(&f, &known.txn), STORE_COMMITTED);
    fixture_close(&f);
    copy_database(base, "beaten_world");
    copy_database(base, "restored");

    open_store(&f); /* from here on it is lost */
    rows_open(&early, &merchant_id);
    assert_int_equal(write_now(&f, &early.txn), STORE_COMMITTED);
    fixture_close(&f);
    use("beaten_world");
    open_store(&f);
    rows_open(&beaten, &merchant_id);
    assert_int_equal(write_now(&f, &beaten.txn), STORE_COMMITTED);
    fixture_close(&f);
    cut_newest(END_BYTES + WON_BYTES);
    use(base);
    open_store(&f);
    rows_open(&winner, &merchant_id);
    winner.payment.key = beaten.payment.key;
    assert_int_equal(write_now(&f, &winner.txn), STORE_COMMITTED);
    fixture_close(&f);
    open_store(&f);
    rows_open(&unknown, &merchant_id);
    assert_int_equal(write_now(&f, &unknown.txn), STORE_COMMITTED);
    fixture_close(&f);
    cut_newest(END_BYTES + WON_BYTES);

    redo_well("restored", &result);
    assert_int_equal(result.batches, 3);
    assert_int_equal(result.dropped, 1);
    assert_int_equal(count_in("restored", "SELECT count(*) FROM payments"), 4);
    const struct rows *wanted[] = {&known, &early, &winner, &unknown};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM idempotency WHERE payment_id = '%s'",
                       uuid_format(&wanted[i]->payment.payment_id, id).at);
        assert_int_equal(count_in("restored", sql), 1);
    }
}

/* Somebody else has the key now: nothing of it is written, and it is told. */
static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct redo_result result;
    struct error err;
    struct rows first;
    struct rows other;
    char base[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(base, sizeof(base), "%s", fixture_database);
    open_store(&f);
    rows_open(&first, &merchant_id);
    assert_int_equal(write_now(&f, &first.txn), STORE_COMMITTED);
    fixture_close(&f);
    copy_database(base, "spoiled");
    open_store(&f);
    rows_open(&first, &merchant_id);
    assert_int_equal(write_now(&f, &first.txn), STORE_COMMITTED);
    fixture_close(&f);
    use("spoiled");
    fixture_open(&f); /* writes without a journal: what an operator must not let happen */
    rows_open(&other, &merchant_id);
    other.payment.key = first.payment.key;
    assert_int_equal(write_now(&f, &other.txn), STORE_COMMITTED);
    fixture_close(&f);
    struct redo_asked asked = {.conninfo = gateway("spoiled"), .folder = folder, .alone = true};
    assert_false(redo_run(&asked, &result, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_non_null(strstr(err.text, "do not fit into this database"));
    assert_int_equal(count_in("spoiled", "SELECT count(*) FROM payments"), 2);
    asked.alone = false;
    assert_false(redo_run(&asked, &result, &err));
    assert_non_null(strstr(err.text, "wrote into this database, too"));
}

/* A file that is missing in the midst, or at the beginning, is noticed. */
static void a_journal_that_does_not_suffice_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct redo_result result;
    struct error err;
    struct rows r;
    char base[64];
    char path[512];
    char id[UUID_TEXT_SIZE];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(base, sizeof(base), "%s", fixture_database);
    open_store(&f);
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    fixture_close(&f);
    copy_database(base, "too_old");
    open_store(&f);
    for (int i = 0; i < 3; i++) {
        rows_open(&r, &merchant_id);
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    }
    (void)snprintf(path, sizeof(path), "%s/%s.000001.journal", folder,
                   uuid_format(&f.writer_id, id).at);
    fixture_close(&f);
    int fd = open(path, O_RDWR | O_CLOEXEC); /* it says that it is the writer's second file */
    uint32_t number = 2;
    assert_true(fd >= 0);
    assert_int_equal(
        pwrite(fd, &number, sizeof(number),
               (off_t)(sizeof(struct journal_frame) + offsetof(struct journal_head, number))),
        sizeof(number));
    (void)close(fd);
    redo_well("too_old", &result); /* its first batch is in the second file all the same */
    assert_int_equal(result.batches, 3);
    fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t wrong = 0;
    assert_int_equal(
        pwrite(fd, &wrong, 1,
               (off_t)(sizeof(struct journal_frame) + offsetof(struct journal_head, texts))),
        1);
    assert_int_equal(
        pwrite(fd, &wrong, 1,
               (off_t)(sizeof(struct journal_frame) + offsetof(struct journal_head, texts) + 1)),
        1);
    (void)close(fd);
    copy_database(base, "too_old_again");
    PGconn *conn = fixture_connect("postgres");
    PQfinish(conn);
    use("too_old_again");
    conn = fixture_connect("postgres");
    (void)fixture_ask(conn, "DELETE FROM batches WHERE writer_id <> (SELECT writer_id FROM writers "
                            "ORDER BY number LIMIT 1)");
    PQfinish(conn);
    assert_false(redo_into("too_old_again", &result, &err));
    assert_non_null(strstr(err.text, "another version of turnpike"));
}

static bool is_left_out(enum sql sql)
{
    /* What the gateway finds out again by itself, or nobody relies on. */
    static const enum sql left_out[] = {
        SQL_PROBE_MARK,    SQL_CLAIM,         SQL_ADOPT,           SQL_CLOSE_WRITER,
        SQL_REAP_WRITER,   SQL_REAP_INSTANCE, SQL_HEARTBEAT,       SQL_BACKTEST_PUT,
        SQL_EXPORT_PUT,    SQL_FOLLOW_FILL,   SQL_HOST_PUT,        SQL_HOST_SWEEP,
        SQL_MINUTE_PUT,    SQL_MINUTE_SWEEP,  SQL_HOOK_CLAIM,      SQL_HOOK_END,
        SQL_HOOK_HEALTH,   SQL_HOOK_SWEEP,    SQL_HOOK_PING,       SQL_HOOK_REPLAY,
        SQL_INBOUND_CLAIM, SQL_INBOUND_APPLY, SQL_INBOUND_FAIL,    SQL_HOOK_REPLAY_RANGE,
        SQL_ORDER_CLAIM,   SQL_ORDER_END,     SQL_ORDER_FAIL,      SQL_ORDER_SETTLE,
        SQL_REVIEW_CLAIM,  SQL_RULE_TALLY,    SQL_REVIEW_PUT_BACK, SQL_RULE_LOOK,
        SQL_SESSION_END,
    };
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
        if (left_out[i] == sql)
            return true;
    }
    return false;
}

/* Whoever adds a statement says which it is. */
static void what_changes_the_ledger_is_kept_or_left_out(void **state)
{
    (void)state;
    for (int i = SQL_NONE + 1; i < SQL_COUNT; i++) {
        const struct sql_text *sql = sql_text((enum sql)i);
        bool changes = strstr(sql->text, "INSERT INTO ") != NULL ||
                       strstr(sql->text, "DELETE FROM ") != NULL ||
                       strstr(sql->text, " SET ") != NULL;
        if (changes && i != SQL_REGISTER && journal_keeps((enum sql)i) == is_left_out((enum sql)i))
            fail_msg("%s is neither kept by the journal nor left out", sql->name);
    }
}

static void order_kept(void *ctx, enum store_result result, const struct error *why)
{
    assert_string_equal(why->text, "");
    assert_int_equal(result, STORE_COMMITTED);
    fixture_answered(ctx);
}

/* A payout that waits for its approval: acknowledged, and no batch. */
static void keep_order(struct fixture *f, const struct uuid *merchant_id, const char *key)
{
    struct order order = {
        .merchant_id = *merchant_id,
        .order_id = uuid_new(),
        .created_us = clock_wall_us(),
        .amount_minor = 1099,
        .currency = "EUR",
        .request_sealed = STR("sealed"),
        .approval_json = STR("[]"),
        .created_by = uuid_new(),
        .state = ORDER_REQUIRES_APPROVAL,
    };
    const struct order_bundle bundle = {
        .merchant_id = *merchant_id,
        .key = str_of(key),
        .fingerprint = {7},
        .holder_id = order.order_id,
        .created_us = order.created_us,
        .orders = &order,
        .order_count = 1,
    };
    f->waiting_for++;
    order_store_start(f->store, &bundle, order_kept, f);
    fixture_wait(f);
}

/* Nothing was paid since the restored moment: a call is missed all the same, and comes back once. */
static void a_call_is_missed_although_nobody_paid(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct redo_result result;
    char whole[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    keep_order(&f, &merchant_id, "before");
    fixture_close(&f);
    copy_database(whole, "without_order");
    open_store(&f);
    keep_order(&f, &merchant_id, "lost");
    set_first_sent(&f.writer_id, clock_wall_us() + 60 * CLOCK_SECOND_US); /* long after all else */
    fixture_close(&f);
    assert_int_equal(look_at(whole).found, REDO_COMPLETE);
    assert_int_equal(look_at("without_order").found, REDO_LOST);
    redo_well("without_order", &result);
    assert_int_equal(result.batches, 0);
    assert_int_equal(result.calls, 1);
    assert_int_equal(count_in("without_order", "SELECT count(*) FROM payout_orders"), 2);
    assert_int_equal(look_at("without_order").found, REDO_COMPLETE);
    redo_well("without_order", &result);
    assert_int_equal(result.calls, 0);
}

/* A minute before the first payment that is missing: it is missing, too. */
static void a_call_long_before_a_lost_payment_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct redo_result result;
    char whole[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    set_first_sent(&f.writer_id, clock_wall_us() - 120 * CLOCK_SECOND_US);
    fixture_close(&f);
    copy_database(whole, "without_both");
    open_store(&f);
    keep_order(&f, &merchant_id, "lost");
    set_first_sent(&f.writer_id, clock_wall_us() - 60 * CLOCK_SECOND_US);
    open_of(&f, &r, &merchant_id);
    fixture_close(&f);
    redo_well("without_both", &result);
    assert_int_equal(result.batches, 1);
    assert_int_equal(result.calls, 1);
    assert_int_equal(count_in("without_both", "SELECT count(*) FROM payout_orders"), 1);
}

/* The opening's end is not known, and what closed it a minute later was committed. */
static void a_closing_finds_the_opening_that_nobody_knows_of(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct redo_result result;
    char whole[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    set_first_sent(&f.writer_id, clock_wall_us() - 120 * CLOCK_SECOND_US);
    fixture_close(&f);
    copy_database(whole, "unclosed");
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    fixture_close(&f);
    cut_newest(END_BYTES + WON_BYTES);
    set_first_sent(&f.writer_id, clock_wall_us() - 60 * CLOCK_SECOND_US);
    open_store(&f);
    rows_to_close(&r);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    fixture_close(&f);
    redo_well("unclosed", &result);
    assert_int_equal(result.batches, 2);
    assert_same(whole, "unclosed");
}

/* The first batch was sent when the clock was an hour ahead: the newest is still asked for. */
static void a_clock_that_was_set_back_hides_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    char whole[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    set_first_sent(&f.writer_id, clock_wall_us() + 3600 * CLOCK_SECOND_US);
    fixture_close(&f);
    copy_database(whole, "of_an_odd_clock");
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    fixture_close(&f);
    assert_int_equal(look_at(whole).found, REDO_COMPLETE);
    assert_int_equal(look_at("of_an_odd_clock").found, REDO_LOST);
}

/* The same database as it was on its first day, before anybody wrote: no new one. */
static void a_ledger_set_back_to_its_beginning_is_noticed(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct error err;
    char whole[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    copy_database(whole, "beginning");
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    fixture_close(&f);
    assert_true(redo_name_now(gateway("beginning"), folder, &err));
    assert_int_equal(look_at("beginning").found, REDO_LOST);
    assert_true(redo_name_now(gateway(whole), folder, &err));
    assert_int_equal(look_at("beginning").found, REDO_NO_LEDGER);
}

/* A worker wrote nothing for so long that its file was deleted as old: it begins another. */
static void a_deleted_file_is_not_written_on(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    char path[512];
    char id[UUID_TEXT_SIZE];
    struct uuid merchant_id = uuid_new();
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    (void)snprintf(path, sizeof(path), "%s/%s.000001.journal", folder,
                   uuid_format(&f.writer_id, id).at);
    assert_int_equal(unlink(path), 0);
    open_of(&f, &r, &merchant_id);
    (void)snprintf(path, sizeof(path), "%s/%s.000002.journal", folder, id);
    assert_int_equal(access(path, F_OK), 0);
    fixture_close(&f);
}

/* Two write at once, as when one died with a commit on its way: each finds in the end that all is there. */
static void two_redos_at_once_end_well(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct redo_result result;
    struct error err;
    char whole[64];
    struct uuid merchant_id = uuid_new();
    (void)snprintf(whole, sizeof(whole), "%s", fixture_database);
    open_store(&f);
    open_of(&f, &r, &merchant_id);
    fixture_close(&f);
    copy_database(whole, "written_twice");
    open_store(&f);
    for (int i = 0; i < COUNT; i++)
        open_of(&f, &r, &merchant_id);
    fixture_close(&f);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(redo_into("written_twice", &result, &err) ? 0 : 1);
    redo_well("written_twice", &result);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_same(whole, "written_twice");
}

static void a_new_ledger_is_none_that_was_set_back(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct error err;
    struct uuid merchant_id = uuid_new();
    assert_int_equal(look_at(fixture_database).found, REDO_NO_JOURNAL);
    open_store(&f);
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    fixture_close(&f);
    struct redo_look look = look_at(fixture_database);
    assert_int_equal(look.found, REDO_COMPLETE);
    assert_false(look.is_other_database);
    assert_true(redo_name(folder, look.identity, &err));
    look = look_at("migrated");
    assert_int_equal(look.found, REDO_NO_LEDGER);
    assert_true(look.is_other_database);
    assert_int_equal(look_at("postgres").found, REDO_NO_LEDGER);
    assert_true(redo_set_aside(folder, &err));
    assert_int_equal(look_at(fixture_database).found, REDO_NO_JOURNAL);
    assert_false(redo_look("host=/nowhere dbname=x", "/nowhere/journal", &look, &err) &&
                 look.found != REDO_NO_JOURNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_lost_comes_back_as_it_was, new_journal),
        cmocka_unit_test_setup(calls_hide_no_lost_payment, new_journal),
        cmocka_unit_test_setup(a_redo_ends_when_the_standby_has_it, new_journal),
        cmocka_unit_test_setup(what_nobody_knows_gives_way_to_what_was_committed, new_journal),
        cmocka_unit_test_setup(what_does_not_fit_is_refused, new_journal),
        cmocka_unit_test_setup(a_journal_that_does_not_suffice_is_refused, new_journal),
        cmocka_unit_test(what_changes_the_ledger_is_kept_or_left_out),
        cmocka_unit_test_setup(a_call_is_missed_although_nobody_paid, new_journal),
        cmocka_unit_test_setup(a_call_long_before_a_lost_payment_comes_back, new_journal),
        cmocka_unit_test_setup(a_closing_finds_the_opening_that_nobody_knows_of, new_journal),
        cmocka_unit_test_setup(a_clock_that_was_set_back_hides_nothing, new_journal),
        cmocka_unit_test_setup(a_ledger_set_back_to_its_beginning_is_noticed, new_journal),
        cmocka_unit_test_setup(a_deleted_file_is_not_written_on, new_journal),
        cmocka_unit_test_setup(two_redos_at_once_end_well, new_journal),
        cmocka_unit_test_setup(a_new_ledger_is_none_that_was_set_back, new_journal),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
