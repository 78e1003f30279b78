/*
 * drive.h - the sandbox without sockets, for its tests: one core, a clock that the test sets, and
 * requests as one call each.
 */
#ifndef TESTS_SANDBOX_DRIVE_H
#define TESTS_SANDBOX_DRIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "providers/sandbox/core.h"
#include "providers/sandbox/payoneer.h"
#include "providers/sandbox/paypal.h"

#include <cmocka.h> /* last: it makes `fail` a macro */

#define DAY_US INT64_C(86400000000)

enum {
    DRIVE_HEADER_MAX = 8,
};

struct drive {
    struct core core;
    struct arena arena;
    struct call call; /* of the last request */
    json_t *json;     /* its answer; NULL: none, or no JSON */
    int64_t now_us;
    enum scenario_kind forced; /* for the next requests */
    bool keep_busy;            /* answers stay in the making */
    struct str bearer;
    const char *books_file;
};

static struct drive drive;

static inline void drive_open(const char *books_file)
{
    struct error err;
    memset(&drive, 0, sizeof(drive));
    drive.now_us = INT64_C(1795255200000000); /* 2026-11-21T10:00:00Z */
    drive.books_file = books_file;
    drive.bearer = STR_NONE;
    arena_init(&drive.arena, 256 << 20);
    if (!core_open(&drive.core, books_file, 0, "https", &err)) {
        fail_msg("%s", err.text);
    }
}

static inline void drive_close(void)
{
    json_decref(drive.json);
    core_close(&drive.core);
    arena_release(&drive.arena);
    memset(&drive, 0, sizeof(drive));
}

/* As after kill -9: nothing is closed in order, the journal is all that is left. */
static inline void drive_restart(void)
{
    struct error err;
    core_close(&drive.core);
    if (!core_open(&drive.core, drive.books_file, 0, "https", &err)) {
        fail_msg("%s", err.text);
    }
}

static inline int drive_setup(void **state)
{
    (void)state;
    drive_open(NULL);
    return 0;
}

static inline int drive_teardown(void **state)
{
    (void)state;
    drive_close();
    return 0;
}

/* headers: "Name: value" lines separated by '\n'; body NULL: none. Returns the status. */
static inline int drive_send(enum http_method method, const char *target, const char *headers,
                             const char *body)
{
    struct http_request *req = ARENA_NEW(&drive.arena, struct http_request);
    struct http_header *list = ARENA_ARRAY(&drive.arena, struct http_header, DRIVE_HEADER_MAX);
    struct str rest = arena_str(&drive.arena, str_of(headers));
    struct error err;
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str name = str_cut(&line, ':');
        assert_true(req->header_count < DRIVE_HEADER_MAX);
        list[req->header_count++] = (struct http_header){name, str_trim(line)};
    }
    struct str query = arena_str(&drive.arena, str_of(target));
    req->method = method;
    req->target = query;
    req->path = str_cut(&query, '?');
    req->query = query;
    req->headers = list;
    req->body = arena_str(&drive.arena, str_of(body));
    req->host = STR("sandbox.test");
    (void)snprintf(req->peer, sizeof(req->peer), "127.0.0.1");
    core_classify(&drive.core, req, &drive.arena, SANDBOX_NONE, drive.now_us, &drive.call);
    drive.call.forced = drive.forced;
    core_answer(&drive.core, &drive.call);
    if (!drive.keep_busy) {
        core_release_key(&drive.core, drive.call.busy_name);
    }
    json_decref(drive.json);
    drive.json = NULL;
    if (drive.core.body.len > 0) {
        static const struct json_limits limits = {
            .depth_max = 32, .member_count_max = 1 << 20, .string_bytes_max = 1 << 16};
        drive.json = json_parse(buf_str(&drive.core.body), &limits, &err);
    }
    return drive.call.status;
}

/* PayPal as client "client": key and prefer may be NULL. */
static inline int paypal_send_as(const char *client, enum http_method method, const char *path,
                                 const char *key, const char *body)
{
    char headers[1024];
    char basic[256];
    struct buf encoded;
    buf_init(&encoded, sizeof(basic));
    (void)snprintf(basic, sizeof(basic), "%s:secret", client);
    crypto_base64(str_of(basic), &encoded);
    (void)snprintf(headers, sizeof(headers), "Authorization: Basic " STR_FMT,
                   STR_ARG(buf_str(&encoded)));
    buf_release(&encoded);
    assert_int_equal(
        drive_send(HTTP_POST, "/v1/oauth2/token", headers, "grant_type=client_credentials"), 200);
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: Bearer " STR_FMT
                   "\nContent-Type: application/json\nPrefer: return=representation%s%s",
                   STR_ARG(json_text(drive.json, "access_token")),
                   key ? "\nPayPal-Request-Id: " : "", key ? key : "");
    return drive_send(method, path, headers, body);
}

static inline int paypal_send(enum http_method method, const char *path, const char *key,
                              const char *body)
{
    return paypal_send_as("client", method, path, key, body);
}

static inline int payoneer_send(enum http_method method, const char *path, const char *body)
{
    return drive_send(method, path,
                      "Authorization: Basic TUVSQ0g6a2V5\nContent-Type: " PAYONEER_MEDIA_TYPE,
                      body);
}

/* Payoneer's v4 API as client "client". */
static inline int mass_send(enum http_method method, const char *path, const char *body)
{
    char headers[1024];
    assert_int_equal(drive_send(HTTP_POST, "/api/v2/oauth2/token",
                                "Authorization: Basic Y2xpZW50OnNlY3JldA==",
                                "grant_type=client_credentials&scope=read%20write"),
                     200);
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: Bearer " STR_FMT "\nContent-Type: application/json",
                   STR_ARG(json_text(drive.json, "access_token")));
    return drive_send(method, path, headers, body);
}

/* So long after the last request. */
static inline void drive_wait_ms(int64_t ms)
{
    drive.now_us += ms * 1000;
}

static inline const char *text_at(const char *path)
{
    const json_t *found = json_path(drive.json, path);
    return json_is_string(found) ? json_string_value(found) : "";
}

static inline bool answer_has(const char *text)
{
    return str_find(buf_str(&drive.core.body), str_of(text), 0) != SIZE_MAX;
}

/* The first issue of PayPal's last answer. */
static inline const char *issue(void)
{
    return text_at("details.0.issue");
}

/* A copy of a text of the last answer: it survives the next request. */
static inline const char *keep(const char *path)
{
    return arena_cstr(&drive.arena, str_of(text_at(path)));
}

static inline const char *join(const char *format, const char *a)
{
    struct str found = str_of(format);
    size_t at = str_find(found, STR("{}"), 0);
    return arena_cstr(&drive.arena,
                      arena_printf(&drive.arena, "%.*s%s%s", (int)at, format, a, format + at + 2));
}

static inline const struct book_entry *entry_at(size_t index)
{
    assert_true(index < drive.core.books.log_count);
    return drive.core.books.log[index];
}

#define assert_str(s, text) assert_true(str_eq((s), str_of(text)))

#endif
