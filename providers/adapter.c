#include "providers/adapter.h"

#include <string.h>

static const struct json_limits answer_limits = {
    .depth_max = 32,
    .member_count_max = 16384,
    .string_bytes_max = 65536,
};

/* Of the printable characters that may stand in a segment, those that need no encoding (RFC 3986).
 */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool adapter_request_init(struct provider_request *request, enum provider_step step,
                          struct str method, struct str path, struct error *err)
{
    CHECK(path.len > 0 && path.at[0] == '/');
    if (path.len > PROVIDER_PATH_MAX)
        return fail(err, ERROR_INVALID, "cannot compose request: path above %d bytes",
                    PROVIDER_PATH_MAX);
    *request = (struct provider_request){.step = step, .method = method, .path = path};
    return true;
}

void adapter_add_header(struct provider_request *request, struct str name, struct str value)
{
    CHECK(request->header_count < PROVIDER_HEADER_MAX);
    request->header[request->header_count++] = (struct provider_header){name, value};
}

bool adapter_set_body(struct provider_request *request, struct buf *body, struct arena *arena,
                      struct error *err)
{
    const bool fits = buf_is_ok(body);

    if (fits) {
        request->has_body = true;
        request->body = arena_str(arena, buf_str(body));
    }
    buf_release(body);
    if (!fits)
        return fail(err, ERROR_INVALID, "cannot compose request: body above %d bytes",
                    ADAPTER_BODY_MAX);
    return true;
}

bool adapter_is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < 0x20 || s.at[i] >= 0x7f)
            return false;
    }
    return s.len > 0;
}

bool adapter_is_part(struct str s)
{
    if (s.len == 0 || s.len > ADAPTER_PART_MAX || str_eq(s, STR(".")) || str_eq(s, STR("..")))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.at[i];
        if (c <= 0x20 || c >= 0x7f || strchr("/\\?#%", c) != NULL)
            return false;
    }
    return true;
}

bool adapter_encode_part(struct str part, const char *what, struct arena *arena, struct str *out,
                         struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";

    if (!adapter_is_part(part))
        return fail(err, ERROR_INVALID, "cannot put %s into a path: empty, too long or unsafe",
                    what);
    char *at = arena_alloc(arena, part.len * 3);
    size_t len = 0;
    for (size_t i = 0; i < part.len; i++) {
        const char c = part.at[i];
        if (is_unreserved(c)) {
            at[len++] = c;
            continue;
        }
        at[len++] = '%';
        at[len++] = digits[(unsigned char)c >> 4];
        at[len++] = digits[(unsigned char)c & 15];
    }
    *out = (struct str){at, len};
    return true;
}

struct str adapter_clip(struct str s, size_t size)
{
    if (s.len <= size)
        return s;
    while (size > 0 && ((unsigned char)s.at[size] & 0xc0) == 0x80)
        size--;
    return str_sub(s, 0, size);
}

struct str adapter_choose(struct str first, struct str second)
{
    return first.len > 0 ? first : second;
}

