/*
 * diagnosis.h - what is wrong with a rule file: findings with place and remedy, for people and for
 * the API.
 *
 *     payments.rules:12:15: error: unknown fact amout
 *     rule "large" when amout >= 500.00 EUR { use paypal }
 *                       ^~~~~
 *     remedy: did you mean amount?
 *
 * The parser and the checks on the tree add to one diagnosis. A file with an error is refused; a
 * file with warnings only is taken. After DIAGNOSIS_FINDING_MAX findings the others are counted,
 * not kept, but an error never counts as none.
 */
#ifndef ROUTER_DIAGNOSIS_H
#define ROUTER_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "router/ast.h"

enum {
    DIAGNOSIS_FINDING_MAX = 100,
    DIAGNOSIS_TEXT_MAX = 400, /* bytes of a text, and of a remedy */
};

enum severity {
    SEVERITY_NONE = 0,
    SEVERITY_ERROR,   /* the file cannot be used */
    SEVERITY_WARNING, /* it can, but hardly means what it says */
    SEVERITY_COUNT,
};
const char *severity_name(enum severity severity); /* "error", "warning" */

struct finding {
    enum severity severity;
    struct ast_span span;
    struct str text;   /* what is wrong: lower case, no full stop */
    struct str remedy; /* what to write instead; never empty */
};

struct diagnosis {
    struct arena *arena; /* borrowed; holds the findings */
    struct finding finding[DIAGNOSIS_FINDING_MAX];
    size_t count; /* in `finding`, as they were added until diagnosis_sort */
    size_t error_count;
    size_t warning_count; /* both: also of those that were not kept */
};

void diagnosis_init(struct diagnosis *diagnosis, struct arena *arena);
/* Neither text may be empty; both are copied, cut at DIAGNOSIS_TEXT_MAX. */
void diagnosis_add(struct diagnosis *diagnosis, enum severity severity, struct ast_span span,
                   struct str text, struct str remedy);
/* The same with a remedy that needs no format, as most. */
void diagnosis_error(struct diagnosis *diagnosis, struct ast_span span, const char *remedy,
                     const char *format, ...) PRINTF_LIKE(4, 5);
void diagnosis_warn(struct diagnosis *diagnosis, struct ast_span span, const char *remedy,
                    const char *format, ...) PRINTF_LIKE(4, 5);
/* Nothing more is kept: who only looks for mistakes may stop. */
bool diagnosis_is_full(const struct diagnosis *diagnosis);
/* By place; of one place in the order in which they were added. */
void diagnosis_sort(struct diagnosis *diagnosis);
/* "line:column: text; remedy" of the first error by place. False when there is none. */
bool diagnosis_first(const struct diagnosis *diagnosis, struct error *err);
/* For people, sorted; `file` is what the text is called, `text` where the spans point into. */
void diagnosis_print(const struct diagnosis *diagnosis, struct str file, struct str text,
                     struct buf *out);
/* For the API: an array of {"severity","line","column","end_line","end_column","text","remedy"}. */
void diagnosis_json(const struct diagnosis *diagnosis, struct json_out *out);

#endif
