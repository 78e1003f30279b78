/*
 * turnpike listen --forward-to URL: events go to a program on this machine, as webhooks would.
 *
 *     stream of events -> GET what it is about -> body, signed -> POST URL -> its answer is shown
 *
 * The body is a webhook's (docs/webhooks-out.md). The secret is derived from the API key: the same for
 * as long as the key is, on every machine. What is refused is not told again: an endpoint at the gateway does that.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "payment/hook_secret.h"
#include "process/cli_follow.h"
#include "process/screen.h"

enum {
    BODY_BYTES_MAX = 1 << 20,
    ANSWER_S = 8, /* the gateway closes a stream that is not read for ten */
    TEXT_SIZE = 512,
};

struct listener {
    struct cli *cli;
    const char *url;
    struct hook_keys keys;
    char secret[HOOK_SECRET_TEXT_SIZE]; /* "whsec_..." */
    CURL *curl;                         /* owned; to the program on this machine */
};

/* ---- the secret ------------------------------------------------------------------------------ */

static void make_keys(const struct cli *cli, struct listener *listener)
{
    struct buf text;
    static_assert(sizeof(listener->keys.shared) == AEAD_KEY_SIZE &&
                      sizeof(listener->keys.seed) == AEAD_KEY_SIZE,
                  "keys are derived whole");
    crypto_derive(&cli->ask.key, "turnpike listen v1", listener->keys.shared);
    crypto_derive(&cli->ask.key, "turnpike listen v1a", listener->keys.seed);
    buf_init(&text, HOOK_SECRET_TEXT_SIZE);
    buf_add_str(&text, STR("whsec_"));
    crypto_base64((struct str){(const char *)listener->keys.shared, sizeof(listener->keys.shared)},
                  &text);
    CHECK(str_copy_to(buf_str(&text), listener->secret, sizeof(listener->secret)));
    buf_release(&text);
}

/* ---- the address ----------------------------------------------------------------------------- */

static bool is_local(struct str host)
{
    if (str_eq(host, STR("localhost")) || str_eq(host, STR("[::1]"))) {
        return true;
    }
    bool is_number = str_starts(host, STR("127."));
    for (size_t i = 0; i < host.len; i++) {
        is_number = is_number && (host.at[i] == '.' || (host.at[i] >= '0' && host.at[i] <= '9'));
    }
    return is_number;
}

/* What leaves this machine goes through endpoints at the gateway, which says where that may be. */
static bool check_url(const char *url, struct error *err)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    char *scheme = NULL;
    char *user = NULL;
    CHECK(parts != NULL);
    bool ok = url != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
              strcmp(scheme, "http") == 0 && is_local(str_of(host));
    curl_free(host);
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(parts);
    return ok || fail(err, ERROR_INVALID,
                      "--forward-to is an address on this machine, as "
                      "http://localhost:3000/webhooks; elsewhere events go by a webhook endpoint "
                      "(POST /v1/webhook-endpoints)");
}

/* ---- one event ------------------------------------------------------------------------------- */

/* Where what it is about is read. */
static bool resource_path(const json_t *event, char path[TEXT_SIZE], struct str *id)
{
    static const struct {
        const char *prefix, *path;
    } places[] = {
        {"cap_", "captures"},         {"voi_", "voids"},    {"ref_", "refunds"},
        {"rea_", "reauthorizations"}, {"pay_", "payments"}, {"pyt_", "payouts"},
    };
    static const char *const members[] = {"operation", "payment", "payout"};
    *id = STR_NONE;
    for (size_t i = 0; id->len == 0 && i < ARRAY_LEN(members); i++) {
        *id = json_text(event, members[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (str_starts(*id, str_of(places[i].prefix))) {
            (void)snprintf(path, TEXT_SIZE, "/v1/%s/" STR_FMT, places[i].path, STR_ARG(*id));
            return true;
        }
    }
    return false;
}

static void put_timestamp(struct json_out *json, const json_t *event)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t wall_us = 0;
    struct error ignored;
    if (clock_parse(json_text(event, "created"), &wall_us, &ignored)) {
        json_put_str(json, "timestamp", clock_format_ms(wall_us, text));
    } else {
        json_put_str(json, "timestamp", json_text(event, "created"));
    }
}

/* As the gateway's own webhooks: the resource as GET shows it, else its id. */
static void make_body(struct listener *listener, const json_t *event, struct buf *out)
{
    char path[TEXT_SIZE];
    struct json_out json;
    struct error ignored;
    struct str id = STR_NONE;
    json_t *resource = NULL;
    if (resource_path(event, path, &id)) {
        resource = cli_get(listener->cli, path, &ignored);
    }
    char *text = resource != NULL ? json_dumps(resource, JSON_COMPACT) : NULL;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "id", json_text(event, "id"));
    json_put_str(&json, "type", json_text(event, "type"));
    put_timestamp(&json, event);
    json_put_bool(&json, "livemode", json_is_true(json_object_get(event, "livemode")));
    if (text != NULL) {
        json_put_raw(&json, "data", str_of(text));
    } else {
        json_put_bool(&json, "truncated", true);
        json_key(&json, "data");
        json_begin_object(&json);
        json_put_str(&json, "id", id);
        json_end_object(&json);
    }
    json_end_object(&json);
    free(text);
    json_decref(resource);
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *name, struct str value)
{
    char line[TEXT_SIZE];
    (void)snprintf(line, sizeof(line), "%s: " STR_FMT, name, STR_ARG(value));
    headers = curl_slist_append(headers, line);
    CHECK(headers != NULL);
    return headers;
}

