#include "providers/payoneer_webhook.h"

#include "providers/adapter.h"
#include "providers/webhook.h"

enum {
    VALUE_MAX = 512,
};

#define SALE      (1u << OPERATION_SALE)
#define AUTHORIZE (1u << OPERATION_AUTHORIZE)
#define CAPTURE   (1u << OPERATION_CAPTURE)

/* clang-format off */

/* What a status says became of which operation. Of all others the state is read again. */
static const struct {
    const char *code;
    enum outcome outcome;
    unsigned operations;
} meanings[] = {
    {"charged",       OUTCOME_APPROVED,      SALE | CAPTURE},
    {"preauthorized", OUTCOME_APPROVED,      AUTHORIZE},
    {"declined",      OUTCOME_DECLINED_SOFT, SALE | AUTHORIZE},
    {"failed",        OUTCOME_FAILED,        SALE | AUTHORIZE},
    {"aborted",       OUTCOME_FAILED,        SALE | AUTHORIZE},
    {"expired",       OUTCOME_FAILED,        SALE},
    {"pending",       OUTCOME_PENDING,       SALE | AUTHORIZE | CAPTURE},
};
/* clang-format on */

/* ---- is it Payoneer's? ---- */

static bool is_secret(const struct secret *secret, struct str text)
{
    uint8_t wanted[SHA256_SIZE];
    uint8_t got[SHA256_SIZE];

    if (secret->len == 0)
        return false;
    crypto_sha256(secret_expose(secret), wanted);
    crypto_sha256(text, got);
    return crypto_equal(wanted, got, sizeof(got)); /* no length shows either */
}

void payoneer_verify_webhook(const struct provider_account *account,
                             const struct provider_webhook *webhook,
                             const struct webhook_key *key UNUSED, struct provider_check *check)
{
    struct str text;
    bool is_genuine = false;

    if (account->webhook_secret[0].len == 0) {
        webhook_judge(check, PROVIDER_WEBHOOK_NOT_SET_UP, "the account has no webhook_secret");
        return;
    }
    if (!webhook_query(webhook, "secret", &text)) {
        webhook_judge(check, PROVIDER_WEBHOOK_FORGED, "the address has no secret");
        return;
    }
    for (size_t i = 0; i < PROVIDER_WEBHOOK_SECRET_MAX; i++)
        is_genuine |= is_secret(&account->webhook_secret[i], text);
    webhook_judge(check, is_genuine ? PROVIDER_WEBHOOK_GENUINE : PROVIDER_WEBHOOK_FORGED,
                  is_genuine ? "" : "the address has another secret");
}

/* It stands in an address as it is. */
static bool is_address_secret(const struct secret *secret)
{
    const struct str text = secret_expose(secret);

    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return text.len == 0 || text.len >= PAYONEER_ADDRESS_SECRET_MIN;
}

bool payoneer_check_webhook(const struct provider_account *account, struct error *err)
{
    for (size_t i = 0; i < PROVIDER_WEBHOOK_SECRET_MAX; i++) {
        if (!is_address_secret(&account->webhook_secret[i]))
            return fail(err, ERROR_INVALID,
                        "cannot use the secret: webhook_secret needs %d characters at least, of "
                        "letters, digits, - and _",
                        PAYONEER_ADDRESS_SECRET_MIN);
    }
    return true;
}

/* ---- what is it about? ---- */

/* One of its members, of a JSON object or of a form. */
struct notice {
    json_t *json; /* owned; NULL: it is a form */
    struct str form;
};

/* A form's value, decoded into the arena; empty when it is malformed. */
static struct str decode(struct str text, struct arena *arena)
{
    if (text.len > VALUE_MAX)
        return STR_NONE;
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '%') {
            out[len++] = text.at[i] == '+' ? ' ' : text.at[i];
            continue;
        }
        const int high = i + 2 < text.len ? str_hex_value(text.at[i + 1]) : -1;
        const int low = i + 2 < text.len ? str_hex_value(text.at[i + 2]) : -1;
        if (high < 0 || low < 0)
            return STR_NONE;
        out[len++] = (char)(high * 16 + low);
        i += 2;
    }
    return (struct str){out, len};
}

static struct str member(const struct notice *notice, const char *name, struct arena *arena)
{
    struct str rest = notice->form;

    if (notice->json != NULL)
        return json_text(notice->json, name);
    while (rest.len > 0) {
        struct str pair = str_cut(&rest, '&');
        if (str_eq(str_cut(&pair, '='), str_of(name)))
            return decode(pair, arena);
    }
    return STR_NONE;
}

static void read_status(struct provider_hint *hint, struct str code)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (str_eq(code, str_of(meanings[i].code))) {
            hint->outcome = meanings[i].outcome;
            hint->operations = meanings[i].operations;
        }
    }
}

static void read_notice(const struct notice *notice, struct arena *arena,
                        struct provider_hint *hint)
{
    const struct str entity = member(notice, "entity", arena);
    const struct str code = member(notice, "statusCode", arena);
    const struct str attempt = member(notice, "transactionId", arena);
    struct uuid ignored;
    struct error err;

    hint->is_irrelevant = entity.len > 0 && !str_eq(entity, STR("payment"));
    hint->event_type = webhook_id(code, PROVIDER_EVENT_TYPE_MAX, arena);
    hint->event_id =
        webhook_id(member(notice, "notificationId", arena), PROVIDER_EVENT_ID_MAX, arena);
    hint->happened_us = webhook_time_us(member(notice, "timestamp", arena));
    read_status(hint, hint->event_type);
    if (id_parse(ID_ATTEMPT, attempt, &ignored, &err))
        hint->attempt_ref = arena_str(arena, attempt);
    webhook_add_reference(hint, member(notice, "longId", arena), arena);
}

bool payoneer_parse_webhook(const struct provider_account *account UNUSED,
                            const struct provider_webhook *webhook, struct arena *arena,
                            struct provider_hint *hint, struct error *err)
{
    struct notice notice = {.json = webhook_parse_body(webhook), .form = webhook->body};

    *hint = (struct provider_hint){.outcome = OUTCOME_NONE};
    read_notice(&notice, arena, hint);
    json_decref(notice.json);
    if (hint->event_type.len == 0)
        return fail(err, ERROR_INVALID, "cannot read the webhook: it has no statusCode");
    if (hint->event_id.len == 0)
        hint->event_id = webhook_digest(hint->event_type, webhook->body, arena);
    return true;
}
