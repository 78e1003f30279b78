/*
 * The gateway's adapters against the sandbox's dialects, request by request: what an adapter sends
 * is understood, and what comes back is judged as the plan of the payout says.
 */
#include "drive.h"

#include "providers/adapter.h"
#include "providers/payoneer_payouts.h"
#include "providers/paypal.h"
#include "providers/paypal_payouts.h"

enum {
    LOOK_MAX = 8,
    LOOK_MS = 600, /* settings.payout_ms and some */
};

static struct trip {
    struct provider_account account;
    struct provider_call call;
    struct provider_facts facts;
    struct provider_request request;
    struct provider_answer answer;
    struct provider_judgement judgement;
    int number;
} trip;

static int open_trip(void **state)
{
    (void)state;
    memset(&trip, 0, sizeof(trip));
    drive_open(NULL);
    trip.account.user = STR("client");
    secret_init(&trip.account.password);
    secret_set(&trip.account.password, STR("secret"));
    assert_true(str_copy_to(STR("https://sandbox.test"), trip.account.base_url,
                            sizeof(trip.account.base_url)));
    trip.account.settings = json_pack("{s:s}", "program_id", "100012345");
    return 0;
}

static int close_trip(void **state)
{
    (void)state;
    secret_release(&trip.account.password);
    json_decref((json_t *)(uintptr_t)trip.account.settings);
    drive_close();
    return 0;
}

/* A new payout under a reference of its own. */
static void call_for(const struct provider *provider, const char *payee)
{
    trip.account.provider = provider;
    trip.facts = (struct provider_facts){.count = 0};
    trip.call = (struct provider_call){
        .operation = OPERATION_PAYOUT,
        .account = &trip.account,
        .attempt_ref = arena_printf(&drive.arena, "att_%026d", ++trip.number),
        .payment_ref = STR("pyt_1"),
        .amount_minor = 1099,
        .currency = currency_find(STR("EUR")),
        .token = arena_str(&drive.arena, str_of(payee)),
    };
}

static enum http_method method_of(struct str name)
{
    return str_eq(name, STR("POST")) ? HTTP_POST : str_eq(name, STR("PUT")) ? HTTP_PUT : HTTP_GET;
}

static int send_with(const struct provider_request *request, struct str authorization)
{
    char headers[2048];
    int len = snprintf(headers, sizeof(headers), "Authorization: " STR_FMT, STR_ARG(authorization));
    for (size_t i = 0; i < request->header_count; i++) {
        len += snprintf(headers + len, sizeof(headers) - (size_t)len, "\n" STR_FMT ": " STR_FMT,
                        STR_ARG(request->header[i].name), STR_ARG(request->header[i].value));
    }
    assert_in_range(len, 1, sizeof(headers) - 1);
    return drive_send(method_of(request->method), arena_cstr(&drive.arena, request->path), headers,
                      request->has_body ? arena_cstr(&drive.arena, request->body) : NULL);
}

/* The token as the engine gets it, then the request; the answer stays in trip.answer. */
static void send_request(const struct provider_request *request)
{
    struct provider_request token_request = {.step = PROVIDER_STEP_NONE};
    struct provider_answer answer;
    struct secret token;
    struct error err;
    int64_t lifetime_ms = 0;

    trip.account.provider->build_token(&trip.account, &drive.arena, &token_request);
    answer.status = send_with(&token_request, STR("Basic Y2xpZW50OnNlY3JldA=="));
    answer.body = arena_str(&drive.arena, buf_str(&drive.core.body));
    secret_init(&token);
    assert_true(trip.account.provider->judge_token(&answer, &token, &lifetime_ms, &err));
    struct str bearer =
        arena_printf(&drive.arena, "Bearer " STR_FMT, STR_ARG(secret_expose(&token)));
    secret_release(&token);
    trip.answer = (struct provider_answer){.status = send_with(request, bearer)};
    trip.answer.body = arena_str(&drive.arena, buf_str(&drive.core.body));
}

static void judge(enum provider_step step)
{
    trip.account.provider->judge(&trip.call, step, &trip.answer, &drive.arena, &trip.judgement);
    for (size_t i = 0; i < trip.judgement.facts.count; i++) {
        provider_fact_set(&trip.facts, trip.judgement.facts.fact[i].name,
                          trip.judgement.facts.fact[i].value);
    }
}

