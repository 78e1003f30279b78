/*
 * test_admission.c - what is taken on: rates, what is under way, overload, seats; over two workers.
 *
 * Each test runs within one tick of the event loop, where time stands still: no bucket fills while a
 * busy machine keeps the test waiting.
 */
#include "payment/admission.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "payment/admission_internal.h"

#include <cmocka.h>

enum {
    SHM_SIZE = 64 << 20,
    TICKETS = 512,
};

static struct shm shm;
static struct admission_shared *shared;
static struct loop *loop;
static struct admission *admission; /* of slot 1 */
static struct admission_config config;
static struct admission_verdict verdict;
static struct admission_ticket tickets[TICKETS];
static size_t ticket_count;
static struct merchant shops[16];
static struct caller callers[16]; /* one key of each shop */

static void restart(unsigned slot)
{
    admission_free(&admission);
    admission = admission_new(loop, shared, &config, slot);
}

static int setup(void **state)
{
    (void)state;
    struct error err;
    if (!shm_open_segment(&shm, SHM_SIZE, &err))
        return -1;
    metrics_open(&shm);
    shared = admission_open(&shm);
    loop = loop_new();
    config = admission_config_default;
    config.key = (struct bucket_limit){.rate = 1, .burst = 1000};
    config.merchant = (struct bucket_limit){.rate = 1, .burst = 5000};
    config.address = (struct bucket_limit){.rate = 1, .burst = 3};
    memset(tickets, 0, sizeof(tickets));
    ticket_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(shops); i++) {
        shops[i] = (struct merchant){.merchant_id = uuid_new()};
        callers[i] =
            (struct caller){.key_id = uuid_new(), .role = KEY_MERCHANT, .merchant = &shops[i]};
    }
    admission = admission_new(loop, shared, &config, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ticket_count; i++)
        admission_end(admission, &tickets[i]);
    admission_free(&admission);
    loop_free(&loop);
    return 0; /* metrics keep the segment */
}

static bool begin_as(const struct caller *caller, enum admission_work work, const char *key)
{
    assert_true(ticket_count < TICKETS);
    bool taken =
        admission_begin(admission, caller, work, str_of(key), &tickets[ticket_count], &verdict);
    assert_int_equal(taken, verdict.reason == ADMISSION_ADMITTED);
    assert_int_equal(taken, tickets[ticket_count].is_held);
    ticket_count += taken;
    return taken;
}

static bool begin(size_t shop)
{
    return begin_as(&callers[shop], ADMISSION_PAYMENT, "");
}

static void end_last(void)
{
    assert_true(ticket_count > 0);
    admission_end(admission, &tickets[--ticket_count]);
}

static unsigned begin_all(size_t shop, unsigned most)
{
    unsigned count = 0;
    while (count < most && begin(shop)) {
        end_last();
        count++;
    }
    return count;
}

static void in_hand(size_t count)
{
    while (admission->in_hand < count)
        admission_payment_began(admission);
    while (admission->in_hand > count)
        admission_payment_ended(admission);
}

/* ---- rates ---- */

static void a_key_has_its_rate(void **state)
{
    (void)state;
    config.key.burst = 7;
    restart(1);
    assert_int_equal(begin_all(0, 100), 7);
    assert_int_equal(verdict.reason, ADMISSION_KEY_RATE);
    assert_int_equal(verdict.problem, MESSAGE_RATE_LIMITED);
    assert_int_equal(verdict.retry_after_s, 1);
    assert_string_equal(verdict.quota.policy, "key");
    assert_int_equal(verdict.quota.quota, 7);
    assert_int_equal(verdict.quota.window_s, 7);
    assert_int_equal(verdict.quota.remaining, 0);
    assert_in_range(verdict.quota.reset_s, 6, 7);
    assert_true(begin(1)); /* another's key */
}

