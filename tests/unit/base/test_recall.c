#include "base/recall.h"
#include "helpers.h"

static struct shm shm;
static struct recall *recall;

static int open_table(void **state)
{
    (void)state;
    struct error err;
    if (!shm_open_segment(&shm, recall_size(1024) + 4096, &err))
        return -1;
    recall = recall_open(&shm, 1024);
    return 0;
}

static int close_table(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

static uint64_t digest_of(unsigned number)
{
    struct str text = {(const char *)&number, sizeof(number)};
    return recall_digest(recall, STR("merchant"), text);
}

static void what_was_noted_is_known(void **state)
{
    (void)state;
    assert_false(recall_knows(recall, digest_of(1)));
    recall_note(recall, digest_of(1));
    assert_true(recall_knows(recall, digest_of(1)));
    assert_false(recall_knows(recall, digest_of(2)));
}

static void both_parts_and_their_border_count(void **state)
{
    (void)state;
    recall_note(recall, recall_digest(recall, STR("ab"), STR("c")));
    assert_true(recall_knows(recall, recall_digest(recall, STR("ab"), STR("c"))));
    assert_false(recall_knows(recall, recall_digest(recall, STR("a"), STR("bc"))));
    assert_false(recall_knows(recall, recall_digest(recall, STR("c"), STR("ab"))));
    assert_false(recall_knows(recall, recall_digest(recall, STR("ab"), STR("c\0"))));
    assert_false(recall_knows(recall, recall_digest(recall, STR("ab"), STR_NONE)));
    assert_true(recall_digest(recall, STR_NONE, STR_NONE) != 0);
}

/* It never says yes to what was not noted, however full it is, and keeps the newest. */
static void a_full_set_forgets_the_oldest(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        recall_note(recall, digest_of(i));
        assert_true(recall_knows(recall, digest_of(i)));
    }
    unsigned known = 0;
    for (unsigned i = 0; i < 100000; i++)
        known += recall_knows(recall, digest_of(i));
    assert_in_range(known, 1000, 1024);
    for (unsigned i = 100000; i < 300000; i++)
        assert_false(recall_knows(recall, digest_of(i)));
}

static void what_a_worker_noted_outlives_it(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        recall_note(recall, digest_of(7));
        (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(recall_knows(recall, digest_of(7)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)
        T(what_was_noted_is_known),
        T(both_parts_and_their_border_count),
        T(a_full_set_forgets_the_oldest),
        T(what_a_worker_noted_outlives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
