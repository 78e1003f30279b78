/*
 * field.h - what a JSON body may hold, as tables.
 *
 * One table per object: member, type, bounds, form. The same table validates a body and prints the
 * JSON Schema of the OpenAPI document (field_schema.h), so that what is documented is what is
 * taken.
 *
 *     body -> card data? -> unknown members? -> each field: there? type, bounds, form -> handler
 *
 * Card data is looked for first, in every string, name and nesting: it must not even be named back
 * (P9). Nothing that a client sent is ever repeated in a detail; a param names members only, as a
 * dotted path.
 */
#ifndef API_FIELD_H
#define API_FIELD_H

#include "base/json.h"
#include "base/message.h"

enum {
    FIELD_PARAM_SIZE = 160,
    FIELD_DETAIL_SIZE = 320,
    FIELD_NESTED_MAX = 16, /* objects with a table of their own in one body */
};

enum field_type {
    FIELD_NONE = 0,
    FIELD_INTEGER, /* least..most */
    FIELD_STRING,  /* least..most characters, of a form, or one of words */
    FIELD_BOOL,
    FIELD_OBJECT,  /* by the table `members` */
    FIELD_MAP,     /* least..most members; names by name_form, values strings like items */
    FIELD_NUMBERS, /* the same, with values from 0 to item_most */
    FIELD_LIST,    /* of at most `most` strings */
    FIELD_ROWS, /* least..most objects by the table `members`: their owner counts and checks them */
    FIELD_FREE, /* any object: its owner checks it */
};

struct field_form { /* how a string must look */
    const char *name;
    bool (*is_ok)(struct str text);
    const char *pattern; /* of the schema; NULL: none */
    const char *what;    /* "must be ..." */
};
extern const struct field_form form_line;     /* no control characters */
extern const struct field_form form_text;     /* the same, but tabs and line breaks may be in it */
extern const struct field_form form_token;    /* visible ASCII */
extern const struct field_form form_word;     /* lower case letters, digits, underscores */
extern const struct field_form form_bin;      /* digits */
extern const struct field_form form_country;  /* ISO 3166-1 alpha-2 */
extern const struct field_form form_currency; /* active ISO 4217 code */
extern const struct field_form form_provider; /* compiled in */
extern const struct field_form form_email;
extern const struct field_form form_https;     /* address of a provider */
extern const struct field_form form_https_url; /* address of a page, with a query */
extern const struct field_form form_secret;    /* file:NAME or env:NAME */
extern const struct field_form form_sha256;    /* base64 of 32 bytes */
extern const struct field_form form_merchant_id;
extern const struct field_form form_account_id;
extern const struct field_form form_payment_id;
extern const struct field_form form_event_id;
extern const struct field_form form_event_type;
extern const struct field_form form_payout_id;
extern const struct field_form form_capture_id;
extern const struct field_form form_batch_id;
extern const struct field_form form_review_id;
extern const struct field_form form_attempt_id;
extern const struct field_form form_iban;        /* as it is printed: its owner checks the digits */
extern const struct field_form form_bic;         /* likewise */
extern const struct field_form form_account;     /* of a bank account */
extern const struct field_form form_phone;       /* E.164 */
extern const struct field_form form_payee;       /* whose payee ids: name or family of a provider */
extern const struct field_form form_time;        /* RFC 3339 */
extern const struct field_form form_event_types; /* of an event, or with '*' at its end */
extern const struct field_form form_delivery_id; /* of a webhook */

struct field_set;

struct field {
    const char *name;
    enum field_type type;
    bool required;
    int64_t least;
    int64_t most;
    int64_t item_most; /* characters of a map's value or a list's item; the value of a number */
    int64_t name_most; /* characters of a map's name */
    const struct field_form *form;      /* of the string, value or item; NULL: form_line */
    const struct field_form *name_form; /* of a map's names; NULL: form_line */
    const char *const *words;           /* ended by NULL */
    const struct field_set *members;
    enum message problem; /* MESSAGE_NONE: MESSAGE_INVALID_MEMBER */
    const char *hint;     /* detail instead of the generated one */
    const char *help;     /* description in the OpenAPI document */
    const char *example;  /* JSON; NULL: none */
};

struct field_set {
    const char *name; /* of the schema */
    const char *help;
    const struct field *fields;
    size_t count;
    bool has_any;     /* at least one of its members must be there */
    bool is_optional; /* the body may be left out altogether */
};

struct field_problem {
    enum message message;
    char param[FIELD_PARAM_SIZE];
    char detail[FIELD_DETAIL_SIZE];
};

/* False: *problem says what is wrong, and with which member. body must be an object. */
bool field_check(const struct field_set *set, const json_t *body,
                 struct field_problem *problem) MUST_USE;
/* One string by itself (a query parameter): integers as text. */
bool field_check_text(const struct field *field, struct str text,
                      struct field_problem *problem) MUST_USE;
const struct field *field_find(const struct field_set *set, struct str name); /* NULL: unknown */

/* Write *problem and return false. param is cut to what fits. */
bool field_fail(struct field_problem *problem, enum message message, struct str param,
                const char *format, ...) PRINTF_LIKE(4, 5);

#endif
