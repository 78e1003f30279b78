#include "providers/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/list.h"
#include "providers/curl_loop.h"
#include "providers/origin.h"
#include "providers/upload_memory.h"

enum {
    LINE_COUNT_MAX = PROVIDER_HEADER_MAX + 3, /* and Authorization, Content-Type, Accept */
    HEAD_BYTES_MAX = 16384,
    URL_BYTES_MAX = 256 + PROVIDER_PATH_MAX + 1,
    RECEIVE_BYTES = 4096,
    UPLOAD_BYTES = 16384,    /* the least libcurl takes; our bodies fit */
    CONNECTION_AGE_S = 3600, /* DNS and certificates are looked at again within this time */
    CONNECTION_IDLE_S = 20,  /* well below what servers and load balancers commonly allow */
    OPENED_MAX = 8,          /* sockets of one transfer remembered: it may race two families */
    CA_CACHE_S = 300,
    TOKEN_CONNECTIONS = 16,
};

struct http_client {
    struct engine_config config;
    struct curl_loop curl;
    struct link running; /* transfers */
    struct link idle;    /* transfers */
    struct link origins;
    struct loop_timer hold_timer; /* while calls are held */
    const char *system_ca;        /* borrowed from libcurl */
    int socket_slot;              /* where a TLS session notes its socket */
};

struct http_transfer {
    struct link link; /* in client->running, client->idle or origin->held */
    struct http_client *client;
    struct origin *origin;
    enum origin_stage stage;
    CURL *easy; /* owned */
    struct curl_slist line[LINE_COUNT_MAX];
    struct buf head;             /* the header lines, terminated one by one */
    struct secret authorization; /* the line; wiped when done */
    struct buf body;             /* the answer's */
    int64_t started_us;
    int64_t not_after_us;
    int64_t not_after_wall_us;
    int64_t connect_ms;
    int64_t answer_ms; /* bound on the delivery of what was written */
    int64_t left_us;
    const char *sent_as;    /* as in its request; NULL: a token */
    int opened[OPENED_MAX]; /* the last sockets opened for it, some perhaps closed again */
    size_t opened_count;    /* ever */
    bool left;
    bool is_written; /* kept where crash points are */
    bool is_fresh;   /* its second try: on a connection of its own */
    bool is_stale;   /* refused before the first byte: its connection had ended while idle */
    bool is_expired;
    bool is_too_large;
    engine_done_fn done;
    void *ctx;
};

/* clang-format off */

/* Why nothing left; and why what left has no answer. Words for people: neither decides anything. */
static const struct {
    CURLcode code;
    const char *not_sent;
    const char *lost;
} code_names[] = {
    {CURLE_COULDNT_RESOLVE_HOST,     "dns_failed",      "closed"},
    {CURLE_COULDNT_CONNECT,          "connect_refused", "closed"},
    {CURLE_OPERATION_TIMEDOUT,       "connect_timeout", "timeout"},
    {CURLE_SSL_CONNECT_ERROR,        "tls_failed",      "reset"},
    {CURLE_PEER_FAILED_VERIFICATION, "tls_failed",      "reset"},
    {CURLE_SSL_CACERT_BADFILE,       "tls_failed",      "reset"},
    {CURLE_SSL_CERTPROBLEM,          "tls_failed",      "reset"},
    {CURLE_SSL_CIPHER,               "tls_failed",      "reset"},
    {CURLE_SEND_ERROR,               "tls_failed",      "reset"},
    {CURLE_RECV_ERROR,               "tls_failed",      "reset"},
    {CURLE_GOT_NOTHING,              "connect_failed",  "closed"},
    {CURLE_PARTIAL_FILE,             "connect_failed",  "closed"},
    {CURLE_ABORTED_BY_CALLBACK,      "connect_failed",  "closed"},
    {CURLE_UNSUPPORTED_PROTOCOL,     "connect_failed",  "unreadable"},
    {CURLE_WEIRD_SERVER_REPLY,       "connect_failed",  "unreadable"},
};