static void little_left_is_told_beforehand(void **state)
{
    (void)state;
    config.key.burst = 10;
    restart(1);
    for (int i = 0; i < 7; i++) {
        assert_true(begin(0));
        assert_null(verdict.quota.policy);
    }
    assert_true(begin(0));
    assert_string_equal(verdict.quota.policy, "key");
    assert_int_equal(verdict.quota.remaining, 2);
}

static void a_merchant_s_keys_share_its_rate(void **state)
{
    (void)state;
    config.merchant.burst = 10;
    restart(1);
    unsigned count = 0;
    for (int i = 0; i < 20; i++) {
        struct caller other = callers[0];
        other.key_id = uuid_new();
        count += begin_as(&other, ADMISSION_READ, "");
    }
    assert_int_equal(count, 10);
    assert_int_equal(verdict.reason, ADMISSION_MERCHANT_RATE);
    assert_string_equal(verdict.quota.policy, "merchant");
}

static void its_own_limits_go_before_the_defaults(void **state)
{
    (void)state;
    shops[0].limits = (struct merchant_limits){.rate = 2, .in_flight_max = 3};
    assert_int_equal(begin_all(0, 100), 4); /* two seconds' worth */
    assert_int_equal(verdict.reason, ADMISSION_KEY_RATE);
    shops[1].limits = (struct merchant_limits){.rate = 1000, .burst = 400};
    assert_int_equal(begin_all(1, 399), 399);
    shops[2].limits = (struct merchant_limits){.burst = 6}; /* at the default rate */
    assert_int_equal(begin_all(2, 100), 6);
    shops[3].limits = (struct merchant_limits){.in_flight_max = 3};
    for (int i = 0; i < 3; i++)
        assert_true(begin(3));
    assert_false(begin(3));
    assert_int_equal(verdict.reason, ADMISSION_KEY_IN_FLIGHT);
}

static void an_operator_has_no_merchant(void **state)
{
    (void)state;
    struct caller operator= {.key_id = uuid_new(), .role = KEY_OPERATOR};
    config.key.burst = 3;
    restart(1);
    for (int i = 0; i < 3; i++)
        assert_true(begin_as(&operator, ADMISSION_READ, ""));
    assert_false(begin_as(&operator, ADMISSION_READ, ""));
    assert_int_equal(verdict.reason, ADMISSION_KEY_RATE);
}

struct frozen {
    const char *name;
    void (*body)(void **state);
    int (*work)(void); /* or this, and what it returned */
    int count;
};

static void run_body(void *ctx)
{
    struct frozen *frozen = ctx;
    if (frozen->body != NULL)
        frozen->body(NULL);
    else
        frozen->count = frozen->work();
    loop_stop(loop);
}

static void run_frozen(void **state)
{
    struct loop_timer timer;
    loop_timer_init(&timer, loop, run_body, *state);
    loop_timer_start(&timer, 0);
    loop_run(loop);
    loop_timer_release(&timer);
}

