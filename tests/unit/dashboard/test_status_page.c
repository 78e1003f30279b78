/* What a status page says of providers' accounts, of the ledger and of the whole. */
#include "dashboard/status_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"

static struct status_page page;
static struct buf text;

static int set_up(void **state)
{
    (void)state;
    page = (struct status_page){.now_us = INT64_C(1795000000123456)};
    buf_init(&text, 1 << 16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_release(&text);
    return 0;
}

static json_t *printed(enum status_page_part part)
{
    struct json_out out;
    struct error err;
    buf_clear(&text);
    json_out_init(&out, &text);
    status_page_print(&page, part, STR("https://status.example"), &out);
    json_t *json = json_parse(buf_str(&text), &json_limits_default, &err);
    assert_non_null(json);
    return json;
}

static void assert_says(const char *indicator)
{
    json_t *json = printed(STATUS_PAGE_STATUS);
    assert_true(str_eq(json_path_text(json, "status.indicator"), str_of(indicator)));
    json_decref(json);
}

static void a_page_has_the_usual_members_and_no_others(void **state)
{
    (void)state;
    status_page_add_account(&page, STR("paypal"), "healthy");
    json_t *summary = printed(STATUS_PAGE_SUMMARY);
    assert_int_equal(json_object_size(summary), 5);
    assert_int_equal(json_array_size(json_object_get(summary, "components")), 3);
    assert_int_equal(json_array_size(json_object_get(summary, "incidents")), 0);
    assert_int_equal(json_array_size(json_object_get(summary, "scheduled_maintenances")), 0);
    assert_true(str_eq(json_path_text(summary, "page.url"), STR("https://status.example")));
    assert_true(str_eq(json_path_text(summary, "page.updated_at"),
                       json_path_text(summary, "components.0.updated_at")));
    assert_true(str_eq(json_path_text(summary, "components.2.id"), STR("provider-paypal")));
    assert_true(str_eq(json_path_text(summary, "components.2.status"), STR("operational")));
    json_decref(summary);
    json_t *status = printed(STATUS_PAGE_STATUS);
    assert_int_equal(json_object_size(status), 2);
    json_decref(status);
    json_t *components = printed(STATUS_PAGE_COMPONENTS);
    assert_int_equal(json_object_size(components), 2);
    assert_null(json_object_get(components, "status"));
    json_decref(components);
}

/* Every mix of accounts, up to two of a kind. */
static void a_provider_is_as_its_accounts_are(void **state)
{
    (void)state;
    for (unsigned mix = 1; mix < 81; mix++) {
        struct status_provider one = {
            .healthy = mix % 3, .degraded = mix / 3 % 3, .down = mix / 9 % 3, .held = mix / 27};
        unsigned answering = one.healthy + one.degraded;
        enum component_status wanted = COMPONENT_OPERATIONAL;
        if (one.down > 0 && answering == 0)
            wanted = COMPONENT_MAJOR_OUTAGE;
        else if (one.down > 0)
            wanted = COMPONENT_PARTIAL_OUTAGE;
        else if (one.degraded > 0)
            wanted = COMPONENT_DEGRADED;
        else if (one.healthy == 0)
            wanted = COMPONENT_MAINTENANCE;
        assert_int_equal(status_page_provider(&one), wanted);
    }
}

static void every_word_of_the_board_has_its_place(void **state)
{
    (void)state;
    static const char *const states[] = {"healthy",  "degraded", "down",       "unusable",
                                         "disabled", "drained",  "maintenance"};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        status_page_add_account(&page, STR("paypal"), states[i]);
    assert_int_equal(page.provider_count, 1);
    assert_int_equal(page.provider[0].healthy, 1);
    assert_int_equal(page.provider[0].degraded, 1);
    assert_int_equal(page.provider[0].down, 2);
    assert_int_equal(page.provider[0].held, 3);
}

static void the_worst_of_all_is_told(void **state)
{
    (void)state;
    assert_says("none");
    status_page_add_account(&page, STR("paypal"), "drained");
    assert_says("maintenance");
    status_page_add_account(&page, STR("payoneer"), "degraded");
    assert_says("minor");
    status_page_add_account(&page, STR("payoneer"), "down");
    assert_says("minor"); /* partly */
    status_page_add_account(&page, STR("paypal"), "down");
    assert_says("major"); /* a whole provider */
    page.api = COMPONENT_DEGRADED;
    assert_says("major");
    page.ledger = COMPONENT_MAJOR_OUTAGE;
    assert_says("critical");
}

static void providers_are_sorted_and_bounded(void **state)
{
    (void)state;
    for (int i = 60; i > 0; i--) {
        char name[8];
        (void)snprintf(name, sizeof(name), "p%02d", i * 7 % 61);
        status_page_add_account(&page, str_of(name), "healthy");
    }
    assert_int_equal(page.provider_count, STATUS_PAGE_PROVIDER_MAX);
    for (size_t i = 1; i < page.provider_count; i++)
        assert_true(strcmp(page.provider[i - 1].name, page.provider[i].name) < 0);
    char longest[STATUS_PAGE_NAME_SIZE];
    memset(longest, 'x', sizeof(longest));
    page.provider_count = 0;
    status_page_add_account(&page, (struct str){longest, sizeof(longest)}, "healthy");
    assert_int_equal(page.provider_count, 0);
    status_page_add_account(&page, (struct str){longest, sizeof(longest) - 1}, "healthy");
    assert_int_equal(page.provider_count, 1);
    assert_int_equal(strlen(page.provider[0].name), sizeof(longest) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_has_the_usual_members_and_no_others, set_up,
                                        tear_down),
        cmocka_unit_test(a_provider_is_as_its_accounts_are),
        cmocka_unit_test_setup_teardown(every_word_of_the_board_has_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_worst_of_all_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(providers_are_sorted_and_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
