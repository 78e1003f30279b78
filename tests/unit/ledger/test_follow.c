/* Followers read every committed event once, in the order of each payment, whatever commits late. */
#include "ledger/follow.h"

#include "tests/unit/ledger/fixture.h"

enum {
    PAYMENT_MAX = 40,
    SEEN_MAX = 2000,
};

#define PROBES "SELECT count(*) FROM batches WHERE is_probe"

struct follower {
    struct fixture *f;
    struct uuid merchant_id;
    struct arena arena;
    struct follow_mark mark;
    enum store_find found;
    struct follow_news *news;
    struct follow_news copy;
    size_t cut_count;           /* reads that did not come to the end */
    struct uuid seen[SEEN_MAX]; /* payments */
    int32_t number[SEEN_MAX];   /* ... and how far they were read */
    size_t seen_count;
    size_t event_count;
};

static void read_done(void *ctx, enum store_find found, struct follow_news *news,
                      const struct error *why)
{
    struct follower *follower = ctx;
    (void)why;
    follower->found = found;
    follower->news = NULL;
    if (news != NULL) {
        follower->copy = *news;
        follower->news = &follower->copy;
    }
    fixture_answered(follower->f);
}

static void follower_open(struct follower *follower, struct fixture *f,
                          const struct uuid *merchant_id)
{
    memset(follower, 0, sizeof(*follower));
    follower->f = f;
    follower->merchant_id = *merchant_id;
    arena_init(&follower->arena, 64 << 20);
    f->waiting_for++;
    follow_begin(f->store, &follower->mark, &follower->arena, read_done, follower);
    fixture_wait(f);
    assert_int_equal(follower->found, STORE_FOUND);
}

static void follower_close(struct follower *follower)
{
    arena_release(&follower->arena);
}

static void ask(struct follower *follower)
{
    arena_reset(&follower->arena);
    follower->f->waiting_for++;
    follow_read(follower->f->store, &follower->merchant_id, 1, &follower->mark, &follower->arena,
                read_done, follower);
    fixture_wait(follower->f);
}

/* Next in its payment: neither skipped nor told twice. */
static void take(struct follower *follower, const struct event_view *event)
{
    size_t at = 0;
    while (at < follower->seen_count && !uuid_eq(&follower->seen[at], &event->subject_id))
        at++;
    assert_true(at < SEEN_MAX);
    if (at == follower->seen_count)
        follower->seen[follower->seen_count++] = event->subject_id;
    assert_int_equal(event->number, follower->number[at] + 1);
    follower->number[at]++;
    follower->event_count++;
}

static void resume(struct follower *follower)
{
    struct buf text;
    struct error err;
    buf_init(&text, FOLLOW_TEXT_MAX);
    follow_mark_print(&follower->mark, &text);
    assert_true(buf_is_ok(&text));
    assert_true(follow_mark_parse(buf_str(&text), &follower->mark, &err));
    buf_release(&text);
}

/* Until there is nothing left; `stop_after` events at a time, each time going on from the text. */
static size_t read_all(struct follower *follower, size_t stop_after)
{
    size_t before = follower->event_count;
    bool again = true;
    while (again) {
        const struct event_view *event;
        size_t taken = 0;
        ask(follower);
        assert_int_equal(follower->found, STORE_FOUND);
        again = follower->news->has_more;
        follower->cut_count += again;
        while (taken < stop_after && follow_next(follower->news, &event)) {
            take(follower, event);
            taken++;
        }
        if (taken == stop_after) {
            again = true;
            resume(follower);
        }
    }
    return follower->event_count - before;
}

/* ---- rows ---- */

static struct store_event events[2 * PAYMENT_MAX];

static struct store_event make_event(const struct store_payment *payment, int32_t number)
{
    return (struct store_event){
        .merchant_id = payment->merchant_id,
        .event_id = uuid_new(),
        .payment_id = payment->payment_id,
        .number = number,
        .type = STR("payment.processing"),
        .status = PAYMENT_PROCESSING,
        .data_json = STR("{}"),
        .created_us = clock_wall_us(),
    };
}

static enum store_result write_event(struct fixture *f, const struct store_payment *payment,
                                     int32_t number)
{
    struct store_event event = make_event(payment, number);
    struct store_txn txn = {.name = "test", .events = &event, .event_count = 1};
    return write_now(f, &txn);
}

