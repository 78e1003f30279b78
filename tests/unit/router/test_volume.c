/*
 * test_volume.c - counts of the month: kept by all, put right by one, never by half.
 */
#include "support.h"

#include "router/volume.h"

static struct shm shm;
static struct volume_table *table;

static int open_table(void **state)
{
    (void)state;
    struct error err;
    assert_true(shm_open_segment(&shm, 8 << 20, &err));
    table = volume_open(&shm);
    return 0;
}

static int close_table(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

static void an_account_has_one_entry(void **state)
{
    (void)state;
    struct uuid ids[VOLUME_ACCOUNT_MAX];
    struct volume_entry *entries[VOLUME_ACCOUNT_MAX];
    for (size_t i = 0; i < VOLUME_ACCOUNT_MAX; i++) {
        ids[i] = uuid_new();
        entries[i] = volume_find(table, &ids[i]);
        assert_non_null(entries[i]);
    }
    for (size_t i = 0; i < VOLUME_ACCOUNT_MAX; i++) {
        assert_ptr_equal(volume_find(table, &ids[i]), entries[i]);
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(entries[i], entries[k]);
        }
    }
    struct uuid another = uuid_new();
    assert_null(volume_find(table, &another)); /* full */
}

static void a_refresh_keeps_what_came_meanwhile(void **state)
{
    (void)state;
    struct uuid id = uuid_new();
    struct volume_entry *entry = volume_find(table, &id);
    struct volume_mark mark;
    int64_t minor[VOLUME_COUNT] = {[7] = 1000, [VOLUME_TOTAL] = 1100};
    volume_add(entry, 7, 300); /* not known to be of this month: not read, put right below */
    assert_int_equal(volume_read(entry, 7, 1), 0);
    assert_true(volume_claim(entry, 1, 100));
    volume_begin(entry, &mark);
    volume_add(entry, 7, 50);
    volume_add(entry, VOLUME_TOTAL, 55);
    volume_set(entry, &mark, minor, 1000000, 500);
    assert_int_equal(volume_read(entry, 7, 2), 1050);
    assert_int_equal(volume_read(entry, VOLUME_TOTAL, 2), 1155);
    assert_int_equal(volume_read(entry, 8, 2), 0);
    volume_add(entry, 7, -50);
    assert_int_equal(volume_read(entry, 7, 999999), 1000);
    assert_int_equal(volume_read(entry, 7, 1000000), 0); /* the month is over */
    volume_begin(entry, &mark);
    volume_set(entry, &mark, (int64_t[VOLUME_COUNT]){[7] = 10}, 2000000, 1500000);
    assert_int_equal(volume_read(entry, 7, 1000000), 10);
    assert_int_equal(volume_read(entry, VOLUME_TOTAL, 1000000), 0);
}

static void one_at_a_time_refreshes(void **state)
{
    (void)state;
    struct uuid id = uuid_new();
    struct volume_entry *entry = volume_find(table, &id);
    assert_true(volume_claim(entry, 10, 100));
    assert_false(volume_claim(entry, 10, 100));
    assert_false(volume_claim(entry, 109, 100));
    assert_true(volume_claim(entry, 110, 100)); /* the first has died */
    volume_defer(entry, 500);
    assert_false(volume_claim(entry, 499, 100));
    assert_true(volume_claim(entry, 500, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refresh_keeps_what_came_meanwhile, open_table,
                                        close_table),
        cmocka_unit_test_setup_teardown(one_at_a_time_refreshes, open_table, close_table),
        cmocka_unit_test_setup_teardown(an_account_has_one_entry, open_table, close_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
