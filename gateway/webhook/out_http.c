#include "webhook/out_http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/metrics.h"
#include "providers/curl_loop.h"

enum {
    RECEIVE_BYTES = 4096,
    CONNECTION_IDLE_S = 20,
    CONNECTION_AGE_S = 300, /* names are looked up again within this time */
    CA_CACHE_S = 300,
};

struct out_http {
    struct out_http_config config;
    const char *system_ca; /* borrowed from libcurl */
    struct curl_loop curl;
    struct link running;        /* transfers */
    struct curl_slist *resolve; /* owned; NULL: none */
};

struct out_transfer {
    struct link link;
    struct out_http *http;
    CURL *easy; /* owned */
    struct curl_slist lines[OUT_HEADER_MAX + 2];
    char headers[OUT_HEADER_MAX][OUT_HEADER_SIZE];
    char *body; /* owned */
    size_t answer_bytes;
    int64_t started_us;
    bool is_forbidden; /* an address of it may not be connected to */
    bool is_opened;    /* another may: a socket was made */
    out_done_fn done;
    void *ctx;
};

/* clang-format off */
static const struct {
    CURLcode code;
    const char *name;
} code_names[] = {
    {CURLE_COULDNT_RESOLVE_HOST,     "dns_failed"},
    {CURLE_COULDNT_CONNECT,          "connect_failed"},
    {CURLE_OPERATION_TIMEDOUT,       "timeout"},
    {CURLE_SSL_CONNECT_ERROR,        "tls_failed"},
    {CURLE_PEER_FAILED_VERIFICATION, "tls_failed"},
    {CURLE_SSL_CACERT_BADFILE,       "tls_failed"},
    {CURLE_SSL_CERTPROBLEM,          "tls_failed"},
    {CURLE_SSL_CIPHER,               "tls_failed"},
    {CURLE_SEND_ERROR,               "reset"},
    {CURLE_RECV_ERROR,               "reset"},
    {CURLE_GOT_NOTHING,              "closed"},
    {CURLE_UNSUPPORTED_PROTOCOL,     "unreadable"},
    {CURLE_WEIRD_SERVER_REPLY,       "unreadable"},
    {CURLE_URL_MALFORMAT,            "bad_url"},
};
/* clang-format on */

#define SET(easy, option, value) CHECK(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

/* ---- libcurl's callbacks --------------------------------------------------------------------- */

static int system_socket(void *ctx, int family, int type, int protocol)
{
    (void)ctx;
    return socket(family, type | SOCK_CLOEXEC, protocol);
}

/* The address that is about to be connected to: whatever a name resolved to, and when. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct out_transfer *transfer = ctx;
    const struct out_http_config *config = &transfer->http->config;
    struct sockaddr_storage to = {.ss_family = AF_UNSPEC};
    if (address->addrlen <= sizeof(to))
        memcpy(&to, &address->addr, address->addrlen);
    if (purpose != CURLSOCKTYPE_IPCXN || !egress_may_connect(&to, &config->rules->allowed)) {
        transfer->is_forbidden = true;
        metrics_count(METRIC_HOOK_REFUSED, 1);
        return CURL_SOCKET_BAD;
    }
    transfer->is_opened = true;
    out_socket_fn make = config->socket != NULL ? config->socket : system_socket;
    int fd = make(config->socket_ctx, address->family, address->socktype, address->protocol);
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static size_t drop_body(char *data, size_t size, size_t count, void *ctx)
{
    struct out_transfer *transfer = ctx;
    (void)data;
    transfer->answer_bytes += size * count;
    return transfer->answer_bytes <= OUT_ANSWER_MAX ? size * count : 0;
}

/* ---- transfers ------------------------------------------------------------------------------- */

static const char *name_end(const struct out_transfer *transfer, CURLcode code)
{
    if (transfer->is_forbidden && !transfer->is_opened)
        return "address_forbidden";
    for (size_t i = 0; i < ARRAY_LEN(code_names); i++) {
        if (code_names[i].code == code)
            return code_names[i].name;
    }
    return "lost";
}

