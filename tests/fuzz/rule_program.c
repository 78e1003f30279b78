/*
 * Rule files that are mostly right: the octets are choices of the generator that router-differ has
 * (tests/router/gen.h), so that nearly every input reaches checker, compiler and evaluator. The last
 * octets are mistakes made in the text afterwards: something left out, twice, or replaced. What has
 * to be true of it is in rule_checks.h.
 *
 *     make fuzz FUZZ=rule_program
 *     make fuzz-router
 */
#include "rule_checks.h"

#include <string.h>

#include "tests/router/gen.h"

enum {
    RULES_MAX = 3,
    TEXT_MAX = 16384,
    MISTAKE_OCTETS = 4,
    MISTAKES_FROM = 128, /* the last octet: below there are none, nor when the first is even */
    MISTAKES_MAX = 3,
};

static const char *const words[] = {
    "set s = [EUR, JPY]\n",
    "set t = [\"gold\", \"go\"]\n",
    "condition c = amount > 1 EUR\n",
    " in s ",
    " in t ",
    " c ",
    " and ",
    " or ",
    " not ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    " failover at most 2 within 3s ",
    " failover none ",
    " only paypal, payoneer:main ",
    " never rebilly ",
    " avoid spreedly ",
    " avoid where healthy ",
    " by cost of paypal, rebilly ",
    " split 70% paypal, 30% payoneer by customer ",
    " decline \"a \\\"b\\\" \xC3\xA4\" ",
    " shadow { by latency } ",
    "rule \"x\" { use paypal }\n",
    "otherwise { by cost }\n",
    "default { use paypal }\n",
    "zone \"Asia/Kolkata\"\n",
    "zone \"No/Where\"\n",
    " amount in 0.01..9007199254740993 EUR ",
    " amount as JPY >= 92233720368547758.07 EUR ",
    " amount >= 9223372036854775807 JPY ",
    " bin starts with \"4111\" ",
    " bin in [411111, 41111199] ",
    " time at \"America/New_York\" in 22:00..06:00 ",
    " weekday in fri..mon ",
    " paypal.cost > 3.25% ",
    " cost < 0.001 KWD ",
    " success_rate >= 99.9999% ",
    " latency < 1h ",
    " healthy ",
    " share <= 40% ",
    " metadata.\"a b\" matches \"*a?b*\" ",
    " metadata.tier == \"\" ",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "#",
    "..",
    ".",
    "%",
    "=",
    "==",
    "!=",
    "0",
    "-1",
    "\xFF",
    "\xC2\xA0",
    "\xE2\x80\x9C",
    "0000000000000000000000000001",
};

/* One mistake in `text`, its octets in `how`. */
static size_t mistake(char *text, size_t len, const uint8_t how[MISTAKE_OCTETS])
{
    size_t at = len == 0 ? 0 : (size_t)(how[1] | how[2] << 8) % len;
    size_t span = 1 + how[3] % 16;
    span = span > len - at ? len - at : span;
    const char *put = words[how[3] % ARRAY_LEN(words)];
    size_t put_len = strlen(put);
    switch (how[0] % 5) {
    case 0: /* left out */
        memmove(text + at, text + at + span, len - at - span);
        return len - span;
    case 1: /* twice */
        if (len + span > TEXT_MAX)
            return len;
        memmove(text + at + span, text + at, len - at);
        return len + span;
    case 2: /* another octet */
        if (len > 0)
            text[at] = (char)how[3];
        return len;
    case 3: /* a word before the next word */
        while (at < len && text[at] != ' ')
            at++;
        break;
    default: /* anywhere */
        break;
    }
    if (len + put_len > TEXT_MAX)
        return len;
    memmove(text + at + put_len, text + at, len - at);
    memcpy(text + at, put, put_len);
    return len + put_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_MAX];
    static struct buf out;
    uint32_t choice;
    if (size < sizeof(choice) + 1) {
        return 0;
    }
    memcpy(&choice, data, sizeof(choice));
    size_t left = size - 1;
    uint8_t last = data[left];
    size_t mistakes = last < MISTAKES_FROM || choice % 2 == 0 ? 0 : 1 + last % MISTAKES_MAX;
    if (mistakes > (left - sizeof(choice)) / MISTAKE_OCTETS)
        mistakes = 0;
    left -= mistakes * MISTAKE_OCTETS;
    rule_choices = (struct rule_choices){data + sizeof(choice), left - sizeof(choice)};
    if (out.at == NULL)
        buf_init(&out, TEXT_MAX);
    buf_clear(&out);
    gen_rules(NULL, 1 + (unsigned)fuzz_choose(NULL, RULES_MAX), &out);
    rule_choices = (struct rule_choices){.at = NULL};
    size_t len = out.len;
    memcpy(text, out.at, len);
    for (size_t i = 0; i < mistakes; i++)
        len = mistake(text, len, data + left + i * MISTAKE_OCTETS);
    rule_checks((struct str){text, len}, choice);
    return 0;
}
