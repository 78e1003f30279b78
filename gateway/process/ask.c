#include "process/ask.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_SIZE = 512,
    KEY_BYTES_MAX = 256,
    CONNECT_S = 10,
    PATIENCE_S = 30,
};

static const struct json_limits limits = {64, 4 << 20, 16 << 20};

static const char *or_environment(const char *value, const char *name)
{
    const char *told = value != NULL ? value : getenv(name);
    return told != NULL && told[0] != '\0' ? told : NULL;
}

/* Scheme, host and port alone: no user, no query, no path of another's. */
static bool take_url(struct ask *ask, const char *url, struct error *err)
{
    struct str text = str_of(url);
    if (str_ends(text, STR("/"))) {
        text.len--;
    }
    bool is_https = str_starts(text, STR("https://")) && text.len > sizeof("https://") - 1;
    struct str host = str_sub(text, sizeof("https://") - 1, text.len);
    for (size_t i = 0; i < host.len; i++) {
        is_https = is_https && host.at[i] > ' ' && host.at[i] < 0x7f &&
                   strchr("/?#@\\", host.at[i]) == NULL;
    }
    return (is_https && str_copy_to(text, ask->url, sizeof(ask->url))) ||
           fail(err, ERROR_INVALID,
                "--url: the gateway's address is as https://pay.example.com:8443, not \"%.80s\"",
                url);
}

static bool take_key(struct ask *ask, const char *file, struct error *err)
{
    char header[HEADER_SIZE];
    if (file == NULL) {
        return fail(err, ERROR_INVALID,
                    "no API key: name a file that holds one by --key-file or TURNPIKE_KEY_FILE");
    }
    if (!secret_read_file(&ask->key, file, err)) {
        return fail_prefix(err, "--key-file");
    }
    struct str text = str_trim(secret_expose(&ask->key));
    bool is_key = str_starts(text, STR("tpk_")) && text.len <= KEY_BYTES_MAX;
    for (size_t i = 0; i < text.len; i++) {
        is_key = is_key && text.at[i] > ' ' && text.at[i] < 0x7f;
    }
    if (!is_key) {
        return fail(err, ERROR_INVALID, "--key-file: %s holds no API key (tpk_...)", file);
    }
    (void)snprintf(header, sizeof(header), "Authorization: Bearer " STR_FMT, STR_ARG(text));
    ask->headers = curl_slist_append(NULL, header);
    OPENSSL_cleanse(header, sizeof(header));
    CHECK(ask->headers != NULL);
    return true;
}

bool ask_open(struct ask *ask, const struct ask_address *address, struct error *err)
{
    const char *url = or_environment(address->url, "TURNPIKE_URL");
    *ask = (struct ask){.ca_file = or_environment(address->ca_file, "TURNPIKE_CA_FILE")};
    secret_init(&ask->key);
    buf_init(&ask->answer, ASK_ANSWER_BYTES_MAX);
    return take_url(ask, url != NULL ? url : "https://127.0.0.1:8443", err) &&
           take_key(ask, or_environment(address->key_file, "TURNPIKE_KEY_FILE"), err);
}

void ask_close(struct ask *ask)
{
    if (ask->curl != NULL) {
        curl_easy_cleanup(ask->curl);
    }
    for (struct curl_slist *at = ask->headers; at != NULL; at = at->next) {
        OPENSSL_cleanse(at->data, strlen(at->data));
    }
    curl_slist_free_all(ask->headers);
    secret_release(&ask->key);
    buf_release(&ask->answer);
    ask->curl = NULL;
    ask->headers = NULL;
}

bool ask_is_test(const struct ask *ask)
{
    return str_starts(str_trim(secret_expose(&ask->key)), STR("tpk_test_"));
}

/* ---- a call ---------------------------------------------------------------------------------- */

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
    struct buf *answer = ctx;
    buf_add(answer, data, size * count);
    return buf_is_ok(answer) ? size * count : 0;
}

void ask_prepare(const struct ask *ask, CURL *curl)
{
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, ask->headers);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (ask->ca_file != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, ask->ca_file);
    }
}

/* The headers of one call; the key's node stays the ask's. */
static struct curl_slist *headers_of(const struct ask *ask, bool has_body,
                                     const char *idempotency_key)
{
    char header[HEADER_SIZE];
    struct curl_slist *own = curl_slist_append(NULL, ask->headers->data);
    if (has_body) {
        own = curl_slist_append(own, "Content-Type: application/json");
    }
    if (idempotency_key != NULL) {
        (void)snprintf(header, sizeof(header), "Idempotency-Key: \"%s\"", idempotency_key);
        own = curl_slist_append(own, header);
    }
    CHECK(own != NULL);
    return own;
}

