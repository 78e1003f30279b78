/*
 * test_health_processes.c - the breaker under eight processes at once: one opens, one probes, none
 * is lost.
 */
#include "support.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"

enum {
    PROCESSES = 8,
    ROUNDS = 40000,
    S = 1000000,
};

struct stage { /* in shared memory */
    _Atomic unsigned arrived;
    _Atomic unsigned round;
    _Atomic unsigned probes[ROUNDS];
    _Atomic int64_t now_us;
};

static struct shm shm;
static struct health *health;
static struct stage *stage;
static const struct uuid account = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static int set_up(void **state)
{
    (void)state;
    struct error err;
    assert_true(shm_open_segment(&shm, health_size() + sizeof(struct stage) + 8192, &err));
    health = health_open(&shm, &health_config_default);
    stage = shm_carve(&shm, sizeof(*stage));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

/* All processes wait here for each other; the last to arrive starts the next round. */
static void barrier(unsigned round)
{
    if (atomic_fetch_add(&stage->arrived, 1) + 1 == PROCESSES) {
        atomic_store(&stage->arrived, 0);
        atomic_store(&stage->round, round + 1);
    }
    while (atomic_load(&stage->round) <= round) {
        (void)usleep(0);
    }
}

static void run_in_processes(void (*work)(unsigned slot))
{
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            health_set_slot(1 + i);
            work(1 + i);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

/*
 * All spin for the probe of the moment that the shared clock shows. Who gets it fails it (open
 * again after 5 s) or forgets it (free again after 10 s) in turn, and sets the clock to when the
 * next one is due.
 */
static void hammer_probe(unsigned slot)
{
    (void)slot;
    struct health_entry *entry = health_find(health, &account);
    for (unsigned round = 0; round < ROUNDS; round = atomic_load(&stage->round)) {
        int64_t now_us = atomic_load(&stage->now_us);
        if (!health_take_probe(health, entry, now_us)) {
            continue;
        }
        round = atomic_load(&stage->round);
        if (round == ROUNDS || atomic_fetch_add(&stage->probes[round], 1) > 0) {
            return; /* One beyond the end, or one too many: the parent counts. */
        }
        if (round % 2 == 0) {
            health_sent(entry, now_us);
            health_answered(health, entry, HEALTH_LOST, 0, STR("reset"), now_us, now_us);
        }
        atomic_fetch_add(&stage->round, 1);
        atomic_store(&stage->now_us, now_us + (round % 2 == 0 ? 5 : 10) * (int64_t)S);
    }
}

static void exactly_one_process_gets_each_probe(void **state)
{
    (void)state;
    struct health_entry *entry = health_find(health, &account);
    for (int i = 0; i < 5; i++) {
        health_sent(entry, S);
        health_answered(health, entry, HEALTH_NOT_SENT, 0, STR("refused"), S, S);
    }
    atomic_store(&stage->now_us, 6 * S);
    run_in_processes(hammer_probe);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (atomic_load(&stage->probes[round]) != 1) {
            fail_msg("round %u: %u probes", round, atomic_load(&stage->probes[round]));
        }
    }
    struct health_view view;
    health_read(health, entry, atomic_load(&stage->now_us), &view);
    assert_int_equal(view.state, HEALTH_HALF_OPEN);
    assert_int_equal(view.in_flight, 0);
}

static void send_and_answer(unsigned slot)
{
    struct rng rng;
    rng_seed(&rng, slot);
    for (int i = 0; i < 20000; i++) {
        struct health_entry *entry = health_find(health, &account);
        health_sent(entry, S);
        enum health_event event = rng_below(&rng, 4) == 0 ? HEALTH_ERROR : HEALTH_SUCCESS;
        health_answered(health, entry, event, 20000, STR("http_503"), S, S);
    }
    for (int i = 0; i < 3; i++) {
        health_sent(health_find(health, &account), S);
    }
}

static void no_call_is_lost_between_processes(void **state)
{
    (void)state;
    run_in_processes(send_and_answer);
    struct health_view view;
    struct health_entry *entry = health_find(health, &account);
    health_read(health, entry, S, &view);
    assert_int_equal(view.calls, PROCESSES * 20000);
    assert_int_equal(view.in_flight, PROCESSES * 3);
    for (unsigned slot = 1; slot <= PROCESSES; slot++) {
        health_forget_slot(health, slot);
        health_read(health, entry, S, &view);
        assert_int_equal(view.in_flight, (PROCESSES - slot) * 3);
    }
}

static const struct currency *euro;

/* All count for one key, while each takes places of the table with keys of its own. */
static void tell_outcomes(unsigned slot)
{
    struct rng rng;
    rng_seed(&rng, slot);
    struct health_entry *entry = health_find(health, &account);
    for (int i = 0; i < 20000; i++) {
        enum outcome outcome = rng_below(&rng, 4) == 0 ? OUTCOME_UNKNOWN : OUTCOME_APPROVED;
        health_outcome(health, entry, OPERATION_SALE, euro, outcome, S);
        health_decided(entry, S);
        if (i % 50 == 0) {
            struct uuid id = {{0xBB, (uint8_t)slot}};
            id.byte[2] = (uint8_t)(i / 50 % 10);
            health_outcome(health, health_find(health, &id), OPERATION_REFUND, euro, OUTCOME_FAILED,
                           S);
        }
    }
}

static void no_outcome_is_lost_between_processes(void **state)
{
    (void)state;
    struct health_view view;
    euro = currency_find(STR("EUR"));
    struct health_entry *entry = health_find(health, &account);
    health_sent(entry, S); /* in use: its entry is nobody else's to take */
    health_outcome(health, entry, OPERATION_SALE, euro, OUTCOME_APPROVED, S); /* makes its places */
    run_in_processes(tell_outcomes);
    health_read_for(health, entry, OPERATION_SALE, euro, S, &view);
    assert_int_equal(view.outcomes, PROCESSES * 20000 + 1);
    assert_int_equal(view.decisions, PROCESSES * 20000);
    assert_in_range(view.unknown_per_million, 240000, 260000);
    assert_int_equal(view.success_per_million + view.unknown_per_million, 999999);
}

/* All make the same 300 accounts at once, in different orders: each has one entry afterwards. */
static void find_accounts(unsigned slot)
{
    barrier(0);
    for (unsigned i = 0; i < 300; i++) {
        unsigned n = (i * 7 + slot * 31) % 300;
        struct uuid id = {{0xAA}};
        memcpy(id.byte + 4, &n, sizeof(n));
        health_sent(health_find(health, &id), S);
    }
}

static void processes_agree_on_entries(void **state)
{
    (void)state;
    run_in_processes(find_accounts);
    for (unsigned n = 0; n < 300; n++) {
        struct uuid id = {{0xAA}};
        struct health_view view;
        memcpy(id.byte + 4, &n, sizeof(n));
        health_read(health, health_find(health, &id), S, &view);
        assert_int_equal(view.in_flight, PROCESSES);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exactly_one_process_gets_each_probe),
        TEST(no_call_is_lost_between_processes),
        TEST(no_outcome_is_lost_between_processes),
        TEST(processes_agree_on_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
