/*
 * Every word that a provider publishes, against what it means. The lists are in tests/fixtures, by the names
 * that the providers print; what the table of declines says is what docs/declines.md tells merchants.
 */
#include "providers/adapter.h"
#include "providers/decline.h"
#include "providers/payoneer.h"
#include "providers/payoneer_payouts.h"
#include "providers/paypal.h"
#include "providers/paypal_payouts.h"

#include "fixture.h"

enum {
    COLUMNS_MAX = 8,
};

struct setup {
    struct provider_account account;
    struct provider_call call;
    struct arena arena;
    struct provider_judgement out;
};

static void start(struct setup *s, const struct provider *provider, enum operation operation)
{
    memset(s, 0, sizeof(*s));
    s->account = fixture_account(provider);
    s->call = fixture_call(&s->account);
    s->call.operation = operation;
    if (operation == OPERATION_PAYOUT)
        s->call.token = STR(FIXTURE_PAYEE);
    arena_init(&s->arena, 1 << 20);
}

static void stop(struct setup *s)
{
    arena_release(&s->arena);
    secret_release(&s->account.password);
}

static void judge(struct setup *s, enum provider_step step, int status, struct str body)
{
    const struct provider_answer answer = {.status = status, .body = body, .retry_after_ms = -1};
    s->account.provider->judge(&s->call, step, &answer, &s->arena, &s->out);
}

/* Judged to be the outcome of that name; `what` is told when it is not. */
static void expect(const struct setup *s, struct str what, struct str outcome)
{
    const struct str is = str_of(outcome_name(s->out.outcome));
    if (!str_eq(is, outcome))
        fail_msg(STR_FMT " of a %s is " STR_FMT ", not " STR_FMT, STR_ARG(what),
                 operation_name(s->call.operation), STR_ARG(is), STR_ARG(outcome));
}

/* A list: one line each, columns between tabs, "#" begins a comment. Returns how many. */
static size_t each_line(const char *path, void (*told)(const struct str *column))
{
    char line[256];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        struct str column[COLUMNS_MAX] = {STR_NONE};
        struct str all = str_of(line);
        struct str rest = str_cut(&all, '\n');
        if (line[0] == '#')
            continue;
        for (size_t i = 0; i < COLUMNS_MAX && rest.len > 0; i++)
            column[i] = str_cut(&rest, '\t');
        told(column);
        count++;
    }
    assert_int_equal(fclose(file), 0);
    return count;
}

/* ---- Payoneer Checkout ----------------------------------------------------------------------- */

static void told_status(const struct str *column)
{
    const enum operation operations[] = {OPERATION_SALE, OPERATION_AUTHORIZE, OPERATION_REFUND,
                                         OPERATION_VOID};
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        struct setup s;
        start(&s, &provider_payoneer, operations[i]);
        judge(&s, PROVIDER_STEP_LOOKUP, 200,
              arena_printf(&s.arena,
                           "{\"status\":{\"code\":\"" STR_FMT "\"},\"payment\":{\"amount\":10.99,"
                           "\"currency\":\"EUR\"},\"identification\":{\"longId\":\"5f0\","
                           "\"transactionId\":\"" FIXTURE_ATTEMPT "\"}}",
                           STR_ARG(column[0])));
        expect(&s, column[0], column[1 + i]);
        stop(&s);
    }
}

static void every_status_of_payoneer_is_judged(void **state)
{
    (void)state;
    assert_int_equal(each_line("tests/fixtures/payoneer/status_codes.tsv", told_status), 18);
}

static void told_reason(const struct str *column)
{
    struct setup s;
    start(&s, &provider_payoneer, OPERATION_SALE);
    judge(&s, PROVIDER_STEP_CHARGE, 400,
          arena_printf(
              &s.arena,
              "{\"resultInfo\":\"...\",\"interaction\":{\"code\":\"ABORT\",\"reason\":\"" STR_FMT
              "\"}}",
              STR_ARG(column[0])));
    expect(&s, column[0], column[1]);
    assert_int_equal(s.out.duplicate, str_eq(column[0], STR("DUPLICATE_OPERATION")));
    assert_int_equal(s.out.in_progress,
                     str_eq(column[0], STR("PENDING")) || str_eq(column[0], STR("SCHEDULED")));
    stop(&s);
}

static void every_reason_of_payoneer_is_judged(void **state)
{
    (void)state;
    assert_int_equal(each_line("tests/fixtures/payoneer/interaction_reasons.tsv", told_reason), 21);
}

/* ---- PayPal ---------------------------------------------------------------------------------- */