/* Interim answers do not count; once the final head is there, nothing else does. */
static void fill(struct out_transfer *transfer, CURLcode code, struct out_result *result)
{
    long status = 0;
    curl_off_t retry_after_s = 0;
    CHECK(curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    CHECK(curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK);
    if (status >= 200 && status <= 999) {
        result->answer.status = (int)status;
        result->answer.error = "";
        if (retry_after_s > 0)
            result->answer.retry_after_us =
                (retry_after_s < INT32_MAX ? retry_after_s : INT32_MAX) * CLOCK_SECOND_US;
    } else {
        result->answer.error = name_end(transfer, code);
    }
}

static void transfer_free(struct out_transfer *transfer)
{
    list_remove(&transfer->link);
    CHECK(curl_multi_remove_handle(transfer->http->curl.multi, transfer->easy) == CURLM_OK);
    curl_easy_cleanup(transfer->easy);
    free(transfer->body);
    free(transfer);
}

static void finish(struct out_transfer *transfer, CURLcode code)
{
    struct out_result result = {.elapsed_us = clock_mono_us() - transfer->started_us};
    fill(transfer, code, &result);
    out_done_fn done = transfer->done;
    void *ctx = transfer->ctx;
    transfer_free(transfer);
    done(ctx, &result);
}

static void set_guards(struct out_transfer *transfer, bool may_be_http)
{
    const struct out_http_config *config = &transfer->http->config;
    const bool is_open = may_be_http && config->rules->http_allowed;
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PROTOCOLS_STR, is_open ? "https,http" : "https");
    SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NOPROXY, "*");
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(easy, CURLOPT_OPENSOCKETDATA, transfer);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_CAPATH, NULL);
    SET(easy, CURLOPT_CAINFO,
        config->ca_file[0] != '\0' ? config->ca_file : transfer->http->system_ca);
    SET(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
    SET(easy, CURLOPT_TIMEOUT_MS, (long)config->answer_ms);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_ms);
    SET(easy, CURLOPT_WRITEFUNCTION, drop_body);
    SET(easy, CURLOPT_WRITEDATA, transfer);
}

static void set_rest(struct out_transfer *transfer)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* else giving up on a slow DNS answer blocks the loop */
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(easy, CURLOPT_USERAGENT, "turnpike/" TURNPIKE_VERSION);
    SET(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_S);
    SET(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_S);
    if (transfer->http->resolve != NULL)
        SET(easy, CURLOPT_RESOLVE, transfer->http->resolve);
}

static void set_lines(struct out_transfer *transfer, const struct out_call *call)
{
    static char type[] = "Content-Type: application/json";
    static char expect[] = "Expect:";
    size_t count = 0;
    CHECK(call->header_count <= OUT_HEADER_MAX);
    transfer->lines[count++].data = type;
    transfer->lines[count++].data = expect;
    for (size_t i = 0; i < call->header_count; i++) {
        struct str line = call->headers[i];
        CHECK(str_find_char(line, '\r', 0) == SIZE_MAX && str_find_char(line, '\n', 0) == SIZE_MAX);
        CHECK(str_copy_to(line, transfer->headers[i], OUT_HEADER_SIZE));
        transfer->lines[count++].data = transfer->headers[i];
    }
    for (size_t i = 0; i + 1 < count; i++)
        transfer->lines[i].next = &transfer->lines[i + 1];
    SET(transfer->easy, CURLOPT_HTTPHEADER, transfer->lines);
}

struct out_transfer *out_http_start(struct out_http *http, const struct out_call *call,
                                    out_done_fn done, void *ctx)
{
    struct out_transfer *transfer = calloc(1, sizeof(*transfer));
    char url[EGRESS_URL_MAX + 1];
    CHECK(transfer != NULL);
    CHECK(str_copy_to(call->url, url, sizeof(url)));
    transfer->http = http;
    transfer->done = done;
    transfer->ctx = ctx;
    transfer->started_us = clock_mono_us();
    transfer->easy = curl_easy_init();
    transfer->body = malloc(call->body.len + 1);
    CHECK(transfer->easy != NULL && transfer->body != NULL);
    if (call->body.len > 0)
        memcpy(transfer->body, call->body.at, call->body.len);
    set_guards(transfer, call->may_be_http);
    set_rest(transfer);
    set_lines(transfer, call);
    SET(transfer->easy, CURLOPT_URL, url);
    SET(transfer->easy, CURLOPT_POST, 1L);
    SET(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    SET(transfer->easy, CURLOPT_POSTFIELDS, transfer->body);
    list_add_last(&http->running, &transfer->link);
    CHECK(curl_multi_add_handle(http->curl.multi, transfer->easy) == CURLM_OK);
    return transfer;
}

void out_http_cancel(struct out_transfer *transfer)
{
    transfer_free(transfer);
}

/* ---- the client ------------------------------------------------------------------------------ */

static void ended(void *ctx UNUSED, void *transfer, CURLcode code)
{
    finish(transfer, code);
}

struct out_http *out_http_new(struct loop *loop, const struct out_http_config *config)
{
    struct out_http *http = calloc(1, sizeof(*http));
    CHECK(http != NULL && config->in_flight_max > 0);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    http->config = *config;
    http->system_ca = curl_version_info(CURLVERSION_NOW)->cainfo;
    list_init(&http->running);
    for (size_t i = 0; config->resolve != NULL && config->resolve[i] != NULL; i++) {
        http->resolve = curl_slist_append(http->resolve, config->resolve[i]);
        CHECK(http->resolve != NULL);
    }
    curl_loop_init(&http->curl, loop, (long)config->in_flight_max,
                   &(struct curl_loop_events){.ended = ended});
    return http;
}

void out_http_free(struct out_http **http_at)
{
    struct out_http *http = *http_at;
    if (http == NULL)
        return;
    while (!list_is_empty(&http->running))
        transfer_free(LIST_OWNER(list_take_first(&http->running), struct out_transfer, link));
    curl_loop_release(&http->curl);
    curl_slist_free_all(http->resolve);
    curl_global_cleanup();
    free(http);
    *http_at = NULL;
}