static void pay(void)
{
    struct error err = {.code = ERROR_NONE};
    if (trip.account.provider->next(&trip.call, &trip.facts, &drive.arena, &trip.request, &err) !=
        PROVIDER_NEXT_SEND) {
        fail_msg("%s", err.text);
    }
    send_request(&trip.request);
    judge(PROVIDER_STEP_CHARGE);
}

static void look(void)
{
    struct provider_request lookup;
    assert_true(
        trip.account.provider->build_lookup(&trip.call, &trip.facts, &drive.arena, &lookup));
    send_request(&lookup);
    judge(PROVIDER_STEP_LOOKUP);
}

static void cancel(void)
{
    struct provider_request request;
    assert_true(
        trip.account.provider->build_cancel(&trip.call, &trip.facts, &drive.arena, &request));
    send_request(&request);
    judge(PROVIDER_STEP_CANCEL);
}

static void look_until_final(void)
{
    for (int i = 0; i < LOOK_MAX && !outcome_is_final(trip.judgement.outcome); i++) {
        drive_wait_ms(LOOK_MS);
        look();
    }
}

static void expect(const char *what, enum outcome outcome, const char *reason)
{
    if (trip.judgement.outcome != outcome || strcmp(trip.judgement.reason, reason) != 0) {
        fail_msg("%s: %s, %s instead of %s, %s; HTTP %d " STR_FMT, what,
                 outcome_name(trip.judgement.outcome), trip.judgement.reason, outcome_name(outcome),
                 reason, trip.answer.status, STR_ARG(trip.answer.body));
    }
}

static void expect_amount(void)
{
    assert_true(trip.judgement.has_amount);
    assert_true(trip.judgement.amount_minor == trip.call.amount_minor);
    assert_string_equal(trip.judgement.currency, trip.call.currency->code);
}

/* ---- what becomes of payouts ----------------------------------------------------------------- */

struct plan {
    const char *payee;
    enum outcome created;
    const char *created_reason;
    enum outcome end;
    const char *end_reason;
};

static void run_plans(const struct provider *provider, const struct plan *plans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        call_for(provider, plans[i].payee);
        pay();
        expect(plans[i].payee, plans[i].created, plans[i].created_reason);
        if (outcome_is_final(trip.judgement.outcome)) {
            continue;
        }
        look();
        expect(plans[i].payee, OUTCOME_PENDING, plans[i].created_reason);
        expect_amount();
        look_until_final();
        expect(plans[i].payee, plans[i].end, plans[i].end_reason);
        if (strcmp(plans[i].end_reason, "canceled") != 0 || provider != &provider_paypal_payouts) {
            expect_amount();
        }
    }
}

static void every_plan_of_paypal_ends_as_it_says(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct plan plans[] = {
        {"receiver@example.com",    OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"G83JXTJ5EHCQ2",           OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"+4915112345678",          OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"unclaimed@example.com",   OUTCOME_PENDING, "pending", OUTCOME_PENDING,  "unclaimed"},
        {"UNCLAIMED0001",           OUTCOME_PENDING, "pending", OUTCOME_PENDING,  "unclaimed"},
        {"+14085550101",            OUTCOME_PENDING, "pending", OUTCOME_PENDING,  "unclaimed"},
        {"unconfirmed@example.com", OUTCOME_PENDING, "pending", OUTCOME_PENDING,  "unclaimed"},
        {"claimed@example.com",     OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"returned@example.com",    OUTCOME_PENDING, "pending", OUTCOME_FAILED,   "returned"},
        {"onhold@example.com",      OUTCOME_PENDING, "pending", OUTCOME_PENDING,  "on_hold"},
        {"released@example.com",    OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"blocked@example.com",     OUTCOME_PENDING, "pending", OUTCOME_DECLINED_HARD, "compliance"},
        {"failed@example.com",      OUTCOME_PENDING, "pending", OUTCOME_DECLINED_SOFT, "limit_exceeded"},
        {"denied@example.com",      OUTCOME_PENDING, "pending", OUTCOME_DECLINED_HARD, "invalid_payee"},
        {"self@example.com",        OUTCOME_PENDING, "pending", OUTCOME_DECLINED_HARD, "invalid_payee"},
        {"refunded@example.com",    OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"canceled@example.com",    OUTCOME_PENDING, "pending", OUTCOME_FAILED,   "canceled"},
        {"stuck@example.com",       OUTCOME_PENDING, "pending", OUTCOME_PENDING,  "pending"},
        {"insufficient@example.com", OUTCOME_DECLINED_SOFT, "insufficient_balance", OUTCOME_NONE, ""},
    };
    /* clang-format on */
    run_plans(&provider_paypal_payouts, plans, ARRAY_LEN(plans));
}

