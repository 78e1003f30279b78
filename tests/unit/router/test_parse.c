/*
 * test_parse.c - rule files that are right, and each way to get one wrong with its copy place.
 */
#include "support.h"

#include <time.h>

#include "router/parse.h"

#define DEFAULT "\notherwise { by cost }\n"

/* clang-format off */
static const struct {
    const char *text;
    const char *error; /* starts with the place; the whole message */
} broken[] = {
    /* the file as a whole */
    { "", "1:1: otherwise is missing; end the file with: otherwise { by cost }" },
    { "# nothing\n", "2:1: otherwise is missing; end the file with: otherwise { by cost }" },
    { "rule \"a\" { use paypal }\n", "2:1: otherwise is missing; end the file with: otherwise { by cost }" },
    { "default { by cost }\ndefault { by cost }", "2:1: a second default; the first is at line 1; keep one of them" },
    { "default { by cost }\nrule \"a\" { use paypal }", "2:1: a rule after otherwise can never match; move it above line 1" },
    { "default { by cost } }", "1:21: unexpected '}'; no block is open here; remove it" },
    { "\"a\" { by cost }", "1:1: unexpected the text \"a\"; a file holds rule \"name\" ... and otherwise { ... }" },

    /* characters */
    { "rule \"a\" when currency == 'EUR' { by cost }", "1:27: unexpected '; quote text with \"" },
    { "rule \"a\" when currency == EUR && method == card { by cost }", "1:31: unexpected &&; write and" },
    { "rule \"a\" when currency == EUR || method == card { by cost }", "1:31: unexpected ||; write or" },
    { "rule \"a\" when currency = EUR { by cost }", "1:24: unexpected '='; compare with ==" },
    { "rule \"a\" when !currency == EUR { by cost }", "1:15: unexpected !; write not, or compare with !=" },
    { "// hello", "1:1: unexpected //; a comment starts with #" },
    { "/* hello */", "1:1: unexpected /*; a comment starts with # and ends with the line" },
    { "rule \"a\" when amount >= -5 EUR { by cost }", "1:25: unexpected -; amounts are never negative" },
    { "default { by cost };", "1:20: unexpected ';'; nothing is needed between rules" },
    { "rule \"\xC3\xA4\" when currency == \xE2\x82\xAC { by cost }", "1:27: unexpected character \xE2\x82\xAC; write the currency's code behind the amount: 500.00 EUR" },
    { "default { by cost } \x01", "1:21: control character 0x01; remove it" },
    { "rule \"a", "1:6: text is not closed; end it with \" on its line" },
    { "rule \"a\n\" { by cost }", "1:6: text is not closed; end it with \" on its line" },
    { "rule \"a\\n\" { by cost }", "1:8: unknown escape; only \\\" and \\\\ are known" },
    { "rule \"a\\", "1:8: unknown escape; only \\\" and \\\\ are known" },
    { "rule \"a\tb\" { by cost }", "1:8: control character in text; remove it" },

    /* names of rules */
    { "rule { by cost }" DEFAULT, "1:6: unexpected '{'; a rule starts with its name, as in rule \"large euro\"" },
    { "rule a { by cost }" DEFAULT, "1:6: unexpected a; a rule starts with its name, as in rule \"large euro\"" },
    { "rule \"\" { by cost }" DEFAULT, "1:6: a rule's name has 1 to 100 bytes; choose another" },
    { "rule \"  \" { by cost }" DEFAULT, "1:6: a rule's name has 1 to 100 bytes; choose another" },
    { "rule \"default\" { by cost }" DEFAULT, "1:6: default is the name of the last rule; choose another" },
    { "rule \"a\" when method == card { by cost }\n  rule \"a\" when method == wallet { by cost }" DEFAULT, "2:8: a rule named \"a\" is at line 1; choose another name" },

    /* conditions */
    { "rule \"a\" when { by cost }" DEFAULT, "1:15: unexpected '{'; a condition such as currency == EUR belongs here" },
    { "rule \"a\" currency == EUR { by cost }" DEFAULT, "1:10: unexpected currency; write when before a condition, or { and what to do" },
    { "rule \"a\" when currency { by cost }" DEFAULT, "1:24: unexpected '{'; compare the fact with ==, !=, <, <=, >, >= or in" },
    { "rule \"a\" when currency == { by cost }" DEFAULT, "1:27: this is not a value that currency can have; write for example: currency == EUR" },
    { "rule \"a\" when currency == EUR and { by cost }" DEFAULT, "1:35: unexpected '{'; a condition such as currency == EUR belongs here" },
    { "rule \"a\" when currency == EUR method == card { by cost }" DEFAULT, "1:31: unexpected method; write and, or, or { and what to do, as in { by cost }" },
    { "rule \"a\" when (currency == EUR { by cost }" DEFAULT, "1:32: unexpected '{'; write and, or or ) after a comparison" },
    { "rule \"a\" when currency == EUR) { by cost }" DEFAULT, "1:30: unexpected ')'; write and, or, or { and what to do, as in { by cost }" },
    { "rule \"a\" when () { by cost }" DEFAULT, "1:16: unexpected ')'; a condition such as currency == EUR belongs here" },
    { "rule \"a\" when 500.00 EUR < amount { by cost }" DEFAULT, "1:15: unexpected 500.00; put the fact first, as in amount >= 500.00 EUR" },
    { "rule \"a\" when country not DE { by cost }" DEFAULT, "1:27: unexpected DE; write !=, or not in [...], or put not before the fact" },
    { "rule \"a\" when country in DE { by cost }" DEFAULT, "1:26: unknown set DE; in is followed by a list, as in [DE], or by a set that is defined above" },
    { "rule \"a\" when country in [] { by cost }" DEFAULT, "1:27: unexpected ']'; a list needs at least one value, as in [DE, AT]" },
    { "rule \"a\" when country in [DE AT] { by cost }" DEFAULT, "1:30: unexpected AT; write , or ] after a value of a list" },
    { "rule \"a\" when country in [DE,] { by cost }" DEFAULT, "1:30: unexpected ']'; remove the comma before it, or write a value" },
    { "rule \"a\" when country == [DE] { by cost }" DEFAULT, "1:26: unexpected '['; compare with a list by in, as in country in [DE, AT]" },
    { "rule \"a\" when country in [DE" , "1:29: unexpected the end of the file; write , or ] after a value of a list" },

    /* facts */
    { "rule \"a\" when amout > 5 EUR { by cost }" DEFAULT, "1:15: unknown fact amout; did you mean amount?" },
    { "rule \"a\" when Currency == EUR { by cost }" DEFAULT, "1:15: unknown fact Currency; did you mean currency?" },
    { "rule \"a\" when true { by cost }" DEFAULT, "1:15: unknown fact true; a rule without when takes everything" },
    { "rule \"a\" when metadata == \"x\" { by cost }" DEFAULT, "1:24: unexpected '=='; metadata needs a member, as in metadata.tier" },
    { "rule \"a\" when metadata. == \"x\" { by cost }" DEFAULT, "1:25: unexpected '=='; metadata needs a member, as in metadata.tier" },
    { "rule \"a\" when metadata.a.b == \"x\" { by cost }" DEFAULT, "1:25: unexpected '.'; quote a name that has a point, as in metadata.\"a.b\"" },
    { "rule \"a\" when amount.minor > 5 EUR { by cost }" DEFAULT, "1:21: unexpected '.'; only metadata has members, as in metadata.tier" },

    /* types */
    { "rule \"a\" when currency > EUR { by cost }" DEFAULT, "1:24: currency has no order and cannot be compared with >; use ==, != or in: currency == EUR" },
    { "rule \"a\" when metadata.n <= \"5\" { by cost }" DEFAULT, "1:26: metadata has no order and cannot be compared with <=; use ==, != or in: metadata.tier == \"gold\"" },
    { "rule \"a\" when amount in [5 EUR] { by cost }" DEFAULT, "1:22: amount is not compared with a list; write a range: amount in 10.00..50.00 EUR" },
    { "rule \"a\" when amount not in [5 EUR] { by cost }" DEFAULT, "1:26: amount is not compared with a list; write a range: amount in 10.00..50.00 EUR" },
    { "rule \"a\" when amount > EUR { by cost }" DEFAULT, "1:24: amount is compared with a number and its currency; write for example: amount >= 500.00 EUR" },
    { "rule \"a\" when amount > \"5 EUR\" { by cost }" DEFAULT, "1:24: amount is compared with a number and its currency; write for example: amount >= 500.00 EUR" },
    { "rule \"a\" when amount > 500 { by cost }" DEFAULT, "1:28: currency is missing; write 500 EUR" },
    { "rule \"a\" when amount > 500 eur { by cost }" DEFAULT, "1:28: unknown currency eur; currencies are upper case: EUR" },
    { "rule \"a\" when amount > 500 XYZ { by cost }" DEFAULT, "1:28: unknown currency XYZ; write a code of ISO 4217 such as EUR" },
    { "rule \"a\" when amount > 5.001 EUR { by cost }" DEFAULT, "1:24: EUR has 2 decimals; write no more of them" },
    { "rule \"a\" when amount > 5.0 JPY { by cost }" DEFAULT, "1:24: JPY has 0 decimals; write no more of them" },
    { "rule \"a\" when amount > 5.0001 KWD { by cost }" DEFAULT, "1:24: KWD has 3 decimals; write no more of them" },
    { "rule \"a\" when amount > 10000000000000.00 EUR { by cost }" DEFAULT, "1:24: amount is too large; write at most 15 digits; no payment exceeds them" },
    { "rule \"a\" when amount > 99999999999999999999999999999 EUR { by cost }" DEFAULT, "1:24: amount is too large; write at most 15 digits; no payment exceeds them" },
    { "rule \"a\" when amount > 1e3 EUR { by cost }" DEFAULT, "1:24: malformed number; write an amount as digits, a point and decimals, then a space and the currency: 500.00 EUR" },
    { "rule \"a\" when amount > 5. EUR { by cost }" DEFAULT, "1:24: malformed number; write an amount as digits, a point and decimals, then a space and the currency: 500.00 EUR" },
    { "rule \"a\" when amount > 5EUR { by cost }" DEFAULT, "1:24: malformed number; write an amount as digits, a point and decimals, then a space and the currency: 500.00 EUR" },
    { "rule \"a\" when amount > 1,000.00 EUR { by cost }" DEFAULT, "1:24: a comma inside of a number; put a point before decimals and nothing between thousands: 1000.00" },
    { "rule \"a\" when currency == usd { by cost }" DEFAULT, "1:27: unknown currency usd; currencies are upper case: USD" },
    { "rule \"a\" when currency in [EUR, DEM] { by cost }" DEFAULT, "1:33: unknown currency DEM; write a code of ISO 4217 such as EUR" },
    { "rule \"a\" when currency == 978 { by cost }" DEFAULT, "1:27: this is not a value that currency can have; write for example: currency == EUR" },
    { "rule \"a\" when operation == authorise { by cost }" DEFAULT, "1:28: unknown operation authorise; did you mean authorize?" },
    { "rule \"a\" when country == de { by cost }" DEFAULT, "1:26: unknown country de; countries are upper case: DE" },
    { "rule \"a\" when country == DEU { by cost }" DEFAULT, "1:26: unknown country DEU; write a code of ISO 3166-1 in upper case such as DE" },
    { "rule \"a\" when country == UK { by cost }" DEFAULT, "1:26: unknown country UK; the United Kingdom is GB" },
    { "rule \"a\" when country == ZZ { by cost }" DEFAULT, "1:26: unknown country ZZ; write a code of ISO 3166-1 in upper case such as DE" },
    { "rule \"a\" when method == Card { by cost }" DEFAULT, "1:25: unknown method Card; write it in lower case, for example: method == card" },
    { "rule \"a\" when method == \"\" { by cost }" DEFAULT, "1:25: unknown method ; write it in lower case, for example: method == card" },
    { "rule \"a\" when merchant == mer_1 { by cost }" DEFAULT, "1:27: merchant is text; quote it: \"mer_1\"" },
    { "rule \"a\" when metadata.tier == gold { by cost }" DEFAULT, "1:32: metadata is text; quote it: \"gold\"" },
    { "rule \"a\" when metadata.n == 5 { by cost }" DEFAULT, "1:29: metadata is text; quote it: \"5\"" },

    /* actions */
    { "default { }", "1:11: unexpected '}'; write use paypal, payoneer or by cost" },
    { "default by cost", "1:9: unexpected by; write { and what to do, as in { by cost }" },
    { "default { paypal }", "1:11: unexpected paypal; write use paypal, payoneer or by cost" },
    { "default { by price }", "1:14: unexpected price; providers are ordered by cost, success, latency or value" },
    { "default { by cost of }", "1:22: unexpected '}'; the name of a provider belongs here, as in paypal" },
    { "default { by cost paypal }", "1:19: unexpected paypal; write of and providers, or }" },
    { "default { use }", "1:15: unexpected '}'; the name of a provider belongs here, as in paypal" },
    { "default { use paypal payoneer }", "1:22: unexpected payoneer; write , or } after a provider" },
    { "default { use paypal, }", "1:23: unexpected '}'; the name of a provider belongs here, as in paypal" },
    { "default { use \"paypal\" }", "1:15: unexpected the text \"paypal\"; the name of a provider belongs here, as in paypal, without quotes" },
    { "default { use payapl }", "1:15: unknown provider payapl; did you mean paypal?" },
    { "default { use stripe }", "1:15: unknown provider stripe; known are paypal, payoneer, rebilly, spreedly" },
    { "default { use paypal, payoneer, paypal }", "1:33: paypal is named before in this list; name each account once" },
    { "default { use paypal, paypal:main }", "1:23: paypal is named before in this list; name each account once" },
    { "default { use paypal:main, paypal:\"main\" }", "1:28: paypal is named before in this list; name each account once" },
    { "default { use paypal: }", "1:23: unexpected '}'; an account's name follows the colon, as in paypal:\"main\"" },
    { "default { use paypal:\"\" }", "1:22: unexpected the text \"\"; an account's name follows the colon, as in paypal:\"main\"" },
    { "default { use paypal", "1:21: unexpected the end of the file; write , or } after a provider" },
};

