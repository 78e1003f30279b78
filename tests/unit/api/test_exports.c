/* Exports over HTTP: what is asked of the store, who sees whose, and the file as it is. */
#include "world.h"

#include <fcntl.h>
#include <sys/stat.h>

#define BASE "/v1/ledger/exports"

static char folder[64];

static int start(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/turnpike-exports-XXXXXX");
    assert_non_null(mkdtemp(folder));
    world_exports = folder;
    assert_int_equal(world_start(state), 0);
    memset(&fake_exports, 0, sizeof(fake_exports));
    fake_exports.merchant_id = fake.merchants[1].merchant_id;
    fake_exports.row = (struct exports_row){
        .export_id = uuid_new(),
        .asked_by = uuid_new(),
        .asked_us = clock_wall_us(),
        .from_us = 0,
        .to_us = clock_wall_us(),
        .made_us = clock_wall_us(),
        .what = STR("jsonl"),
        .state = STR("made"),
    };
    return 0;
}

static void path_of(char path[256])
{
    char name[EXPORTS_FILE_SIZE];
    (void)exports_file_name(&fake_exports.row.export_id, fake_exports.row.what, name);
    (void)snprintf(path, 256, "%s/%s", folder, name);
}

static int stop(void **state)
{
    char path[256];
    path_of(path);
    (void)unlink(path);
    (void)rmdir(folder);
    return world_stop(state);
}

static const char *at(const char *rest)
{
    static char path[128];
    char id[ID_TEXT_SIZE];
    (void)snprintf(path, sizeof(path), BASE "/%s%s",
                   id_format(ID_EXPORT, &fake_exports.row.export_id, id).at, rest);
    return path;
}

static void write_file(size_t size)
{
    char path[256];
    path_of(path);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(fputc("0123456789abcdef\n"[i % 17], out) == EOF, 0);
    assert_int_equal(fclose(out), 0);
    fake_exports.row.bytes = (int64_t)size;
}

static void what_is_asked_for_is_put(void **state UNUSED)
{
    int64_t now_us = clock_wall_us();
    assert_int_equal(
        ask("POST", BASE, world.finance_key, "",
            "{\"what\":\"camt053\",\"account\":\"bank:main\",\"from\":\"1970-01-01\"}"),
        202);
    assert_true(uuid_eq(&fake_exports.asked_merchant, &fake.merchants[1].merchant_id));
    assert_string_equal(fake_exports.what, "camt053");
    assert_string_equal(fake_exports.account, "bank:main");
    assert_int_equal(fake_exports.open_max, 3);
    assert_int_equal(fake_exports.put.from_us, 0);
    assert_true(fake_exports.put.to_us >= now_us);
    assert_string_equal(text_of("state"), "waiting");
    assert_true(has_header("Location: " BASE "/exp_"));
    fake_exports.taken = 2; /* another one was faster, twice */
    assert_int_equal(ask("POST", BASE, world.merchant_key, "", "{\"what\":\"csv\"}"), 202);
    fake_exports.taken = 100;
    (void)ask("POST", BASE, world.finance_key, "", "{\"what\":\"csv\"}");
    assert_problem(429, "rate_limited", "");
    assert_true(has_header("Retry-After: "));
    fake.is_away = true;
    assert_int_equal(ask("POST", BASE, world.finance_key, "", "{\"what\":\"csv\"}"), 503);
    fake.is_away = false;
}

static void what_is_wrong_is_named(void **state UNUSED)
{
    static const struct {
        const char *body;
        const char *param;
    } bad[] = {
        {"{\"what\":\"xlsx\"}", "what"},
        {"{\"what\":\"camt053\"}", "account"},
        {"{\"what\":\"trial-balance\",\"account\":\"bank:main\"}", "account"},
        {"{\"what\":\"csv\",\"from\":\"2026-01-01\",\"to\":\"2026-01-01\"}", "from"},
        {"{\"what\":\"csv\",\"to\":\"2999-01-01\"}", "to"},
        {"{\"what\":\"csv\",\"to\":\"1960-01-01\"}", "from"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(ask("POST", BASE, world.finance_key, "", bad[i].body), 422);
        assert_string_equal(text_of("param"), bad[i].param);
    }
    assert_int_equal(fake_exports.put_count, 0);
    assert_int_equal(ask("GET", BASE "/../../etc/content", world.finance_key, "", NULL), 404);
    assert_int_equal(ask("GET", BASE "/exp_1", world.finance_key, "", NULL), 404);
    assert_int_equal(ask("GET", BASE "?limit=0", world.finance_key, "", NULL), 400);
    assert_int_equal(ask("GET", BASE "?starting_after=pay_1", world.finance_key, "", NULL), 400);
}

static void nobody_sees_anothers(void **state UNUSED)
{
    write_file(10);
    for (int i = 0; i < 2; i++) {
        const char *rest = i == 0 ? "" : "/content";
        assert_int_equal(ask("GET", at(rest), world.finance_key, "", NULL), 200);
        assert_int_equal(ask("GET", at(rest), world.other_key, "", NULL), 404);
        assert_int_equal(ask("GET", at(rest), world.live_key, "", NULL), 404);
        assert_int_equal(ask("GET", at(rest), world.operator_key, "", NULL), 400);
    }
}

static void a_file_comes_whole(void **state UNUSED)
{
    static const size_t sizes[] = {0, 1, 16384, 300001};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char length[64];
        write_file(sizes[i]);
        assert_int_equal(ask("GET", at("/content"), world.finance_key, "", NULL), 200);
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", sizes[i]);
        assert_true(has_header(length));
        assert_true(has_header("Content-Disposition: attachment; filename=\"exp_"));
        assert_true(has_header("Content-Type: application/jsonl"));
        struct str all = buf_str(&world.in);
        size_t head = str_find(all, STR("\r\n\r\n"), 0) + 4;
        assert_int_equal(all.len - head, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(all.at[head + k], "0123456789abcdef\n"[k % 17]);
    }
}

static void what_cannot_be_sent_is_a_conflict(void **state UNUSED)
{
    (void)ask("GET", at("/content"), world.finance_key, "", NULL); /* it is not there */
    assert_problem(409, "conflict", "");
    write_file(10);
    fake_exports.row.bytes = 11; /* not as it was made */
    (void)ask("GET", at("/content"), world.finance_key, "", NULL);
    assert_problem(409, "conflict", "");
    fake_exports.row.bytes = 10;
    fake_exports.row.state = STR("making");
    (void)ask("GET", at("/content"), world.finance_key, "", NULL);
    assert_problem(409, "conflict", "");
    fake_exports.row.state = STR("expired");
    (void)ask("GET", at("/content"), world.finance_key, "", NULL);
    assert_problem(409, "conflict", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_asked_for_is_put),
        TEST(what_is_wrong_is_named),
        TEST(nobody_sees_anothers),
        TEST(a_file_comes_whole),
        TEST(what_cannot_be_sent_is_a_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
