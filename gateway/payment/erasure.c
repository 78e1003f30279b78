#include "payment/erasure.h"

#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/pack.h"
#include "payment/order_request.h"
#include "payment/present.h"

enum {
    MEMBER_COUNT_MAX = 65536, /* of an answer: attempts with their decisions */
    DEPTH_MAX = 64,
};

static const struct json_limits limits = {DEPTH_MAX, MEMBER_COUNT_MAX, PRESENT_BYTES_MAX};

/* ---- whose it is ------------------------------------------------------------------------------ */

static bool is_payer(struct str customer_json, struct str text)
{
    struct error ignored;
    json_t *customer = customer_json.len > 2 ? json_parse(customer_json, &limits, &ignored) : NULL;
    bool is_theirs = str_eq(json_text(customer, "id"), text) ||
                     str_eq_nocase(json_text(customer, "email"), text);
    json_decref(customer);
    return is_theirs;
}

static bool is_payee(const json_t *body, struct str text)
{
    static const char *const places[] = {"beneficiary.email", "beneficiary.phone",
                                         "beneficiary.bank_account.iban",
                                         "beneficiary.bank_account.account_number"};
    json_t *payees = json_object_get(body, "payees");
    bool is_theirs = false;
    for (void *at = json_object_iter(payees); at; at = json_object_iter_next(payees, at)) {
        const json_t *payee = json_object_iter_value(at);
        struct str value = {json_string_value(payee), json_string_length(payee)};
        is_theirs = is_theirs || (value.len > 0 && str_eq(value, text));
    }
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        is_theirs = is_theirs || str_eq_nocase(json_path_text(body, places[i]), text);
    return is_theirs;
}

bool erasure_is_of(const struct vault *vault, const struct uuid *merchant_id,
                   const struct erase_subject *subject, struct str customer, bool *is_theirs,
                   struct error *err)
{
    CHECK(customer.len > 0);
    *is_theirs = !subject->is_payout && is_payer(subject->customer, customer);
    if (subject->sealed.len == 0)
        return true;
    if (!subject->is_order)
        return vault_find_payee(vault, merchant_id, &subject->row_id, subject->sealed, customer,
                                is_theirs, err);
    json_t *body =
        order_request_open(vault->seal_key, merchant_id, &subject->row_id, subject->sealed, err);
    if (body == NULL)
        return false;
    *is_theirs = is_payee(body, customer);
    json_decref(body);
    return true;
}

void erasure_hash(const struct vault *vault, const struct uuid *merchant_id, struct str customer,
                  uint8_t out[SHA256_SIZE])
{
    struct buf text;
    buf_init(&text, VAULT_TEXT_MAX);
    buf_add_str(&text, STR("erased customer:")); /* no token begins so */
    buf_add_str(&text, customer);
    CHECK(buf_is_ok(&text));
    vault_hash_token(vault, merchant_id, buf_str(&text), out);
    buf_release(&text);
}

/* ---- what is left of an answer ----------------------------------------------------------------- */

static void redact(json_t *answer, int64_t erased_us)
{
    static const char *const names[] = {"customer", "beneficiary", "metadata", "reason"};
    char text[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (json_object_get(answer, names[i]) != NULL)
            CHECK(json_object_set_new(answer, names[i], json_null()) == 0);
    }
    if (json_object_get(answer, "erased") == NULL)
        CHECK(json_object_set_new(answer, "erased",
                                  json_string(clock_format_ms(erased_us, text).at)) == 0);
}

bool erasure_redact(struct str stored, int64_t erased_us, struct arena *arena, struct str *left,
                    struct error *err)
{
    struct str plain = STR_NONE;
    struct buf text;
    struct buf packed;
    if (!unpack(stored, PRESENT_BYTES_MAX, arena, &plain, err))
        return fail_prefix(err, "cannot read a stored answer");
    json_t *answer = json_parse(plain, &limits, err);
    if (answer == NULL)
        return fail_prefix(err, "cannot read a stored answer");
    redact(answer, erased_us);
    buf_init(&text, 2 * (size_t)PRESENT_BYTES_MAX);
    buf_init(&packed, 2 * (size_t)PRESENT_BYTES_MAX);
    bool ok = (json_canonical(answer, &text) && buf_is_ok(&text)) ||
              fail(err, ERROR_INVALID, "cannot write what is left of a stored answer");
    if (ok) {
        pack(buf_str(&text), &packed);
        *left = arena_str(arena, buf_str(&packed));
    }
    buf_release(&packed);
    buf_release(&text);
    json_decref(answer);
    return ok;
}