static void open_payment(struct fixture *f, struct rows *r, const struct uuid *merchant_id)
{
    rows_open(r, merchant_id);
    assert_int_equal(write_now(f, &r->txn), STORE_COMMITTED);
}

/* As another process would register: number 2. */
static void register_other(PGconn *admin)
{
    assert_string_equal(
        fixture_ask(admin, "UPDATE writer_numbers SET last = last + 1;"
                           "INSERT INTO writers (writer_id, instance_id, boot_id, slot, started_at,"
                           " heartbeat_at, watermark_at, number) SELECT"
                           " '99999999-0000-0000-0000-000000000000', gen_random_uuid(),"
                           " gen_random_uuid(), 0, now(), now(), now(), last FROM writer_numbers"),
        "");
}

static void write_other(PGconn *conn, int64_t batch_no, const struct store_event *event)
{
    char merchant[UUID_TEXT_SIZE];
    char payment[UUID_TEXT_SIZE];
    char id[UUID_TEXT_SIZE];
    char sql[1024];
    uuid_format(&event->merchant_id, merchant);
    uuid_format(&event->payment_id, payment);
    uuid_format(&event->event_id, id);
    (void)snprintf(
        sql, sizeof(sql),
        "INSERT INTO batches VALUES ('99999999-0000-0000-0000-000000000000', %d, false,"
        " now(), '%s'); INSERT INTO events (merchant_id, payment_id, event_id, writer_id,"
        " created_at, batch_no, number, type, status, data) VALUES ('%s', '%s', '%s',"
        " '99999999-0000-0000-0000-000000000000', now(), %d, %d, 'payment.processing',"
        " 'processing', '{}')",
        (int)batch_no, id, merchant, payment, id, (int)batch_no, (int)event->number);
    assert_string_equal(fixture_ask(conn, sql), "");
}

/* ---- tests ---- */

static void what_is_committed_late_is_not_skipped(void **state)
{
    (void)state;
    struct fixture f;
    struct follower follower;
    struct rows r[3];
    struct uuid merchant_id = uuid_new();
    PGconn *late = fixture_connect("postgres");
    PGconn *other = fixture_connect("postgres");
    fixture_open(&f);
    for (int i = 0; i < 3; i++)
        open_payment(&f, &r[i], &merchant_id);
    follower_open(&follower, &f, &merchant_id);
    register_other(other);
    struct store_event first = make_event(&r[0].payment, 1); /* the oldest id of all */
    assert_string_equal(fixture_ask(late, "BEGIN"), "");
    write_other(late, 1, &first);
    assert_int_equal(write_event(&f, &r[1].payment, 1), STORE_COMMITTED);
    struct store_event second = make_event(&r[2].payment, 1);
    write_other(other, 2, &second);
    assert_int_equal(read_all(&follower, SIZE_MAX), 2);
    assert_int_equal(follower.mark.hole_count, 1);
    assert_int_equal(write_event(&f, &r[1].payment, 2), STORE_COMMITTED);
    assert_int_equal(read_all(&follower, SIZE_MAX), 1);
    resume(&follower);
    assert_string_equal(fixture_ask(late, "COMMIT"), "");
    assert_int_equal(read_all(&follower, SIZE_MAX), 1);
    assert_int_equal(follower.mark.hole_count, 0);
    assert_int_equal(read_all(&follower, SIZE_MAX), 0);
    PQfinish(late);
    PQfinish(other);
    follower_close(&follower);
    fixture_close(&f);
}

