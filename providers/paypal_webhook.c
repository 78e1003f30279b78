#include "providers/paypal_webhook.h"

#include <string.h>

#include "providers/adapter.h"
#include "providers/certificate.h"
#include "providers/webhook.h"

#define CERTIFICATES "/v1/notifications/certs/"

enum {
    ID_MAX = 64,
    SIGNATURE_MAX = 2048,
    MESSAGE_MAX = 512,
};

/* clang-format off */

/* Where PayPal keeps its certificates: as its own API says, by environment. */
static const struct {
    const char *base_url;
    const char *origins[2];
} pins[] = {
    {"https://api-m.paypal.com",         {"https://api.paypal.com",         "https://api-m.paypal.com"}},
    {"https://api.paypal.com",           {"https://api.paypal.com",         "https://api-m.paypal.com"}},
    {"https://api-m.sandbox.paypal.com", {"https://api.sandbox.paypal.com", "https://api-m.sandbox.paypal.com"}},
    {"https://api.sandbox.paypal.com",   {"https://api.sandbox.paypal.com", "https://api-m.sandbox.paypal.com"}},
};

#define SALE      (1u << OPERATION_SALE)
#define AUTHORIZE (1u << OPERATION_AUTHORIZE)
#define CAPTURE   (1u << OPERATION_CAPTURE)
#define PAYOUT    (1u << OPERATION_PAYOUT)

/* What an event says became of which operation. Of those that are not listed the state is read again. */
static const struct meaning {
    const char *type;
    enum outcome outcome;
    unsigned operations;
} meanings[] = {
    {"CHECKOUT.ORDER.COMPLETED",         OUTCOME_APPROVED,      SALE},
    {"PAYMENT.AUTHORIZATION.CREATED",    OUTCOME_APPROVED,      AUTHORIZE},
    {"PAYMENT.CAPTURE.COMPLETED",        OUTCOME_APPROVED,      SALE | CAPTURE},
    {"PAYMENT.CAPTURE.DECLINED",         OUTCOME_DECLINED_SOFT, SALE | CAPTURE},
    {"PAYMENT.CAPTURE.DENIED",           OUTCOME_DECLINED_SOFT, SALE | CAPTURE},
    {"PAYMENT.CAPTURE.PENDING",          OUTCOME_PENDING,       SALE | CAPTURE},
    {"PAYMENT.PAYOUTSBATCH.PROCESSING",  OUTCOME_PENDING,       PAYOUT},
    {"PAYMENT.PAYOUTSBATCH.DENIED",      OUTCOME_FAILED,        PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.HELD",        OUTCOME_PENDING,       PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.SUCCEEDED",   OUTCOME_APPROVED,      PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.UNCLAIMED",   OUTCOME_PENDING,       PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.BLOCKED",     OUTCOME_FAILED,        PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.CANCELED",    OUTCOME_FAILED,        PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.DENIED",      OUTCOME_FAILED,        PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.FAILED",      OUTCOME_FAILED,        PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.REFUNDED",    OUTCOME_FAILED,        PAYOUT},
    {"PAYMENT.PAYOUTS-ITEM.RETURNED",    OUTCOME_FAILED,        PAYOUT},
};

/* Events about what we began; all others are kept, and nothing is done for them. */
static const char *const relevant[] = {
    "CHECKOUT.", "PAYMENT.AUTHORIZATION.", "PAYMENT.CAPTURE.", "PAYMENT.REFUND.",
    "PAYMENT.PAYOUTSBATCH.", "PAYMENT.PAYOUTS-ITEM.", "CUSTOMER.DISPUTE.",
};

/* Where our own ids come back, and PayPal's stand. */
static const char *const attempt_paths[] = {
    "custom_id", "purchase_units.0.custom_id", "payout_item.sender_item_id", "sender_batch_id",
    "batch_header.sender_batch_header.sender_batch_id", "disputed_transactions.0.custom",
};
static const char *const payment_paths[] = {
    "invoice_id", "purchase_units.0.invoice_id", "disputed_transactions.0.invoice_number",
};
static const char *const reference_paths[] = {
    "id", "supplementary_data.related_ids.order_id", "payout_item_id", "payout_batch_id",
    "batch_header.payout_batch_id", "disputed_transactions.0.seller_transaction_id",
};
/* clang-format on */

/* ---- is it PayPal's? ---- */