static void told_response(const struct str *column)
{
    struct setup s;
    start(&s, &provider_paypal, OPERATION_SALE);
    judge(&s, PROVIDER_STEP_CHARGE, 201,
          arena_printf(&s.arena,
                       "{\"id\":\"5O1\",\"status\":\"COMPLETED\",\"purchase_units\":[{\"payments\":"
                       "{\"captures\":[{\"id\":\"3C6\",\"status\":\"DECLINED\",\"amount\":"
                       "{\"currency_code\":\"EUR\",\"value\":\"10.99\"},\"processor_response\":"
                       "{\"response_code\":\"" STR_FMT "\"}}]}}]}",
                       STR_ARG(column[0])));
    expect(&s, column[0], column[1]);
    assert_int_equal(s.out.duplicate, str_eq(column[1], STR("unknown")));
    stop(&s);
}

static void every_response_of_a_card_processor_is_judged(void **state)
{
    (void)state;
    assert_int_equal(each_line("tests/fixtures/paypal/response_codes.tsv", told_response), 46);
}

/* An issue that says that it was done before may speak of this very request. */
static bool may_be_our_own(struct str issue)
{
    static const char *const names[] = {
        "AUTHORIZATION_ALREADY_CAPTURED", "CAPTURE_FULLY_REFUNDED",  "ORDER_ALREADY_AUTHORIZED",
        "ORDER_ALREADY_CAPTURED",         "ORDER_ALREADY_COMPLETED", "ORDER_COMPLETED_OR_VOIDED",
        "PAYMENT_ALREADY_APPROVED",       "DUPLICATE_INVOICE_ID"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(issue, str_of(names[i])))
            return true;
    return false;
}

static const char *outcome_of_class(struct str issue, struct str class)
{
    if (may_be_our_own(issue))
        return "unknown";
    if (str_eq(class, STR("decline-hard")))
        return "declined_hard";
    if (str_eq(class, STR("decline-soft")) ||
        str_eq(issue, STR("REFUND_FAILED_INSUFFICIENT_FUNDS")))
        return "declined_soft";
    if (str_eq(class, STR("payer-action")))
        return "requires_action";
    if (str_eq(issue, STR("PENDING_CAPTURE"))) /* a refund of what is not captured yet: not done */
        return "failed";
    return str_starts(class, STR("in-progress")) ? "unknown" : "failed";
}

static void told_issue(const struct str *column)
{
    struct setup s;
    start(&s, &provider_paypal, OPERATION_SALE);
    judge(&s, PROVIDER_STEP_CHARGE, 422,
          arena_printf(
              &s.arena,
              "{\"name\":\"UNPROCESSABLE_ENTITY\",\"details\":[{\"issue\":\"" STR_FMT
              "\"}],\"links\":[{\"rel\":\"payer-action\",\"href\":\"https://pp.example/1\"}]}",
              STR_ARG(column[0])));
    expect(&s, column[0], str_of(outcome_of_class(column[0], column[2])));
    assert_int_equal(s.out.duplicate, may_be_our_own(column[0]));
    assert_int_equal(s.out.in_progress, s.out.outcome == OUTCOME_UNKNOWN && !s.out.duplicate);
    stop(&s);
}

static void every_published_issue_is_judged(void **state)
{
    (void)state;
    assert_int_equal(each_line("tests/fixtures/paypal/issue_codes.tsv", told_issue), 218);
}

