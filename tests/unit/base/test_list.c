#include "base/list.h"
#include "helpers.h"

struct item {
    int number;
    struct link link;
};

static int sum_in_order(const struct link *head)
{
    int sum = 0;
    for (struct link *at = head->next; at != head; at = at->next)
        sum = sum * 10 + LIST_OWNER(at, struct item, link)->number;
    return sum;
}

static void items_keep_their_order(void **state)
{
    (void)state;
    struct link head;
    struct item items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    list_init(&head);
    assert_true(list_is_empty(&head));
    list_add_last(&head, &items[1].link);
    list_add_last(&head, &items[2].link);
    list_add_first(&head, &items[0].link);
    list_add_last(&head, &items[3].link);
    assert_int_equal(sum_in_order(&head), 1234);
    list_remove(&items[1].link);
    assert_int_equal(sum_in_order(&head), 134);
    list_add_first(&head, &items[1].link);
    assert_int_equal(sum_in_order(&head), 2134);
    for (int i = 0; i < 4; i++)
        list_remove(&items[i].link);
    assert_true(list_is_empty(&head));
}

static void removing_twice_is_safe(void **state)
{
    (void)state;
    struct link head;
    struct item item = {.number = 1};
    list_init(&head);
    list_init(&item.link);
    list_remove(&item.link);
    list_add_last(&head, &item.link);
    list_remove(&item.link);
    list_remove(&item.link);
    assert_true(list_is_empty(&head));
    assert_true(list_is_empty(&item.link));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_keep_their_order),
        cmocka_unit_test(removing_twice_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