static const char *const right[] = {
    "default { by cost }",
    "default{by cost}",
    "\xEF\xBB\xBF" "default { by cost }",
    "# windows\r\nrule \"a\" when currency == EUR { use paypal }\r\ndefault { by cost }\r\n",
    "default { use paypal:main, paypal:other, paypal }",
    "rule \"\xC3\xA4\xE2\x82\xAC\" when metadata.\"a key\" == \"\xC3\xA4\" { by cost of paypal, payoneer } default { use paypal }",
    "rule \"a\" when metadata.and == \"or\" and metadata.not in [\"in\", \"when\"] { use paypal } default { by cost }",
    "rule \"all\" { use paypal } default { by cost }",
    "rule \"a\" when not not (((method == card))) { use paypal } default { by cost }",
    "rule \"a\" when amount >= 0 EUR or amount == 9999999999999.99 EUR or amount < 5 JPY { use paypal } default { by cost }",
    "rule \"a\" when country == \"\" or country == XK or currency == \"EUR\" { use paypal } default { by cost }",
    "rule \"a \\\"b\\\" \\\\\" when merchant == \"\" { use paypal } default { by cost }",
    /* the same tests, but not the same condition */
    "rule \"a\" when method == card and country == DE { use paypal }"
    "rule \"b\" when method == card or country == DE { use paypal } default { by cost }",
    "rule \"a\" when method == card and country == DE or currency == EUR { use paypal }"
    "rule \"b\" when method == card and (country == DE or currency == EUR) { use paypal } default { by cost }",
};
/* clang-format on */

