/* What the moves of a merchant's rule sets mean, newest first; and their names. */
#include "ledger/rules.h"

static const struct str kind_names[RULES_KIND_COUNT] = {
    [RULES_NONE] = STR_INIT("none"),
    [RULES_PROPOSED] = STR_INIT("proposed"),
    [RULES_APPROVED] = STR_INIT("approved"),
    [RULES_PUBLISHED] = STR_INIT("published"),
    [RULES_CANARY] = STR_INIT("canary"),
    [RULES_CANARY_STOPPED] = STR_INIT("canary_stopped"),
    [RULES_SHADOW] = STR_INIT("shadow"),
    [RULES_SHADOW_STOPPED] = STR_INIT("shadow_stopped"),
    [RULES_ROLLED_BACK] = STR_INIT("rolled_back"),
};

static const char *const arm_names[RULES_ARM_COUNT] = {
    [RULES_ARM_LIVE] = "live",
    [RULES_ARM_CANARY] = "canary",
    [RULES_ARM_SHADOW] = "shadow",
};

const char *rules_kind_name(enum rules_kind kind)
{
    CHECK((unsigned)kind < RULES_KIND_COUNT);
    return kind_names[kind].at;
}

enum rules_kind rules_kind_find(struct str name)
{
    for (int kind = RULES_NONE + 1; kind < RULES_KIND_COUNT; kind++) {
        if (str_eq(kind_names[kind], name))
            return (enum rules_kind)kind;
    }
    return RULES_NONE;
}

const char *rules_arm_name(enum rules_arm arm)
{
    CHECK((unsigned)arm < RULES_ARM_COUNT);
    return arm_names[arm];
}

int32_t rules_last_number(const struct rules_move *moves, size_t count)
{
    return count > 0 ? moves[0].number : 0;
}

static bool is_live_move(const struct rules_move *move)
{
    return move->kind == RULES_PUBLISHED || move->kind == RULES_ROLLED_BACK;
}

int32_t rules_live_version(const struct rules_move *moves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_live_move(&moves[i]))
            return moves[i].version;
    }
    return 0;
}

/*
 * Publications lie on a stack: rolling back takes the upper ones away, down to the version that it
 * names. What lies below the topmost is the former version.
 */
int32_t rules_former_version(const struct rules_move *moves, size_t count)
{
    int32_t stack[RULES_MOVE_MAX + 1];
    size_t height = 0;
    for (size_t i = count; i-- > 0;) {
        if (!is_live_move(&moves[i]))
            continue;
        if (height == 0) /* the first, or the oldest that was read */
            stack[height++] = moves[i].former;
        if (moves[i].kind == RULES_ROLLED_BACK) {
            while (height > 1 && stack[height - 1] != moves[i].version)
                height--;
            stack[height - 1] = moves[i].version;
        } else if (stack[height - 1] != moves[i].version) {
            stack[height++] = moves[i].version;
        }
    }
    return height > 1 ? stack[height - 2] : 0;
}

const struct rules_move *rules_running(const struct rules_move *moves, size_t count,
                                       enum rules_arm arm)
{
    bool is_canary = arm == RULES_ARM_CANARY;
    for (size_t i = 0; i < count; i++) {
        enum rules_kind kind = moves[i].kind;
        if (kind == (is_canary ? RULES_CANARY : RULES_SHADOW))
            return &moves[i];
        bool is_end = is_canary ? kind == RULES_CANARY_STOPPED || is_live_move(&moves[i])
                                : kind == RULES_SHADOW_STOPPED;
        if (is_end)
            return NULL;
    }
    return NULL;
}

const struct rules_move *rules_proposal(const struct rules_move *moves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum rules_kind kind = moves[i].kind;
        if (kind == RULES_PROPOSED)
            return &moves[i];
        if (kind == RULES_APPROVED || kind == RULES_CANARY || is_live_move(&moves[i]))
            return NULL;
    }
    return NULL;
}
