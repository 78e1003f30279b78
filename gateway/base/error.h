/*
 * error.h - how a function says that it could not do its work.
 *
 * A function that can fail returns bool (true = done), is MUST_USE and takes `struct error *err`
 * last; *err is written only on false, and err is never NULL:
 *
 *     return fail(err, ERROR_CONFLICT, "cannot capture %s: already voided", id);
 *
 * The text is lower case, says what was not done, then why, names the object, holds no secret and
 * ends without a full stop. A bug is CHECK(cond): it stays on in production and aborts the worker.
 * Input, network and database are never CHECKed.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define UNUSED            __attribute__((unused))
#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))

enum {
    ERROR_TEXT_MAX = 320,
};

enum error_code {
    ERROR_NONE = 0,
    ERROR_INVALID,     /* the caller's input is wrong; repeating it will not help */
    ERROR_CONFLICT,    /* the object is in a state that forbids this */
    ERROR_NOT_FOUND,   /* no such object */
    ERROR_DENIED,      /* known, but not allowed */
    ERROR_BUSY,        /* a named limit is reached; try again later */
    ERROR_UNAVAILABLE, /* a server we need does not answer; try again later */
    ERROR_TIMEOUT,     /* a deadline passed */
    ERROR_IO,          /* the operating system refused */
    ERROR_INTERNAL,    /* our own fault */
    ERROR_COUNT,
};

struct error {
    enum error_code code;
    char text[ERROR_TEXT_MAX]; /* terminated, truncated if need be, control characters replaced */
};

/* Write *err and return false. */
bool fail(struct error *err, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Put "prefix: " before the text that *err has (truncating); code unchanged. Returns false. */
bool fail_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Stable lower-case word of a code: "invalid", "conflict", ... */
const char *error_code_name(enum error_code code);

/* Print place and condition to stderr and abort. Called by CHECK only. */
void check_failed(const char *file, int line, const char *condition) NORETURN;

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#endif