/* An order as it is looked up: with what was paid in it, and before anything was. */
static void every_status_of_an_order_is_judged(void **state)
{
    static const struct {
        enum operation operation;
        const char *order, *payment, *outcome; /* payment NULL: nothing in it yet */
    } rows[] = {
        {OPERATION_SALE, "COMPLETED", "COMPLETED", "approved"},
        {OPERATION_SALE, "COMPLETED", "PARTIALLY_REFUNDED", "approved"},
        {OPERATION_SALE, "COMPLETED", "REFUNDED", "approved"},
        {OPERATION_SALE, "COMPLETED", "PENDING", "pending"},
        {OPERATION_SALE, "COMPLETED", "DECLINED", "declined_soft"},
        {OPERATION_SALE, "COMPLETED", "FAILED", "failed"},
        {OPERATION_SALE, "COMPLETED", "NEWS_TO_US", "unknown"},
        {OPERATION_AUTHORIZE, "COMPLETED", "CREATED", "approved"},
        {OPERATION_AUTHORIZE, "COMPLETED", "CAPTURED", "approved"},
        {OPERATION_AUTHORIZE, "COMPLETED", "PARTIALLY_CAPTURED", "approved"},
        {OPERATION_AUTHORIZE, "COMPLETED", "PENDING", "pending"},
        {OPERATION_AUTHORIZE, "COMPLETED", "DENIED", "declined_soft"},
        {OPERATION_AUTHORIZE, "COMPLETED", "VOIDED", "failed"},
        {OPERATION_AUTHORIZE, "COMPLETED", "NEWS_TO_US", "unknown"},
        {OPERATION_SALE, "CREATED", NULL, "requires_action"},
        {OPERATION_SALE, "PAYER_ACTION_REQUIRED", NULL, "requires_action"},
        {OPERATION_SALE, "APPROVED", NULL, "pending"},
        {OPERATION_SALE, "SAVED", NULL, "pending"},
        {OPERATION_SALE, "VOIDED", NULL, "failed"},
        {OPERATION_SALE, "COMPLETED", NULL, "unknown"},
        {OPERATION_SALE, "NEWS_TO_US", NULL, "unknown"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct setup s;
        start(&s, &provider_paypal, rows[i].operation);
        const char *kind = rows[i].operation == OPERATION_SALE ? "captures" : "authorizations";
        const struct str in = rows[i].payment == NULL
                                  ? STR_NONE
                                  : arena_printf(&s.arena,
                                                 "{\"id\":\"3C6\",\"status\":\"%s\",\"amount\":"
                                                 "{\"currency_code\":\"EUR\",\"value\":\"10.99\"}}",
                                                 rows[i].payment);
        judge(&s, PROVIDER_STEP_LOOKUP, 200,
              arena_printf(
                  &s.arena,
                  "{\"id\":\"5O1\",\"status\":\"%s\",\"purchase_units\":[{\"payments\":{\"%s\":"
                  "[" STR_FMT "]}}],\"links\":[{\"rel\":\"approve\",\"href\":"
                  "\"https://pp.example/1\"}]}",
                  rows[i].order, kind, STR_ARG(in)));
        expect(&s, str_of(rows[i].payment != NULL ? rows[i].payment : rows[i].order),
               str_of(rows[i].outcome));
        stop(&s);
    }
}

/* ---- payouts --------------------------------------------------------------------------------- */

static struct str batch(struct setup *s, const char *batch_status, const char *item_status,
                        struct str error)
{
    return arena_printf(&s->arena,
                        "{\"batch_header\":{\"payout_batch_id\":\"5UX\",\"batch_status\":\"%s\"},"
                        "\"items\":[{\"payout_item_id\":\"8AE\",\"transaction_status\":\"%s\","
                        "\"payout_item\":{\"amount\":{\"currency\":\"EUR\",\"value\":\"10.99\"}},"
                        "\"errors\":{\"name\":\"" STR_FMT "\"}}]}",
                        batch_status, item_status, STR_ARG(error));
}

/* Said of an item that is stopped it counts; of one that has failed, unless it only delays. */
static void told_item(const struct str *column)
{
    struct setup s;
    start(&s, &provider_paypal_payouts, OPERATION_PAYOUT);
    const struct str names[] = {column[0], column[1]};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(names[i], STR("0")))
            continue;
        judge(&s, PROVIDER_STEP_LOOKUP, 200, batch(&s, "SUCCESS", "BLOCKED", names[i]));
        expect(&s, names[i], column[2]);
        judge(&s, PROVIDER_STEP_LOOKUP, 200, batch(&s, "SUCCESS", "FAILED", names[i]));
        expect(&s, names[i], str_eq(column[2], STR("pending")) ? STR("failed") : column[2]);
        judge(&s, PROVIDER_STEP_LOOKUP, 200, batch(&s, "SUCCESS", "UNCLAIMED", names[i]));
        expect(&s, names[i], STR("pending"));
        assert_true(s.out.code[0] != '\0' && str_starts(names[i], str_of(s.out.code)));
    }
    stop(&s);
}

static void every_reason_why_a_payout_stopped_is_judged(void **state)
{
    (void)state;
    assert_int_equal(each_line("tests/fixtures/paypal_payouts/item_codes.tsv", told_item), 46);
    struct setup s;
    start(&s, &provider_paypal_payouts, OPERATION_PAYOUT);
    judge(&s, PROVIDER_STEP_LOOKUP, 200, batch(&s, "SUCCESS", "FAILED", STR("7")));
    expect(&s, STR("7"), STR("failed"));
    assert_string_equal(s.out.code, "7"); /* not listed: told as it stands */
    judge(&s, PROVIDER_STEP_LOOKUP, 200, batch(&s, "SUCCESS", "FAILED", STR_NONE));
    assert_string_equal(s.out.code, "FAILED");
    stop(&s);
}