/* Whether `text` is right; else its first mistake as a line. Its memory is its own block, so that
 * looking too far is seen. */
static bool tree_try(struct str text, struct error *err)
{
    struct arena arena;
    struct diagnosis diagnosis;
    struct ast_tree tree;
    char *copy = malloc(text.len + (text.len == 0));
    assert_non_null(copy);
    memcpy(copy, text.at, text.len);
    arena_init(&arena, 2 * (size_t)PARSE_ARENA_BYTES_MAX);
    diagnosis_init(&diagnosis, &arena);
    bool good = parse_tree((struct str){copy, text.len}, providers_known,
                           ARRAY_LEN(providers_known), &arena, &tree, &diagnosis);
    assert_int_equal(good, !diagnosis_first(&diagnosis, err));
    arena_release(&arena);
    free(copy);
    return good;
}

static void each_mistake_is_told_with_its_place_and_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct error err = {.text = ""};
        if (tree_try(str_of(broken[i].text), &err)) {
            fail_msg("accepted: %s", broken[i].text);
        }
        if (strcmp(err.text, broken[i].error) != 0 || err.code != ERROR_INVALID) {
            fail_msg("told   %s\nwanted %s\nof     %s", err.text, broken[i].error, broken[i].text);
        }
    }
}

static void right_files_are_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        struct error err = {.text = ""};
        if (!tree_try(str_of(right[i]), &err)) {
            fail_msg("refused: %s\n%s", err.text, right[i]);
        }
    }
}