/* CRC-32 as in zlib (ISO 3309), four bits at a time. */
static uint32_t crc32_of(struct str bytes)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.at[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

/* The path's last part names the certificate, and cannot lead elsewhere. */
static bool is_certificate_path(struct str path)
{
    if (!str_starts(path, STR(CERTIFICATES)))
        return false;
    const struct str name = str_sub(path, sizeof(CERTIFICATES) - 1, path.len);
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return name.len > 0 && name.len <= 128;
}

static bool is_at(struct str url, const char *origin)
{
    return str_starts(url, str_of(origin)) &&
           is_certificate_path(str_sub(url, strlen(origin), url.len));
}

/* The host of "https://host[:port]". */
static struct str host_of(struct str base_url)
{
    struct str host = str_sub(base_url, sizeof("https://") - 1, base_url.len);

    if (str_starts(host, STR("["))) {
        host = str_sub(host, 1, host.len);
        return str_cut(&host, ']');
    }
    return str_cut(&host, ':');
}

/* Whose certificate it may be; false: of somebody we do not ask. */
static bool pin(const struct provider_account *account, struct str url,
                struct provider_check *check)
{
    const struct str base_url = str_of(account->base_url);
    bool is_pinned = false;
    bool is_paypal = false;

    for (size_t i = 0; i < ARRAY_LEN(pins); i++) {
        if (!str_eq(base_url, str_of(pins[i].base_url)))
            continue;
        is_paypal = true;
        is_pinned = is_at(url, pins[i].origins[0]) || is_at(url, pins[i].origins[1]);
    }
    if (!is_paypal)
        is_pinned = is_at(url, account->base_url);
    return is_pinned && str_copy_to(url, check->certificate_url, sizeof(check->certificate_url)) &&
           str_copy_to(is_paypal ? STR(".paypal.com") : host_of(base_url), check->certificate_name,
                       sizeof(check->certificate_name));
}

struct transmission {
    struct str id;
    struct str time;
    struct str signature;
    struct str certificate_url;
    struct str algorithm;
};

static bool read_transmission(const struct provider_webhook *webhook, struct transmission *sent)
{
    return webhook_header(webhook, "PAYPAL-TRANSMISSION-ID", &sent->id) &&
           webhook_header(webhook, "PAYPAL-TRANSMISSION-TIME", &sent->time) &&
           webhook_header(webhook, "PAYPAL-TRANSMISSION-SIG", &sent->signature) &&
           webhook_header(webhook, "PAYPAL-CERT-URL", &sent->certificate_url) &&
           webhook_header(webhook, "PAYPAL-AUTH-ALGO", &sent->algorithm) &&
           adapter_is_plain(sent->id) && sent->id.len <= ID_MAX &&
           str_find_char(sent->id, '|', 0) == SIZE_MAX && sent->time.len <= ID_MAX;
}

static bool is_signed(const struct transmission *sent, struct str webhook_id,
                      const struct provider_webhook *webhook, const struct webhook_key *key)
{
    struct buf message;
    struct buf signature;

    buf_init(&message, MESSAGE_MAX);
    buf_init(&signature, SIGNATURE_MAX);
    buf_printf(&message, STR_FMT "|" STR_FMT "|" STR_FMT "|%u", STR_ARG(sent->id),
               STR_ARG(sent->time), STR_ARG(webhook_id), crc32_of(webhook->body));
    const bool is_genuine = buf_is_ok(&message) && crypto_unbase64(sent->signature, &signature) &&
                            webhook_key_verify(key, buf_str(&message), buf_str(&signature));
    buf_release(&message);
    buf_release(&signature);
    return is_genuine;
}

void paypal_verify_webhook(const struct provider_account *account,
                           const struct provider_webhook *webhook, const struct webhook_key *key,
                           struct provider_check *check)
{
    const struct str webhook_id = adapter_setting(account, "webhook_id");
    struct transmission sent;

    if (webhook_id.len == 0) {
        webhook_judge(check, PROVIDER_WEBHOOK_NOT_SET_UP, "the account has no webhook_id");
        return;
    }
    if (!read_transmission(webhook, &sent)) {
        webhook_judge(check, PROVIDER_WEBHOOK_MALFORMED,
                      "a PAYPAL- header is missing or malformed");
        return;
    }
    if (!str_eq(sent.algorithm, STR("SHA256withRSA"))) {
        webhook_judge(check, PROVIDER_WEBHOOK_FORGED, "signed by another algorithm");
        return;
    }
    const int64_t signed_us = webhook_time_us(sent.time);
    if (signed_us == 0) {
        webhook_judge(check, PROVIDER_WEBHOOK_MALFORMED,
                      "the time of the transmission is unreadable");
        return;
    }
    webhook_judge_time(check, webhook, signed_us,
                       webhook_window_s(account, PAYPAL_WEBHOOK_WINDOW_S));
    if (check->verdict != PROVIDER_WEBHOOK_GENUINE)
        return;
    if (!pin(account, sent.certificate_url, check))
        webhook_judge(check, PROVIDER_WEBHOOK_FORGED, "the certificate is not at PayPal's address");
    else if (key == NULL)
        check->verdict = PROVIDER_WEBHOOK_NEEDS_KEY;
    else if (!is_signed(&sent, webhook_id, webhook, key))
        webhook_judge(check, PROVIDER_WEBHOOK_FORGED, "the signature is not that of what came");
}

bool paypal_check_webhook(const struct provider_account *account, struct error *err)
{
    const struct str webhook_id = adapter_setting(account, "webhook_id");

    if (webhook_id.len > 0 && (!adapter_is_part(webhook_id) || webhook_id.len > ID_MAX ||
                               str_find_char(webhook_id, '|', 0) != SIZE_MAX))
        return fail(err, ERROR_INVALID, "cannot use settings: webhook_id is malformed");
    return webhook_check_window(account, err);
}

/* ---- what is it about? ---- */

static struct str own_id(enum id_kind kind, struct str text)
{
    struct uuid ignored;
    struct error err;

    return id_parse(kind, text, &ignored, &err) ? text : STR_NONE;
}

static struct str find_own(const json_t *resource, const char *const *paths, size_t count,
                           enum id_kind kind, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        const struct str found = own_id(kind, json_path_text(resource, paths[i]));
        if (found.len > 0)
            return arena_str(arena, found);
    }
    return STR_NONE;
}

