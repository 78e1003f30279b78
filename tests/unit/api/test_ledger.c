/* The ledger over HTTP: who sees whose, what is asked of the store, JSON and CSV, and each parameter that is wrong. */
#include "world.h"

#include "api/books_print.h"

#define TRANSFER "trf_01JDEX7T1V5M2Q9K8Z4R6W0C3B" /* of the year 2024 */

static struct uuid own_merchant(void)
{
    return fake.merchants[1].merchant_id; /* whose key the finance key is */
}

static void each_bad_parameter_is_named(void **state UNUSED)
{
    static const struct {
        const char *path;
        const char *param;
    } bad[] = {
        {"accounts?limit=0", "limit"},
        {"accounts?limit=101", "limit"},
        {"accounts?kind=cash", "kind"},
        {"accounts?merchant=mer_1", "merchant"},
        {"accounts?colour=red", "colour"},
        {"transfers?limit=x", "limit"},
        {"transfers?starting_after=pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B", "starting_after"},
        {"transfers?created_from=yesterday", "created_from"},
        {"transfers?created_to=2026-13-01", "created_to"},
        {"transfers?account=cash", "account"},
        {"transfers?payment=ref_01JDEX7T1V5M2Q9K8Z4R6W0C3B", "payment"},
        {"transfers?state=open", "state"},
        {"transfers?state=posted&state=pending", "state"},
        {"trial-balance?as_of=2026-02-30", "as_of"},
        {"trial-balance?basis=cash", "basis"},
        {"statements?account=nonsense", "account"},
        {"statements?account=merchant:sales&from=x", "from"},
        {"statements?account=merchant:sales&from=2026-02-01&to=2026-01-01", "to"},
        {"statements?account=merchant:sales&from=1970-01-02&to=1970-01-01", "to"},
        {"statements?account=merchant:sales&to=2020-01-01&starting_after=" TRANSFER,
         "starting_after"},
    };
    char path[200];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        (void)snprintf(path, sizeof(path), "/v1/ledger/%s", bad[i].path);
        assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 400);
        if (strcmp(text_of("param"), bad[i].param) != 0)
            print_error("%s\n", path);
        assert_string_equal(text_of("param"), bad[i].param);
    }
    assert_int_equal(ask("GET", "/v1/ledger/statements", world.finance_key, "", NULL), 400);
    assert_string_equal(text_of("param"), "account");
    assert_int_equal(fake_books.count, 0);
}

static void everybody_sees_the_own_books_and_operators_say_whose(void **state UNUSED)
{
    static const char *const paths[] = {"accounts", "transfers", "trial-balance",
                                        "statements?account=merchant:sales",
                                        "transfers/trf_01JDEX7T1V5M2Q9K8Z4R6W0C3B"};
    struct uuid own = own_merchant();
    struct uuid other = fake.merchants[2].merchant_id;
    struct uuid nobody = uuid_new();
    char id[ID_TEXT_SIZE];
    char path[200];
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char joint = strchr(paths[i], '?') == NULL ? '?' : '&';
        unsigned before = fake_books.count;
        (void)snprintf(path, sizeof(path), "/v1/ledger/%s", paths[i]);
        (void)ask("GET", path, world.merchant_key, "", NULL);
        assert_int_equal(fake_books.count, before + 1);
        assert_true(uuid_eq(&fake_books.merchant_id, &own));
        assert_int_equal(ask("GET", path, world.operator_key, "", NULL), 400);
        assert_problem(400, "cursor_malformed", "merchant");
        (void)snprintf(path, sizeof(path), "/v1/ledger/%s%cmerchant=%s", paths[i], joint,
                       id_format(ID_MERCHANT, &other, id).at);
        assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 404);
        assert_string_equal(text_of("param"), "merchant");
        assert_int_equal(fake_books.count, before + 1);
        (void)ask("GET", path, world.operator_key, "", NULL);
        assert_int_equal(fake_books.count, before + 2);
        assert_true(uuid_eq(&fake_books.merchant_id, &other));
        (void)snprintf(path, sizeof(path), "/v1/ledger/%s%cmerchant=%s", paths[i], joint,
                       id_format(ID_MERCHANT, &nobody, id).at);
        (void)ask("GET", path, world.operator_key, "", NULL);
        assert_problem(404, "not_found", "merchant");
        assert_int_equal(fake_books.count, before + 2);
    }
    assert_int_equal(ask("GET", "/v1/ledger/accounts", "tpk_live_x", "", NULL), 401);
}

static struct book_transfer a_transfer(void)
{
    return (struct book_transfer){
        .transfer_id = uuid_new(),
        .of = {.payment_id = uuid_new(),
               .payment_kind = STR("payment"),
               .operation_id = uuid_new(),
               .operation_kind = STR("refund")},
        .attempt_id = uuid_new(),
        .created_us = INT64_C(1796083200) * 1000000,
        .effective_us = INT64_C(1796083200) * 1000000,
        .amount_minor = 1099,
        .state = STR("posted"),
        .kind = STR("=cmd,\"x\""),
        .debit_account = STR("merchant:refunds"),
        .credit_account = STR("provider:paypal:acc_1:pending"),
        .currency = STR("EUR"),
    };
}