/* Every prefix of a right file, and every single byte changed to each of a few: refused or
 * accepted, never a crash. */
static void damaged_files_never_crash(void **state)
{
    (void)state;
    static const char other[] = "\"{}[]().,:#x9 \n\\\xC3";
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        size_t len = strlen(right[i]);
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, right[i], len + 1);
        for (size_t at = 0; at < len; at++) {
            struct error err;
            struct str prefix = {copy, at};
            (void)tree_try(prefix, &err);
            for (size_t k = 0; k < sizeof(other); k++) {
                copy[at] = other[k];
                (void)tree_try((struct str){copy, len}, &err);
            }
            copy[at] = right[i][at];
        }
        free(copy);
    }
}

static void names_and_count_include_the_default(void **state)
{
    (void)state;
    struct rule_set *rules =
        rules_of("rule \"a \\\"b\\\"\" when method == card { use paypal } default { by cost }");
    assert_int_equal(rule_set_rule_count(rules), 2);
    assert_str(rule_set_rule_name(rules, 0), "a \"b\"");
    assert_str(rule_set_rule_name(rules, 1), "default");
    rule_set_free(&rules);
}

static void the_hash_is_sha256_of_the_text(void **state)
{
    (void)state;
    /* printf 'default { by cost }' | sha256sum */
    static const uint8_t expected[4] = {0x7b, 0x83, 0xd5, 0x83};
    struct rule_set *rules = rules_of("default { by cost }");
    struct rule_set *other = rules_of("default { by cost } ");
    assert_memory_equal(rule_set_hash(rules), expected, sizeof(expected));
    assert_memory_not_equal(rule_set_hash(rules), rule_set_hash(other), 32);
    rule_set_free(&rules);
    rule_set_free(&other);
}