/* A refund names its capture only by a link. */
static void add_parent(struct provider_hint *hint, const json_t *resource, struct arena *arena)
{
    const json_t *links = json_path(resource, "links");

    for (size_t i = 0; json_is_array(links) && i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        struct str rest = json_text(link, "href");
        struct str last = STR_NONE;
        if (!str_eq(json_text(link, "rel"), STR("up")))
            continue;
        while (rest.len > 0)
            last = str_cut(&rest, '/');
        webhook_add_reference(hint, last, arena);
    }
}

static bool is_relevant(struct str type)
{
    for (size_t i = 0; i < ARRAY_LEN(relevant); i++) {
        if (str_starts(type, str_of(relevant[i])))
            return true;
    }
    return false;
}

static void read_type(struct provider_hint *hint, struct str type)
{
    hint->is_irrelevant = !is_relevant(type);
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (str_eq(type, str_of(meanings[i].type))) {
            hint->outcome = meanings[i].outcome;
            hint->operations = meanings[i].operations;
        }
    }
}

static void read_resource(struct provider_hint *hint, const json_t *resource, struct arena *arena)
{
    hint->attempt_ref =
        find_own(resource, attempt_paths, ARRAY_LEN(attempt_paths), ID_ATTEMPT, arena);
    hint->payment_ref =
        find_own(resource, payment_paths, ARRAY_LEN(payment_paths), ID_PAYMENT, arena);
    for (size_t i = 0; i < ARRAY_LEN(reference_paths); i++)
        webhook_add_reference(hint, json_path_text(resource, reference_paths[i]), arena);
    add_parent(hint, resource, arena);
}

bool paypal_parse_webhook(const struct provider_account *account UNUSED,
                          const struct provider_webhook *webhook, struct arena *arena,
                          struct provider_hint *hint, struct error *err)
{
    json_t *body = webhook_parse_body(webhook);

    *hint = (struct provider_hint){.outcome = OUTCOME_NONE};
    if (body != NULL) {
        hint->event_id = webhook_id(json_text(body, "id"), PROVIDER_EVENT_ID_MAX, arena);
        hint->event_type =
            webhook_id(json_text(body, "event_type"), PROVIDER_EVENT_TYPE_MAX, arena);
        hint->happened_us = webhook_time_us(json_text(body, "create_time"));
        read_type(hint, hint->event_type);
        read_resource(hint, json_path(body, "resource"), arena);
        json_decref(body);
    }
    if (hint->event_id.len == 0 || hint->event_type.len == 0)
        return fail(err, ERROR_INVALID, "cannot read the webhook: no event of PayPal's");
    return true;
}
