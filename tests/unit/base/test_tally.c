#include "base/tally.h"
#include "helpers.h"

#include <stdatomic.h>

#include "../rounds.h"
#include "base/rng.h"

enum {
    ENTRIES = 64,
    CHILDREN = 6,
};

struct stage { /* in shared memory */
    atomic_int bad;
    atomic_int alone;
    atomic_int arrived;
    atomic_int round;
    struct tally_entry *_Atomic entry[CHILDREN];
};

static struct shm shm;
static struct tally *tally;
static struct stage *stage;

static int open_table(void **state)
{
    (void)state;
    struct error err;
    if (!shm_open_segment(&shm, tally_size(ENTRIES) + sizeof(struct stage) + 4096, &err))
        return -1;
    tally = tally_open(&shm, ENTRIES);
    stage = shm_carve(&shm, sizeof(*stage));
    return 0;
}

static int close_table(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

static struct uuid key_of(uint64_t number)
{
    struct uuid key = {{0}};
    memcpy(key.byte, &number, sizeof(number));
    return key;
}

static struct tally_entry *join(uint64_t number, unsigned slot)
{
    struct uuid key = key_of(number);
    return tally_join(tally, &key, slot);
}

static void wait_for_children(void)
{
    int status = 0;
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
}

static void workers_add_up(void **state)
{
    (void)state;
    struct tally_entry *entry = join(1, 1);
    assert_non_null(entry);
    assert_ptr_equal(join(1, 2), entry);
    tally_add(entry, 2);
    assert_int_equal(tally_count(entry), 3);
    tally_remove(entry, 1);
    tally_remove(entry, 2);
    assert_int_equal(tally_count(entry), 1);
    tally_remove(entry, 2);
    assert_int_equal(tally_count(entry), 0);
}

static void a_killed_worker_leaks_nothing(void **state)
{
    (void)state;
    struct tally_entry *entry = join(1, 1);
    for (unsigned slot = 2; slot <= 3; slot++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (uint64_t key = 1; key < 20; key++)
                (void)join(key, slot);
            (void)kill(getpid(), SIGKILL);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    assert_int_equal(tally_count(entry), 3);
    tally_forget_slot(tally, 2);
    assert_int_equal(tally_count(entry), 2);
    tally_forget_slot(tally, 3);
    tally_forget_slot(tally, 3);
    assert_int_equal(tally_count(entry), 1);
    /* All their places can be had again: only one key is under way. */
    for (uint64_t key = 1000; key < 1000 + 4 * ENTRIES; key++) {
        struct tally_entry *other = join(key, 1);
        assert_non_null(other);
        tally_remove(other, 1);
    }
    assert_int_equal(tally_count(entry), 1);
}

static void a_full_table_says_so_and_heals(void **state)
{
    (void)state;
    struct tally_entry *held[2 * ENTRIES] = {NULL};
    unsigned refused = 0;
    for (uint64_t key = 0; key < 2 * ENTRIES; key++) {
        held[key] = join(key, 1);
        refused += held[key] == NULL;
    }
    assert_in_range(refused, ENTRIES, 2 * ENTRIES - 8);
    for (uint64_t key = 0; key < 2 * ENTRIES; key++) {
        if (held[key] == NULL)
            continue;
        assert_int_equal(tally_count(held[key]), 1);
        tally_remove(held[key], 1);
    }
    struct tally_entry *late = join(9999, 1);
    assert_non_null(late);
    assert_int_equal(tally_count(late), 1);
}

static void remove_one(void *entry)
{
    tally_remove(entry, 1);
}

static void taking_out_what_is_not_in_is_a_bug(void **state)
{
    (void)state;
    struct tally_entry *entry = join(1, 1);
    tally_remove(entry, 1);
    assert_true(aborts(remove_one, entry));
}

/* All processes wait here for each other; the last to arrive starts the next round. */
static void barrier(int *round)
{
    int now = (*round)++;
    if (atomic_fetch_add(&stage->arrived, 1) + 1 == CHILDREN) {
        atomic_store(&stage->arrived, 0);
        atomic_store(&stage->round, now + 1);
    }
    while (atomic_load(&stage->round) <= now)
        (void)usleep(0);
}

/*
 * All join the same new key at once, whose place was another's before. Patience with one who is
 * preempted while he moves a place ends: then tally_join says that there is none. Nobody has a
 * second one.
 */
static void meet(unsigned child)
{
    int round = 0;
    for (unsigned i = 0; i < rounds_of(4000); i++) {
        barrier(&round);
        struct tally_entry *entry = join(i, child + 1);
        atomic_store(&stage->entry[child], entry);
        barrier(&round);
        unsigned met = 0;
        for (unsigned other = 0; other < CHILDREN; other++)
            met += entry != NULL && atomic_load(&stage->entry[other]) == entry;
        unsigned joined = 0;
        for (unsigned other = 0; other < CHILDREN; other++)
            joined += atomic_load(&stage->entry[other]) != NULL;
        if (entry == NULL)
            atomic_fetch_add(&stage->alone, 1);
        else if (met != joined || tally_count(entry) != joined)
            atomic_fetch_add(&stage->bad, 1);
        barrier(&round);
        if (entry != NULL)
            tally_remove(entry, child + 1);
    }
}

static void workers_that_join_at_once_meet_in_one_entry(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            meet(i);
            _exit(0);
        }
    }
    wait_for_children();
    assert_int_equal(atomic_load(&stage->bad), 0);
    assert_in_range(atomic_load(&stage->alone), 0, CHILDREN * rounds_of(4000) / 10);
}

/* More keys than one sees at a time; places change hands all the while. */
static void churn(unsigned slot)
{
    struct rng rng;
    rng_seed(&rng, slot);
    for (unsigned i = 0; i < rounds_of(60000); i++) {
        struct tally_entry *held[3] = {NULL};
        for (unsigned n = 0; n < 3; n++) {
            held[n] = join(rng_below(&rng, 500), slot);
            if (held[n] != NULL && tally_count(held[n]) < 1)
                atomic_fetch_add(&stage->bad, 1);
        }
        for (unsigned n = 0; n < 3; n++) {
            if (held[n] != NULL)
                tally_remove(held[n], slot);
        }
    }
}

static void a_storm_leaves_nothing_behind(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            churn(i + 1);
            _exit(0);
        }
    }
    wait_for_children();
    assert_int_equal(atomic_load(&stage->bad), 0);
    for (uint64_t key = 0; key < 500; key++) {
        struct tally_entry *entry = join(key, 1);
        assert_non_null(entry);
        assert_int_equal(tally_count(entry), 1);
        tally_remove(entry, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)
        T(workers_add_up),
        T(a_killed_worker_leaks_nothing),
        T(a_full_table_says_so_and_heals),
        T(taking_out_what_is_not_in_is_a_bug),
        T(workers_that_join_at_once_meet_in_one_entry),
        T(a_storm_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
