#include "base/rng.h"
#include "providers/sandbox/table.h"

#include "drive.h"

static void what_was_put_is_found(void **state)
{
    (void)state;
    struct table table;
    int one;
    int two;
    table_init(&table);
    assert_null(table_find(&table, STR("a")));
    table_put(&table, STR("a"), &one);
    table_put(&table, STR(""), &two);
    assert_ptr_equal(table_find(&table, STR("a")), &one);
    assert_ptr_equal(table_find(&table, STR("")), &two);
    table_put(&table, STR("a"), &two);
    assert_ptr_equal(table_find(&table, STR("a")), &two);
    assert_int_equal(table.count, 2);
    table_release(&table);
}

/* Removal shifts slots back: the classic place for a mistake, so compare with an array. */
static void random_puts_and_removals_agree_with_an_array(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 60000 };
    static char names[KEYS][8];
    bool there[KEYS] = {false};
    struct rng rng;
    struct table table;
    size_t count = 0;
    rng_seed(&rng, 7);
    table_init(&table);
    for (size_t i = 0; i < KEYS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "k%zu", i);
    }
    for (size_t step = 0; step < STEPS; step++) {
        size_t i = (size_t)rng_below(&rng, KEYS);
        if (rng_chance(&rng, 500000)) {
            table_put(&table, str_of(names[i]), names[i]);
            count += there[i] ? 0 : 1;
            there[i] = true;
        } else {
            table_remove(&table, str_of(names[i]));
            count -= there[i] ? 1 : 0;
            there[i] = false;
        }
        assert_int_equal(table.count, count);
        size_t probe = (size_t)rng_below(&rng, KEYS);
        assert_ptr_equal(table_find(&table, str_of(names[probe])),
                         there[probe] ? names[probe] : NULL);
    }
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(table_find(&table, str_of(names[i])), there[i] ? names[i] : NULL);
    }
    table_release(&table);
}

static void removing_from_an_empty_table_is_fine(void **state)
{
    (void)state;
    struct table table;
    table_init(&table);
    table_remove(&table, STR("x"));
    assert_int_equal(table.count, 0);
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found),
        cmocka_unit_test(random_puts_and_removals_agree_with_an_array),
        cmocka_unit_test(removing_from_an_empty_table_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
