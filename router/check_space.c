#include "router/check_space.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "router/check_line.h"

enum {
    WORK_MAX = 6 << 20, /* spans and texts in all sets */
    LINES_FIRST = 64,
};

/* ---- lines ----------------------------------------------------------------------------------- */

bool check_charge(struct check_space *space, size_t amount)
{
    if (space->work < amount) {
        space->work = 0;
        space->is_over = true;
    } else {
        space->work -= amount;
    }
    return !space->is_over;
}

uint32_t check_line_add(struct check_space *space, int64_t low, int64_t high, int64_t usual)
{
    if (space->line_count == space->line_capacity) {
        size_t room = space->line_capacity == 0 ? LINES_FIRST : space->line_capacity * 2;
        struct check_line *grown = ARENA_ARRAY(space->arena, struct check_line, room);
        if (space->line_count > 0)
            memcpy(grown, space->line, space->line_count * sizeof(*grown));
        space->line = grown;
        space->line_capacity = room;
    }
    struct check_span *all = ARENA_ARRAY(space->arena, struct check_span, 2);
    all[0] = (struct check_span){usual < low ? usual : low, usual < low ? usual : high};
    all[1] = (struct check_span){low, high};
    struct check_set set = {all, usual < low ? 2 : 1};
    space->line[space->line_count] = (struct check_line){set, usual};
    return (uint32_t)space->line_count++;
}

uint32_t check_line_named(struct check_space *space, struct str name, int64_t low, int64_t high,
                          int64_t usual)
{
    uint32_t line = names_find(&space->line_names, name);
    if (line == NAMES_NONE) {
        (void)check_charge(space, 4 + name.len / 16);
        line = check_line_add(space, low, high, usual);
        names_add(&space->line_names, space->arena, arena_str(space->arena, name), line);
    }
    return line;
}

/* ---- texts ----------------------------------------------------------------------------------- */

uint16_t check_text_index(const struct ast_fact *fact)
{
    return fact->fact == FACT_METADATA ? fact->text : (uint16_t)fact->fact;
}

static void add_text(struct check_space *space, struct check_texts *texts, struct str text,
                     bool is_value)
{
    if (!check_charge(space, 2))
        return;
    if (texts->count == texts->capacity) {
        size_t room = texts->capacity == 0 ? 8 : texts->capacity * 2;
        struct check_text *grown = ARENA_ARRAY(space->arena, struct check_text, room);
        if (texts->count > 0)
            memcpy(grown, texts->item, texts->count * sizeof(*grown));
        texts->item = grown;
        texts->capacity = room;
    }
    texts->item[texts->count++] = (struct check_text){text, is_value};
}

static int compare_texts(const void *a, const void *b)
{
    const struct check_text *x = a;
    const struct check_text *y = b;
    int order = str_compare(x->text, y->text);
    return order != 0 ? order : (int)x->is_value - (int)y->is_value;
}

