/*
 * curl_loop.h - libcurl's multi interface in the event loop: its sockets are watched, its one timer is
 * kept, and transfers that ended are told. Used by whoever sends: to providers, and webhooks.
 */
#ifndef PROVIDERS_CURL_LOOP_H
#define PROVIDERS_CURL_LOOP_H

#include <curl/curl.h>

#include "base/list.h"
#include "base/loop.h"

struct curl_loop_events {
    /* A transfer ended; what its handle has as CURLOPT_PRIVATE. It may be taken out and freed here. */
    void (*ended)(void *ctx, void *transfer, CURLcode code);
    void (*acted)(void *ctx); /* after all that ended at once; NULL: nobody asks */
    void *ctx;
};

struct curl_loop {
    struct loop *loop; /* borrowed */
    CURLM *multi;      /* owned */
    struct loop_timer timer;
    struct link watches; /* of sockets that libcurl wants watched */
    struct link idle;    /* watches to be used again */
    struct curl_loop_events events;
};

/* HTTP/1.1 alone, with so many connections at most, idle ones included. */
void curl_loop_init(struct curl_loop *curl, struct loop *loop, long connections_max,
                    const struct curl_loop_events *events);
/* Every handle has been taken out before; the loop is still there. */
void curl_loop_release(struct curl_loop *curl);

#define CURL_LOOP_SET(curl, option, value)                                                         \
    CHECK(curl_multi_setopt((curl)->multi, (option), (value)) == CURLM_OK)

#endif