static void a_page_of_transfers_says_where_to_go_on(void **state UNUSED)
{
    struct book_transfer row = a_transfer();
    char id[ID_TEXT_SIZE];
    char path[200];
    char link[300];
    fake_books.books = (struct books){.transfers = &row, .count = 1, .has_more = true};
    fake_books.books.next = uuid_new();
    assert_int_equal(ask("GET",
                         "/v1/ledger/"
                         "transfers?limit=7&state=posted&kind=refund&account=merchant:refunds&"
                         "created_from=2026-12-01&created_to=2027-01-01",
                         world.finance_key, "", NULL),
                     200);
    struct uuid since = uuid_first(INT64_C(1796083200) * 1000000);
    struct uuid before = uuid_first(INT64_C(1798761600) * 1000000);
    assert_true(uuid_eq(&fake_books.filter.since, &since));
    assert_true(uuid_eq(&fake_books.filter.before, &before));
    assert_int_equal(fake_books.limit, 7);
    assert_string_equal(fake_books.state, "posted");
    assert_string_equal(fake_books.kind, "refund");
    assert_string_equal(fake_books.account, "merchant:refunds");
    assert_string_equal(text_of("next"), id_format(ID_TRANSFER, &fake_books.books.next, id).at);
    const json_t *one = json_array_get(json_path(world.answer.json, "data"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "payment")),
                        id_format(ID_PAYMENT, &row.of.payment_id, id).at);
    assert_string_equal(json_string_value(json_object_get(one, "operation")),
                        id_format(ID_REFUND, &row.of.operation_id, id).at);
    assert_true(json_is_null(json_object_get(one, "pending")));
    (void)snprintf(path, sizeof(path), "/v1/ledger/transfers?limit=7&starting_after=%s",
                   id_format(ID_TRANSFER, &before, id).at);
    assert_int_equal(ask("GET", path, world.finance_key, "Accept: text/csv\r\n", NULL), 200);
    assert_true(uuid_eq(&fake_books.filter.before, &before));
    (void)snprintf(link, sizeof(link),
                   "Link: </v1/ledger/transfers?limit=7&starting_after=%s>; rel=\"next\"",
                   id_format(ID_TRANSFER, &fake_books.books.next, id).at);
    assert_true(has_header(link));
    assert_true(has_header("text/csv"));
    fake_books.books.has_more = false;
    assert_int_equal(ask("GET", path, world.finance_key, "Accept: text/csv\r\n", NULL), 200);
    assert_false(has_header("Link:"));
    assert_int_equal(
        ask("GET", path, world.finance_key, "Accept: application/json, text/csv\r\n", NULL), 200);
    assert_true(json_is_null(json_path(world.answer.json, "next")));
}

static void one_transfer_is_asked_for_by_its_id_alone(void **state UNUSED)
{
    struct book_transfer row = a_transfer();
    char id[ID_TEXT_SIZE];
    char path[100];
    memset(&row.transfer_id.byte[14], 0xff, 2);
    (void)snprintf(path, sizeof(path), "/v1/ledger/transfers/%s",
                   id_format(ID_TRANSFER, &row.transfer_id, id).at);
    fake_books.books = (struct books){.transfers = &row, .count = 1};
    assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 200);
    assert_string_equal(text_of("id"), id);
    assert_true(uuid_eq(&fake_books.filter.since, &row.transfer_id));
    assert_true(uuid_compare(&fake_books.filter.before, &row.transfer_id) > 0);
    assert_int_equal(fake_books.filter.before.byte[15], 0);
    fake_books.books = (struct books){.transfers = &row, .count = 0};
    assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 404);
    assert_int_equal(ask("GET", "/v1/ledger/transfers/pay_1", world.finance_key, "", NULL), 404);
}

static void a_trial_balance_has_totals_by_currency(void **state UNUSED)
{
    struct book_balance rows[] = {
        {STR("fees:payment"), STR("EUR"), 30, 0, true, 0, 0},
        {STR("merchant:sales"), STR("EUR"), 0, 100, true, 0, 7},
        {STR("merchant:sales"), STR("JPY"), 0, 5, false, 0, 0},
        {STR("provider:x:y:pending"), STR("EUR"), 100, 30, true, 7, 0},
        {STR("provider:x:y:pending"), STR("JPY"), 5, 0, false, 0, 0},
    };
    fake_books.books = (struct books){.balances = rows, .count = ARRAY_LEN(rows)};
    assert_int_equal(ask("GET", "/v1/ledger/trial-balance?as_of=2026-12-01&basis=effective",
                         world.finance_key, "", NULL),
                     200);
    assert_int_equal(fake_books.as_of_us, INT64_C(1796083200) * 1000000);
    assert_true(fake_books.has_as_of && fake_books.by_effect);
    const json_t *totals = json_path(world.answer.json, "totals");
    assert_int_equal(json_array_size(totals), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(totals, 0), "debit")), 130);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(totals, 0), "credit")), 130);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(totals, 1), "debit")), 5);
    const json_t *data = json_path(world.answer.json, "data");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(data, 1), "pending_credit")),
                     7);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(data, 1), "balance")), -100);
    assert_true(json_is_null(json_object_get(json_array_get(data, 2), "pending_credit")));
    assert_int_equal(ask("GET", "/v1/ledger/trial-balance", world.finance_key, "", NULL), 200);
    assert_false(fake_books.has_as_of); /* all that is booked */
    assert_string_equal(text_of("basis"), "recorded");
    int64_t now_us = clock_wall_us();
    assert_int_equal(
        ask("GET", "/v1/ledger/trial-balance?basis=effective", world.finance_key, "", NULL), 200);
    assert_true(fake_books.has_as_of && fake_books.as_of_us >= now_us);
}

