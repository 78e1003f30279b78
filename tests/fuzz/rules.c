/*
 * Rule files as octets: the first four choose the payments, the rest is the file. What has to be true
 * of it is in rule_checks.h.
 *
 *     make fuzz FUZZ=rules
 *     make fuzz-router
 */
#include "rule_checks.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t choice;
    if (size < sizeof(choice)) {
        return 0;
    }
    memcpy(&choice, data, sizeof(choice));
    rule_checks((struct str){(const char *)data + sizeof(choice), size - sizeof(choice)}, choice);
    return 0;
}
