#include "base/json_pool.h"
#include "helpers.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/rng.h"
#include "tests/unit/rounds.h"

enum {
    HELD_MAX = 500,
    SIZE_MOST = 2 * POOL_SIZE_MAX,
};

struct held {
    unsigned char *at;
    size_t size;
    unsigned char mark;
};

static void take(struct held *held, struct rng *rng)
{
    /* Most are small; the edges of classes and of the pool come often. */
    held->size = (size_t)rng_below(rng, rng_below(rng, 4) == 0 ? SIZE_MOST : 130);
    if (rng_below(rng, 8) == 0)
        held->size = POOL_SIZE_MAX - 1 + (size_t)rng_below(rng, 3);
    held->at = json_pool_take(held->size);
    held->mark = (unsigned char)rng_next(rng);
    assert_non_null(held->at);
    assert_int_equal((uintptr_t)held->at % alignof(max_align_t), 0);
    memset(held->at, held->mark, held->size);
}

static void give(struct held *held)
{
    for (size_t i = 0; i < held->size; i++) {
        if (held->at[i] != held->mark)
            fail_test("byte %zu of %zu was overwritten", i, held->size);
    }
    json_pool_free(held->at);
    held->at = NULL;
}

static void values_never_share_a_byte(void **state)
{
    struct held held[HELD_MAX] = {{NULL, 0, 0}};
    struct rng rng;
    (void)state;
    rng_seed(&rng, 1);
    for (unsigned i = rounds_of(200000); i > 0; i--) {
        struct held *one = &held[rng_below(&rng, HELD_MAX)];
        if (one->at == NULL)
            take(one, &rng);
        else
            give(one);
    }
    for (size_t i = 0; i < HELD_MAX; i++) {
        if (held[i].at != NULL)
            give(&held[i]);
    }
}

static void what_was_given_back_is_taken_again(void **state)
{
    (void)state;
#ifndef __SANITIZE_ADDRESS__
    void *first = json_pool_take(40);
    json_pool_free(first);
    assert_ptr_equal(json_pool_take(48), first); /* of one class */
    void *other = json_pool_take(49);
    assert_ptr_not_equal(other, first);
    json_pool_free(first);
    json_pool_free(other);
#endif
    json_pool_free(NULL);
}

static void jansson_takes_its_values_here(void **state)
{
    json_malloc_t take_fn = NULL;
    json_free_t free_fn = NULL;
    (void)state;
    json_get_alloc_funcs(&take_fn, &free_fn);
    assert_true(take_fn == json_pool_take);
    assert_true(free_fn == json_pool_free);
    struct error err;
    json_t *value = json_parse(STR("{\"a\":[1,2,{\"b\":\"c\"}]}"), &json_limits_default, &err);
    char *text = json_dumps(value, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":[1,2,{\"b\":\"c\"}]}");
    json_pool_free(text);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_never_share_a_byte),
        cmocka_unit_test(what_was_given_back_is_taken_again),
        cmocka_unit_test(jansson_takes_its_values_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
