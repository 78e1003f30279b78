#include "providers/sandbox/scenario.h"

/* clang-format off */
static const struct {
    struct str token;
    enum scenario_kind kind;
    const char *code; /* PayPal's processor's, and behind a slash the network's advice; NULL: usual */
} tokens[] = {
    {STR_INIT("tok_soft"),    SCENARIO_SOFT,    NULL},
    {STR_INIT("tok_hard"),    SCENARIO_HARD,    NULL},
    {STR_INIT("tok_3ds"),     SCENARIO_ACTION,  NULL},
    {STR_INIT("tok_pending"), SCENARIO_PENDING, NULL},
    {STR_INIT("tok_stolen"),  SCENARIO_HARD,    "9520"},
    {STR_INIT("tok_stop"),    SCENARIO_HARD,    "0500/03"},
    {STR_INIT("tok_later"),   SCENARIO_SOFT,    "0500/24"},
};

static const struct {
    struct str holder;
    struct scenario scenario;
} holders[] = {
    {STR_INIT("CCREJECT-REFUSED"),    {SCENARIO_SOFT, "0500"}},
    {STR_INIT("CCREJECT-SF"),         {SCENARIO_HARD, "9500"}},
    {STR_INIT("CCREJECT-EC"),         {SCENARIO_HARD, "5400"}},
    {STR_INIT("CCREJECT-IRC"),        {SCENARIO_HARD, "5180"}},
    {STR_INIT("CCREJECT-IF"),         {SCENARIO_SOFT, "5120"}},
    {STR_INIT("CCREJECT-LS"),         {SCENARIO_HARD, "9520"}},
    {STR_INIT("CCREJECT-IA"),         {SCENARIO_HARD, "1330"}},
    {STR_INIT("CCREJECT-BANK_ERROR"), {SCENARIO_SOFT, "5100"}},
    {STR_INIT("CCREJECT-CVV_F"),      {SCENARIO_SOFT, "00N7"}},
};
/* clang-format on */

struct scenario scenario_of(enum scenario_kind kind)
{
    const char *code = kind == SCENARIO_SOFT ? "5120" : kind == SCENARIO_HARD ? "9500" : "0000";
    return (struct scenario){kind, code};
}

struct scenario scenario_of_token(struct str token)
{
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        if (str_eq(tokens[i].token, token)) {
            struct scenario scenario = scenario_of(tokens[i].kind);
            if (tokens[i].code != NULL) {
                scenario.code = tokens[i].code;
            }
            return scenario;
        }
    }
    bool known = str_starts(token, STR("tok_")) && token.len > 4;
    return scenario_of(known ? SCENARIO_APPROVE : SCENARIO_UNKNOWN);
}

struct scenario scenario_of_card(struct str holder, struct str number)
{
    for (size_t i = 0; i < ARRAY_LEN(holders); i++) {
        if (str_eq(holders[i].holder, holder)) {
            return holders[i].scenario;
        }
    }
    return scenario_of(str_eq(number, STR("4000000000000002")) ? SCENARIO_SOFT : SCENARIO_APPROVE);
}
