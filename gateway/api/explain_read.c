#include "api/explain_read.h"

#include <stdio.h>

#include "api/payment_read.h"
#include "api/payout_check.h"
#include "base/clock.h"

/* A member of what would be sent, as a member of this body. */
static bool name_within(const char *outer, struct field_problem *problem)
{
    char param[FIELD_PARAM_SIZE];
    int len = snprintf(param, sizeof(param), "%s.%s", outer, problem->param);
    CHECK(len > 0);
    (void)str_copy_to(str_of(param), problem->param, sizeof(problem->param));
    return false;
}

bool explain_read(json_t *body, bool livemode, struct arena *arena, struct explain_read *out,
                  struct field_problem *problem)
{
    json_t *payment = json_object_get(body, "payment");
    json_t *payout = json_object_get(body, "payout");
    struct str at = json_text(body, "at");
    struct error ignored;
    *out = (struct explain_read){.version =
                                     (int32_t)json_integer_value(json_object_get(body, "version"))};
    if ((payment == NULL) == (payout == NULL)) {
        return field_fail(problem,
                          payment == NULL ? MESSAGE_MISSING_MEMBER : MESSAGE_INVALID_MEMBER,
                          STR("payment"),
                          "say either payment or payout; captures, voids, refunds and "
                          "reauthorizations go where their payment is, and are not routed");
    }
    if (at.len > 0 && !clock_parse(at, &out->at_us, &ignored)) {
        out->at_us = 0; /* the table has checked it */
    }
    if (payment != NULL) {
        return payment_read(payment, livemode, arena, &out->payout.request, problem) ||
               name_within("payment", problem);
    }
    if (!payout_check(payout, problem)) {
        return name_within("payout", problem);
    }
    order_request_read(payout, arena, &out->payout);
    return true;
}