static void the_text_may_die_after_loading(void **state)
{
    (void)state;
    char text[] = "rule \"a\" when metadata.tier == \"gold\" { use paypal } default { by cost }";
    struct rule_set *rules = rules_of(text);
    memset(text, 'x', sizeof(text));
    struct route_pair tier = {STR("tier"), STR("gold")};
    struct route_facts facts = facts_of("EUR", 100);
    facts.metadata = &tier;
    facts.metadata_count = 1;
    assert_str(rule_for(rules, &facts), "a");
    rule_set_free(&rules);
}

/* A file built of `count` repetitions, each printed from its number. */
static struct buf repeat(const char *before, const char *item, const char *between, int count,
                         const char *after)
{
    struct buf buf;
    buf_init(&buf, 1 << 23);
    buf_printf(&buf, "%s", before);
    for (int i = 0; i < count; i++) {
        buf_printf(&buf, "%s", i == 0 ? "" : between);
        for (const char *c = item; *c != '\0'; c++) {
            if (*c == '@') {
                buf_printf(&buf, "%d", i);
            } else {
                buf_add_char(&buf, *c);
            }
        }
    }
    buf_printf(&buf, "%s", after);
    assert_true(buf_is_ok(&buf));
    return buf;
}

/* clang-format off */
static const struct {
    const char *before, *item, *between, *after;
    int most;
    const char *error; /* of one more */
} bounds[] = {
    { "", "rule \"r@\" when metadata.x == \"@\" { use paypal }", "\n", DEFAULT, ROUTE_RULE_MAX,
      "16385:1: more than 16384 rules" },
    { "rule \"a\" when merchant in [", "\"m@\"", ",", "] { use paypal }" DEFAULT, ROUTE_LIST_MAX,
      "more than 10000 values in a list" },
    { "rule \"a\" when ", "(", "", "method == card", ROUTE_DEPTH_MAX, "1:47: more than 32 parentheses" },
    { "rule \"a\" when ", "not", " ", " method == card { use paypal }" DEFAULT, ROUTE_DEPTH_MAX,
      "1:143: more than 32 parentheses" },
    { "rule \"a\" when ", "metadata.m@ == \"\"", " or ", " { use paypal }" DEFAULT,
      ROUTE_METADATA_NAME_MAX, "more than 64 different metadata names" },
    { "default { use ", "paypal:a@", ", ", " }", ROUTE_TARGET_MAX, "more than 16 providers" },
    { "rule \"", "x", "", "\" when method == card { use paypal }" DEFAULT, ROUTE_NAME_BYTES_MAX,
      "1:6: a rule's name has 1 to 100 bytes" },
    { "rule \"a\" when merchant == \"", "x", "", "\" { use paypal }" DEFAULT, 500,
      "1:27: text is longer than 500 bytes" },
    { "rule \"a\" when ", "method==a", " or ", " { use paypal }" DEFAULT, ROUTE_TEST_MAX,
      "more than 131072 comparisons" },
    { "rule \"a\" when ", "reference matches \"*abcdef*\"", " or ", " { use paypal }" DEFAULT, ROUTE_PATTERN_BYTES_MAX / 8,
      "more than 16384 bytes of patterns" },
    { "condition p = reference matches \"*abcdef*\"\nrule \"a\" when reference matches \"12345678\" or ", "p", " or ", " { use paypal }" DEFAULT, ROUTE_PATTERN_BYTES_MAX / 8 - 2,
      "more than 16384 bytes of patterns" },
    { "", "set s@ = [DE]", "\n", DEFAULT, ROUTE_DEFINITION_MAX, "4097:5: more than 4096 sets" },
    { "", "condition c@ = method == card", "\n", DEFAULT, ROUTE_DEFINITION_MAX,
      "4097:11: more than 4096 sets" },
    { "#", "x", "", DEFAULT, ROUTE_RULES_BYTES_MAX - (int)sizeof(DEFAULT),
      "more than 4194304 bytes" },
};
/* clang-format on */

