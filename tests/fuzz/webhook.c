/*
 * Fuzz what comes to a webhook's address. The first octet chooses the adapter; then headers, one a
 * line as "name: value", an empty line, a line with the query, and the body. Nothing that was not
 * signed may be genuine, no certificate may be asked for elsewhere, and what is read must hold
 * together.
 *
 *     make fuzz FUZZ=webhook
 */
#include <stdlib.h>
#include <string.h>

#include "providers/certificate.h"
#include "providers/provider.h"

#define ORIGIN "https://127.0.0.1:9443"
#define CERTS  "/v1/notifications/certs/"

enum {
    HEADER_MAX = 16,
};

static const char *const names[] = {"paypal", "paypal_payouts", "payoneer", "payoneer_payouts"};

static size_t read_headers(struct str *rest, struct provider_header headers[HEADER_MAX])
{
    size_t count = 0;
    while (rest->len > 0) {
        struct str line = str_cut(rest, '\n');
        if (line.len == 0)
            break;
        const struct str name = str_cut(&line, ':');
        if (count < HEADER_MAX)
            headers[count++] = (struct provider_header){name, str_trim(line)};
    }
    return count;
}

static void check_verdict(const struct provider_check *check)
{
    CHECK(check->verdict < PROVIDER_VERDICT_COUNT && check->reason != NULL);
    /* Nobody here has a key or a secret. */
    CHECK(check->verdict != PROVIDER_WEBHOOK_GENUINE);
    if (check->verdict == PROVIDER_WEBHOOK_NEEDS_KEY) {
        CHECK(strncmp(check->certificate_url, ORIGIN CERTS, sizeof(ORIGIN CERTS) - 1) == 0);
        CHECK(strpbrk(check->certificate_url + sizeof(ORIGIN CERTS) - 1, "/?#%\\@.") == NULL);
        CHECK(strcmp(check->certificate_name, "127.0.0.1") == 0);
    }
}

static void check_id(struct str text, size_t size)
{
    CHECK(text.len <= size);
    for (size_t i = 0; i < text.len; i++)
        CHECK(text.at[i] >= 0x20 && text.at[i] < 0x7f);
}

static void check_hint(const struct provider_hint *hint)
{
    struct uuid id;
    struct error err;
    CHECK(hint->event_id.len > 0 && hint->event_type.len > 0);
    check_id(hint->event_id, PROVIDER_EVENT_ID_MAX);
    check_id(hint->event_type, PROVIDER_EVENT_TYPE_MAX);
    CHECK(hint->attempt_ref.len == 0 || id_parse(ID_ATTEMPT, hint->attempt_ref, &id, &err));
    CHECK(hint->payment_ref.len == 0 || id_parse(ID_PAYMENT, hint->payment_ref, &id, &err));
    CHECK(hint->reference_count <= PROVIDER_HINT_REFERENCE_MAX && hint->happened_us >= 0);
    for (size_t i = 0; i < hint->reference_count; i++) {
        CHECK(hint->reference[i].len > 0);
        check_id(hint->reference[i], PROVIDER_EVENT_ID_MAX);
    }
    CHECK(hint->outcome < OUTCOME_COUNT && hint->operations < 1u << OPERATION_COUNT);
}

static void try_certificate(struct str body)
{
    static struct certificate_trust *trust;
    struct error err;
    if (trust == NULL)
        trust = certificate_trust_new("", &err);
    CHECK(trust == NULL || certificate_check(body, trust, "127.0.0.1", 1, &err) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct provider_header headers[HEADER_MAX];
    struct provider_check check;
    struct provider_hint hint;
    struct arena arena;
    struct error err;
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    const struct provider *provider = provider_find(str_of(names[data[0] % ARRAY_LEN(names)]));
    struct provider_account account = {.provider = provider, .base_url = ORIGIN};
    account.settings = json_pack("{s:s}", "webhook_id", "1JE4291016473214C");
    secret_set(&account.webhook_secret[0], STR("\x01 no input has this \xff"));
    struct provider_webhook webhook = {
        .headers = headers,
        .header_count = read_headers(&rest, headers),
        .query = str_cut(&rest, '\n'),
        .now_us = 1795335600000000,
    };
    webhook.url = webhook.query;
    webhook.body = rest;
    arena_init(&arena, 1 << 20);
    provider->verify_webhook(&account, &webhook, NULL, &check);
    check_verdict(&check);
    if (provider->parse_webhook(&account, &webhook, &arena, &hint, &err))
        check_hint(&hint);
    try_certificate(rest);
    arena_release(&arena);
    secret_release(&account.webhook_secret[0]);
    json_decref((json_t *)(uintptr_t)account.settings);
    return 0;
}