static void every_plan_of_payoneer_ends_as_it_says(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct plan plans[] = {
        {"payee-1",              OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"user@example.com",     OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"payee-returned",       OUTCOME_PENDING, "pending", OUTCOME_APPROVED, "approved"},
        {"payee-failed",         OUTCOME_PENDING, "pending", OUTCOME_DECLINED_HARD, "payee_inactive"},
        {"payee-rejected",       OUTCOME_PENDING, "pending", OUTCOME_DECLINED_SOFT, "rejected"},
        {"payee-stuck",          OUTCOME_PENDING, "pending", OUTCOME_PENDING,  "pending"},
        {"payee-insufficient",   OUTCOME_DECLINED_SOFT, "insufficient_balance", OUTCOME_NONE, ""},
        {"payee-inactive",       OUTCOME_DECLINED_HARD, "payee_inactive",       OUTCOME_NONE, ""},
        {"payee-unregistered",   OUTCOME_FAILED,        "invalid_payee",        OUTCOME_NONE, ""},
    };
    /* clang-format on */
    run_plans(&provider_payoneer_payouts, plans, ARRAY_LEN(plans));
}

/* The item says it is on its way, the payee must register first. */
static void a_payee_that_registers_is_paid(void **state)
{
    (void)state;
    call_for(&provider_payoneer_payouts, "payee-pending");
    pay();
    expect("create", OUTCOME_PENDING, "pending");
    for (int i = 0; i < 3; i++) {
        drive_wait_ms(LOOK_MS);
        look();
        expect("before", OUTCOME_PENDING, "payee_pending");
    }
    struct provider_payee_ask ask = {.account = &trip.account, .payee_id = trip.call.token};
    struct provider_request request;
    struct provider_payee payee;
    struct error err;
    assert_true(provider_payoneer_payouts.build_payee(&ask, &drive.arena, &request, &err));
    send_request(&request);
    assert_true(
        provider_payoneer_payouts.judge_payee(&ask, &trip.answer, &drive.arena, &payee, &err));
    const size_t path_at = str_find_char(payee.link, '/', sizeof("https://"));
    assert_in_range(drive_send(HTTP_GET,
                               arena_cstr(&drive.arena, str_sub(payee.link, path_at, 1024)), "",
                               NULL),
                    200, 399);
    look_until_final();
    expect("after", OUTCOME_APPROVED, "approved");
}

/* Every reason that an item may have, as PayPal writes it, has a meaning of ours. */
static void every_reason_of_an_item_is_known(void **state)
{
    (void)state;
    static const char *const reasons[] = {"ACCOUNT_RESTRICTED",
                                          "ACCOUNT_UNCONFIRMED_EMAIL",
                                          "CLOSED_MARKET",
                                          "CURRENCY_COMPLIANCE",
                                          "CURRENCY_NOT_SUPPORTED_FOR_RECEIVER",
                                          "GAMER_FAILED_COUNTRY_OF_RESIDENCE_CHECK",
                                          "GAMER_FAILED_FUNDING_SOURCE_CHECK",
                                          "GAMING_INVALID_PAYMENT_FLOW",
                                          "INSUFFICIENT_FUNDS",
                                          "INTERNAL_ERROR",
                                          "NON_HOLDING_CURRENCY",
                                          "RECEIVER_ACCOUNT_LOCKED",
                                          "RECEIVER_COUNTRY_NOT_ALLOWED",
                                          "RECEIVER_YOUTH_ACCOUNT",
                                          "REFUSED_RECEIVER_REFUSED",
                                          "REGULATORY_BLOCKED",
                                          "RISK_DECLINE",
                                          "SPENDING_LIMIT_EXCEEDED",
                                          "TRANSACTION_DECLINED_BY_TRAVEL_RULE",
                                          "TRANSACTION_LIMIT_EXCEEDED",
                                          "UNDEFINED",
                                          "ZERO_AMOUNT"};
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        const struct paypal_payouts_code *code = paypal_payouts_item_code(str_of(reasons[i]));
        assert_non_null(code);
        call_for(&provider_paypal_payouts, join("failed+{}@example.com", reasons[i]));
        pay();
        look_until_final();
        expect(reasons[i], code->outcome, code->reason);
        assert_string_equal(trip.judgement.code, reasons[i]);
    }
}