/* A process that is worker `slot`: it tells what it counted, and is killed with all it holds. */
static int as_worker(unsigned slot, int (*work)(void))
{
    int pipe_end[2];
    int count = -1;
    assert_int_equal(pipe(pipe_end), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct frozen frozen = {.work = work};
        void *state = &frozen;
        admission = NULL; /* the parent's, as its loop */
        loop = loop_new();
        restart(slot);
        run_frozen(&state);
        assert_int_equal(write(pipe_end[1], &frozen.count, sizeof(frozen.count)),
                         (ssize_t)sizeof(frozen.count));
        (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(read(pipe_end[0], &count, sizeof(count)), (ssize_t)sizeof(count));
    (void)close(pipe_end[0]);
    (void)close(pipe_end[1]);
    return count;
}

static struct caller many[32];

/* As much as it gets, from all keys in turn. */
static int burst_of_many(void)
{
    int count = 0;
    for (int i = 0; i < 32 * 40; i++) {
        bool taken = begin_as(&many[i % 32], ADMISSION_READ, "");
        count += taken;
        if (taken)
            end_last();
    }
    return count;
}

static void two_workers_share_the_buckets_of_32_keys(void **state)
{
    (void)state;
    config.key.burst = 30;
    restart(1);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = callers[i % ARRAY_LEN(callers)];
        many[i].key_id = uuid_new();
    }
    int64_t from_us = clock_mono_us();
    int count = as_worker(2, burst_of_many);
    assert_int_equal(count, 32 * 30); /* its forty for each were too many by ten */
    count = as_worker(3, burst_of_many);
    int64_t spent_s = (clock_mono_us() - from_us) / CLOCK_SECOND_US + 1;
    assert_true(count <= 32 * spent_s); /* what time gave meanwhile */
    /* The workers are gone, the buckets are not; our own clock stands where the test began. */
    assert_int_equal(burst_of_many(), 0);
}

/* ---- what is under way ---- */

static void a_key_has_so_many_under_way(void **state)
{
    (void)state;
    config.key_in_flight_max = 5;
    restart(1);
    for (int i = 0; i < 5; i++)
        assert_true(begin(0));
    assert_false(begin(0));
    assert_int_equal(verdict.reason, ADMISSION_KEY_IN_FLIGHT);
    assert_int_equal(verdict.problem, MESSAGE_RATE_LIMITED);
    end_last();
    assert_true(begin(0));
    assert_false(begin(0));
    assert_true(begin(1));
}

static int hold_three(void)
{
    int count = 0;
    while (begin(0))
        count++;
    return count;
}

static void workers_count_together_and_a_killed_one_leaks_nothing(void **state)
{
    (void)state;
    config.merchant_in_flight_max = 8;
    restart(1);
    for (int i = 0; i < 3; i++)
        assert_true(begin(0));
    assert_int_equal(as_worker(2, hold_three), 5);
    assert_false(begin(0));
    assert_int_equal(verdict.reason, ADMISSION_MERCHANT_IN_FLIGHT);
    /* Refusing left nothing behind. */
    for (int i = 0; i < 100; i++)
        assert_false(begin(0));
    admission_forget_slot(shared, 2); /* the master has reaped it */
    for (int i = 0; i < 5; i++)
        assert_true(begin(0));
    assert_false(begin(0));
    /* The next worker of that slot begins at nothing, and sees ours. */
    assert_int_equal(as_worker(2, hold_three), 0);
    admission_forget_slot(shared, 2);
}

static void more_merchants_than_places_are_counted_by_each_worker(void **state)
{
    (void)state;
    config.merchant_in_flight_max = 2;
    restart(1);
    enum { MANY = 12000 };
    struct admission_ticket *held = calloc(MANY, sizeof(*held));
    struct merchant *merchants = calloc(MANY, sizeof(*merchants));
    assert_true(held != NULL && merchants != NULL);
    for (size_t i = 0; i < MANY; i++) {
        merchants[i].merchant_id = uuid_new();
        struct caller caller = {.key_id = uuid_new(), .merchant = &merchants[i]};
        assert_true(
            admission_begin(admission, &caller, ADMISSION_PAYMENT, STR_NONE, &held[i], &verdict));
    }
    /* Also who found no place is held to its limit. */
    struct caller last = {.key_id = uuid_new(), .merchant = &merchants[MANY - 1]};
    assert_true(begin_as(&last, ADMISSION_PAYMENT, ""));
    assert_false(begin_as(&last, ADMISSION_PAYMENT, ""));
    assert_int_equal(verdict.reason, ADMISSION_MERCHANT_IN_FLIGHT);
    for (size_t i = 0; i < MANY; i++)
        admission_end(admission, &held[i]);
    free(held);
    free(merchants);
}

static void reads_have_a_limit_of_their_own(void **state)
{
    (void)state;
    config.read_in_flight_max = 4;
    restart(1);
    for (int i = 0; i < 4; i++)
        assert_true(begin_as(&callers[0], ADMISSION_READ, ""));
    assert_false(begin_as(&callers[1], ADMISSION_READ, ""));
    assert_int_equal(verdict.reason, ADMISSION_READ_IN_FLIGHT);
    assert_int_equal(verdict.problem, MESSAGE_OVERLOADED);
    assert_true(begin(0));
    end_last();
    end_last();
    assert_true(begin_as(&callers[1], ADMISSION_READ, ""));
}

/* ---- overload ---- */

static void a_full_worker_takes_no_more_payments(void **state)
{
    (void)state;
    config.in_flight_max = 10;
    restart(1);
    in_hand(9);
    assert_true(begin(0));
    in_hand(10);
    assert_false(begin(1));
    assert_int_equal(verdict.reason, ADMISSION_WORKER_FULL);
    assert_int_equal(verdict.problem, MESSAGE_OVERLOADED);
    assert_in_range(verdict.retry_after_s, 1, 3);
    assert_true(begin_as(&callers[1], ADMISSION_READ, ""));
    in_hand(0);
}

/* The governor has said 100: shop 0 floods, shop 1 comes now and then. */
static void a_flood_of_one_leaves_the_others_their_share(void **state)
{
    (void)state;
    admission->governor.limit = 100;
    unsigned flood = 0;
    while (admission_own_count(admission) < 100) {
        assert_true(begin(0));
        admission_payment_began(admission);
        flood++;
    }
    assert_int_equal(flood, 100);
    assert_false(begin(0));
    assert_int_equal(verdict.reason, ADMISSION_OVERLOAD);
    /* Half of the limit is another's, a third when there are three. */
    for (int i = 0; i < 50; i++)
        assert_true(begin(1));
    assert_false(begin(1));
    for (int i = 0; i < 33; i++)
        assert_true(begin(2));
    assert_false(begin(2));
    assert_false(begin(0));
    in_hand(0);
}

static void what_is_at_a_provider_is_no_work_of_ours(void **state)
{
    (void)state;
    admission->governor.limit = 100;
    for (int i = 0; i < 100; i++)
        assert_true(begin(0)); /* its share, in full */
    in_hand(150);
    assert_false(begin(0));
    for (int i = 0; i < 51; i++)
        admission_send_began(admission);
    assert_true(begin(0));
    for (int i = 0; i < 51; i++)
        admission_send_ended(admission);
    assert_false(begin(0));
    in_hand(0);
}

static void a_known_key_is_let_through_as_a_repeat(void **state)
{
    (void)state;
    config.in_flight_max = 10;
    restart(1);
    admission_note_opened(admission, &shops[0].merchant_id, STR("order-1"));
    assert_true(begin_as(&callers[0], ADMISSION_PAYMENT, "order-1"));
    assert_false(verdict.is_repeat); /* nothing presses: it is taken like any other */
    in_hand(10);
    assert_true(begin_as(&callers[0], ADMISSION_PAYMENT, "order-1"));
    assert_true(verdict.is_repeat && tickets[ticket_count - 1].is_repeat);
    assert_false(begin_as(&callers[0], ADMISSION_PAYMENT, "order-2"));
    assert_false(begin_as(&callers[0], ADMISSION_PAYMENT, ""));
    assert_false(begin_as(&callers[1], ADMISSION_PAYMENT, "order-1")); /* another's key */
    /* A few at a time. */
    for (int i = 1; i < ADMISSION_REPEAT_MAX; i++)
        assert_true(begin_as(&callers[0], ADMISSION_PAYMENT, "order-1"));
    assert_false(begin_as(&callers[0], ADMISSION_PAYMENT, "order-1"));
    end_last();
    assert_true(begin_as(&callers[0], ADMISSION_PAYMENT, "order-1"));
    in_hand(0);
}

static void looking_takes_and_counts_nothing(void **state)
{
    (void)state;
    config.key.burst = 2;
    restart(1);
    for (int i = 0; i < 10; i++)
        assert_true(admission_look(admission, &callers[0], ADMISSION_PAYMENT, STR_NONE, &verdict));
    admission_note_opened(admission, &shops[0].merchant_id, STR("order-1"));
    in_hand(config.in_flight_max);
    assert_false(admission_look(admission, &callers[0], ADMISSION_PAYMENT, STR("x"), &verdict));
    assert_true(
        admission_look(admission, &callers[0], ADMISSION_PAYMENT, STR("order-1"), &verdict));
    assert_true(verdict.is_repeat);
    in_hand(0);
    assert_true(begin(0));
    assert_true(begin(0));
    assert_false(admission_look(admission, &callers[0], ADMISSION_PAYMENT, STR_NONE, &verdict));
    assert_int_equal(verdict.reason, ADMISSION_KEY_RATE);
}

static void background_work_waits_for_room(void **state)
{
    (void)state;
    assert_true(admission_has_room(admission));
    in_hand(2048);
    assert_false(admission_has_room(admission));
    in_hand(0);
    admission->governor.pressure_permille = 1001;
    assert_false(admission_has_room(admission));
    assert_true(admission_has_room(NULL));
}

/* ---- strangers ---- */

static void an_address_has_so_many_tries(void **state)
{
    (void)state;
    bool has_paid;
    for (int i = 0; i < 3; i++)
        assert_true(admission_take_stranger(admission, "192.0.2.1", &verdict));
    assert_false(admission_take_stranger(admission, "192.0.2.1", &verdict));
    assert_int_equal(verdict.reason, ADMISSION_ADDRESS_RATE);
    assert_string_equal(verdict.quota.policy, "address");
    assert_false(
        admission_may_look_up(admission, "192.0.2.1", STR("tpk_guess"), &has_paid, &verdict));
    assert_true(
        admission_may_look_up(admission, "192.0.2.2", STR("tpk_guess"), &has_paid, &verdict));
    assert_true(admission_take_stranger(admission, "192.0.2.2", &verdict));
}

/* None is answered before the last is begun: each has a token of its own all the same. */
static void guesses_under_way_do_not_share_a_try(void **state)
{
    (void)state;
    bool has_paid;
    for (int i = 0; i < 3; i++) {
        assert_true(
            admission_may_look_up(admission, "192.0.2.1", STR("tpk_guess"), &has_paid, &verdict));
        assert_true(has_paid);
    }
    assert_false(
        admission_may_look_up(admission, "192.0.2.1", STR("tpk_guess"), &has_paid, &verdict));
    assert_false(has_paid);
    assert_int_equal(verdict.reason, ADMISSION_ADDRESS_RATE);
    admission_give_back(admission, "192.0.2.1"); /* one was valid */
    assert_true(
        admission_may_look_up(admission, "192.0.2.1", STR("tpk_other"), &has_paid, &verdict));
    assert_false(admission_take_stranger(admission, "192.0.2.1", &verdict));
}

/* Behind one proxy, or after every cache was dropped. */
static void a_key_that_was_valid_is_looked_up_whatever_its_neighbours_do(void **state)
{
    (void)state;
    bool has_paid;
    admission_note_key(admission, STR("tpk_honest"));
    for (int i = 0; i < 10; i++)
        (void)admission_take_stranger(admission, "192.0.2.1", &verdict);
    assert_false(
        admission_may_look_up(admission, "192.0.2.1", STR("tpk_guess"), &has_paid, &verdict));
    assert_true(
        admission_may_look_up(admission, "192.0.2.1", STR("tpk_honest"), &has_paid, &verdict));
    assert_false(has_paid);
}

static void addresses_of_one_client_are_one(void **state)
{
    (void)state;
    struct uuid a = admission_address("2001:db8:1:2::1");
    struct uuid b = admission_address("2001:db8:1:2:ffff:1:2:3");
    struct uuid c = admission_address("2001:db8:1:3::1");
    assert_true(uuid_eq(&a, &b));
    assert_false(uuid_eq(&a, &c));
    a = admission_address("192.0.2.1");
    b = admission_address("::ffff:192.0.2.1");
    c = admission_address("192.0.2.2");
    assert_true(uuid_eq(&a, &b));
    assert_false(uuid_eq(&a, &c));
    a = admission_address("nonsense"); /* a Unix socket, one day: all of them one client */
    b = admission_address("");
    assert_true(uuid_eq(&a, &b));
}

/* ---- seats ---- */

static struct provider_account account_at(const char *url)
{
    static const struct provider provider = {.name = "paypal"};
    struct provider_account account = {.account_id = uuid_new(), .provider = &provider};
    (void)snprintf(account.base_url, sizeof(account.base_url), "%s", url);
    return account;
}

static void a_slow_account_holds_its_seats_and_no_more(void **state)
{
    (void)state;
    struct bulkhead *bulkhead = bulkhead_new(3, 5);
    struct provider_account slow = account_at("https://slow.example:1");
    struct provider_account healthy = account_at("https://fast.example:1");
    struct bulkhead_seat seats[3] = {{NULL, NULL}};
    for (int i = 0; i < 3; i++) {
        assert_false(bulkhead_is_full(bulkhead, &slow));
        bulkhead_take(bulkhead, &slow, &seats[i]);
    }
    assert_true(bulkhead_is_full(bulkhead, &slow));
    assert_false(bulkhead_is_full(bulkhead, &healthy));
    bulkhead_give_back(bulkhead, &seats[1]);
    bulkhead_give_back(bulkhead, &seats[1]); /* none: nothing */
    assert_false(bulkhead_is_full(bulkhead, &slow));
    assert_int_equal(bulkhead_count(bulkhead, &slow), 2);
    bulkhead_give_back(bulkhead, &seats[0]);
    bulkhead_give_back(bulkhead, &seats[2]);
    assert_int_equal(bulkhead_count(bulkhead, &slow), 0);
    bulkhead_free(&bulkhead);
}

static void accounts_of_one_provider_share_its_address(void **state)
{
    (void)state;
    struct bulkhead *bulkhead = bulkhead_new(3, 5);
    struct provider_account account[3] = {
        account_at("https://api.example"),
        account_at("https://api.example/v2"),
        account_at("https://api.example:444"),
    };
    struct bulkhead_seat seats[5] = {{NULL, NULL}};
    for (int i = 0; i < 5; i++)
        bulkhead_take(bulkhead, &account[i % 2], &seats[i]);
    assert_true(bulkhead_is_full(bulkhead, &account[1])); /* two of its own, but five in all */
    assert_false(bulkhead_is_full(bulkhead, &account[2]));
    for (int i = 0; i < 5; i++)
        bulkhead_give_back(bulkhead, &seats[i]);
    bulkhead_free(&bulkhead);
}

static void no_account_ever_holds_more_than_half_of_a_worker(void **state)
{
    (void)state;
    config.in_flight_max = 10;
    config.account_in_flight_max = 1000;
    config.origin_in_flight_max = 1000;
    restart(1);
    struct provider_account slow = account_at("https://slow.example");
    struct bulkhead_seat seats[5] = {{NULL, NULL}};
    for (int i = 0; i < 5; i++) {
        assert_false(admission_is_busy(admission, &slow));
        admission_sit(admission, &slow, &seats[i]);
    }
    assert_true(admission_is_busy(admission, &slow));
    for (int i = 0; i < 5; i++)
        admission_stand(admission, &seats[i]);
}

/* ---- the rest ---- */

static void without_admission_nothing_is_limited(void **state)
{
    (void)state;
    struct admission_ticket ticket = {.is_held = false};
    struct bulkhead_seat seat = {NULL, NULL};
    struct provider_account account = account_at("https://api.example");
    bool has_paid;
    assert_true(admission_begin(NULL, &callers[0], ADMISSION_PAYMENT, STR_NONE, &ticket, &verdict));
    admission_end(NULL, &ticket);
    assert_true(admission_look(NULL, &callers[0], ADMISSION_READ, STR_NONE, &verdict));
    assert_true(admission_take_stranger(NULL, "192.0.2.1", &verdict));
    assert_true(admission_may_look_up(NULL, "192.0.2.1", STR("x"), &has_paid, &verdict));
    admission_give_back(NULL, "192.0.2.1");
    admission_note_key(NULL, STR("x"));
    admission_note_opened(NULL, &shops[0].merchant_id, STR("x"));
    admission_payment_began(NULL);
    admission_payment_ended(NULL);
    admission_send_began(NULL);
    admission_send_ended(NULL);
    admission_write_began(NULL);
    admission_write_ended(NULL, 1);
    assert_false(admission_is_busy(NULL, &account));
    admission_sit(NULL, &account, &seat);
    admission_stand(NULL, &seat);
    admission_count_busy(NULL);
}

static void refusals_are_counted_by_reason(void **state)
{
    (void)state;
    config.key.burst = 2;
    restart(1);
    struct str reason = STR("key_rate");
    struct metrics_series *series = metrics_find(METRIC_REFUSED, &reason, 1);
    int64_t before = metrics_value(series);
    (void)begin_all(0, 10);
    assert_int_equal(metrics_value(series), before + 1);
    for (int i = 1; i < ADMISSION_REASON_COUNT; i++) {
        for (int k = 0; k < i; k++)
            assert_string_not_equal(admission_reason_name((enum admission_reason)i),
                                    admission_reason_name((enum admission_reason)k));
    }
}

/* A guard against a slow path, not a benchmark: many times what it takes. */
static void refusing_takes_microseconds(void **state)
{
    (void)state;
    enum { ROUNDS = 100000 };
    config.key.burst = 1;
    restart(1);
    (void)begin_all(0, 10);
    int64_t from_us = clock_mono_us();
    for (int i = 0; i < ROUNDS; i++)
        (void)begin(0);
    int64_t spent_us = clock_mono_us() - from_us;
    print_message("a refusal: %lld ns\n", (long long)(spent_us * 1000 / ROUNDS));
    config.key.burst = 10000000;
    config.merchant.burst = 10000000;
    restart(1);
    from_us = clock_mono_us();
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(begin(1));
        end_last();
    }
    spent_us += clock_mono_us() - from_us;
    print_message("both: %lld ns\n", (long long)(spent_us * 1000 / ROUNDS));
    assert_true(spent_us / ROUNDS < 100);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name, NULL, 0                                                                       \
    }
