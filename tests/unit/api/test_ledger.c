/* The ledger over HTTP: who sees whose, what is asked of the store, JSON and CSV, and each parameter that is wrong. */
#include "world.h"

#include "api/books_print.h"

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
    };
    char path[200];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        (void)snprintf(path, sizeof(path), "/v1/ledger/%s", bad[i].path);
        assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 400);
        if (strcmp(text_of("param"), bad[i].param) != 0)
            print_error("%s\n", path);
        assert_string_equal(text_of("param"), bad[i].param);
    }
    assert_int_equal(ask("GET", "/v1/ledger/statements", world.finance_key, "", NULL), 422);
    assert_string_equal(text_of("param"), "account");
    assert_int_equal(fake_books.count, 0);
}

static void everybody_sees_the_own_books_and_operators_say_whose(void **state UNUSED)
{
    static const char *const paths[] = {"accounts", "transfers", "trial-balance",
                                        "statements?account=merchant:sales",
                                        "transfers/trf_01JDEX7T1V5M2Q9K8Z4R6W0C3B"};
    struct uuid own = own_merchant();
    struct uuid other = uuid_new();
    char id[ID_TEXT_SIZE];
    char path[200];
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char joint = strchr(paths[i], '?') == NULL ? '?' : '&';
        unsigned before = fake_books.count;
        (void)snprintf(path, sizeof(path), "/v1/ledger/%s", paths[i]);
        (void)ask("GET", path, world.merchant_key, "", NULL);
        assert_int_equal(fake_books.count, before + 1);
        assert_true(uuid_eq(&fake_books.merchant_id, &own));
        assert_int_equal(ask("GET", path, world.operator_key, "", NULL), 422);
        assert_string_equal(text_of("param"), "merchant");
        (void)snprintf(path, sizeof(path), "/v1/ledger/%s%cmerchant=%s", paths[i], joint,
                       id_format(ID_MERCHANT, &other, id).at);
        assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 404);
        assert_string_equal(text_of("param"), "merchant");
        assert_int_equal(fake_books.count, before + 1);
        (void)ask("GET", path, world.operator_key, "", NULL);
        assert_int_equal(fake_books.count, before + 2);
        assert_true(uuid_eq(&fake_books.merchant_id, &other));
    }
    assert_int_equal(ask("GET", "/v1/ledger/accounts", "tpk_live_x", "", NULL), 401);
}

static struct book_transfer a_transfer(void)
{
    return (struct book_transfer){
        .transfer_id = uuid_new(),
        .of = {.id = uuid_new(), .kind = STR("refund"), .parent_id = uuid_new()},
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
                        id_format(ID_PAYMENT, &row.of.parent_id, id).at);
    assert_string_equal(json_string_value(json_object_get(one, "operation")),
                        id_format(ID_REFUND, &row.of.id, id).at);
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
        {STR("fees:payment"), STR("EUR"), 30, 0, 30},
        {STR("merchant:sales"), STR("EUR"), 0, 100, -100},
        {STR("merchant:sales"), STR("JPY"), 0, 5, -5},
        {STR("provider:x:y:pending"), STR("EUR"), 100, 30, 70},
        {STR("provider:x:y:pending"), STR("JPY"), 5, 0, 5},
    };
    fake_books.books = (struct books){.balances = rows, .count = ARRAY_LEN(rows)};
    assert_int_equal(ask("GET", "/v1/ledger/trial-balance?as_of=2026-12-01&basis=effective",
                         world.finance_key, "", NULL),
                     200);
    assert_int_equal(fake_books.as_of_us, INT64_C(1796083200) * 1000000);
    assert_true(fake_books.by_effect);
    const json_t *totals = json_path(world.answer.json, "totals");
    assert_int_equal(json_array_size(totals), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(totals, 0), "debit")), 130);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(totals, 0), "credit")), 130);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(totals, 1), "debit")), 5);
    assert_int_equal(ask("GET", "/v1/ledger/trial-balance", world.finance_key, "", NULL), 200);
    assert_int_equal(fake_books.as_of_us, 0); /* all that is booked */
    assert_string_equal(text_of("basis"), "recorded");
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
        OVER_HTTP(without_the_ledger_nothing_is_claimed),
        cmocka_unit_test(cells_that_would_compute_are_guarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