static void told_error(const struct str *column)
{
    struct setup s;
    start(&s, &provider_paypal_payouts, OPERATION_PAYOUT);
    judge(&s, PROVIDER_STEP_CHARGE, 422,
          arena_printf(&s.arena,
                       "{\"name\":\"" STR_FMT "\",\"details\":[{\"issue\":\"something else\"}]}",
                       STR_ARG(column[0])));
    expect(&s, column[0], column[2]);
    assert_false(s.out.duplicate);
    stop(&s);
}

static void every_error_of_paypal_payouts_is_judged(void **state)
{
    (void)state;
    assert_int_equal(each_line("tests/fixtures/paypal_payouts/error_codes.tsv", told_error), 22);
}

static void every_status_of_a_payout_is_judged(void **state)
{
    static const struct {
        const char *batch, *item, *outcome;
    } rows[] = {
        {"SUCCESS", "SUCCESS", "approved"},     {"PROCESSING", "SUCCESS", "approved"},
        {"PENDING", "PENDING", "pending"},      {"SUCCESS", "UNCLAIMED", "pending"},
        {"SUCCESS", "ONHOLD", "pending"},       {"SUCCESS", "ON_HOLD", "pending"},
        {"SUCCESS", "RETURNED", "failed"},      {"SUCCESS", "REFUNDED", "failed"},
        {"SUCCESS", "REVERSED", "failed"},      {"SUCCESS", "FAILED", "failed"},
        {"SUCCESS", "DENIED", "failed"},        {"SUCCESS", "BLOCKED", "declined_hard"},
        {"SUCCESS", "NEWS_TO_US", "unknown"},   {"DENIED", "SUCCESS", "unknown"},
        {"DENIED", "PENDING", "failed"},        {"CANCELED", "PENDING", "failed"},
        {"CANCELED", "SUCCESS", "unknown"},     {"NEWS_TO_US", "SUCCESS", "unknown"},
        {"DENIED", "BLOCKED", "declined_hard"}, {"CANCELED", "NEWS_TO_US", "unknown"},
    };
    static const struct {
        const char *status, *outcome;
    } payoneer[] = {
        {"Transferred", "approved"},   {"Pending", "pending"}, {"Pending Payee", "pending"},
        {"Cancelled", "failed"},       {"Canceled", "failed"}, {"Rejected", "declined_soft"},
        {"Declined", "declined_soft"}, {"Failed", "failed"},   {"Returned", "failed"},
        {"News to us", "unknown"},
    };
    struct setup s;
    (void)state;
    start(&s, &provider_paypal_payouts, OPERATION_PAYOUT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        judge(&s, PROVIDER_STEP_LOOKUP, 200, batch(&s, rows[i].batch, rows[i].item, STR_NONE));
        expect(&s, str_of(rows[i].item), str_of(rows[i].outcome));
    }
    stop(&s);
    start(&s, &provider_payoneer_payouts, OPERATION_PAYOUT);
    for (size_t i = 0; i < ARRAY_LEN(payoneer); i++) {
        judge(&s, PROVIDER_STEP_LOOKUP, 200,
              arena_printf(&s.arena,
                           "{\"result\":{\"amount\":10.99,\"currency\":\"EUR\",\"status\":\"%s\","
                           "\"payout_id\":1}}",
                           payoneer[i].status));
        expect(&s, str_of(payoneer[i].status), str_of(payoneer[i].outcome));
    }
    stop(&s);
}