static struct frozen bodies[] = {
    T(a_key_has_its_rate),
    T(little_left_is_told_beforehand),
    T(a_merchant_s_keys_share_its_rate),
    T(its_own_limits_go_before_the_defaults),
    T(an_operator_has_no_merchant),
    T(two_workers_share_the_buckets_of_32_keys),
    T(a_key_has_so_many_under_way),
    T(workers_count_together_and_a_killed_one_leaks_nothing),
    T(more_merchants_than_places_are_counted_by_each_worker),
    T(reads_have_a_limit_of_their_own),
    T(a_full_worker_takes_no_more_payments),
    T(a_flood_of_one_leaves_the_others_their_share),
    T(what_is_at_a_provider_is_no_work_of_ours),
    T(a_known_key_is_let_through_as_a_repeat),
    T(looking_takes_and_counts_nothing),
    T(background_work_waits_for_room),
    T(an_address_has_so_many_tries),
    T(guesses_under_way_do_not_share_a_try),
    T(a_key_that_was_valid_is_looked_up_whatever_its_neighbours_do),
    T(addresses_of_one_client_are_one),
    T(a_slow_account_holds_its_seats_and_no_more),
    T(accounts_of_one_provider_share_its_address),
    T(no_account_ever_holds_more_than_half_of_a_worker),
    T(without_admission_nothing_is_limited),
    T(refusals_are_counted_by_reason),
    T(refusing_takes_microseconds),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(bodies)];
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        tests[i] = (struct CMUnitTest){bodies[i].name, run_frozen, setup, teardown, &bodies[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