static void numbers_of_batches_rolled_back_leave_no_holes(void **state)
{
    (void)state;
    struct fixture f;
    struct follower follower;
    struct rows r;
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    open_payment(&f, &r, &merchant_id);
    follower_open(&follower, &f, &merchant_id);
    assert_int_equal(write_event(&f, &r.payment, 1), STORE_COMMITTED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(write_event(&f, &r.payment, 1), STORE_FENCED);
    assert_int_equal(write_event(&f, &r.payment, 2), STORE_COMMITTED);
    assert_int_equal(read_all(&follower, SIZE_MAX), 2);
    assert_int_equal(follower.mark.hole_count, 0);
    follower_close(&follower);
    fixture_close(&f);
}

static void a_dead_writers_hole_is_filled(void **state)
{
    (void)state;
    struct fixture f;
    struct follower follower;
    struct rows r[2];
    struct uuid merchant_id = uuid_new();
    PGconn *other = fixture_connect("postgres");
    fixture_open(&f);
    open_payment(&f, &r[0], &merchant_id);
    open_payment(&f, &r[1], &merchant_id);
    follower_open(&follower, &f, &merchant_id);
    register_other(other);
    struct store_event event = make_event(&r[0].payment, 1);
    write_other(other, 3, &event);
    assert_int_equal(read_all(&follower, SIZE_MAX), 1);
    assert_int_equal(follower.mark.hole_count, 1); /* 1 and 2 */
    follower.mark.hole[0].noticed_us = 1;          /* long ago */
    ask(&follower);
    for (int i = 0; i < 3000 && follower.mark.hole_count > 0; i++)
        assert_int_equal(read_all(&follower, SIZE_MAX), 0);
    assert_int_equal(follower.mark.hole_count, 0);
    assert_int_equal(fixture_count(other, PROBES), 2);
    /* It will never come any more. */
    struct store_event late = make_event(&r[1].payment, 1);
    char id[UUID_TEXT_SIZE];
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO batches VALUES ('99999999-0000-0000-0000-000000000000', 1, false,"
                   " now(), '%s')",
                   uuid_format(&late.event_id, id).at);
    assert_string_equal(fixture_ask(other, sql), "ERROR 23505");
    PQfinish(other);
    follower_close(&follower);
    fixture_close(&f);
}

/* A text that somebody made up takes no number away from a writer that has yet to come to it. */
static void numbers_to_come_are_nobodys_holes(void **state)
{
    (void)state;
    struct fixture f;
    struct follower follower;
    struct rows r;
    struct uuid merchant_id = uuid_new();
    PGconn *other = fixture_connect("postgres");
    fixture_open(&f);
    open_payment(&f, &r, &merchant_id);
    follower_open(&follower, &f, &merchant_id);
    register_other(other);
    struct store_event event = make_event(&r.payment, 1);
    write_other(other, 3, &event);
    assert_int_equal(read_all(&follower, SIZE_MAX), 1);
    struct follow_hole *holes = follower.mark.hole;
    for (size_t i = 0; i < follower.mark.writer_count; i++)
        follower.mark.writer[i].high += 1000;
    holes[1] = (struct follow_hole){holes[0].number, 4, 40, 0};
    follower.mark.hole_count = 2;
    resume(&follower); /* it reads as a position */
    for (size_t i = 0; i < follower.mark.hole_count; i++)
        follower.mark.hole[i].noticed_us = 1; /* long ago */
    ask(&follower);
    for (int i = 0; i < 3000 && fixture_count(other, PROBES) < 2; i++)
        ask(&follower);
    assert_int_equal(fixture_count(other, PROBES), 2); /* 1 and 2, which will never come */
    PQfinish(other);
    follower_close(&follower);
    fixture_close(&f);
}

/* Many batches, by two writers; read in small steps, each going on from the text of the last. */
static void whoever_goes_on_loses_nothing_and_reads_nothing_twice(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 3, 7, SIZE_MAX};
    struct fixture f;
    struct uuid merchant_id = uuid_new();
    struct uuid stranger_id = uuid_new();
    static struct rows r[PAYMENT_MAX];
    static struct follower followers[ARRAY_LEN(steps)];
    struct rows foreign;
    struct write writes[PAYMENT_MAX];
    PGconn *other = fixture_connect("postgres");
    fixture_open(&f);
    for (int i = 0; i < PAYMENT_MAX; i++)
        open_payment(&f, &r[i], &merchant_id);
    open_payment(&f, &foreign, &stranger_id);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        follower_open(&followers[i], &f, &merchant_id);
    register_other(other);
    size_t total = 0;
    int64_t other_no = 0;
    for (int32_t number = 1; number <= 40; number++) {
        for (int i = 0; i < PAYMENT_MAX; i++) {
            events[i] = make_event(&r[i].payment, number);
            if (i % 4 == 3) {
                other_no += other_no < 100 ? 2 : 1; /* some are missing */
                write_other(other, other_no, &events[i]);
                continue;
            }
            struct store_txn txn = {.name = "test", .events = &events[i], .event_count = 1};
            write_start(&f, &txn, &writes[i]);
            if (i % 3 < 2)
                fixture_wait(&f);
        }
        fixture_wait(&f);
        assert_int_equal(write_event(&f, &foreign.payment, number), STORE_COMMITTED);
        total += PAYMENT_MAX;
        if (number % 20 == 0) { /* more batches than one read takes */
            for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                (void)read_all(&followers[i], steps[i]);
                assert_int_equal(followers[i].event_count, total);
            }
        }
    }
    assert_true(followers[ARRAY_LEN(steps) - 1].cut_count >= 2);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        follower_close(&followers[i]);
    PQfinish(other);
    fixture_close(&f);
}

