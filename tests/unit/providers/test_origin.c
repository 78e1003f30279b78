#include "providers/origin.h"

#include "fixture.h"

static struct link table;

static struct origin *make(void **state)
{
    (void)state;
    list_init(&table);
    return origins_find(&table, "https://api.example.com");
}

static void move_many(struct origin *origin, enum origin_stage from, enum origin_stage to,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        origin_move(origin, from, to);
}

/* Calls that start until there is no room. */
static size_t start_all(struct origin *origin)
{
    size_t count = 0;
    while (origin_has_room(origin)) {
        origin_move(origin, ORIGIN_NONE, ORIGIN_PENDING);
        count++;
        assert_true(count < 10000);
    }
    return count;
}

static void an_origin_is_found_by_its_url(void **state)
{
    struct origin *one = make(state);
    struct origin *other = origins_find(&table, "https://api.example.org");
    assert_ptr_not_equal(one, other);
    assert_ptr_equal(origins_find(&table, "https://api.example.com"), one);
    assert_ptr_equal(origins_find(&table, "https://api.example.org"), other);
    assert_string_equal(other->base_url, "https://api.example.org");
    origins_free(&table);
    assert_true(list_is_empty(&table));
}

static void few_are_opened_at_once(void **state)
{
    struct origin *origin = make(state);
    assert_int_equal(start_all(origin), ORIGIN_CONNECTS);
    /* Opening is not open. */
    origin->open_count = ORIGIN_CONNECTS;
    move_many(origin, ORIGIN_PENDING, ORIGIN_OPENING, ORIGIN_CONNECTS);
    assert_false(origin_has_room(origin));
    /* Whoever left makes room for another one to connect, with its own connection in use. */
    origin_move(origin, ORIGIN_OPENING, ORIGIN_LEFT);
    assert_int_equal(start_all(origin), 1);
    origins_free(&table);
}

static void kept_connections_are_taken_without_limit(void **state)
{
    struct origin *origin = make(state);
    origin->open_count = 1000;
    move_many(origin, ORIGIN_NONE, ORIGIN_LEFT, 400);
    assert_int_equal(start_all(origin), 600 + 1000 / ORIGIN_GROWTH);
    /* They took them. */
    move_many(origin, ORIGIN_PENDING, ORIGIN_LEFT, 600);
    assert_int_equal(start_all(origin), 0);
    move_many(origin, ORIGIN_PENDING, ORIGIN_NONE, 1000 / ORIGIN_GROWTH);
    assert_int_equal(start_all(origin), 1000 / ORIGIN_GROWTH);
    /* An answer frees one. */
    origin_move(origin, ORIGIN_LEFT, ORIGIN_NONE);
    assert_int_equal(start_all(origin), 1);
    origins_free(&table);
}

static void those_that_are_held_take_no_room(void **state)
{
    struct origin *origin = make(state);
    move_many(origin, ORIGIN_NONE, ORIGIN_HELD, 5000);
    assert_int_equal(start_all(origin), ORIGIN_CONNECTS);
    origins_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_found_by_its_url),
        cmocka_unit_test(few_are_opened_at_once),
        cmocka_unit_test(kept_connections_are_taken_without_limit),
        cmocka_unit_test(those_that_are_held_take_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