static struct curl_slist *sign(const struct listener *listener, struct str id, struct str body)
{
    char number[24];
    struct buf signature;
    int64_t now_s = clock_wall_us() / CLOCK_SECOND_US;
    buf_init(&signature, TEXT_SIZE);
    (void)snprintf(number, sizeof(number), "%" PRId64, now_s);
    hook_sign(&listener->keys, 1, id, now_s, body, &signature);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    headers = add_header(headers, "webhook-id", id);
    headers = add_header(headers, "webhook-timestamp", str_of(number));
    headers = add_header(headers, "webhook-signature", buf_str(&signature));
    buf_release(&signature);
    return headers;
}

static size_t forget(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

/* The HTTP status; 0: no answer, and why. */
static long post(struct listener *listener, struct str id, struct str body, const char **why)
{
    long status = 0;
    CURL *curl = listener->curl;
    struct curl_slist *headers = sign(listener, id, body);
    curl_easy_reset(curl);
    (void)curl_easy_setopt(curl, CURLOPT_URL, listener->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "Turnpike/" TURNPIKE_VERSION " (listen)");
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(curl);
    *why = curl_easy_strerror(code);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_slist_free_all(headers);
    return status;
}

static void say(const struct listener *listener, const json_t *event, long status, const char *why,
                int64_t elapsed_ms)
{
    struct buf line;
    buf_init(&line, BODY_BYTES_MAX);
    struct str id = json_text(event, "id");
    struct str type = json_text(event, "type");
    if (listener->cli->as_json) {
        struct json_out json;
        json_out_init(&json, &line);
        json_begin_object(&json);
        json_put_cstr(&json, "object", "forwarded");
        json_put_str(&json, "event", id);
        json_put_str(&json, "type", type);
        if (status > 0) {
            json_put_int(&json, "status", status);
        } else {
            json_put_null(&json, "status");
            json_put_cstr(&json, "error", why);
        }
        json_put_int(&json, "elapsed_ms", elapsed_ms);
        json_end_object(&json);
    } else {
        bool is_well = status >= 200 && status < 300;
        char answer[TEXT_SIZE];
        if (status > 0) {
            (void)snprintf(answer, sizeof(answer), "%ld", status);
        } else {
            (void)snprintf(answer, sizeof(answer), "no answer: %s", why);
        }
        buf_add_str(&line, id);
        buf_add_str(&line, STR("  "));
        screen_add(&line, false, TONE_NONE, type);
        buf_add_str(&line, STR("  "));
        screen_add(&line, screen_has_colour(stdout), is_well ? TONE_GOOD : TONE_BAD,
                   str_of(answer));
        buf_printf(&line, "  %" PRId64 " ms", elapsed_ms);
    }
    (void)printf(STR_FMT "\n", STR_ARG(buf_str(&line)));
    (void)fflush(stdout);
    buf_release(&line);
}

static bool forward(void *ctx, const struct follow_event *event, struct error *err)
{
    struct listener *listener = ctx;
    const char *why = "";
    struct buf body;
    (void)err;
    buf_init(&body, BODY_BYTES_MAX);
    make_body(listener, event->json, &body);
    int64_t began_us = clock_mono_us();
    long status = post(listener, json_text(event->json, "id"), buf_str(&body), &why);
    say(listener, event->json, status, why, (clock_mono_us() - began_us) / CLOCK_MS_US);
    buf_release(&body);
    return true;
}

static void say_ready(void *ctx)
{
    const struct listener *listener = ctx;
    if (listener->cli->as_json) {
        (void)printf("{\"object\":\"listening\",\"secret\":\"%s\"}\n", listener->secret);
    } else {
        (void)printf("ready: events go to %s; the secret that signs them is %s\n", listener->url,
                     listener->secret);
    }
    (void)fflush(stdout);
}

int cli_listen(struct cli *cli)
{
    static struct listener listener;
    listener = (struct listener){.cli = cli, .url = cli_value(cli, "forward-to")};
    const struct follow_options options = {
        .events = cli_value(cli, "events"),
        .position = cli_value(cli, "position"),
        .on_event = forward,
        .on_ready = say_ready,
        .ctx = &listener,
    };
    make_keys(cli, &listener);
    if (cli_flag(cli, "print-secret")) {
        (void)puts(listener.secret);
        hook_keys_wipe(&listener.keys);
        return CLI_DONE;
    }
    if (!check_url(listener.url, &cli->err) || !follow_check_types(options.events, &cli->err)) {
        hook_keys_wipe(&listener.keys);
        (void)cli_fail(cli, &cli->err);
        return CLI_USAGE;
    }
    listener.curl = curl_easy_init();
    CHECK(listener.curl != NULL);
    bool ok = follow_run(cli, &options, &cli->err);
    curl_easy_cleanup(listener.curl);
    hook_keys_wipe(&listener.keys);
    return ok ? CLI_DONE : cli_fail(cli, &cli->err);
}