static void what_lies_unclaimed_comes_back_after_thirty_days(void **state)
{
    (void)state;
    call_for(&provider_paypal_payouts, "unclaimed@example.com");
    pay();
    look_until_final();
    expect("soon", OUTCOME_PENDING, "unclaimed");
    assert_string_equal(trip.judgement.code, "RECEIVER_UNREGISTERED");
    drive.now_us += 31 * DAY_US;
    look();
    expect("late", OUTCOME_FAILED, "returned");
}

/* PayPal's own test values, in the note. */
static void paypals_errors_are_judged_as_the_table_says(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *note; enum outcome outcome; const char *reason; } rows[] = {
        {"ERRPYO001", OUTCOME_FAILED,        "account_setup"},
        {"ERRPYO002", OUTCOME_FAILED,        "account_setup"},
        {"ERRPYO003", OUTCOME_FAILED,        "account_setup"},
        {"ERRPYO005", OUTCOME_DECLINED_SOFT, "insufficient_balance"},
        {"ERRPYO006", OUTCOME_UNKNOWN,       "provider_error"},
        {"ERRPYO010", OUTCOME_FAILED,        "invalid_request"},
        {"ERRPYO011", OUTCOME_FAILED,        "account_setup"},
        {"ERRPYO012", OUTCOME_FAILED,        "account_setup"},
        {"ERRPYO014", OUTCOME_UNKNOWN,       "duplicate"},
        {"ERRPYO035", OUTCOME_FAILED,        "rate_limited"},
        {"ERRPYO036", OUTCOME_UNKNOWN,       "provider_error"},
        {"ERRPYO037", OUTCOME_FAILED,        "invalid_request"},
        {"ERRPYO038", OUTCOME_FAILED,        "currency_not_supported"},
        {"ERRPYO039", OUTCOME_UNKNOWN,       "in_progress"},
        {"ERRPYO040", OUTCOME_FAILED,        "account_setup"},
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call_for(&provider_paypal_payouts, "a@example.com");
        trip.call.description = str_of(rows[i].note);
        pay();
        expect(rows[i].note, rows[i].outcome, rows[i].reason);
        assert_int_equal(trip.judgement.in_progress, strcmp(rows[i].note, "ERRPYO039") == 0);
    }
    assert_int_equal(drive.core.books.log_count, 0);
}

/* ---- keys, lost answers, cancels ------------------------------------------------------------- */

static void a_lost_create_is_found_and_paid_once(void **state)
{
    (void)state;
    call_for(&provider_paypal_payouts, "a@example.com");
    pay();
    trip.facts.count = 0; /* its answer was lost */
    pay();
    expect("repeat", OUTCOME_UNKNOWN, "duplicate");
    assert_true(trip.judgement.duplicate);
    look_until_final();
    expect("paypal", OUTCOME_APPROVED, "approved");
    assert_int_equal(drive.core.books.log_count, 1);
    assert_int_equal(entry_at(0)->request_count, 2);
    assert_true(trip.judgement.has_fee);
    assert_true(trip.judgement.fee_minor == entry_at(0)->fee_minor);

    call_for(&provider_payoneer_payouts, "payee-1");
    look();
    expect("never sent", OUTCOME_UNKNOWN, "not_found");
    assert_true(trip.judgement.not_found);
    pay();
    pay();
    expect("payoneer repeats", OUTCOME_UNKNOWN, "duplicate");
    assert_true(trip.judgement.duplicate);
    look_until_final();
    expect("payoneer", OUTCOME_APPROVED, "approved");
    assert_int_equal(drive.core.books.log_count, 2);
}

static void a_repeat_while_the_first_is_at_work_is_in_progress(void **state)
{
    (void)state;
    call_for(&provider_paypal_payouts, "a@example.com");
    drive.keep_busy = true;
    pay();
    drive.keep_busy = false;
    pay();
    expect("repeat", OUTCOME_UNKNOWN, "in_progress");
    assert_true(trip.judgement.in_progress);
    assert_int_equal(drive.core.books.log_count, 1);
}

