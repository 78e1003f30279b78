/* test_cli.c - commands that speak to the API: what is parsed, what is asked, what is printed. */
#include "../base/helpers.h"

#include <stdio.h>
#include <stdlib.h>

#include "process/cli.h"
#include "process/cli_follow.h"
#include "process/command_table.h"
#include "process/screen.h"

enum {
    WORD_MAX = 16,
};

static json_t *json_of(const char *text)
{
    struct error err;
    json_t *json = json_parse(str_of(text), &json_limits_default, &err);
    if (json == NULL)
        fail_test("%s: %s", err.text, text);
    return json;
}

/* argv of words; parse changes it. */
static bool parse(struct cli *cli, struct error *err, const char *line)
{
    static char words[1024];
    char *argv[WORD_MAX] = {NULL};
    int argc = 0;
    struct str rest = str_of(line);
    size_t at = 0;
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        memcpy(words + at, word.at, word.len);
        words[at + word.len] = '\0';
        argv[argc++] = words + at;
        at += word.len + 1;
    }
    return cli_parse(argc, argv, cli, err);
}

static void options_stand_before_or_behind_the_argument(void **state UNUSED)
{
    static const char *const lines[] = {"payments show pay_1 --personal --json --url https://x",
                                        "payments show --json --url=https://x --personal pay_1"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct cli cli;
        struct error err;
        if (!parse(&cli, &err, lines[i]))
            fail_test("%s: %s", lines[i], err.text);
        assert_string_equal(cli.argument, "pay_1");
        assert_string_equal(cli.address.url, "https://x");
        assert_true(cli.as_json && cli_flag(&cli, "personal"));
        assert_null(cli.address.key_file);
        assert_null(cli_value(&cli, "nonsense"));
    }
}

static void what_is_not_in_the_table_is_refused(void **state UNUSED)
{
    static const struct {
        const char *line;
        const char *why;
    } wrong[] = {
        {"payments", "there is no \"\""},
        {"payments lost", "there is no \"lost\""},
        {"payments list extra", "\"extra\" is not understood"},
        {"payments list --limit", "\"--limit\" is not understood, or lacks its value"},
        {"payments list --limit 1 --limit=2", "--limit stands twice"},
        {"payments list --url a --url b", "--url stands twice"},
        {"payments list --reason x", "\"--reason\" is not understood"},
        {"payments show", "say which PAYMENT"},
        {"payments show pay_1 pay_2", "\"pay_2\" is not understood"},
        {"listen extra", "\"extra\" is not understood"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct cli cli;
        struct error err = {.text = ""};
        if (parse(&cli, &err, wrong[i].line))
            fail_test("taken: %s", wrong[i].line);
        if (strstr(err.text, wrong[i].why) == NULL)
            fail_test("%s: \"%s\" lacks \"%s\"", wrong[i].line, err.text, wrong[i].why);
    }
}

static void queries_are_escaped_and_ids_are_no_paths(void **state UNUSED)
{
    struct cli cli;
    struct error err;
    struct buf path;
    buf_init(&path, 4096);
    assert_true(parse(&cli, &err, "payments list --reference a&b=c/%2F --merchant mer_1"));
    cli_path(&cli, "/v1/payments", &path);
    assert_str(buf_str(&path), "/v1/payments?reference=a%26b%3Dc%2F%252F&merchant=mer_1");
    buf_release(&path);
    static const char *const wrong[] = {"rev_../../../v1/admin/keys????", "rev_1",
                                        "pay_01JD0000000000000000000000",
                                        "rev_01jd0000000000000000000000"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        cli.argument = wrong[i];
        assert_false(cli_check_id(&cli, "rev_", &err));
    }
    cli.argument = "rev_01JD0000000000000000000000";
    assert_true(cli_check_id(&cli, "rev_", &err));
}

static void numbers_have_bounds(void **state UNUSED)
{
    struct cli cli;
    struct error err;
    int64_t value = 0;
    assert_true(parse(&cli, &err, "payments list"));
    assert_true(cli_number(&cli, "limit", 1, 9, 5, &value, &err));
    assert_int_equal(value, 5);
    static const char *const wrong[] = {"payments list --limit 0", "payments list --limit 10",
                                        "payments list --limit x", "payments list --limit -1",
                                        "payments list --limit 99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_true(parse(&cli, &err, wrong[i]));
        assert_false(cli_number(&cli, "limit", 1, 9, 5, &value, &err));
    }
}

static void cells_are_shown_for_people(void **state UNUSED)
{
    static const struct {
        struct cli_column column;
        const char *shown;
    } cells[] = {
        {{"", "amount", CLI_MONEY}, "10.99 EUR"},
        {{"", "created", CLI_TIME}, "2026-11-22 10:15:30"},
        {{"", "rate", CLI_PERCENT}, "99.5 %"},
        {{"", "latency.p95", CLI_COUNT}, "120"},
        {{"", "real", CLI_COUNT}, "8"},
        {{"", "on", CLI_TEXT}, "yes"},
        {{"", "none", CLI_TEXT}, ""},
        {{"", "absent.deep", CLI_TEXT}, ""},
    };
    json_t *row =
        json_of("{\"amount\":1099,\"currency\":\"EUR\",\"created\":\"2026-11-22T10:15:30.123Z\","
                "\"rate\":0.995,\"latency\":{\"p95\":120},\"real\":7.6,\"on\":true,\"none\":null}");
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        struct buf out;
        buf_init(&out, 256);
        cli_cell(row, &cells[i].column, &out);
        assert_str(buf_str(&out), cells[i].shown);
        buf_release(&out);
    }
    json_decref(row);
}