struct str adapter_setting(const struct provider_account *account, const char *name)
{
    return account->settings != NULL ? json_text(account->settings, name) : STR_NONE;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

/* Cut a host name, an IPv4 address or a bracketed IPv6 address off the front of *rest. */
static bool cut_host(struct str *rest)
{
    size_t len = 0;

    if (rest->len > 0 && rest->at[0] == '[') {
        const size_t end = str_find_char(*rest, ']', 1);
        if (end == SIZE_MAX || end < 3)
            return false;
        for (size_t i = 1; i < end; i++) {
            if (strchr("0123456789abcdefABCDEF:.", rest->at[i]) == NULL || rest->at[i] == '\0')
                return false;
        }
        len = end + 1;
    } else {
        while (len < rest->len && is_host_char(rest->at[len]))
            len++;
        if (len == 0 || rest->at[0] == '.' || rest->at[0] == '-')
            return false;
    }
    *rest = str_sub(*rest, len, rest->len);
    return true;
}

bool adapter_check_base_url(struct str url, struct error *err)
{
    int64_t port = 0;

    if (!str_starts(url, STR("https://")))
        return fail(err, ERROR_INVALID, "cannot use base_url: it must begin with https://");
    struct str rest = str_sub(url, sizeof("https://") - 1, url.len);
    if (!cut_host(&rest))
        return fail(err, ERROR_INVALID, "cannot use base_url: no host name in it");
    if (rest.len == 0)
        return true;
    if (rest.at[0] != ':' || rest.len > 6 || !str_to_int64(str_sub(rest, 1, rest.len), &port) ||
        port < 1 || port > 65535)
        return fail(err, ERROR_INVALID,
                    "cannot use base_url: https://host or https://host:port and no more");
    return true;
}

static bool check_settings(const struct provider_account *account, const char *const *known,
                           size_t known_count, struct error *err)
{
    void *at = NULL;

    if (account->settings == NULL)
        return true;
    if (!json_is_object(account->settings))
        return fail(err, ERROR_INVALID, "cannot use settings: not an object");
    if (json_object_size(account->settings) > PROVIDER_SETTING_MAX)
        return fail(err, ERROR_INVALID, "cannot use settings: more than %d", PROVIDER_SETTING_MAX);
    /* jansson iterates over a non-const object only; nothing is changed. */
    json_t *settings = (json_t *)(uintptr_t)account->settings;
    for (at = json_object_iter(settings); at != NULL; at = json_object_iter_next(settings, at)) {
        const char *name = json_object_iter_key(at);
        bool is_known = strcmp(name, "settle_ms") == 0; /* provider_settle_ms: every adapter's */
        for (size_t i = 0; i < known_count && !is_known; i++)
            is_known = strcmp(name, known[i]) == 0;
        if (!is_known)
            return fail(err, ERROR_INVALID, "cannot use settings: unknown setting %.64s", name);
        if (!json_is_string(json_object_iter_value(at)))
            return fail(err, ERROR_INVALID, "cannot use settings: %.64s is not a string", name);
    }
    return true;
}

const char *adapter_act(const struct provider_call *call)
{
    return call->operation == OPERATION_PAYOUT ? "pay out" : "charge";
}

bool adapter_check_call(const struct provider_call *call, const char *provider_name,
                        struct error *err)
{
    if (!adapter_has_word(adapter_setting(call->account, "currencies"),
                          str_of(call->currency->code)))
        return fail(err, ERROR_INVALID, "cannot %s through %s: %s is not taken there",
                    adapter_act(call), provider_name, call->currency->code);
    if (call->amount_minor <= 0 && call->operation != OPERATION_VOID)
        return fail(err, ERROR_INVALID, "cannot %s through %s: amount is not positive",
                    adapter_act(call), provider_name);
    return true;
}

bool adapter_check_account(const struct provider_account *account, const char *const *known,
                           size_t known_count, struct error *err)
{
    if (!adapter_check_base_url(str_of(account->base_url), err))
        return false;
    if (!adapter_is_plain(account->user) || str_find_char(account->user, ':', 0) != SIZE_MAX)
        return fail(err, ERROR_INVALID, "cannot use account: user is empty or has odd characters");
    if (account->password.at == NULL || !adapter_is_plain(secret_expose(&account->password)))
        return fail(err, ERROR_INVALID, "cannot use account: secret is empty or not plain ASCII");
    if (account->user.len > ADAPTER_USER_MAX || account->password.len > ADAPTER_PASSWORD_MAX)
        return fail(err, ERROR_INVALID, "cannot use account: user or secret is too long");
    int64_t settle_ms = 0;
    struct str text = adapter_setting(account, "settle_ms");
    if (!check_settings(account, known, known_count, err))
        return false;
    if (text.len > 0 &&
        (!str_to_int64(text, &settle_ms) || settle_ms < 0 || settle_ms > PROVIDER_SETTLE_MS_MAX))
        return fail(err, ERROR_INVALID,
                    "cannot use settings: settle_ms is no whole number from 0 to %d",
                    PROVIDER_SETTLE_MS_MAX);
    return true;
}

bool adapter_has_word(struct str codes, struct str code)
{
    if (str_is_empty(codes))
        return true;
    while (codes.len > 0) {
        if (str_eq(str_cut(&codes, ' '), code))
            return true;
    }
    return false;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool adapter_mentions(struct str text, struct str word)
{
    for (size_t at = 0; at + word.len <= text.len; at++) {
        size_t i = 0;
        while (i < word.len && to_lower(text.at[at + i]) == word.at[i])
            i++;
        if (i == word.len)
            return true;
    }
    return false;
}

json_t *adapter_parse(const struct provider_answer *answer)
{
    struct error err;

    return json_parse(answer->body, &answer_limits, &err);
}

bool adapter_read_amount(struct str text, const struct currency *currency, int64_t *minor)
{
    struct error err;
    const size_t point = str_find_char(text, '.', 0);

    if (point != SIZE_MAX) {
        while (text.len > point + 1 && text.at[text.len - 1] == '0')
            text.len--;
        if (text.len == point + 1)
            text.len = point;
    }
    return money_parse(text, currency->exponent, minor, &err) && *minor >= 0 &&
           *minor <= MONEY_AMOUNT_MAX;
}

void adapter_judge_init(struct provider_judgement *judgement)
{
    *judgement = (struct provider_judgement){.outcome = OUTCOME_UNKNOWN};
    adapter_decide(judgement, OUTCOME_UNKNOWN, "unreadable");
}

void adapter_decide(struct provider_judgement *judgement, enum outcome outcome, const char *reason)
{
    judgement->outcome = outcome;
    CHECK(str_copy_to(str_of(reason), judgement->reason, sizeof(judgement->reason)));
}

void adapter_set_code(struct provider_judgement *judgement, struct str code)
{
    char *out = judgement->code;
    size_t at = 0;
    size_t len = 0;

    code = str_sub(code, 0, sizeof(judgement->code) - 1);
    out[0] = '\0';
    if (crypto_find_card_number(code, &at, &len))
        return;
    for (size_t i = 0; i < code.len; i++) {
        const char c = code.at[i];
        out[i] = is_unreserved(c) || c == ':' ? c : '_';
    }
    out[code.len] = '\0';
}

bool adapter_is_link(struct str url)
{
    if (!str_starts(url, STR("https://")) || url.len > ADAPTER_URL_MAX)
        return false;
    for (size_t i = 0; i < url.len; i++) {
        if (url.at[i] <= 0x20 || url.at[i] >= 0x7f || strchr("\"<>\\^`{|}", url.at[i]) != NULL)
            return false;
    }
    return true;
}

void adapter_set_action(struct provider_judgement *judgement, struct str url, struct arena *arena)
{
    if (adapter_is_link(url))
        judgement->action_url = arena_str(arena, url);
}

bool adapter_judge_status(struct provider_judgement *judgement, int status)
{
    if (status == 401) {
        adapter_decide(judgement, OUTCOME_FAILED, "credentials_refused");
    } else if (status == 429) {
        adapter_decide(judgement, OUTCOME_FAILED, "rate_limited");
    } else if (status >= 500) {
        adapter_decide(judgement, OUTCOME_UNKNOWN, "provider_error");
    } else if (status < 200 || (status >= 300 && status < 400)) {
        adapter_decide(judgement, OUTCOME_UNKNOWN, "unexpected_status");
    } else {
        return false;
    }
    return true;
}

bool adapter_judge_token(const struct provider_answer *answer, struct secret *token,
                         int64_t *lifetime_ms, struct error *err)
{
    int64_t seconds = 0;
    bool done = false;
    json_t *json = adapter_parse(answer);
    const struct str access = json_text(json, "access_token");

    if (answer->status == 400 || answer->status == 401 || answer->status == 403) {
        (void)fail(err, ERROR_DENIED,
                   "cannot get token: provider refused our credentials (HTTP %d)", answer->status);
    } else if (answer->status != 200) {
        (void)fail(err, ERROR_UNAVAILABLE, "cannot get token: provider answered %d",
                   answer->status);
    } else if (!adapter_is_plain(access) || access.len > SECRET_MAX ||
               !str_eq_nocase(json_text(json, "token_type"), STR("Bearer")) ||
               !json_path_int64(json, "expires_in", &seconds) || seconds <= 0 ||
               seconds > INT32_MAX) {
        (void)fail(err, ERROR_UNAVAILABLE, "cannot get token: answer is unreadable");
    } else {
        secret_set(token, access);
        *lifetime_ms = seconds * 1000;
        done = true;
    }
    json_decref(json);
    return done;
}

void adapter_note_network(struct provider_judgement *out, struct str brand)
{
    static const struct {
        struct str brand;
        const char *network;
    } brands[] = {
        {STR_INIT("VISA"), "visa"},
        {STR_INIT("MASTERCARD"), "mastercard"},
        {STR_INIT("MASTER_CARD"), "mastercard"},
    };
    if (out->outcome != OUTCOME_DECLINED_SOFT && out->outcome != OUTCOME_DECLINED_HARD)
        return;
    for (size_t i = 0; i < ARRAY_LEN(brands); i++) {
        if (str_eq_nocase(brand, brands[i].brand))
            provider_fact_set(&out->facts, STR(PROVIDER_FACT_NETWORK), str_of(brands[i].network));
    }
}
