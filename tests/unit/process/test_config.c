#include "process/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

static void set(struct config *config, const char *assignment)
{
    struct error err;
    assert_true(config_set(config, str_of(assignment), &err));
}

static void what_cannot_follow_stays_and_is_named(void **state)
{
    (void)state;
    struct config now;
    struct config next;
    struct buf names;
    buf_init(&names, 4096);
    config_init(&now);
    config_init(&next);
    set(&next, "api_port = 9443");
    set(&next, "database = dbname=other");
    set(&next, "breaker_open_ms = 7000");
    set(&next, "answer_ms = 5000");
    set(&next, "rules_file = other.rules");
    config_keep(&next, &now, CONFIG_RELOAD, &names);
    buf_add_char(&names, '\0');
    assert_string_equal(names.at, "api_port, database, breaker_open_ms");
    assert_int_equal(next.api_port, now.api_port);
    assert_string_equal(next.database, now.database);
    assert_int_equal(next.health.open_ms, now.health.open_ms);
    assert_int_equal(next.payments.limits.answer_us, 5000000);
    assert_string_equal(next.rules_file, "other.rules");
    buf_clear(&names);
    config_keep(&next, &now, CONFIG_RELOAD, &names);
    assert_int_equal(names.len, 0);
    buf_release(&names);
}

static void an_upgrade_changes_all_but_sockets_and_folder(void **state)
{
    (void)state;
    struct config now;
    struct config next;
    struct buf names;
    buf_init(&names, 4096);
    config_init(&now);
    config_init(&next);
    set(&next, "workers = 5");
    set(&next, "state_folder = elsewhere");
    set(&next, "database = dbname=other");
    set(&next, "breaker_open_ms = 7000");
    config_keep(&next, &now, CONFIG_UPGRADE, &names);
    buf_add_char(&names, '\0');
    assert_string_equal(names.at, "workers, state_folder");
    assert_string_equal(next.database, "dbname=other");
    assert_int_equal(next.health.open_ms, 7000);
    buf_release(&names);
}

static void what_is_kept_can_be_told_to_the_next_program(void **state)
{
    (void)state;
    struct config now;
    struct config told;
    struct buf lines;
    buf_init(&lines, 4096);
    config_init(&now);
    config_init(&told);
    set(&now, "ops_port = 9444");
    set(&now, "api_address = ::1");
    set(&now, "workers = 3");
    config_print_kept(&now, &lines);
    for (struct str rest = buf_str(&lines); rest.len > 0;) {
        struct error err;
        assert_true(config_set(&told, str_cut(&rest, '\n'), &err));
    }
    assert_int_equal(told.ops_port, 9444);
    assert_string_equal(told.api_address, "::1");
    assert_int_equal(told.workers, 3);
    assert_int_equal(str_find(buf_str(&lines), STR("database"), 0), SIZE_MAX); /* no password */
    buf_release(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_follow_stays_and_is_named),
        cmocka_unit_test(an_upgrade_changes_all_but_sockets_and_folder),
        cmocka_unit_test(what_is_kept_can_be_told_to_the_next_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
