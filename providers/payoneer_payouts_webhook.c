#include "providers/payoneer_payouts_webhook.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/clock.h"
#include "providers/adapter.h"
#include "providers/webhook.h"

enum {
    URL_MAX = 1024,
    PARAMETER_MAX = 16,
    TEXT_MAX = 8192,
    NONCE_MAX = 128,
    DIGEST_TEXT_MAX = 64,
};

/* clang-format off */
static const struct meaning {
    const char *event;
    enum outcome outcome;
    bool is_irrelevant; /* of payees, not of payouts */
} meanings[] = {
    {"PaymentRequestAccepted", OUTCOME_PENDING,  false},
    {"CancelPayout",           OUTCOME_FAILED,   false},
    {"SentToBank",             OUTCOME_APPROVED, false},
    {"AccountLoaded",          OUTCOME_APPROVED, false},
    {"CardLoaded",             OUTCOME_APPROVED, false},
    {"PayeeApproved",          OUTCOME_NONE,     true},
    {"PayeeDeclined",          OUTCOME_NONE,     true},
};
/* clang-format on */

/* ---- is it Payoneer's? ---- */

struct signature { /* Authorization: hmacauth <name>:<signature>:<nonce>:<timestamp> */
    struct str name;
    struct str text;
    struct str nonce;
    struct str time;
    int64_t time_s;
};

static bool read_signature(const struct provider_webhook *webhook, struct signature *sign)
{
    struct str rest;

    if (!webhook_header(webhook, "Authorization", &rest) ||
        !str_eq_nocase(str_cut(&rest, ' '), STR("hmacauth")))
        return false;
    rest = str_trim(rest);
    sign->name = str_cut(&rest, ':');
    sign->text = str_cut(&rest, ':');
    sign->nonce = str_cut(&rest, ':');
    sign->time = rest;
    return sign->text.len > 0 && adapter_is_plain(sign->nonce) && sign->nonce.len <= NONCE_MAX &&
           str_to_int64(sign->time, &sign->time_s) && sign->time_s > 0 &&
           sign->time_s < INT64_MAX / CLOCK_SECOND_US / 2;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int compare_parameters(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* In lower case; what follows '?' sorted. False: longer than any address of ours. */
static bool put_address(struct str url, struct buf *out)
{
    struct str parameter[PARAMETER_MAX];
    char text[URL_MAX];
    size_t count = 0;

    if (url.len > sizeof(text))
        return false;
    for (size_t i = 0; i < url.len; i++)
        text[i] = lower(url.at[i]);
    struct str rest = {text, url.len};
    buf_add_str(out, str_cut(&rest, '?'));
    while (rest.len > 0) {
        if (count == PARAMETER_MAX)
            return false;
        parameter[count++] = str_cut(&rest, '&');
    }
    qsort(parameter, count, sizeof(parameter[0]), compare_parameters);
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, i == 0 ? '?' : '&');
        buf_add_str(out, parameter[i]);
    }
    return buf_is_ok(out);
}

/* As a form's value is encoded, all of it in lower case. */
static void put_encoded(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_') {
            buf_add_char(out, c);
        } else if (c == ' ') {
            buf_add_char(out, '+');
        } else {
            buf_add_char(out, '%');
            buf_add_char(out, str_hex_digits[(unsigned char)c >> 4]);
            buf_add_char(out, str_hex_digits[(unsigned char)c & 15]);
        }
    }
}

static void put_body_digest(struct str body, struct buf *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    CHECK(EVP_Digest(body.at, body.len, digest, &size, EVP_md5(), NULL) == 1);
    crypto_base64((struct str){(const char *)digest, size}, out);
}

/* What is signed. */
static bool put_text(const struct signature *sign, struct str url, struct str body, struct buf *out)
{
    struct buf address;

    buf_init(&address, URL_MAX);
    const bool fits = put_address(url, &address);
    buf_add_str(out, sign->name);
    buf_add_str(out, STR("POST"));
    put_encoded(buf_str(&address), out);
    buf_add_str(out, sign->time);
    buf_add_str(out, sign->nonce);
    buf_release(&address);
    put_body_digest(body, out);
    return fits && buf_is_ok(out);
}

static bool is_by(const struct secret *secret, struct str text, struct str signature)
{
    uint8_t mac[SHA256_SIZE];
    struct buf made;

    if (secret->len == 0)
        return false;
    crypto_hmac_sha256(secret_expose(secret), text, mac);
    buf_init(&made, DIGEST_TEXT_MAX);
    crypto_base64((struct str){(const char *)mac, sizeof(mac)}, &made);
    const bool is_genuine =
        made.len == signature.len && crypto_equal(made.at, signature.at, made.len);
    buf_release(&made);
    return is_genuine;
}

/* Behind a proxy the address that was called is not the one we see. */
static struct str called_url(const struct provider_account *account,
                             const struct provider_webhook *webhook, char out[URL_MAX])
{
    const struct str registered = adapter_setting(account, "webhook_url");
    struct buf url;

    if (registered.len == 0)
        return webhook->url;
    buf_init(&url, URL_MAX - 1);
    buf_add_str(&url, registered);
    if (webhook->query.len > 0) {
        buf_add_char(&url, '?');
        buf_add_str(&url, webhook->query);
    }
    const bool fits = buf_is_ok(&url) && str_copy_to(buf_str(&url), out, URL_MAX);
    buf_release(&url);
    return fits ? str_of(out) : STR_NONE;
}