/* 1970 is a year like others, and before it nothing was. */
static void the_first_moment_is_one(void **state UNUSED)
{
    struct uuid first = uuid_first(0);
    fake_books.books = (struct books){.count = 0};
    assert_int_equal(
        ask("GET", "/v1/ledger/trial-balance?as_of=1970-01-01", world.finance_key, "", NULL), 200);
    assert_true(fake_books.has_as_of);
    assert_int_equal(fake_books.as_of_us, 0);
    assert_string_equal(text_of("as_of"), "1970-01-01T00:00:00.000Z");
    assert_int_equal(
        ask("GET", "/v1/ledger/trial-balance?as_of=1966-07-30", world.finance_key, "", NULL), 200);
    assert_true(fake_books.has_as_of && fake_books.as_of_us < 0);
    assert_string_equal(text_of("as_of"), "1966-07-30T00:00:00.000Z");
    assert_int_equal(
        ask("GET", "/v1/ledger/transfers?created_to=1970-01-01", world.finance_key, "", NULL), 200);
    assert_true(uuid_eq(&fake_books.filter.before, &first));
    assert_int_equal(ask("GET",
                         "/v1/ledger/"
                         "statements?account=merchant:sales&from=1966-07-30&to=1970-01-01",
                         world.finance_key, "", NULL),
                     200);
    assert_true(fake_books.from_us < 0);
    assert_int_equal(fake_books.to_us, 0);
    assert_int_equal(ask("GET", "/v1/ledger/statements?account=merchant:sales&to=1966-07-30",
                         world.finance_key, "", NULL),
                     200);
    assert_true(fake_books.from_us <= fake_books.to_us && fake_books.to_us < 0);
}

static void what_is_sent_is_what_is_accepted(void **state UNUSED)
{
    static const struct {
        const char *accept;
        bool is_csv;
    } cases[] = {
        {"", false},
        {"Accept: TEXT/Csv\r\n", true},
        {"Accept: text/csv;q=0\r\n", false},
        {"Accept: */*\r\n", false},
        {"Accept: application/json, text/csv;q=0.5\r\n", false},
        {"Accept: application/json;q=0.4, text/csv;q=0.5\r\n", true},
        {"Accept: text/html\r\n", false},
    };
    fake_books.books = (struct books){.count = 0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            ask("GET", "/v1/ledger/accounts", world.finance_key, cases[i].accept, NULL), 200);
        assert_int_equal(has_header("Content-Type: text/csv"), cases[i].is_csv);
        assert_int_equal(has_header("Content-Type: application/json"), !cases[i].is_csv);
        assert_true(has_header("Vary: Accept"));
    }
}

static void without_the_ledger_nothing_is_claimed(void **state UNUSED)
{
    fake.is_away = true;
    assert_int_equal(ask("GET", "/v1/ledger/accounts", world.finance_key, "", NULL), 503);
    assert_int_equal(
        ask("GET", "/v1/ledger/trial-balance", world.finance_key, "Accept: text/csv\r\n", NULL),
        503);
    fake.is_away = false;
}

static void cells_that_would_compute_are_guarded(void **state UNUSED)
{
    struct book_transfer row = a_transfer();
    struct books books = {.transfers = &row, .count = 1};
    struct buf out;
    buf_init(&out, 4096);
    books_print_csv(BOOKS_TRANSFERS, &books, &out);
    assert_true(str_starts(buf_str(&out),
                           STR("id,object,state,kind,amount,currency,debit_account,credit_account,"
                               "payment,operation,attempt,pending,created,effective\r\n")));
    assert_true(str_find(buf_str(&out), STR(",\"'=cmd,\"\"x\"\"\",1099,EUR,"), 0) < out.len);
    buf_release(&out);
}

#define OVER_HTTP(test) cmocka_unit_test_setup_teardown(test, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(each_bad_parameter_is_named),
        OVER_HTTP(everybody_sees_the_own_books_and_operators_say_whose),
        OVER_HTTP(a_page_of_transfers_says_where_to_go_on),
        OVER_HTTP(one_transfer_is_asked_for_by_its_id_alone),
        OVER_HTTP(a_trial_balance_has_totals_by_currency),
        OVER_HTTP(the_first_moment_is_one),
        OVER_HTTP(what_is_sent_is_what_is_accepted),
        OVER_HTTP(without_the_ledger_nothing_is_claimed),
        cmocka_unit_test(cells_that_would_compute_are_guarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
