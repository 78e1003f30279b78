#include "process/explain_ask.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/crypto.h"

enum {
    URL_SIZE = 1024,
    HEADER_SIZE = 512,
    KEY_BYTES_MAX = 256,
    PATIENCE_S = 20,
};

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
    struct buf *answer = ctx;
    buf_add(answer, data, size * count);
    return buf_is_ok(answer) ? size * count : 0;
}

/* The problem document as a line: what is wrong, and where. */
static bool refused(long status, struct str body, struct error *err)
{
    struct error ignored;
    json_t *problem = json_parse(body, &json_limits_default, &ignored);
    struct str detail = json_text(problem, "detail");
    struct str param = json_text(problem, "param");
    (void)fail(err, ERROR_INVALID, "routes: the gateway answers %ld%s" STR_FMT "%s" STR_FMT, status,
               param.len > 0 ? ": " : "", STR_ARG(param), detail.len > 0 ? ": " : "",
               STR_ARG(detail));
    json_decref(problem);
    return false;
}

static bool perform(CURL *curl, const struct explain_ask *ask, struct buf *answer,
                    struct error *err)
{
    long status = 0;
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        return fail(err, ERROR_IO, "routes: %s: %s", ask->gateway, curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 || refused(status, buf_str(answer), err);
}

static bool send_with(struct curl_slist *headers, const struct explain_ask *ask, struct buf *answer,
                      struct error *err)
{
    char url[URL_SIZE];
    CURL *curl = curl_easy_init();
    CHECK(curl != NULL);
    (void)snprintf(url, sizeof(url), "%s/v1/routing/explain%s%s", ask->gateway,
                   ask->merchant != NULL ? "?merchant=" : "",
                   ask->merchant != NULL ? ask->merchant : "");
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body.at);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PATIENCE_S);
    if (ask->ca_file != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, ask->ca_file);
    }
    bool ok = perform(curl, ask, answer, err);
    curl_easy_cleanup(curl);
    return ok;
}

bool explain_ask(const struct explain_ask *ask, struct buf *answer, struct error *err)
{
    char header[HEADER_SIZE];
    struct secret key;
    secret_init(&key);
    if (!secret_read_file(&key, ask->key_file, err)) {
        secret_release(&key);
        return fail_prefix(err, "routes: --key-file");
    }
    struct str text = str_trim(secret_expose(&key));
    (void)snprintf(header, sizeof(header), "Authorization: Bearer " STR_FMT,
                   STR_ARG(str_sub(text, 0, KEY_BYTES_MAX)));
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, header);
    bool ok = send_with(headers, ask, answer, err);
    OPENSSL_cleanse(header, sizeof(header));
    curl_slist_free_all(headers);
    secret_release(&key);
    return ok;
}