static void a_history_is_told_line_by_line(void **state UNUSED)
{
    struct buf out;
    json_t *history = json_of(
        "[{\"entry\":\"created\",\"at\":\"2026-11-22T10:15:30.123456Z\",\"actor\":\"merchant\","
        "\"amount\":1099,\"currency\":\"EUR\",\"reference\":\"a\\u001b[2Jb\"},"
        "{\"entry\":\"outcome\",\"at\":\"2026-11-23T00:00:00.5Z\",\"actor\":\"paypal\",\"send\":1,"
        "\"outcome\":\"declined_soft\",\"reason\":\"insufficient_funds\",\"elapsed_ms\":12}]");
    buf_init(&out, 4096);
    cli_print_history(history, false, &out);
    assert_str(buf_str(&out),
               "2026-11-22\n  10:15:30.123  merchant   asked for 10.99 EUR, reference a.[2Jb\n"
               "2026-11-23\n  00:00:00.5Z  paypal     answer to send 1: declined_soft, "
               "insufficient_funds, 12 ms\n");
    buf_clear(&out);
    cli_print_history(history, true, &out);
    assert_true(str_find(buf_str(&out), STR("\x1b[31mdeclined_soft\x1b[0m"), 0) != SIZE_MAX);
    buf_release(&out);
    json_decref(history);
}

static void people_are_hidden_unless_asked_for(void **state UNUSED)
{
    struct cli cli;
    struct error err;
    json_t *payment = json_of(
        "{\"id\":\"pay_1\",\"customer\":{\"name\":\"x\"},\"metadata\":{},\"beneficiary\":{}}");
    assert_true(parse(&cli, &err, "payments show pay_1 --personal"));
    cli_hide_people(&cli, payment);
    assert_int_equal(json_object_size(payment), 4);
    assert_true(parse(&cli, &err, "payments show pay_1"));
    cli_hide_people(&cli, payment);
    assert_int_equal(json_object_size(payment), 1);
    json_decref(payment);
}

