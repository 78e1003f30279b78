/*
 * ask.h - the API of a running gateway, from the command line: the one HTTP client of all commands.
 *
 *     ask_open (address, key file, CA file) -> ask_get / ask_send (each) -> ask_close
 *     ask_request -> a CURL handle of the caller's own, for answers that never end
 *
 * The key comes from a file that nobody else may read, never from the command line or the environment,
 * which other users see. It goes out over TLS alone; redirects are not followed.
 */
#ifndef PROCESS_ASK_H
#define PROCESS_ASK_H

#include <curl/curl.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/json.h"

enum {
    ASK_URL_MAX = 512,
    ASK_PATH_MAX = 4096,
    ASK_ANSWER_BYTES_MAX = 64 << 20,
};

struct ask_address {      /* borrowed; NULL: TURNPIKE_URL, TURNPIKE_KEY_FILE, TURNPIKE_CA_FILE */
    const char *url;      /* https://127.0.0.1:8443, unless told */
    const char *key_file; /* needed */
    const char *ca_file;  /* else the system's */
};

struct ask {
    char url[ASK_URL_MAX];
    const char *ca_file; /* borrowed; NULL: the system's */
    struct secret key;
    CURL *curl;                 /* owned; one connection for all calls */
    struct curl_slist *headers; /* owned; Authorization */
    struct buf answer;          /* of the last call */
    long status;                /* of the last call */
};

/* What is wrong with address or key file; nothing is sent yet. */
bool ask_open(struct ask *ask, const struct ask_address *address, struct error *err) MUST_USE;
void ask_close(struct ask *ask); /* also what could not be opened */
/* The key is one for tests: tpk_test_... */
bool ask_is_test(const struct ask *ask);

/*
 * One call. `path` begins with /v1/ and has its query; body: JSON, or without bytes. True: any answer
 * of the gateway, in ask->status and ask->answer. ERROR_UNAVAILABLE: there was none. idempotency_key may
 * be NULL.
 */
bool ask_call(struct ask *ask, const char *method, const char *path, struct str body,
              const char *idempotency_key, struct error *err) MUST_USE;
/*
 * The same, and what is no 2xx becomes *err: the problem's text. ERROR_BUSY of 429 and 503, which may
 * succeed later, ERROR_NOT_FOUND of 404, ERROR_DENIED of 401 and 403, else ERROR_INVALID. Otherwise the answer, which the caller
 * owns; NULL with *err also when it is no JSON.
 */
json_t *ask_json(struct ask *ask, const char *method, const char *path, struct str body,
                 const char *idempotency_key, struct error *err) MUST_USE;
json_t *ask_get(struct ask *ask, const char *path, struct error *err) MUST_USE;
/* *err of an answer that is no 2xx; false. */
bool ask_refused(long status, struct str answer, struct error *err);

/* Address, key and TLS of a request of the caller's own, who sets path and what takes the answer. */
void ask_prepare(const struct ask *ask, CURL *curl);

/* A query, behind the path in `out`: '?' or '&', name, '=', the value escaped. */
void ask_add_query(struct buf *out, const char *name, struct str value);

#endif
