/*
 * Several servers in one connection string: one that refuses, one that says nothing, one that is
 * there.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/ledger/fixture.h"

/* Takes connections, as a kernel does for a process that hangs, and never answers. */
static int listen_silently(const char *folder)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    assert_int_equal(mkdir(folder, 0700), 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/.s.PGSQL.%d", folder, FIXTURE_PORT);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1024), 0);
    return fd;
}

static void the_one_that_answers_is_found(void **state)
{
    (void)state;
    char folder[48];
    char conninfo[512];
    (void)snprintf(folder, sizeof(folder), "%s/silent", fixture_dir);
    int fd = listen_silently(folder);
    (void)snprintf(conninfo, sizeof(conninfo),
                   "host=%s,%s/nobody,%s/pg/socket port=%d user=turnpike_gateway dbname=%s"
                   " target_session_attrs=read-write",
                   folder, fixture_dir, fixture_dir, FIXTURE_PORT, fixture_database);
    struct fixture f = {0};
    f.loop = loop_new();
    f.writer_id = uuid_new();
    f.instance_id = uuid_new();
    f.boot_id = uuid_new();
    struct store_config config = store_config_default;
    config.conninfo = conninfo;
    config.reconnect_ms = 10;
    f.store = store_new(f.loop, &config, &f.writer_id, &f.instance_id, &f.boot_id, 1);
    loop_timer_init(&f.limit, f.loop, fixture_late, &f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    enum store_result result = STORE_UNAVAILABLE;
    for (int i = 0; i < 15 && result == STORE_UNAVAILABLE; i++) {
        rows_open(&r, &merchant_id);
        result = write_now(&f, &r.txn);
    }
    assert_int_equal(result, STORE_COMMITTED);
    fixture_close(&f);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_one_that_answers_is_found, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
