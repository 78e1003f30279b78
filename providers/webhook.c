#include "providers/webhook.h"

#include "base/clock.h"
#include "providers/adapter.h"

enum {
    WINDOW_S_MAX = 864000,
    TIME_MAX = 40,
};

static const char *const verdict_names[PROVIDER_VERDICT_COUNT] = {
    [PROVIDER_WEBHOOK_FORGED] = "forged",       [PROVIDER_WEBHOOK_GENUINE] = "genuine",
    [PROVIDER_WEBHOOK_MALFORMED] = "malformed", [PROVIDER_WEBHOOK_STALE] = "stale",
    [PROVIDER_WEBHOOK_NEEDS_KEY] = "needs_key", [PROVIDER_WEBHOOK_NOT_SET_UP] = "not_set_up",
};

static const struct json_limits body_limits = {
    .depth_max = 32,
    .member_count_max = 4096,
    .string_bytes_max = 32768,
};

const char *provider_verdict_name(enum provider_verdict verdict)
{
    CHECK(verdict >= PROVIDER_WEBHOOK_FORGED && verdict < PROVIDER_VERDICT_COUNT);
    return verdict_names[verdict];
}

void webhook_judge(struct provider_check *check, enum provider_verdict verdict, const char *reason)
{
    *check = (struct provider_check){.verdict = verdict, .reason = reason};
}

bool webhook_header(const struct provider_webhook *webhook, const char *name, struct str *value)
{
    size_t count = 0;

    for (size_t i = 0; i < webhook->header_count; i++) {
        if (!str_eq_nocase(webhook->headers[i].name, str_of(name)))
            continue;
        *value = webhook->headers[i].value;
        count++;
    }
    return count == 1 && value->len > 0;
}

bool webhook_query(const struct provider_webhook *webhook, const char *name, struct str *value)
{
    struct str rest = webhook->query;
    size_t count = 0;

    while (rest.len > 0) {
        struct str pair = str_cut(&rest, '&');
        const struct str found = str_cut(&pair, '=');
        if (!str_eq(found, str_of(name)))
            continue;
        *value = pair;
        count++;
    }
    return count == 1 && value->len > 0;
}

json_t *webhook_parse_body(const struct provider_webhook *webhook)
{
    struct error ignored;
    json_t *body = json_parse(webhook->body, &body_limits, &ignored);

    if (body != NULL && !json_is_object(body)) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

int64_t webhook_window_s(const struct provider_account *account, int64_t fallback_s)
{
    int64_t window_s = 0;

    if (!str_to_int64(adapter_setting(account, "webhook_window_s"), &window_s) || window_s < 1 ||
        window_s > WINDOW_S_MAX)
        return fallback_s;
    return window_s;
}

bool webhook_check_window(const struct provider_account *account, struct error *err)
{
    const struct str text = adapter_setting(account, "webhook_window_s");

    if (text.len > 0 && webhook_window_s(account, 0) == 0)
        return fail(err, ERROR_INVALID,
                    "cannot use settings: webhook_window_s is no number of 1 to %d", WINDOW_S_MAX);
    return true;
}

void webhook_judge_time(struct provider_check *check, const struct provider_webhook *webhook,
                        int64_t signed_us, int64_t window_s)
{
    if (signed_us < webhook->now_us - window_s * CLOCK_SECOND_US)
        webhook_judge(check, PROVIDER_WEBHOOK_STALE, "signed too long ago");
    else if (signed_us > webhook->now_us + WEBHOOK_AHEAD_S * CLOCK_SECOND_US)
        webhook_judge(check, PROVIDER_WEBHOOK_STALE, "signed for a time to come");
    else
        webhook_judge(check, PROVIDER_WEBHOOK_GENUINE, "");
}

struct str webhook_digest(struct str text, struct str body, struct arena *arena)
{
    uint8_t halves[2][SHA256_SIZE];
    uint8_t digest[SHA256_SIZE];
    struct buf hex;

    crypto_sha256(text, halves[0]);
    crypto_sha256(body, halves[1]);
    crypto_sha256((struct str){(const char *)halves, sizeof(halves)}, digest);
    buf_init(&hex, 2 * SHA256_SIZE + 1);
    crypto_hex((struct str){(const char *)digest, sizeof(digest)}, &hex);
    const struct str id = arena_str(arena, buf_str(&hex));
    buf_release(&hex);
    return id;
}

struct str webhook_id(struct str value, size_t size, struct arena *arena)
{
    if (!adapter_is_plain(value) || value.len > size)
        return STR_NONE;
    return arena_str(arena, value);
}

void webhook_add_reference(struct provider_hint *hint, struct str id, struct arena *arena)
{
    const struct str kept = webhook_id(id, PROVIDER_EVENT_ID_MAX, arena);

    if (kept.len == 0 || hint->reference_count == PROVIDER_HINT_REFERENCE_MAX)
        return;
    for (size_t i = 0; i < hint->reference_count; i++) {
        if (str_eq(hint->reference[i], kept))
            return;
    }
    hint->reference[hint->reference_count++] = kept;
}

/* The offset as Payoneer writes it has no colon. */
int64_t webhook_time_us(struct str text)
{
    char buf[TIME_MAX];
    struct error ignored;
    int64_t wall_us = 0;
    const size_t len = text.len;

    if (len < 6 || len + 2 > sizeof(buf) || !str_copy_to(text, buf, sizeof(buf)))
        return 0;
    if ((buf[len - 5] == '+' || buf[len - 5] == '-') &&
        str_find_char(text, ':', len - 5) == SIZE_MAX) {
        buf[len + 1] = '\0';
        buf[len] = buf[len - 1];
        buf[len - 1] = buf[len - 2];
        buf[len - 2] = ':';
    }
    return clock_parse(str_of(buf), &wall_us, &ignored) && wall_us > 0 ? wall_us : 0;
}