static void every_known_reason_of_payoneer_payouts_is_judged(void **state)
{
    static const struct {
        const char *sub_code, *text, *outcome, *reason;
    } rows[] = {
        {"10009", "", "declined_hard", "payee_inactive"},
        {"0", "The payee is inactive", "declined_hard", "payee_inactive"},
        {"30013", "", "declined_hard", "invalid_bank_details"},
        {"0", "Bank details - Invalid Branch Code", "declined_hard", "invalid_bank_details"},
        {"0", "Insufficient funds", "declined_soft", "insufficient_balance"},
        {"0", "There is not enough money", "declined_soft", "insufficient_balance"},
        {"0", "Payee does not exist", "failed", "invalid_payee"},
        {"0", "Payee not found", "failed", "invalid_payee"},
        {"0", "payee_id is wrong", "failed", "invalid_payee"},
        {"0", "Amount is too low", "failed", "invalid_amount"},
        {"0", "Currency is not known", "failed", "currency_not_supported"},
        {"0", "Something else", "failed", "invalid_request"},
    };
    struct setup s;
    (void)state;
    start(&s, &provider_payoneer_payouts, OPERATION_PAYOUT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        judge(&s, PROVIDER_STEP_CHARGE, 400,
              arena_printf(&s.arena,
                           "{\"error\":\"Bad Request\",\"error_description\":\"%s\","
                           "\"error_details\":{\"sub_code\":%s}}",
                           rows[i].text, rows[i].sub_code));
        expect(&s, str_of(rows[i].text), str_of(rows[i].outcome));
        assert_string_equal(s.out.reason, rows[i].reason);
    }
    stop(&s);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

/*
 * A refusal that can be read surely did nothing only with the statuses that say so; a 409 speaks of
 * something that exists, and everything else of nothing.
 */
static void only_some_statuses_say_that_nothing_was_done(void **state)
{
    static const struct {
        const struct provider *provider;
        enum operation operation;
        const char *body;
        int failed[8]; /* 0 ends it */
    } cases[] = {
        {&provider_paypal,
         OPERATION_SALE,
         "{\"name\":\"NEWS_TO_US\"}",
         {400, 401, 403, 404, 415, 422, 429}},
        {&provider_paypal_payouts,
         OPERATION_PAYOUT,
         "{\"name\":\"NEWS_TO_US\"}",
         {400, 401, 403, 404, 415, 422, 429}},
        {&provider_payoneer, OPERATION_SALE, "{\"resultInfo\":\"...\"}", {400, 401, 403, 404, 429}},
        {&provider_payoneer_payouts,
         OPERATION_PAYOUT,
         "{\"error\":\"News\",\"error_description\":\"to us\"}",
         {400, 401, 403, 404, 415, 422}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct setup s;
        start(&s, cases[i].provider, cases[i].operation);
        for (int status = 100; status < 600; status++) {
            bool is_failed = false;
            if (status >= 200 && status < 300)
                continue;
            for (size_t n = 0; n < ARRAY_LEN(cases[i].failed); n++)
                is_failed = is_failed || cases[i].failed[n] == status;
            judge(&s, PROVIDER_STEP_CHARGE, status, str_of(cases[i].body));
            expect(&s, arena_printf(&s.arena, "HTTP %d at %s", status, cases[i].provider->name),
                   is_failed ? STR("failed") : STR("unknown"));
            judge(&s, PROVIDER_STEP_LOOKUP, status, str_of(cases[i].body));
            expect(&s, arena_printf(&s.arena, "HTTP %d of a look", status), STR("unknown"));
        }
        stop(&s);
    }
}

/* ---- declines -------------------------------------------------------------------------------- */

static struct str cell(struct str *line)
{
    struct str text = str_trim(str_cut(line, '|'));
    if (text.len >= 2 && text.at[0] == '`' && text.at[text.len - 1] == '`')
        text = str_sub(text, 1, text.len - 2);
    return text;
}

/* What merchants are told of each reason: its category and what to do. */
static void every_reason_of_a_decline_is_as_the_documentation_says(void **state)
{
    char buf[1024];
    size_t count = 0;
    bool is_there = false;
    FILE *file = fopen("docs/declines.md", "r");
    (void)state;
    assert_non_null(file);
    while (fgets(buf, sizeof(buf), file) != NULL) {
        struct str all = str_of(buf);
        struct str line = str_cut(&all, '\n');
        if (buf[0] == '#')
            is_there = str_eq(line, STR("## Reasons"));
        if (!is_there || !str_starts(line, STR("| `")) || str_starts(line, STR("| `reason`")))
            continue;
        (void)cell(&line);
        const struct str name = cell(&line);
        const struct decline_reason *reason = decline_reason_find(name);
        int64_t category = 0;
        assert_non_null(reason);
        assert_true(str_to_int64(cell(&line), &category));
        if (category != reason->category ||
            !str_eq(cell(&line), str_of(decline_advice_name(reason->advice))))
            fail_msg("docs/declines.md says something else of %s", reason->reason);
        count++;
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(count, 27);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_of_payoneer_is_judged),
        cmocka_unit_test(every_reason_of_payoneer_is_judged),
        cmocka_unit_test(every_response_of_a_card_processor_is_judged),
        cmocka_unit_test(every_published_issue_is_judged),
        cmocka_unit_test(every_status_of_an_order_is_judged),
        cmocka_unit_test(every_reason_why_a_payout_stopped_is_judged),
        cmocka_unit_test(every_error_of_paypal_payouts_is_judged),
        cmocka_unit_test(every_status_of_a_payout_is_judged),
        cmocka_unit_test(every_known_reason_of_payoneer_payouts_is_judged),
        cmocka_unit_test(only_some_statuses_say_that_nothing_was_done),
        cmocka_unit_test(every_reason_of_a_decline_is_as_the_documentation_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
