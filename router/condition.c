#include "router/condition.h"

#define CHAIN_END UINT32_C(0xFFFFFFFF)

static void lead(struct program *program, struct chain chain, uint32_t goal)
{
    for (uint32_t at = chain.first; at != CHAIN_END;) {
        uint32_t *exit = &program->tests[at / 2].exit[at % 2];
        at = *exit;
        *exit = goal;
    }
}

static struct chain join(struct program *program, struct chain a, struct chain b)
{
    CHECK(a.first != CHAIN_END && b.first != CHAIN_END);
    program->tests[a.last / 2].exit[a.last % 2] = b.first;
    return (struct chain){a.first, b.last};
}

/* `left` and `right` (which follows it): decided by `left` alone when that is `decisive`. */
static struct condition combine(struct program *program, struct condition left,
                                struct condition right, bool decisive)
{
    lead(program, left.exit[!decisive], right.test);
    struct condition both = {.test = left.test};
    both.exit[decisive] = join(program, left.exit[decisive], right.exit[decisive]);
    both.exit[!decisive] = right.exit[!decisive];
    return both;
}

struct condition condition_of_test(struct program *program)
{
    CHECK(program->test_count > 0);
    uint32_t at = (uint32_t)program->test_count - 1;
    program->tests[at].exit[0] = CHAIN_END;
    program->tests[at].exit[1] = CHAIN_END;
    return (struct condition){.test = at, .exit = {{at * 2, at * 2}, {at * 2 + 1, at * 2 + 1}}};
}

void condition_negate(struct condition *condition)
{
    struct chain swap = condition->exit[0];
    condition->exit[0] = condition->exit[1];
    condition->exit[1] = swap;
}

struct condition condition_and(struct program *program, struct condition left,
                               struct condition right)
{
    return combine(program, left, right, false);
}

struct condition condition_or(struct program *program, struct condition left,
                              struct condition right)
{
    return combine(program, left, right, true);
}

void condition_end(struct program *program, const struct condition *condition)
{
    lead(program, condition->exit[0], EVAL_MISS);
    lead(program, condition->exit[1], EVAL_MATCH);
}
