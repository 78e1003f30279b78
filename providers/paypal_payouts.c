#include "providers/paypal_payouts.h"

#include "providers/adapter.h"
#include "providers/paypal.h"
#include "providers/paypal_webhook.h"

enum {
    PAYOUT_RECEIVER_MAX = 127,
    PAYOUT_LOCAL_MAX = 64, /* of an e-mail address, before the @ (RFC 5321) */
    PAYOUT_NOTE_MAX = 1000,
    PAYOUT_SUBJECT_MAX = 255,
    PAYOUT_MESSAGE_MAX = 1000,
    PAYOUT_ACCOUNT_SIZE = 13, /* PayPal's own account ids */
    PAYOUT_PHONE_MIN = 8,     /* digits of E.164 with the country's */
    PAYOUT_PHONE_MAX = 15,
};

static const char *const known_settings[] = {"currencies", "email_subject", "email_message",
                                             "webhook_id", "webhook_window_s"};

/* Who receives: PayPal is told which kind of id it is, and refuses an id of another kind. */
struct receiver {
    const char *type;
    struct str id;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_email(struct str id)
{
    const size_t at = str_find_char(id, '@', 0);
    const struct str domain = str_sub(id, at + 1, id.len);

    for (size_t i = 0; i < id.len; i++) {
        if (id.at[i] <= 0x20 || id.at[i] >= 0x7f)
            return false;
    }
    return at > 0 && at <= PAYOUT_LOCAL_MAX && id.len <= PAYOUT_RECEIVER_MAX &&
           str_find_char(domain, '@', 0) == SIZE_MAX &&
           str_find(domain, STR(".."), 0) == SIZE_MAX &&
           str_find_char(domain, '.', 1) < domain.len - 1 && domain.at[0] != '.' &&
           !str_ends(domain, STR("."));
}

static bool is_phone(struct str digits)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.at[i]))
            return false;
    }
    return digits.len >= PAYOUT_PHONE_MIN && digits.len <= PAYOUT_PHONE_MAX && digits.at[0] != '0';
}

static bool is_account_id(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (!is_digit(id.at[i]) && !(id.at[i] >= 'A' && id.at[i] <= 'Z'))
            return false;
    }
    return id.len == PAYOUT_ACCOUNT_SIZE;
}

/* The payee id itself is personal, and stays out of the message. */
static bool choose_receiver(struct str payee, struct receiver *to, struct error *err)
{
    if (payee.len == 0)
        return fail(err, ERROR_INVALID, "cannot pay out through paypal: no payee id");
    if (str_find_char(payee, '@', 0) != SIZE_MAX) {
        *to = (struct receiver){"EMAIL", payee};
        return is_email(payee) || fail(err, ERROR_INVALID,
                                       "cannot pay out through paypal: payee id has an @ and is no "
                                       "e-mail address of at most %d characters",
                                       PAYOUT_RECEIVER_MAX);
    }
    if (str_starts(payee, STR("+"))) {
        *to = (struct receiver){"PHONE", str_sub(payee, 1, payee.len)};
        return is_phone(to->id) || fail(err, ERROR_INVALID,
                                        "cannot pay out through paypal: payee id begins with + and "
                                        "is no phone number of %d to %d digits",
                                        PAYOUT_PHONE_MIN, PAYOUT_PHONE_MAX);
    }
    *to = (struct receiver){"PAYPAL_ID", payee};
    return is_account_id(payee) ||
           fail(err, ERROR_INVALID,
                "cannot pay out through paypal: payee id is no e-mail address, no phone number "
                "(+49...) and no PayPal account id (%d capitals and digits)",
                PAYOUT_ACCOUNT_SIZE);
}

static void put_optional(struct json_out *json, const char *key, struct str value, size_t max)
{
    if (value.len > 0)
        json_put_str(json, key, adapter_clip(value, max));
}

static void put_batch(struct json_out *json, const struct provider_call *call,
                      const struct receiver *to, struct str amount)
{
    json_begin_object(json);
    json_key(json, "sender_batch_header");
    json_begin_object(json);
    json_put_str(json, "sender_batch_id", call->attempt_ref);
    put_optional(json, "email_subject", adapter_setting(call->account, "email_subject"),
                 PAYOUT_SUBJECT_MAX);
    put_optional(json, "email_message", adapter_setting(call->account, "email_message"),
                 PAYOUT_MESSAGE_MAX);
    json_end_object(json);
    json_key(json, "items");
    json_begin_array(json);
    json_begin_object(json);
    json_put_cstr(json, "recipient_type", to->type);
    json_key(json, "amount");
    json_begin_object(json);
    json_put_str(json, "value", amount);
    json_put_cstr(json, "currency", call->currency->code);
    json_end_object(json);
    put_optional(json, "note", call->description, PAYOUT_NOTE_MAX);
    json_put_str(json, "sender_item_id", call->attempt_ref);
    json_put_str(json, "receiver", to->id);
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
}

static bool build_batch(const struct provider_call *call, struct arena *arena,
                        struct provider_request *request, struct error *err)
{
    char text[MONEY_TEXT_SIZE];
    struct str amount = STR_NONE;
    struct receiver to = {NULL, STR_NONE};
    struct json_out json;
    struct buf body;

