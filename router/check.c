#include "router/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/ast_print.h"
#include "router/check_parts.h"
#include "router/compile.h"
#include "router/parse.h"

enum {
    ARENA_BYTES_MAX = 1 << 30,
    EXCERPT_MAX = 72, /* bytes of a condition in a message */
    NAMED_MAX = 5,    /* rules in a message */
    ROOM = 2048,      /* more than is kept: what is cut is cut by who knows characters */
};

/* ---- messages -------------------------------------------------------------------------------- */

void check_tell(struct checker *checker, enum severity severity, struct ast_span span,
                const char *remedy, const char *format, ...)
{
    char text[ROOM];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    diagnosis_add(checker->diagnosis, severity, span, str_of(text), str_of(remedy));
}

const char *check_print(struct checker *checker, const char *format, ...)
{
    char text[ROOM];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return arena_cstr(checker->arena, str_of(text));
}

const char *check_print_condition(struct checker *checker, const struct ast_node *node)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    ast_print_condition(checker->tree, node, &out);
    struct str text = buf_str(&out);
    size_t end = 0;
    for (size_t size; end < text.len && end < EXCERPT_MAX; end += size)
        size = str_utf8_size(text, end) > 0 ? str_utf8_size(text, end) : 1;
    const char *printed = check_print(checker, STR_FMT "%s", STR_ARG(str_sub(text, 0, end)),
                                      end < text.len ? "..." : "");
    buf_release(&out);
    return printed;
}

/* ---- rules that nothing reaches -------------------------------------------------------------- */

static struct str name_of(const struct checker *checker, size_t rule)
{
    return lex_excerpt(checker->tree->rule[rule].name);
}

static unsigned line_of(const struct checker *checker, size_t rule)
{
    return checker->tree->rule[rule].name_span.from.line;
}

static void tell_one(struct checker *checker, size_t rule, const struct check_verdict *verdict)
{
    size_t by = verdict->by[0];
    unsigned line = line_of(checker, by);
    struct ast_span span = checker->tree->rule[rule].name_span;
    struct str name = name_of(checker, rule);
    struct str other = name_of(checker, by);
    if (checker->tree->rule[by].when == NULL) {
        check_tell(checker, SEVERITY_ERROR, span,
                   check_print(checker,
                               "move rule \"" STR_FMT "\" to the end, or give it a condition",
                               STR_ARG(other)),
                   "rule \"" STR_FMT "\" can never match: rule \"" STR_FMT
                   "\" at line %u has no condition and takes every payment",
                   STR_ARG(name), STR_ARG(other), line);
        return;
    }
    const char *why =
        verdict->is_same ? "has the same condition" : "takes every payment that it would match";
    const char *remedy = verdict->is_same
                             ? check_print(checker, "remove one of them, or change its condition")
                             : check_print(checker, "move it above line %u, or remove it", line);
    check_tell(checker, SEVERITY_ERROR, span, remedy,
               "rule \"" STR_FMT "\" can never match: rule \"" STR_FMT "\" at line %u %s",
               STR_ARG(name), STR_ARG(other), line, why);
}

static void tell_several(struct checker *checker, size_t rule, const struct check_verdict *verdict)
{
    char names[ROOM];
    size_t len = 0;
    size_t shown = verdict->by_count > NAMED_MAX ? NAMED_MAX : verdict->by_count;
    for (size_t i = 0; i < shown && len < sizeof(names); i++) {
        const char *before = i == 0 ? "" : i + 1 == verdict->by_count ? " and " : ", ";
        int written =
            snprintf(names + len, sizeof(names) - len, "%s\"" STR_FMT "\" (line %u)", before,
                     STR_ARG(name_of(checker, verdict->by[i])), line_of(checker, verdict->by[i]));
        len += written > 0 ? (size_t)written : 0;
    }
    if (shown < verdict->by_count && len < sizeof(names))
        (void)snprintf(names + len, sizeof(names) - len, " and %zu more",
                       verdict->by_count - shown);
    check_tell(checker, SEVERITY_ERROR, checker->tree->rule[rule].name_span,
               check_print(checker, "move it above line %u, or remove it",
                           line_of(checker, verdict->by[0])),
               "rule \"" STR_FMT "\" can never match: rules %s take together every payment that it "
               "would match",
               STR_ARG(name_of(checker, rule)), names);
}

static void check_rules(struct checker *checker, struct check_verdict *verdict)
{
    const struct ast_tree *tree = checker->tree;
    struct check_reaches *reaches =
        check_reaches_new(checker->space, checker->solver, checker->form, tree->rule_count);
    for (size_t i = 0; i + 1 < tree->rule_count; i++) { /* the last need not be reached */
        check_reaches_next(reaches, i, &verdict[i]);
        if (verdict[i].reach == CHECK_SHADOWED && verdict[i].by_count == 1)
            tell_one(checker, i, &verdict[i]);
        else if (verdict[i].reach == CHECK_SHADOWED)
            tell_several(checker, i, &verdict[i]);
    }
    check_reaches_free(&reaches);
}

/* ---- all of it ------------------------------------------------------------------------------- */

bool check_tree(const struct ast_tree *tree, const struct check_context *context,
                struct diagnosis *diagnosis)
{
    static const struct check_context nothing = {.provider_count = 0};
    size_t errors = diagnosis->error_count;
    struct arena arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    struct check_space *space = ARENA_NEW(&arena, struct check_space);
    check_space_init(space, tree, &arena);
    struct checker checker = {
        .tree = tree,
        .context = context != NULL ? context : &nothing,
        .diagnosis = diagnosis,
        .arena = &arena,
        .space = space,
        .form = ARENA_ARRAY(&arena, const struct check_form *, tree->rule_count),
    };
    struct check_verdict *verdict = calloc(tree->rule_count, sizeof(*verdict));
    CHECK(verdict != NULL);
    for (size_t i = 0; i < tree->rule_count; i++)
        checker.form[i] = check_form_of(space, tree->rule[i].when, true);
    checker.solver = check_solver_new(space);
    checker.verdict = verdict;
    check_rules(&checker, verdict);
    check_conditions(&checker);
    check_blocks(&checker);
    check_abilities(&checker);
    check_solver_free(&checker.solver);
    free(verdict);
    arena_release(&arena);
    return diagnosis->error_count == errors;
}

bool check_text(struct str text, const struct str *known_providers, size_t known_count,
                const struct check_context *context, struct diagnosis *diagnosis)
{
    struct ast_tree *tree = ARENA_NEW(diagnosis->arena, struct ast_tree);
    struct program *program = ARENA_NEW(diagnosis->arena, struct program);
    bool ok = parse_tree(text, known_providers, known_count, diagnosis->arena, tree, diagnosis) &&
              check_tree(tree, context, diagnosis);
    struct error err;
    const struct mix_seed seed = {{1, 2}};
    if (ok && !compile_tree(tree, &seed, diagnosis->arena, program, &err)) {
        struct ast_span span = tree->rule[tree->rule_count - 1].name_span;
        diagnosis_error(diagnosis, span, "use fewer, or name zones that the system knows", "%s",
                        err.text);
        ok = false;
    }
    diagnosis_sort(diagnosis);
    return ok;
}
