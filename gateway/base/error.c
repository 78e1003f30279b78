#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const code_names[ERROR_COUNT] = {
    [ERROR_NONE] = "none",
    [ERROR_INVALID] = "invalid",
    [ERROR_CONFLICT] = "conflict",
    [ERROR_NOT_FOUND] = "not_found",
    [ERROR_DENIED] = "denied",
    [ERROR_BUSY] = "busy",
    [ERROR_UNAVAILABLE] = "unavailable",
    [ERROR_TIMEOUT] = "timeout",
    [ERROR_IO] = "io",
    [ERROR_INTERNAL] = "internal",
};

/* Texts reach logs and answers: what a peer put into them must not start a new line there. */
static void replace_controls(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7f)
            *at = '?';
    }
}

bool fail(struct error *err, enum error_code code, const char *format, ...)
{
    /* Formatted aside, because an argument may point into err->text. */
    char text[ERROR_TEXT_MAX] = "";
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length < 0)
        text[0] = '\0';
    replace_controls(text);
    memcpy(err->text, text, sizeof(text));
    err->code = code;
    return false;
}

bool fail_prefix(struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_MAX] = "";
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t used = length < 0 ? 0 : strnlen(text, sizeof(text) - 1);
    size_t left = sizeof(text) - used;
    size_t old = strnlen(err->text, sizeof(err->text) - 1);
    if (left > 3) {
        memcpy(text + used, ": ", 2);
        size_t take = old < left - 3 ? old : left - 3;
        memcpy(text + used + 2, err->text, take);
        text[used + 2 + take] = '\0';
    }
    replace_controls(text);
    memcpy(err->text, text, sizeof(text));
    return false;
}

const char *error_code_name(enum error_code code)
{
    if ((unsigned)code >= ERROR_COUNT)
        return "unknown";
    return code_names[code];
}

void check_failed(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
    abort();
}