/* A denied batch gives its id free: a repeat is then the first that pays. */
static void a_denied_batch_does_not_keep_its_id(void **state)
{
    (void)state;
    call_for(&provider_paypal_payouts, "denied@example.com");
    pay();
    look_until_final();
    expect("denied", OUTCOME_DECLINED_HARD, "invalid_payee");
    pay();
    expect("again", OUTCOME_PENDING, "pending");
}

static void an_unclaimed_payout_is_canceled(void **state)
{
    (void)state;
    call_for(&provider_paypal_payouts, "unclaimed@example.com");
    pay();
    look();
    cancel();
    expect("too early", OUTCOME_UNKNOWN, "cancel_refused");
    assert_string_equal(trip.judgement.code, "BATCH_NOT_COMPLETED");
    drive_wait_ms(LOOK_MS);
    look();
    expect("unclaimed", OUTCOME_PENDING, "unclaimed");
    cancel();
    expect("canceled", OUTCOME_FAILED, "canceled");
    cancel();
    expect("its answer was lost", OUTCOME_FAILED, "canceled");
    look();
    expect("looked up", OUTCOME_FAILED, "returned");

    call_for(&provider_paypal_payouts, "kept@example.com");
    pay();
    look_until_final();
    cancel();
    expect("kept", OUTCOME_UNKNOWN, "cancel_refused");
    call_for(&provider_paypal_payouts, "paid@example.com");
    pay();
    look_until_final();
    cancel();
    expect("paid", OUTCOME_UNKNOWN, "cancel_refused");
}

static void payoneer_takes_a_cancel_and_performs_it_later(void **state)
{
    (void)state;
    call_for(&provider_payoneer_payouts, "payee-stuck");
    pay();
    cancel();
    expect("asked", OUTCOME_PENDING, "cancel_requested");
    look();
    expect("not yet", OUTCOME_PENDING, "pending");
    look_until_final();
    expect("performed", OUTCOME_FAILED, "canceled");
    cancel();
    expect("again", OUTCOME_UNKNOWN, "cancel_refused");

    call_for(&provider_payoneer_payouts, "payee-late");
    pay();
    cancel();
    expect("asked", OUTCOME_PENDING, "cancel_requested");
    look_until_final();
    expect("too late", OUTCOME_APPROVED, "approved");
    call_for(&provider_payoneer_payouts, "payee-9");
    cancel();
    expect("never sent", OUTCOME_UNKNOWN, "cancel_refused");
}

/* ---- money ----------------------------------------------------------------------------------- */

static void pay_amount(const struct currency *currency, int64_t minor)
{
    trip.call.currency = currency;
    trip.call.amount_minor = minor;
    pay();
}

static void every_currency_of_paypal_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct str codes = provider_paypal_payouts.capability.currency_codes;
    size_t paid = 0;
    while (codes.len > 0) {
        const struct currency *currency = currency_find(str_cut(&codes, ' '));
        const bool is_whole = paypal_digits(currency) < currency->exponent;
        const bool is_held = !adapter_has_word(STR("BRL CNY MYR RUB THB"), str_of(currency->code));
        call_for(&provider_paypal_payouts, "a@example.com");
        pay_amount(currency, is_whole ? 123400 : 123456);
        if (!is_held) { /* not by every account */
            expect(currency->code, OUTCOME_FAILED, "currency_not_supported");
            continue;
        }
        look_until_final();
        expect(currency->code, OUTCOME_APPROVED, "approved");
        expect_amount();
        const struct book_entry *entry = entry_at(drive.core.books.log_count - 1);
        assert_true(entry->amount_minor == trip.call.amount_minor && entry->currency == currency);
        assert_true(trip.judgement.has_fee && trip.judgement.fee_minor == entry->fee_minor);
        paid++;
    }
    assert_int_equal(paid, 20);
}

static void every_currency_of_payoneer_arrives_as_it_was_sent(void **state)
{
    static const int64_t amounts[] = {1, 100, 123456789};
    (void)state;
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < ARRAY_LEN(amounts); n++) {
            call_for(&provider_payoneer_payouts, "payee-1");
            pay_amount(&all[i], amounts[n]);
            look_until_final();
            expect(all[i].code, OUTCOME_APPROVED, "approved");
            expect_amount();
            const struct book_entry *entry = entry_at(drive.core.books.log_count - 1);
            assert_true(entry->amount_minor == amounts[n] && entry->currency == &all[i]);
        }
    }
}

/* ---- accounts and payees --------------------------------------------------------------------- */