/* clang-format on */

static const char *const debug_id_headers[] = {"Paypal-Debug-Id", "X-Request-Id"};

#define SET(easy, option, value) CHECK(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

static void enter(struct http_transfer *transfer, enum origin_stage stage)
{
    origin_move(transfer->origin, transfer->stage, stage);
    transfer->stage = stage;
}

/* ---- libcurl's callbacks --------------------------------------------------------------------- */

static int local_port(int fd)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    if (address.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port);
    return -1;
}

/* The socket of a connection that this transfer has just made; NULL when it made none. */
static const int *find_opened(const struct http_transfer *transfer, int own_port)
{
    const size_t count =
        transfer->opened_count < OPENED_MAX ? transfer->opened_count : (size_t)OPENED_MAX;

    for (size_t i = 1; i <= count; i++) {
        const int *fd = &transfer->opened[(transfer->opened_count - i) % OPENED_MAX];
        if (local_port(*fd) == own_port)
            return fd;
    }
    return NULL;
}

/*
 * True when a kept connection ended while it was idle. Nothing was asked on it, so whatever there
 * is to read (close_notify, the end, an error, garbage) means that it is of no use; libcurl 7.88
 * takes an unread close_notify for a sign of life and loses the request.
 *
 * CURLINFO_ACTIVESOCKET knows nothing inside the callback, so the socket is noted on the TLS
 * session when its connection is used first. A new connection is not looked at: session tickets
 * may wait in it.
 */