static void types_of_events_are_known_ones(void **state UNUSED)
{
    struct error err;
    assert_true(follow_check_types(NULL, &err));
    assert_true(follow_check_types("payment.succeeded, payment.capture*,payout.*", &err));
    assert_false(follow_check_types("payment.succeeded,payment.paid", &err));
    assert_non_null(strstr(err.text, "payment.paid"));
    assert_false(follow_check_types("x*", &err));
    assert_true(follow_wants(NULL, STR("payment.failed")));
    assert_true(follow_wants("payout.*,payment.failed", STR("payment.failed")));
    assert_true(follow_wants("payout.*,payment.failed", STR("payout.failed")));
    assert_false(follow_wants("payout.*,payment.failed", STR("payment.failed2")));
    assert_false(follow_wants("payment", STR("payment.failed")));
}

static void addresses_and_keys_are_judged_before_anything_is_sent(void **state UNUSED)
{
    static const char *const wrong[] = {
        "http://127.0.0.1:8443", "https://",    "127.0.0.1:8443", "https://a/b",
        "https://u:p@h",         "https://h?x", "https://h h",    ""};
    char file[] = "/tmp/turnpike-cli-XXXXXX";
    struct error err;
    struct ask ask;
    int fd = mkstemp(file);
    assert_true(fd >= 0 && write(fd, "tpk_test_abc\n", 13) == 13);
    (void)close(fd);
    unsetenv("TURNPIKE_URL"); // NOLINT(concurrency-mt-unsafe): one thread
    for (size_t i = 0; i < ARRAY_LEN(wrong) - 1; i++) {
        assert_false(
            ask_open(&ask, &(struct ask_address){.url = wrong[i], .key_file = file}, &err));
        ask_close(&ask);
    }
    assert_true(
        ask_open(&ask, &(struct ask_address){.url = "https://h:1/", .key_file = file}, &err));
    assert_string_equal(ask.url, "https://h:1");
    assert_true(ask_is_test(&ask));
    ask_close(&ask);
    assert_int_equal(unlink(file), 0);
    assert_false(ask_open(&ask, &(struct ask_address){.key_file = file}, &err));
    ask_close(&ask);
}

static void refusals_say_what_and_whether_later_helps(void **state UNUSED)
{
    struct error err;
    assert_false(ask_refused(422,
                             STR("{\"code\":\"invalid_member\",\"param\":\"reason\",\"detail\":"
                                 "\"too short\",\"request_id\":\"req_1\"}"),
                             &err));
    assert_string_equal(err.text,
                        "the gateway answers 422 invalid_member: reason: too short; request req_1");
    assert_int_equal(err.code, ERROR_INVALID);
    assert_false(ask_refused(503, STR("not JSON"), &err));
    assert_int_equal(err.code, ERROR_BUSY);
    assert_false(ask_refused(404, STR_NONE, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(ask_refused(401, STR_NONE, &err));
    assert_int_equal(err.code, ERROR_DENIED);
}

static void count_row(void *ctx, const char *noun, const char *verb, const char *usage,
                      const char *help)
{
    size_t *count = ctx;
    assert_true(noun[0] != '\0' && usage != NULL && help != NULL);
    assert_non_null(command_find(noun));
    assert_true(verb == NULL || verb[0] != '\0');
    (*count)++;
}

static void every_row_has_its_command(void **state UNUSED)
{
    size_t count = 0;
    size_t commands = 0;
    command_rows(count_row, &count);
    (void)command_all(&commands);
    assert_true(count > commands);
    assert_null(command_find("nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_or_behind_the_argument),
        cmocka_unit_test(what_is_not_in_the_table_is_refused),
        cmocka_unit_test(queries_are_escaped_and_ids_are_no_paths),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(cells_are_shown_for_people),
        cmocka_unit_test(a_history_is_told_line_by_line),
        cmocka_unit_test(people_are_hidden_unless_asked_for),
        cmocka_unit_test(types_of_events_are_known_ones),
        cmocka_unit_test(addresses_and_keys_are_judged_before_anything_is_sent),
        cmocka_unit_test(refusals_say_what_and_whether_later_helps),
        cmocka_unit_test(every_row_has_its_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
