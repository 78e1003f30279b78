#include "router/check_line.h"

#include <string.h>

static const struct check_form form_false = {.kind = FORM_FALSE};
static const struct check_form form_true = {.kind = FORM_TRUE};

static struct check_set copy_set(struct check_space *space, struct check_set set)
{
    if (set.count == 0 || !check_charge(space, set.count))
        return (struct check_set){NULL, 0};
    struct check_span *at = ARENA_ARRAY(space->arena, struct check_span, set.count);
    memcpy(at, set.at, set.count * sizeof(*at));
    return (struct check_set){at, set.count};
}

/* The rest of the line. */
static struct check_set rest_of(struct check_space *space, uint32_t line, struct check_set set)
{
    struct check_set all = space->line[line].all;
    if (!check_charge(space, set.count + all.count))
        return (struct check_set){NULL, 0};
    struct check_span *at = ARENA_ARRAY(space->arena, struct check_span, set.count + all.count);
    return (struct check_set){at, check_set_minus(all, set, at)};
}

static const struct check_form *make_leaf(struct check_space *space, uint32_t line,
                                          struct check_set yes, struct check_set no, bool wanted)
{
    if (space->is_over || (wanted ? yes : no).count == 0)
        return &form_false;
    if ((wanted ? no : yes).count == 0)
        return &form_true;
    struct check_form *form = ARENA_NEW(space->arena, struct check_form);
    form->kind = FORM_LEAF;
    form->line = line;
    form->set[wanted] = yes;
    form->set[!wanted] = no;
    return form;
}

const struct check_form *check_leaf(struct check_space *space, uint32_t line, struct check_set yes,
                                    bool wanted)
{
    if (!check_charge(space, 4))
        return &form_false;
    struct check_set all = space->line[line].all;
    struct check_span *at = ARENA_ARRAY(space->arena, struct check_span, yes.count + all.count);
    struct check_set inside = {at, check_set_meet(yes, all, at)};
    struct check_set copy = copy_set(space, inside);
    return make_leaf(space, line, copy, rest_of(space, line, copy), wanted);
}

static const struct check_form *join(struct check_space *space, bool is_and,
                                     const struct check_form **child, size_t count)
{
    enum check_form_kind strong = is_and ? FORM_FALSE : FORM_TRUE;
    enum check_form_kind weak = is_and ? FORM_TRUE : FORM_FALSE;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (child[i]->kind == strong)
            return child[i];
        if (child[i]->kind != weak)
            child[kept++] = child[i];
    }
    if (kept == 0)
        return is_and ? &form_true : &form_false;
    if (kept == 1)
        return child[0];
    struct check_form *form = ARENA_NEW(space->arena, struct check_form);
    form->kind = is_and ? FORM_AND : FORM_OR;
    form->child = child;
    form->child_count = kept;
    return form;
}

const struct check_form *check_pair(struct check_space *space, bool is_and,
                                    const struct check_form *a, const struct check_form *b)
{
    if (!check_charge(space, 4))
        return &form_false;
    const struct check_form **child = ARENA_ARRAY(space->arena, const struct check_form *, 2);
    child[0] = a;
    child[1] = b;
    return join(space, is_and, child, 2);
}

const struct check_form *check_form_and(struct check_space *space, const struct check_form *a,
                                        const struct check_form *b)
{
    return check_pair(space, true, a, b);
}

/* Depth is limited by the parser. */
const struct check_form *check_form_of(struct check_space *space, const struct ast_node *node,
                                       bool wanted)
{
    if (node == NULL)
        return wanted ? &form_true : &form_false;
    switch (node->kind) {
    case AST_TRUE:
        return wanted ? &form_true : &form_false;
    case AST_NAME:
        return check_form_of(space, node->child[0], wanted);
    case AST_NOT:
        return check_form_of(space, node->child[0], !wanted);
    case AST_TEST:
        return check_test_form(space, node, wanted);
    case AST_AND:
    case AST_OR: {
        if (!check_charge(space, node->child_count + 4))
            return &form_false;
        const struct check_form **child =
            ARENA_ARRAY(space->arena, const struct check_form *, node->child_count);
        for (size_t i = 0; i < node->child_count; i++)
            child[i] = check_form_of(space, node->child[i], wanted);
        return join(space, (node->kind == AST_AND) == wanted, child, node->child_count);
    }
    case AST_NONE:
    case AST_FALSE:
    case AST_KIND_COUNT:
        break;
    }
    return wanted ? &form_false : &form_true;
}

const struct check_form *check_form_text(struct check_space *space, enum fact fact, struct str text)
{
    const struct check_texts *texts = &space->texts[fact];
    size_t at = check_text_find(texts, text, true);
    bool is_named =
        at < texts->count && texts->item[at].is_value && str_eq(texts->item[at].text, text);
    if (space->is_over || !is_named) /* among all others: anywhere at all is no mistake */
        return &form_true;
    struct check_span point = {(int64_t)at, (int64_t)at};
    return check_leaf(space, texts->line, (struct check_set){&point, 1}, true);
}

const struct check_form *check_form_currencies(struct check_space *space, const uint64_t *bits)
{
    size_t count = 0;
    (void)currency_all(&count);
    if (!check_charge(space, count))
        return &form_false;
    struct check_span *at = ARENA_ARRAY(space->arena, struct check_span, count);
    for (size_t i = 0; i < count; i++) {
        int64_t low = (int64_t)i * CHECK_MONEY_STRETCH;
        bool is_in = (bits[i / 64] >> (i % 64) & 1) != 0;
        at[i] = (struct check_span){low, is_in ? low + CHECK_MONEY_STRETCH - 1 : low - 1};
    }
    return check_leaf(space, space->money, (struct check_set){at, check_spans_join(at, count)},
                      true);
}

const struct check_form *check_form_operations(struct check_space *space, uint32_t bits)
{
    struct check_span at[OPERATION_COUNT];
    size_t count = 0;
    for (int i = 1; i < OPERATION_COUNT; i++) {
        if ((bits >> i & 1) != 0)
            at[count++] = (struct check_span){i, i};
    }
    uint32_t line = check_line_named(space, STR("operation"), 1, OPERATION_COUNT - 1, 1);
    return check_leaf(space, line, (struct check_set){at, check_spans_join(at, count)}, true);
}