static void probes_tell_good_accounts_from_bad_ones(void **state)
{
    (void)state;
    const struct provider *const providers[] = {&provider_paypal_payouts,
                                                &provider_payoneer_payouts};
    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        struct provider_request probe;
        trip.account.provider = providers[i];
        assert_true(providers[i]->build_probe(&trip.account, &drive.arena, &probe));
        send_request(&probe);
        judge(PROVIDER_STEP_PROBE);
        expect(providers[i]->name, OUTCOME_APPROVED, "approved");
        trip.answer.status = send_with(&probe, STR("Bearer wrong"));
        trip.answer.body = arena_str(&drive.arena, buf_str(&drive.core.body));
        judge(PROVIDER_STEP_PROBE);
        expect(providers[i]->name, OUTCOME_FAILED, "credentials_refused");
    }
}

static enum error_code ask(enum provider_payee_question question, const char *payee_id,
                           struct provider_payee *payee)
{
    const struct provider_beneficiary who = {.type = STR("individual"),
                                             .first_name = STR("Ada"),
                                             .last_name = STR("Lovelace"),
                                             .country = STR("GB")};
    const struct provider_payee_ask about = {
        .question = question,
        .account = &trip.account,
        .payee_id = str_of(payee_id),
        .redirect_url = question == PROVIDER_PAYEE_LINK ? STR("https://shop.example/") : STR_NONE,
        .beneficiary = question == PROVIDER_PAYEE_LINK ? &who : NULL,
    };
    struct provider_request request;
    struct error err = {.code = ERROR_NONE};

    trip.account.provider = &provider_payoneer_payouts;
    assert_true(provider_payoneer_payouts.build_payee(&about, &drive.arena, &request, &err));
    send_request(&request);
    return provider_payoneer_payouts.judge_payee(&about, &trip.answer, &drive.arena, payee, &err)
               ? ERROR_NONE
               : err.code;
}

static void payees_register_by_their_link(void **state)
{
    struct provider_payee payee;
    (void)state;

    assert_int_equal(ask(PROVIDER_PAYEE_STATUS, "payee-1", &payee), ERROR_NONE);
    assert_int_equal(payee.state, PROVIDER_PAYEE_ACTIVE);
    assert_true(payee.provider_ref.len > 0);
    assert_int_equal(ask(PROVIDER_PAYEE_STATUS, "payee-inactive", &payee), ERROR_NONE);
    assert_int_equal(payee.state, PROVIDER_PAYEE_INACTIVE);
    assert_int_equal(ask(PROVIDER_PAYEE_STATUS, "payee-unregistered", &payee), ERROR_NOT_FOUND);
    assert_int_equal(ask(PROVIDER_PAYEE_LINK, "payee-unregistered", &payee), ERROR_NONE);
    const struct str link = payee.link;
    assert_true(str_starts(link, STR("https://sandbox.test/")));
    assert_int_equal(ask(PROVIDER_PAYEE_STATUS, "payee-unregistered", &payee), ERROR_NONE);
    assert_int_equal(payee.state, PROVIDER_PAYEE_PENDING);
    const char *path =
        arena_cstr(&drive.arena, str_sub(link, sizeof("https://sandbox.test") - 1, link.len));
    assert_in_range(drive_send(HTTP_GET, path, "", NULL), 200, 399);
    assert_int_equal(ask(PROVIDER_PAYEE_STATUS, "payee-unregistered", &payee), ERROR_NONE);
    assert_int_equal(payee.state, PROVIDER_PAYEE_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_trip, close_trip)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_plan_of_paypal_ends_as_it_says),
        TEST(every_plan_of_payoneer_ends_as_it_says),
        TEST(a_payee_that_registers_is_paid),
        TEST(every_reason_of_an_item_is_known),
        TEST(what_lies_unclaimed_comes_back_after_thirty_days),
        TEST(paypals_errors_are_judged_as_the_table_says),
        TEST(a_lost_create_is_found_and_paid_once),
        TEST(a_repeat_while_the_first_is_at_work_is_in_progress),
        TEST(a_denied_batch_does_not_keep_its_id),
        TEST(an_unclaimed_payout_is_canceled),
        TEST(payoneer_takes_a_cancel_and_performs_it_later),
        TEST(every_currency_of_paypal_arrives_as_it_was_sent),
        TEST(every_currency_of_payoneer_arrives_as_it_was_sent),
        TEST(probes_tell_good_accounts_from_bad_ones),
        TEST(payees_register_by_their_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