static bool is_signed(const struct provider_account *account,
                      const struct provider_webhook *webhook, const struct signature *sign)
{
    char url[URL_MAX];
    struct buf text;
    bool is_genuine = false;

    buf_init(&text, TEXT_MAX);
    if (put_text(sign, called_url(account, webhook, url), webhook->body, &text)) {
        for (size_t i = 0; i < PROVIDER_WEBHOOK_SECRET_MAX; i++)
            is_genuine |= is_by(&account->webhook_secret[i], buf_str(&text), sign->text);
    }
    buf_release(&text);
    return is_genuine;
}

static struct str sender_of(const struct provider_account *account)
{
    return str_eq(str_of(account->base_url), STR("https://api.payoneer.com"))
               ? STR("Webhook-IPCNSender-production")
               : STR("Webhook-IPCNSender-sandbox");
}

void payoneer_payouts_verify_webhook(const struct provider_account *account,
                                     const struct provider_webhook *webhook,
                                     const struct webhook_key *key UNUSED,
                                     struct provider_check *check)
{
    struct signature sign;

    if (account->webhook_secret[0].len == 0) {
        webhook_judge(check, PROVIDER_WEBHOOK_NOT_SET_UP, "the account has no webhook_secret");
        return;
    }
    if (!read_signature(webhook, &sign)) {
        webhook_judge(check, PROVIDER_WEBHOOK_MALFORMED, "Authorization is missing or no hmacauth");
        return;
    }
    webhook_judge_time(check, webhook, sign.time_s * CLOCK_SECOND_US,
                       webhook_window_s(account, PAYONEER_WEBHOOK_WINDOW_S));
    if (check->verdict != PROVIDER_WEBHOOK_GENUINE)
        return;
    if (!str_eq(sign.name, sender_of(account)))
        webhook_judge(check, PROVIDER_WEBHOOK_FORGED, "the sender is of another environment");
    else if (!is_signed(account, webhook, &sign))
        webhook_judge(check, PROVIDER_WEBHOOK_FORGED, "the signature is not that of what came");
}

bool payoneer_payouts_check_webhook(const struct provider_account *account, struct error *err)
{
    const struct str url = adapter_setting(account, "webhook_url");

    if (url.len > 0 && (!str_starts(url, STR("https://")) || !adapter_is_plain(url) ||
                        url.len > URL_MAX / 2 || str_find_char(url, '?', 0) != SIZE_MAX))
        return fail(err, ERROR_INVALID,
                    "cannot use settings: webhook_url is no https address without a query");
    if (account->webhook_secret[0].len > 0 &&
        account->webhook_secret[0].len < PAYONEER_WEBHOOK_SECRET_MIN)
        return fail(err, ERROR_INVALID, "cannot use the secret: webhook_secret is shorter than %d",
                    PAYONEER_WEBHOOK_SECRET_MIN);
    return webhook_check_window(account, err);
}

/* ---- what is it about? ---- */

static const struct meaning *find_meaning(const struct provider_webhook *webhook)
{
    struct str event;

    if (!webhook_query(webhook, "event", &event))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (str_eq_nocase(event, str_of(meanings[i].event)))
            return &meanings[i];
    }
    return NULL;
}

/* Values can come encoded as in a form: "2022-01-17T20%3a03%3a05Z". */
static int64_t read_time(struct str text)
{
    char plain[64];
    size_t len = 0;

    for (size_t i = 0; i < text.len && len + 1 < sizeof(plain); i++) {
        const bool is_colon = str_eq_nocase(str_sub(text, i, 3), STR("%3a"));
        plain[len++] = is_colon ? ':' : text.at[i];
        i += is_colon ? 2 : 0;
    }
    return webhook_time_us((struct str){plain, len});
}

static int64_t happened_us(const json_t *body)
{
    const int64_t sent_us = read_time(json_text(body, "Transaction Date"));

    return sent_us != 0 ? sent_us : read_time(json_text(body, "Canceled Payment Date"));
}

bool payoneer_payouts_parse_webhook(const struct provider_account *account UNUSED,
                                    const struct provider_webhook *webhook, struct arena *arena,
                                    struct provider_hint *hint, struct error *err)
{
    const struct meaning *meaning = find_meaning(webhook);
    struct uuid ignored;
    struct error other;

    *hint = (struct provider_hint){.outcome = OUTCOME_NONE};
    if (meaning == NULL)
        return fail(err, ERROR_INVALID, "cannot read the webhook: its address names no event");
    json_t *body = webhook_parse_body(webhook);
    if (body == NULL)
        return fail(err, ERROR_INVALID, "cannot read the webhook: its body is no JSON object");
    const struct str reference = json_text(body, "IntPaymentId");
    hint->event_type = str_of(meaning->event);
    hint->event_id = webhook_digest(hint->event_type, webhook->body, arena);
    hint->outcome = meaning->outcome;
    hint->operations = 1u << OPERATION_PAYOUT;
    hint->is_irrelevant = meaning->is_irrelevant;
    hint->happened_us = happened_us(body);
    if (id_parse(ID_ATTEMPT, reference, &ignored, &other))
        hint->attempt_ref = arena_str(arena, reference);
    else
        webhook_add_reference(hint, reference, arena);
    json_decref(body);
    return true;
}
