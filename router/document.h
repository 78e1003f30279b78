/*
 * document.h - a JSON file of figures (fee table, rates): read by member, refused by the member's
 * name and line, known by a hash.
 *
 *     text --> json_parse --> members, each with its path "currencies.EUR.fixed"
 *               |                 |
 *               |                 +--> refused: what is wrong, and on which line of the text
 *               +--> canonical text (sorted members, no spaces) --> SHA-256
 *
 * The hash is that of the canonical text: the same figures have the same hash, however they are
 * laid out. Private to the router.
 */
#ifndef ROUTER_DOCUMENT_H
#define ROUTER_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/money.h"

enum {
    DOCUMENT_PATH_SIZE = 192,
    DOCUMENT_BYTES_MAX = 1 << 20,
    DOCUMENT_PERCENT_DIGITS = 4, /* of a percentage: a millionth is its last */
};

struct document {
    const char *kind; /* "fee table" */
    struct str text;  /* borrowed */
    unsigned line;    /* of what was refused; 0: not known */
    json_t *json;     /* owned */
};

struct path { /* where in the document */
    char text[DOCUMENT_PATH_SIZE];
};

/* Parse; the top is an object. False: not JSON. Release it also then. */
bool document_open(struct document *document, const char *kind, struct str text,
                   struct error *err) MUST_USE;
void document_release(struct document *document);
/* Its canonical text (owned by the caller, free()) and the hash of that. */
char *document_canonical(const struct document *document, size_t *len, uint8_t hash[SHA256_SIZE]);

void document_hex(const uint8_t hash[SHA256_SIZE], char hex[2 * SHA256_SIZE + 1]);

struct path path_add(const struct path *parent, const char *member);
/* "kind: path says", and the line of the member; returns false. */
bool document_refuse(struct document *document, const struct path *path, struct error *err,
                     const char *format, ...) PRINTF_LIKE(4, 5);

/* Values of a member; false: refused. */
bool document_object(struct document *document, const struct path *path, json_t *value,
                     struct error *err) MUST_USE;
/* Millionths, 0 to 1,000,000. */
bool document_percent(struct document *document, const struct path *path, json_t *value,
                      int64_t *out, struct error *err) MUST_USE;
bool document_amount(struct document *document, const struct path *path, json_t *value,
                     const struct currency *currency, int64_t *out, struct error *err) MUST_USE;
bool document_currency(struct document *document, const struct path *path, json_t *value,
                       const struct currency **out, struct error *err) MUST_USE;
bool document_rounding(struct document *document, const struct path *path, json_t *value,
                       enum money_rounding *out, struct error *err) MUST_USE;
bool document_text(struct document *document, const struct path *path, json_t *value,
                   struct error *err) MUST_USE;

#endif
