#include "ledger/review.h"

#include <stdio.h>

struct str review_key(const struct uuid *attempt_id, int32_t number, char out[REVIEW_KEY_SIZE])
{
    char id[UUID_TEXT_SIZE];
    int len = snprintf(out, REVIEW_KEY_SIZE, "\302\247reversal:%s:%d",
                       uuid_format(attempt_id, id).at, (int)number);
    CHECK(len > 0 && len < REVIEW_KEY_SIZE);
    return (struct str){out, (size_t)len};
}