size_t check_text_find(const struct check_texts *texts, struct str text, bool is_value)
{
    struct check_text wanted = {text, is_value};
    size_t low = 0;
    size_t high = texts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_texts(&texts->item[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t check_text_prefix_end(const struct check_texts *texts, struct str prefix)
{
    size_t low = check_text_find(texts, prefix, false);
    size_t high = texts->count;
    while (low < high) { /* those with the prefix stand together */
        size_t middle = low + (high - low) / 2;
        if (str_starts(texts->item[middle].text, prefix))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether a list was seen before for this line; it is remembered. */
static bool is_seen(struct check_space *space, struct names *seen, uint16_t line,
                    const struct ast_list *list)
{
    struct {
        uintptr_t at;
        uint64_t line;
    } key = {(uintptr_t)list->value, line};
    struct str name = {(const char *)&key, sizeof(key)};
    if (names_find(seen, name) != NAMES_NONE)
        return true;
    names_add(seen, space->arena, arena_str(space->arena, name), 0);
    return false;
}

static void collect_test(struct check_space *space, const struct ast_node *node, struct names *seen)
{
    enum fact_type type = fact_info(node->fact.fact)->type;
    if (type != FACT_TYPE_TEXT && type != FACT_TYPE_WORD && type != FACT_TYPE_COUNTRY)
        return;
    uint16_t index = check_text_index(&node->fact);
    struct check_texts *texts = &space->texts[index];
    texts->is_asked = true;
    const struct ast_list *list = &node->list;
    if (node->sign == AST_STARTS) {
        add_text(space, texts, list->value->as.text, false);
    } else if (node->sign == AST_MATCHES) {
        struct str literal = check_pattern_start(list->value->as.text);
        bool is_plain = literal.len == list->value->as.text.len;
        add_text(space, texts, literal, is_plain);
    } else if (str_is_empty(list->name) || !is_seen(space, seen, index, list)) {
        for (size_t i = 0; i < list->count && !space->is_over; i++)
            add_text(space, texts, list->value[i].as.text, true);
    }
}

/* Depth is limited by the parser. */
static void collect(struct check_space *space, const struct ast_node *node, struct names *seen)
{
    if (node->kind == AST_TEST)
        collect_test(space, node, seen);
    for (size_t i = 0; i < node->child_count && !space->is_over; i++)
        collect(space, node->child[i], seen);
}

static void collect_block(struct check_space *space, const struct ast_block *block,
                          struct names *seen)
{
    for (size_t i = 0; i < block->sieve_count; i++) {
        if (block->sieve[i].where != NULL)
            collect(space, block->sieve[i].where, seen);
    }
    /* What a block names may be looked at as a candidate. */
    const struct ast_target *lists[1 + ROUTE_TARGET_MAX];
    size_t counts[1 + ROUTE_TARGET_MAX];
    size_t list_count = 0;
    lists[list_count] = block->target;
    counts[list_count++] = block->target_count;
    for (size_t i = 0; i < block->sieve_count && i < ROUTE_TARGET_MAX; i++) {
        lists[list_count] = block->sieve[i].target;
        counts[list_count++] = block->sieve[i].target_count;
    }
    for (size_t i = 0; i < list_count; i++) {
        for (size_t k = 0; k < counts[i]; k++) {
            add_text(space, &space->texts[FACT_PROVIDER], lists[i][k].provider, true);
            add_text(space, &space->texts[FACT_ACCOUNT], lists[i][k].account, true);
        }
    }
}

static void sort_texts(struct check_space *space)
{
    for (size_t t = 0; t < CHECK_TEXT_COUNT; t++) {
        struct check_texts *texts = &space->texts[t];
        bool is_candidate = t == FACT_PROVIDER || t == FACT_ACCOUNT || t == FACT_METHOD;
        if (!texts->is_asked && !is_candidate)
            continue;
        add_text(space, texts, STR_NONE, false);
        add_text(space, texts, STR_NONE, true);
        if (texts->count == 0)
            continue;
        qsort(texts->item, texts->count, sizeof(*texts->item), compare_texts);
        size_t last = 0;
        for (size_t i = 1; i < texts->count; i++) {
            if (compare_texts(&texts->item[i], &texts->item[last]) != 0)
                texts->item[++last] = texts->item[i];
        }
        texts->count = last + 1;
        texts->line = check_line_add(space, 0, (int64_t)last, 0);
    }
}

void check_space_init(struct check_space *space, const struct ast_tree *tree, struct arena *arena)
{
    *space = (struct check_space){.arena = arena, .tree = tree, .work = WORK_MAX};
    struct names seen;
    struct mix_seed seed;
    rng_fill(&seed, sizeof(seed));
    names_init(&space->line_names, seed);
    names_init(&space->lists, seed);
    names_init(&seen, seed);
    size_t currencies = 0;
    (void)currency_all(&currencies);
    space->money = check_line_add(space, 0, (int64_t)currencies * CHECK_MONEY_STRETCH - 1, 0);
    for (size_t i = 0; i < tree->zone_count; i++) {
        space->zone[i] = (uint8_t)i;
        for (size_t k = i; k > 0; k--) {
            if (str_eq(tree->zone[k - 1], tree->zone[i]))
                space->zone[i] = (uint8_t)(k - 1);
        }
    }
    for (size_t i = 0; i < tree->condition_count; i++)
        collect(space, tree->condition[i].root, &seen);
    for (size_t i = 0; i < tree->rule_count; i++) {
        const struct ast_rule *rule = &tree->rule[i];
        if (rule->when != NULL)
            collect(space, rule->when, &seen);
        collect_block(space, &rule->block, &seen);
        if (rule->block.shadow != NULL)
            collect_block(space, rule->block.shadow, &seen);
    }
    sort_texts(space);
}

size_t check_space_size(const struct check_space *space)
{
    return WORK_MAX - space->work;
}
