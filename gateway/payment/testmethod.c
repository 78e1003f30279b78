#include "payment/testmethod.h"

/* clang-format off */
static const struct {
    struct str outcome;
    struct str token;
} tokens[] = {
    {STR_INIT("approved"),        STR_INIT("tok_ok")},
    {STR_INIT("declined_soft"),   STR_INIT("tok_soft")},
    {STR_INIT("declined_hard"),   STR_INIT("tok_hard")},
    {STR_INIT("requires_action"), STR_INIT("tok_3ds")},
};
/* clang-format on */

struct str testmethod_token(struct str outcome)
{
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        if (str_eq(tokens[i].outcome, outcome))
            return tokens[i].token;
    }
    return STR_NONE;
}

bool testmethod_is(struct str method_type)
{
    return str_eq(method_type, STR("test"));
}

struct str testmethod_provider_method(struct str method_type)
{
    return testmethod_is(method_type) ? STR("card") : method_type;
}