    if (call->operation != OPERATION_PAYOUT)
        return fail(err, ERROR_INVALID, "cannot %s through paypal payouts",
                    operation_name(call->operation));
    if (!adapter_has_word(STR(PAYPAL_CURRENCIES), str_of(call->currency->code)))
        return fail(err, ERROR_INVALID, "cannot pay out through paypal: %s is not taken there",
                    call->currency->code);
    if (!adapter_check_call(call, "paypal", err) || !choose_receiver(call->token, &to, err) ||
        !paypal_format_amount(call, text, &amount, err) ||
        !adapter_request_init(request, PROVIDER_STEP_CHARGE, STR("POST"),
                              STR("/v1/payments/payouts"), err))
        return false;
    request->moves_money = true;
    request->key = call->attempt_ref;
    adapter_add_header(request, STR("Content-Type"), STR("application/json"));
    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    put_batch(&json, call, &to, amount);
    return adapter_set_body(request, &body, arena, err);
}

static enum provider_next paypal_payouts_next(const struct provider_call *call,
                                              const struct provider_facts *facts,
                                              struct arena *arena, struct provider_request *request,
                                              struct error *err)
{
    (void)facts;
    return build_batch(call, arena, request, err) ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE;
}

/* By the batch, which says of its one item all that the item would say itself. */
static bool paypal_payouts_build_lookup(const struct provider_call *call,
                                        const struct provider_facts *facts, struct arena *arena,
                                        struct provider_request *request)
{
    struct str id = provider_fact_find(facts, STR("payout_batch_id"));
    struct error err;

    (void)call;
    if (!adapter_encode_part(id, "payout_batch_id", arena, &id, &err))
        return false;
    return adapter_request_init(request, PROVIDER_STEP_LOOKUP, STR("GET"),
                                arena_printf(arena, "/v1/payments/payouts/" STR_FMT, STR_ARG(id)),
                                &err);
}

static bool paypal_payouts_build_cancel(const struct provider_call *call,
                                        const struct provider_facts *facts, struct arena *arena,
                                        struct provider_request *request)
{
    struct str id = provider_fact_find(facts, STR("payout_item_id"));
    struct error err;

    (void)call;
    if (!adapter_encode_part(id, "payout_item_id", arena, &id, &err) ||
        !adapter_request_init(
            request, PROVIDER_STEP_CANCEL, STR("POST"),
            arena_printf(arena, "/v1/payments/payouts-item/" STR_FMT "/cancel", STR_ARG(id)), &err))
        return false;
    request->key = id; /* what is canceled cannot be canceled again */
    adapter_add_header(request, STR("Content-Type"), STR("application/json"));
    return true;
}

/* Asks for a batch that cannot exist: "not found" proves that the token has the scope for payouts.
 */
static bool paypal_payouts_build_probe(const struct provider_account *account, struct arena *arena,
                                       struct provider_request *request)
{
    struct error err;
    (void)account;
    (void)arena;
    return adapter_request_init(request, PROVIDER_STEP_PROBE, STR("GET"),
                                STR("/v1/payments/payouts/TURNPIKEPROBE"), &err);
}

static bool check_text(const struct provider_account *account, const char *name, size_t max,
                       struct error *err)
{
    const struct str text = adapter_setting(account, name);

    if (text.len > 0 && (text.len > max || !adapter_is_plain(text)))
        return fail(err, ERROR_INVALID,
                    "cannot use settings: %s is longer than %zu characters or not plain ASCII",
                    name, max);
    return true;
}

static bool paypal_payouts_check_account(const struct provider_account *account, struct error *err)
{
    return adapter_check_account(account, known_settings, ARRAY_LEN(known_settings), err) &&
           check_text(account, "email_subject", PAYOUT_SUBJECT_MAX, err) &&
           check_text(account, "email_message", PAYOUT_MESSAGE_MAX, err) &&
           paypal_check_webhook(account, err);
}

const struct provider provider_paypal_payouts = {
    .name = "paypal_payouts",
    .family = "paypal",
    .title = "PayPal Payouts",
    .version = "paypal_payouts/1",
    .capability =
        {
            .currency_codes = STR_INIT(PAYPAL_CURRENCIES),
            .operations = 1u << OPERATION_PAYOUT,
            .replay = PROVIDER_REPLAY_DUPLICATE,
            .key_lifetime_ms = 30LL * 24 * 3600 * 1000,
            .settle_ms = 5 * 60LL * 1000,
            .lookup_by_reference = true, /* by payout_batch_id, once an answer told it */
        },
    .next = paypal_payouts_next,
    .judge = paypal_payouts_judge,
    .build_lookup = paypal_payouts_build_lookup,
    .build_cancel = paypal_payouts_build_cancel,
    .build_probe = paypal_payouts_build_probe,
    .build_token = paypal_build_token,
    .judge_token = adapter_judge_token,
    .check_account = paypal_payouts_check_account,
    .verify_webhook = paypal_verify_webhook,
    .parse_webhook = paypal_parse_webhook,
};