static bool same_place(const struct follow_mark *a, const struct follow_mark *b)
{
    return follow_mark_covers(a, b) && follow_mark_covers(b, a);
}

/* Reads what there is, but nothing that the other has not read. */
static void read_up_to(struct follower *follower, const struct follow_mark *until)
{
    const struct event_view *event;
    ask(follower);
    assert_int_equal(follower->found, STORE_FOUND);
    assert_false(follower->news->has_more);
    follow_keep(follower->news, until, &follower->arena);
    while (follow_next(follower->news, &event))
        take(follower, event);
}

static void whoever_reads_up_to_another_stands_where_it_does(void **state)
{
    (void)state;
    struct fixture f;
    struct follower head;
    struct follower late_comer;
    struct rows r[6];
    struct uuid merchant_id = uuid_new();
    PGconn *late = fixture_connect("postgres");
    PGconn *other = fixture_connect("postgres");
    fixture_open(&f);
    for (int i = 0; i < 6; i++)
        open_payment(&f, &r[i], &merchant_id);
    follower_open(&head, &f, &merchant_id);
    follower_open(&late_comer, &f, &merchant_id);
    assert_true(same_place(&head.mark, &late_comer.mark));
    register_other(other);
    struct store_event early = make_event(&r[0].payment, 1);
    struct store_event whole = make_event(&r[1].payment, 1);
    assert_string_equal(fixture_ask(late, "BEGIN"), "");
    write_other(late, 1, &early); /* a hole of the head's: committed below */
    write_other(other, 2, &whole);
    assert_int_equal(write_event(&f, &r[2].payment, 1), STORE_COMMITTED);
    (void)read_all(&head, SIZE_MAX);
    assert_int_equal(head.event_count, 2);
    assert_false(follow_mark_covers(&late_comer.mark, &head.mark));
    assert_true(follow_mark_covers(&head.mark, &late_comer.mark));

    struct follow_mark stood = head.mark;
    assert_string_equal(fixture_ask(late, "COMMIT"), "");
    assert_int_equal(write_event(&f, &r[2].payment, 2), STORE_COMMITTED);
    read_up_to(&late_comer, &stood); /* neither the hole's event nor the newest */
    assert_int_equal(late_comer.event_count, 2);
    assert_true(same_place(&late_comer.mark, &stood));

    assert_int_equal(write_event(&f, &r[3].payment, 1), STORE_COMMITTED);
    (void)read_all(&head, SIZE_MAX); /* it moves on while the other reads: no place in common */
    assert_int_equal(head.event_count, 5);
    assert_false(follow_mark_covers(&late_comer.mark, &head.mark));
    read_up_to(&late_comer, &head.mark);
    assert_int_equal(late_comer.event_count, 5);
    assert_true(same_place(&late_comer.mark, &head.mark));
    follower_close(&head);
    follower_close(&late_comer);
    PQfinish(late);
    PQfinish(other);
    fixture_close(&f);
}

static void a_position_of_another_ledger_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct follower follower;
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    follower_open(&follower, &f, &merchant_id);
    follower.mark.newest += 5;
    ask(&follower);
    assert_int_equal(follower.found, STORE_ABSENT);
    follower_close(&follower);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_committed_late_is_not_skipped, fixture_new_database),
        cmocka_unit_test_setup(numbers_of_batches_rolled_back_leave_no_holes, fixture_new_database),
        cmocka_unit_test_setup(a_dead_writers_hole_is_filled, fixture_new_database),
        cmocka_unit_test_setup(numbers_to_come_are_nobodys_holes, fixture_new_database),
        cmocka_unit_test_setup(whoever_goes_on_loses_nothing_and_reads_nothing_twice,
                               fixture_new_database),
        cmocka_unit_test_setup(whoever_reads_up_to_another_stands_where_it_does,
                               fixture_new_database),
        cmocka_unit_test_setup(a_position_of_another_ledger_is_refused, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
