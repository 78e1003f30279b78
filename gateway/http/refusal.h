/*
 * refusal.h - why a request is not served: one table of reasons with status, code and explanation.
 *
 * The code is what the client reads in the problem document and what METRIC_HTTP_REFUSED counts.
 */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include "base/str.h"

enum refusal {
    REFUSAL_NONE = 0,
    /* bytes */
    REFUSAL_BARE_LF,
    REFUSAL_BARE_CR,
    REFUSAL_CONTROL,
    /* request line */
    REFUSAL_REQUEST_LINE,
    REFUSAL_METHOD_TOKEN,
    REFUSAL_METHOD_UNKNOWN,
    REFUSAL_VERSION,
    REFUSAL_TARGET_FORM,
    REFUSAL_TARGET_BYTES,
    REFUSAL_TARGET_LONG,
    /* headers */
    REFUSAL_HEADER_FOLDED,
    REFUSAL_HEADER_NAME,
    REFUSAL_HEADER_NO_COLON,
    REFUSAL_HEADER_COUNT,
    REFUSAL_HEADER_LONG,
    REFUSAL_HEAD_LONG,
    REFUSAL_HOST_COUNT,
    REFUSAL_HOST_INVALID,
    /* framing */
    REFUSAL_TRANSFER_ENCODING,
    REFUSAL_LENGTH_INVALID,
    REFUSAL_LENGTH_COUNT,
    REFUSAL_LENGTH_MISSING,
    REFUSAL_BODY_UNEXPECTED,
    REFUSAL_BODY_LONG,
    REFUSAL_EXPECTATION,
    REFUSAL_SECOND_JUDGE,
    /* time */
    REFUSAL_HEAD_SLOW,
    REFUSAL_BODY_SLOW,
    /* ours */
    REFUSAL_BUSY,
    REFUSAL_COUNT,
};

enum {
    REFUSAL_BODY_MAX = 1024,
};

struct refusal_reason {
    int status;
    struct str code;
    struct str detail;
};

/* Whether the same bytes may be taken later, and what their sender does now. */
bool refusal_is_retryable(const struct refusal_reason *reason);
struct str refusal_next_step(const struct refusal_reason *reason);

const struct refusal_reason *refusal_reason(enum refusal refusal);
/* Its problem document (RFC 9457) into out, without a NUL; request_id NULL: left out. Returns the length. */
size_t refusal_print(enum refusal refusal, const char *request_id, char out[REFUSAL_BODY_MAX]);
/* Reason phrase of a status: "Bad Request"; "Unknown" for one that we never send. */
struct str http_status_phrase(int status);

#endif