static bool has_ended_idle(const struct http_transfer *transfer, int own_port)
{
    const struct curl_tlssessioninfo *info = NULL;
    const int slot = transfer->client->socket_slot;
    char byte = 0;

    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK ||
        info == NULL || info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
        return false;
    SSL *session = info->internals;
    const intptr_t noted = (intptr_t)SSL_get_ex_data(session, slot); /* plus one; 0: none */
    if (noted == 0) {
        const int *fd = find_opened(transfer, own_port);
        if (fd != NULL)
            CHECK(SSL_set_ex_data(session, slot, (void *)((intptr_t)*fd + 1)) == 1);
        return false;
    }
    return recv((int)(noted - 1), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static int before_send(void *ctx, char *peer_ip UNUSED, char *own_ip UNUSED, int peer_port UNUSED,
                       int own_port)
{
    struct http_transfer *transfer = ctx;
    const int64_t now_us = clock_mono_us();

    if (transfer->left)
        return CURL_PREREQFUNC_ABORT;
    if (now_us > transfer->not_after_us || clock_wall_us() > transfer->not_after_wall_us) {
        transfer->is_expired = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (has_ended_idle(transfer, own_port) && !transfer->is_fresh) {
        transfer->is_stale = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->left = true;
    transfer->left_us = now_us;
    enter(transfer, ORIGIN_LEFT);
    return CURL_PREREQFUNC_OK;
}

/*
 * After a time-out and the close, the kernel would go on delivering what was written, for minutes.
 * No request may arrive later than the settling rules assume: what is not acknowledged in time is
 * dropped.
 */
static int bound_delivery(void *ctx, curl_socket_t fd, curlsocktype purpose UNUSED)
{
    struct http_transfer *transfer = ctx;
    const unsigned most_ms = (unsigned)transfer->answer_ms;

    transfer->opened[transfer->opened_count++ % OPENED_MAX] = fd;
    transfer->origin->open_count++;
    enter(transfer, ORIGIN_OPENING);
    return setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most_ms, sizeof(most_ms)) == 0
               ? CURL_SOCKOPT_OK
               : CURL_SOCKOPT_ERROR;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
    struct origin *origin = ctx;

    CHECK(origin->open_count > 0);
    origin->open_count--;
    return close(fd);
}

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;
    const size_t len = size * count;

    if (transfer->body.len == 0)
        CRASH_PART(transfer->sent_as, "arrived");
    buf_add(&transfer->body, data, len);
    if (buf_is_ok(&transfer->body))
        return len;
    transfer->is_too_large = true;
    return 0;
}

static void fill_answer(struct http_transfer *transfer, struct provider_answer *answer)
{
    long status = 0;
    char *content_type = NULL;
    curl_off_t retry_after_s = 0;

    CHECK(curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    CHECK(curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &content_type) == CURLE_OK);
    CHECK(curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK);
    *answer = (struct provider_answer){
        .status = (int)status,
        .content_type = str_of(content_type),
        .body = buf_str(&transfer->body),
        .retry_after_ms =
            retry_after_s > 0 && retry_after_s <= INT32_MAX ? retry_after_s * 1000 : -1,
    };
    for (size_t i = 0; i < ARRAY_LEN(debug_id_headers) && answer->debug_id.len == 0; i++) {
        struct curl_header *header = NULL;
        if (curl_easy_header(transfer->easy, debug_id_headers[i], 0, CURLH_HEADER, -1, &header) ==
            CURLHE_OK)
            answer->debug_id = str_of(header->value);
    }
}

static const char *name_end(const struct http_transfer *transfer, CURLcode code)
{
    if (transfer->is_expired)
        return "expired";
    if (transfer->is_too_large)
        return "too_large";
    for (size_t i = 0; i < ARRAY_LEN(code_names); i++) {
        if (code_names[i].code == code)
            return transfer->left ? code_names[i].lost : code_names[i].not_sent;
    }
    return transfer->left ? "lost" : "connect_failed";
}

/* ---- transfers ------------------------------------------------------------------------------- */

static void set_constant_options(struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;

    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* else giving up on a slow DNS answer blocks the loop */
    SET(easy, CURLOPT_PROTOCOLS_STR, "https");
    SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NOPROXY, "*");
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_CAPATH,
        NULL); /* with a directory libcurl would parse all roots again and again */
    SET(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(easy, CURLOPT_USERAGENT, "turnpike/" TURNPIKE_VERSION);
    SET(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
    SET(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_S);
    SET(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_S);
    SET(easy, CURLOPT_SOCKOPTFUNCTION, bound_delivery);
    SET(easy, CURLOPT_SOCKOPTDATA, transfer);
    SET(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    SET(easy, CURLOPT_PREREQFUNCTION, before_send);
    SET(easy, CURLOPT_PREREQDATA, transfer);
    SET(easy, CURLOPT_WRITEFUNCTION, take_body);
    SET(easy, CURLOPT_WRITEDATA, transfer);
}

static struct http_transfer *new_transfer(struct http_client *client)
{
    struct http_transfer *transfer = calloc(1, sizeof(*transfer));

    CHECK(transfer != NULL);
    transfer->client = client;
    transfer->easy = curl_easy_init();
    CHECK(transfer->easy != NULL);
    list_init(&transfer->link);
    secret_init(&transfer->authorization);
    buf_init(&transfer->head, HEAD_BYTES_MAX);
    buf_init(&transfer->body, client->config.answer_bytes_max);
    set_constant_options(transfer);
    return transfer;
}

static void free_transfer(struct http_transfer *transfer)
{
    list_remove(&transfer->link);
    curl_easy_cleanup(transfer->easy);
    secret_release(&transfer->authorization);
    buf_release(&transfer->head);
    buf_release(&transfer->body);
    free(transfer);
}

/* Take it away from libcurl and keep it for the next call. */
static void park_transfer(struct http_transfer *transfer)
{
    SET(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    SET(transfer->easy, CURLOPT_POSTFIELDS, NULL);
    secret_release(&transfer->authorization);
    buf_release(&transfer->head);
    buf_release(&transfer->body);
    enter(transfer, ORIGIN_NONE);
    list_remove(&transfer->link);
    list_add_first(&transfer->client->idle, &transfer->link);
}

/* What is left of its times is what libcurl may take. 0 would be no bound. */
static void set_times(struct http_transfer *transfer)
{
    const int64_t spent_ms = (clock_mono_us() - transfer->started_us) / CLOCK_MS_US;
    const int64_t connect_ms = transfer->connect_ms - spent_ms;
    const int64_t answer_ms = transfer->answer_ms - spent_ms;

    SET(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : 1));
    SET(transfer->easy, CURLOPT_TIMEOUT_MS, (long)(answer_ms > 0 ? answer_ms : 1));
}

static void begin(struct http_transfer *transfer)
{
    struct http_client *client = transfer->client;

    set_times(transfer);
    enter(transfer, ORIGIN_PENDING);
    list_remove(&transfer->link);
    list_add_last(&client->running, &transfer->link);
    CHECK(curl_multi_add_handle(client->curl.multi, transfer->easy) == CURLM_OK);
}

/* Held calls for which there is room by now. */
static void begin_held(struct http_client *client)
{
    for (struct link *item = client->origins.next; item != &client->origins; item = item->next) {
        struct origin *origin = LIST_OWNER(item, struct origin, link);
        while (!list_is_empty(&origin->held) && origin_has_room(origin))
            begin(LIST_OWNER(origin->held.next, struct http_transfer, link));
    }
}

/* Those that were held for long enough; and when to look again. */
static void hold_fired(void *ctx)
{
    struct http_client *client = ctx;
    const int64_t now_us = clock_mono_us();
    int64_t next_us = INT64_MAX;

    for (struct link *item = client->origins.next; item != &client->origins; item = item->next) {
        struct origin *origin = LIST_OWNER(item, struct origin, link);
        while (!list_is_empty(&origin->held)) {
            struct http_transfer *first = LIST_OWNER(origin->held.next, struct http_transfer, link);
            const int64_t due_us = first->started_us + ORIGIN_HOLD_US;
            if (due_us > now_us) {
                next_us = due_us < next_us ? due_us : next_us;
                break;
            }
            begin(first);
        }
    }
    if (next_us < INT64_MAX)
        loop_timer_start(&client->hold_timer, next_us - now_us);
}

static void hold(struct http_transfer *transfer)
{
    struct http_client *client = transfer->client;

    enter(transfer, ORIGIN_HELD);
    list_add_last(&transfer->origin->held, &transfer->link);
    if (!loop_timer_is_running(&client->hold_timer))
        loop_timer_start(&client->hold_timer, ORIGIN_HOLD_US);
}

/* Nothing left on the stale connection: try once more on a fresh one, within the same bounds. */
static void try_fresh(struct http_transfer *transfer)
{
    CHECK(!transfer->left && !transfer->is_fresh);
    CHECK(curl_multi_remove_handle(transfer->client->curl.multi, transfer->easy) == CURLM_OK);
    transfer->is_stale = false;
    transfer->is_fresh = true;
    SET(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    set_times(transfer);
    CHECK(curl_multi_add_handle(transfer->client->curl.multi, transfer->easy) == CURLM_OK);
}

static void finish(struct http_transfer *transfer, CURLcode code)
{
    struct engine_result result = {
        .left = transfer->left,
        .is_ours = transfer->is_expired,
        .elapsed_us = clock_mono_us() - transfer->started_us,
        .left_us = transfer->left_us,
    };

    if (code == CURLE_OK && transfer->left)
        fill_answer(transfer, &result.answer);
    if (!transfer->left) {
        result.end = ENGINE_NOT_SENT;
    } else if (code != CURLE_OK || result.answer.status < 200) {
        result.end = ENGINE_LOST;
    }
    if (result.end != ENGINE_ANSWERED)
        CHECK(str_copy_to(str_of(name_end(transfer, code)), result.reason, sizeof(result.reason)));
    CHECK(curl_multi_remove_handle(transfer->client->curl.multi, transfer->easy) == CURLM_OK);
    list_remove(&transfer->link);
    transfer->done(transfer->ctx, &result);
    park_transfer(transfer);
}

static void end_try(struct http_transfer *transfer, CURLcode code)
{
    if (transfer->is_stale)
        try_fresh(transfer);
    else
        finish(transfer, code);
}

static void add_line(struct http_transfer *transfer, size_t *count, size_t offsets[],
                     struct str name, struct str value)
{
    struct buf *head = &transfer->head;

    CHECK(str_find_char(value, '\r', 0) == SIZE_MAX && str_find_char(value, '\n', 0) == SIZE_MAX);
    offsets[(*count)++] = head->len;
    buf_add_str(head, name);
    buf_add_str(head, value.len > 0 ? STR(": ") : STR(":"));
    buf_add_str(head, value);
    buf_add_char(head, '\0');
}

/* Each line lives in `head`; the list that libcurl walks is ours as well, so nothing is allocated.
 */
static void set_lines(struct http_transfer *transfer, const struct provider_request *request)
{
    size_t offsets[LINE_COUNT_MAX];
    size_t count = 0;
    bool has_type = false;

    for (size_t i = 0; i < request->header_count; i++) {
        has_type = has_type || str_eq_nocase(request->header[i].name, STR("Content-Type"));
        add_line(transfer, &count, offsets, request->header[i].name, request->header[i].value);
    }
    if (!has_type) /* libcurl would call every POST a form */
        add_line(transfer, &count, offsets, STR("Content-Type"), STR_NONE);
    CHECK(buf_is_ok(&transfer->head));
    for (size_t i = 0; i < count; i++)
        transfer->line[i].data = transfer->head.at + offsets[i];
    if (transfer->authorization.len > 0)
        transfer->line[count++].data = transfer->authorization.at;
    for (size_t i = 0; i < count; i++)
        transfer->line[i].next = i + 1 < count ? &transfer->line[i + 1] : NULL;
    SET(transfer->easy, CURLOPT_HTTPHEADER, transfer->line);
}

static void set_method(CURL *easy, const struct provider_request *request)
{
    char method[16];
    const bool is_post = str_eq(request->method, STR("POST"));

    CHECK(str_copy_to(request->method, method, sizeof(method)));
    SET(easy, CURLOPT_HTTPGET, 1L);
    SET(easy, CURLOPT_CUSTOMREQUEST, NULL);
    if (request->has_body || is_post) { /* without a body: Content-Length: 0 */
        SET(easy, CURLOPT_POST, 1L);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(easy, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.at : "");
    }
    if (!is_post && !str_eq(request->method, STR("GET")))
        SET(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_call(struct http_transfer *transfer, const struct http_call *call)
{
    const struct provider_account *account = call->account;
    char url[URL_BYTES_MAX];
    const size_t base_len = strlen(account->base_url);
    CURL *easy = transfer->easy;

    CHECK(base_len < sizeof(account->base_url) && call->request->path.len <= PROVIDER_PATH_MAX);
    memcpy(url, account->base_url, base_len);
    CHECK(str_copy_to(call->request->path, url + base_len, sizeof(url) - base_len));
    SET(easy, CURLOPT_URL, url);
    SET(easy, CURLOPT_CAINFO,
        account->ca_file[0] != '\0' ? account->ca_file : transfer->client->system_ca);
    SET(easy, CURLOPT_FRESH_CONNECT, 0L);
    SET(easy, CURLOPT_CLOSESOCKETDATA, transfer->origin);
    transfer->sent_as = call->request->sent_as;
    transfer->connect_ms = call->connect_ms;
    transfer->answer_ms = call->answer_ms;
    if (call->authorization.len > 0)
        secret_set(&transfer->authorization, call->authorization);
    set_method(easy, call->request);
    set_lines(transfer, call->request);
}

struct http_transfer *http_client_start(struct http_client *client, const struct http_call *call,
                                        engine_done_fn done, void *ctx)
{
    struct http_transfer *transfer = NULL;

    if (list_is_empty(&client->idle))
        transfer = new_transfer(client);
    else
        transfer = LIST_OWNER(list_take_first(&client->idle), struct http_transfer, link);
    transfer->started_us = clock_mono_us();
    transfer->not_after_us = call->not_after_us;
    transfer->not_after_wall_us = call->not_after_wall_us;
    transfer->left_us = 0;
    transfer->opened_count = 0;
    transfer->left = false;
    transfer->is_written = false;
    transfer->is_fresh = false;
    transfer->is_stale = false;
    transfer->is_expired = false;
    transfer->is_too_large = false;
    transfer->done = done;
    transfer->ctx = ctx;
    transfer->origin = origins_find(&client->origins, call->account->base_url);
    set_call(transfer, call);
    if (list_is_empty(&transfer->origin->held) && origin_has_room(transfer->origin))
        begin(transfer);
    else
        hold(transfer);
    return transfer;
}

void http_client_cancel(struct http_transfer *transfer)
{
    if (transfer->stage != ORIGIN_HELD)
        CHECK(curl_multi_remove_handle(transfer->client->curl.multi, transfer->easy) == CURLM_OK);
    park_transfer(transfer);
    begin_held(transfer->client);
}

/* ---- the client ------------------------------------------------------------------------------ */

static void ended(void *ctx UNUSED, void *transfer, CURLcode code)
{
    end_try(transfer, code);
}

#ifdef CRASH_POINTS
/* libcurl writes a request as soon as it was let go. */
static void pass_left(struct http_client *client)
{
    struct link *next = NULL;
    for (struct link *at = client->running.next; at != &client->running; at = next) {
        struct http_transfer *transfer = LIST_OWNER(at, struct http_transfer, link);
        next = at->next;
        if (!transfer->left || transfer->is_written)
            continue;
        transfer->is_written = true;
        CRASH_PART(transfer->sent_as, "left");
    }
}
#endif

static void acted(void *ctx)
{
#ifdef CRASH_POINTS
    pass_left(ctx);
#endif
    begin_held(ctx);
}

struct http_client *http_client_new(struct loop *loop, const struct engine_config *config)
{
    struct http_client *client = calloc(1, sizeof(*client));

    CHECK(client != NULL);
    upload_memory_init(UPLOAD_BYTES, config->in_flight_max);
    client->config = *config;
    client->system_ca = curl_version_info(CURLVERSION_NOW)->cainfo;
    client->socket_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    CHECK(client->socket_slot >= 0);
    list_init(&client->running);
    list_init(&client->idle);
    list_init(&client->origins);
    loop_timer_init(&client->hold_timer, loop, hold_fired, client);
    /* As many as calls may be under way, and some for tokens: one host never takes another's. */
    const long most = (long)(config->in_flight_max + config->in_flight_max / 8 + TOKEN_CONNECTIONS);
    curl_loop_init(&client->curl, loop, most,
                   &(struct curl_loop_events){.ended = ended, .acted = acted, .ctx = client});
    CURL_LOOP_SET(&client->curl, CURLMOPT_MAX_HOST_CONNECTIONS,
                  (long)config->connections_per_host_max);
    return client;
}

static void free_all(struct http_client *client, struct link *transfers)
{
    while (!list_is_empty(transfers)) {
        struct http_transfer *transfer =
            LIST_OWNER(list_take_first(transfers), struct http_transfer, link);
        if (transfers == &client->running)
            CHECK(curl_multi_remove_handle(client->curl.multi, transfer->easy) == CURLM_OK);
        free_transfer(transfer);
    }
}

void http_client_free(struct http_client **pointer)
{
    struct http_client *client = *pointer;

    if (client == NULL)
        return;
    for (struct link *item = client->origins.next; item != &client->origins; item = item->next)
        free_all(client, &LIST_OWNER(item, struct origin, link)->held);
    free_all(client, &client->running);
    free_all(client, &client->idle);
    curl_loop_release(&client->curl);
    origins_free(&client->origins);
    loop_timer_release(&client->hold_timer);
    CHECK(CRYPTO_free_ex_index(CRYPTO_EX_INDEX_SSL, client->socket_slot) == 1);
    curl_global_cleanup();
    free(client);
    *pointer = NULL;
}