static void limits_hold_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        for (int more = 0; more <= 1; more++) {
            struct buf text = repeat(bounds[i].before, bounds[i].item, bounds[i].between,
                                     bounds[i].most + more, bounds[i].after);
            struct error err = {.text = ""};
            bool good = tree_try(buf_str(&text), &err);
            if (more == 0 && strcmp(bounds[i].item, "(") == 0) {
                assert_non_null(strstr(err.text, "write and, or or )"));
            } else if (more == 0 && !good) {
                fail_msg("%s: %s", bounds[i].item, err.text);
            } else if (more == 1 && (good || strstr(err.text, bounds[i].error) == NULL)) {
                fail_msg("%s: told %s, wanted %s", bounds[i].item, err.text, bounds[i].error);
            }
            buf_release(&text);
        }
    }
}

/* What would be slow if some part of it were looked at again and again. A guard against squares,
 * not a benchmark: all of it takes a second. */
static void hostile_texts_take_linear_time(void **state)
{
    (void)state;
    static const char *const items[] = {
        "'",
        "\xE2\x80\x9C",
        "/*",
        "\"",
        "(",
        "not ",
        "a.",
        "x in y ",
        "rule \"a\" ",
        "[1,",
        "set a = [b]\n",
        "condition a = b\n",
        "{ use ",
        "metadata.a == \"\" or ",
        ";",
        "=",
        "..",
        "rule \"a\" when country in [DE] { by cost }\n",
        "\n",
        "# ",
        "7",
        "- ",
        "e/e",
    };
    clock_t start = clock();
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        struct buf text;
        struct error err;
        buf_init(&text, ROUTE_RULES_BYTES_MAX);
        buf_printf(&text, "rule \"first\" when country in nowhere { by cost }\n");
        size_t len = strlen(items[i]);
        size_t count = (ROUTE_RULES_BYTES_MAX - text.len) / len;
        char *to = buf_extend(&text, count * len);
        assert_non_null(to);
        for (size_t k = 0; k < count; k++) {
            memcpy(to + k * len, items[i], len);
        }
        assert_true(buf_is_ok(&text));
        assert_false(tree_try(buf_str(&text), &err));
        buf_release(&text);
    }
    assert_true((clock() - start) / CLOCKS_PER_SEC < 60);
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    struct error err;
    assert_false(tree_try(STR("# \xC3\xA4\n \xC3\xA4 \xFF\ndefault { by cost }"), &err));
    assert_string_equal(err.text, "2:4: rules are not UTF-8 text; save the file as UTF-8");
    assert_false(tree_try(STR("default { by cost }\0"), &err));
    assert_string_equal(err.text, "1:20: control character 0x00; remove it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_with_its_place_and_remedy),
        cmocka_unit_test(right_files_are_accepted),
        cmocka_unit_test(damaged_files_never_crash),
        cmocka_unit_test(names_and_count_include_the_default),
        cmocka_unit_test(the_hash_is_sha256_of_the_text),
        cmocka_unit_test(the_text_may_die_after_loading),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(hostile_texts_take_linear_time),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