static bool perform(struct ask *ask, struct error *err)
{
    CURLcode code = curl_easy_perform(ask->curl);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        return fail(err, ERROR_UNAVAILABLE,
                    "%s: its certificate is not trusted; name the authority that signed it by --ca "
                    "or TURNPIKE_CA_FILE",
                    ask->url);
    }
    if (code == CURLE_WRITE_ERROR) {
        return fail(err, ERROR_INVALID, "%s: the answer is too large", ask->url);
    }
    if (code != CURLE_OK) {
        return fail(err, ERROR_UNAVAILABLE, "%s: %s; is it the gateway's address, and does it run?",
                    ask->url, curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(ask->curl, CURLINFO_RESPONSE_CODE, &ask->status);
    return true;
}

bool ask_call(struct ask *ask, const char *method, const char *path, struct str body,
              const char *idempotency_key, struct error *err)
{
    char url[ASK_URL_MAX + ASK_PATH_MAX];
    if (ask->curl == NULL) {
        ask->curl = curl_easy_init();
        CHECK(ask->curl != NULL);
    }
    curl_easy_reset(ask->curl); /* its connections stay */
    ask_prepare(ask, ask->curl);
    buf_clear(&ask->answer);
    ask->status = 0;
    (void)snprintf(url, sizeof(url), "%s%s", ask->url, path);
    bool has_body = body.at != NULL;
    struct curl_slist *headers = headers_of(ask, has_body, idempotency_key);
    (void)curl_easy_setopt(ask->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(ask->curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(ask->curl, CURLOPT_TIMEOUT, (long)PATIENCE_S);
    (void)curl_easy_setopt(ask->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(ask->curl, CURLOPT_WRITEDATA, &ask->answer);
    if (has_body) {
        (void)curl_easy_setopt(ask->curl, CURLOPT_POSTFIELDS, body.at);
        (void)curl_easy_setopt(ask->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    }
    (void)curl_easy_setopt(ask->curl, CURLOPT_CUSTOMREQUEST, method);
    bool ok = perform(ask, err);
    OPENSSL_cleanse(headers->data, strlen(headers->data));
    curl_slist_free_all(headers);
    return ok;
}

/* ---- answers --------------------------------------------------------------------------------- */

static enum error_code code_of(long status)
{
    switch (status) {
    case 401:
    case 403:
        return ERROR_DENIED;
    case 404:
        return ERROR_NOT_FOUND;
    case 429:
    case 503:
        return ERROR_BUSY;
    default:
        return status >= 500 ? ERROR_UNAVAILABLE : ERROR_INVALID;
    }
}

bool ask_refused(long status, struct str answer, struct error *err)
{
    struct error ignored;
    json_t *problem = json_parse(answer, &json_limits_default, &ignored);
    struct str detail = json_text(problem, "detail");
    struct str param = json_text(problem, "param");
    struct str code = json_text(problem, "code");
    struct str request_id = json_text(problem, "request_id");
    if (detail.len == 0) {
        detail = json_text(problem, "title");
    }
    (void)fail(err, code_of(status),
               "the gateway answers %ld%s" STR_FMT "%s" STR_FMT "%s" STR_FMT "%s" STR_FMT, status,
               code.len > 0 ? " " : "", STR_ARG(code), param.len > 0 ? ": " : "", STR_ARG(param),
               detail.len > 0 ? ": " : "", STR_ARG(str_sub(detail, 0, 200)),
               request_id.len > 0 ? "; request " : "", STR_ARG(request_id));
    json_decref(problem);
    return false;
}

json_t *ask_json(struct ask *ask, const char *method, const char *path, struct str body,
                 const char *idempotency_key, struct error *err)
{
    if (!ask_call(ask, method, path, body, idempotency_key, err)) {
        return NULL;
    }
    if (ask->status < 200 || ask->status > 299) {
        (void)ask_refused(ask->status, buf_str(&ask->answer), err);
        return NULL;
    }
    json_t *answer = json_parse(buf_str(&ask->answer), &limits, err);
    if (answer == NULL) {
        (void)fail_prefix(err, "%s: its answer cannot be read", ask->url);
    }
    return answer;
}

json_t *ask_get(struct ask *ask, const char *path, struct error *err)
{
    return ask_json(ask, "GET", path, STR_NONE, NULL, err);
}

void ask_add_query(struct buf *out, const char *name, struct str value)
{
    bool is_first = str_find_char(buf_str(out), '?', 0) == SIZE_MAX;
    buf_printf(out, "%c%s=", is_first ? '?' : '&', name);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                        (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~", c) != NULL);
        if (is_plain) {
            buf_add_char(out, (char)c);
        } else {
            buf_printf(out, "%%%02X", c);
        }
    }
}
