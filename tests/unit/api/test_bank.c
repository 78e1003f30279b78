/* test_bank.c - IBANs, BICs and national codes, by the registries' own examples. */
#include "support.h"

#include <ctype.h>

#include "api/bank.h"
#include "base/country.h"

/* One for every country of the registry, as it prints them. */
static const char *const ibans[] = {
    "AD1200012030200359100100",
    "AE070331234567890123456",
    "AL47212110090000000235698741",
    "AT611904300234573201",
    "AZ21NABZ00000000137010001944",
    "BA391290079401028494",
    "BE68539007547034",
    "BG80BNBG96611020345678",
    "BH67BMAG00001299123456",
    "BI4210000100010000332045181",
    "BR9700360305000010009795493P1",
    "BY13NBRB3600900000002Z00AB00",
    "CH9300762011623852957",
    "CR05015202001026284066",
    "CY17002001280000001200527600",
    "CZ6508000000192000145399",
    "DE89370400440532013000",
    "DJ2100010000000154000100186",
    "DK5000400440116243",
    "DO28BAGR00000001212453611324",
    "EE382200221020145685",
    "EG380019000500000000263180002",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "FK88SC123456789012",
    "FO6264600001631634",
    "FR1420041010050500013M02606",
    "GB29NWBK60161331926819",
    "GE29NB0000000101904917",
    "GI75NWBK000000007099453",
    "GL8964710001000206",
    "GR1601101250000000012300695",
    "GT82TRAJ01020000001210029690",
    "HN88CABF00000000000250005469",
    "HR1210010051863000160",
    "HU42117730161111101800000000",
    "IE29AIBK93115212345678",
    "IL620108000000099999999",
    "IQ98NBIQ850123456789012",
    "IS140159260076545510730339",
    "IT60X0542811101000000123456",
    "JO94CBJO0010000000000131000302",
    "KW81CBKU0000000000001234560101",
    "KZ86125KZT5004100100",
    "LB62099900000001001901229114",
    "LC55HEMM000100010012001200023015",
    "LI21088100002324013AA",
    "LT121000011101001000",
    "LU280019400644750000",
    "LV80BANK0000435195001",
    "LY83002048000020100120361",
    "MC5811222000010123456789030",
    "MD24AG000225100013104168",
    "ME25505000012345678951",
    "MK07250120000058984",
    "MN121234123456789123",
    "MR1300020001010000123456753",
    "MT84MALT011000012345MTLCAST001S",
    "MU17BOMM0101101030300200000MUR",
    "NI45BAPR00000013000003558124",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "OM810180000001299123456",
    "PK36SCBL0000001123456702",
    "PL61109010140000071219812874",
    "PS92PALS000000000400123456702",
    "PT50000201231234567890154",
    "QA58DOHB00001234567890ABCDEFG",
    "RO49AAAA1B31007593840000",
    "RS35260005601001611379",
    "RU0304452522540817810538091310419",
    "SA0380000000608010167519",
    "SC18SSCB11010000000000001497USD",
    "SD2129010501234001",
    "SE4550000000058398257466",
    "SI56263300012039086",
    "SK3112000000198742637541",
    "SM86U0322509800000000270100",
    "SO211000001001000100141",
    "ST23000100010051845310146",
    "SV62CENR00000000000000700025",
    "TL380080012345678910157",
    "TN5910006035183598478831",
    "TR330006100519786457841326",
    "UA213223130000026007233566001",
    "VA59001123000012345678",
    "VG96VPVG0000012345678901",
    "XK051212012345678906",
    "YE15CBYE0001018861234567891234",
};

static void every_example_of_the_registry_is_an_iban(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(ibans); i++) {
        enum bank_verdict verdict = bank_iban_check(str_of(ibans[i]));
        if (verdict != BANK_OK)
            fail_test("%s: verdict %d", ibans[i], (int)verdict);
        if (!country_is_known(str_sub(str_of(ibans[i]), 0, 2)))
            fail_test("%s: no country", ibans[i]);
    }
}

/* ISO 7064: any one character changed, and any two neighbouring digits exchanged, are found. */
static void a_mistyped_character_is_found(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(ibans); i++) {
        char text[BANK_IBAN_MAX + 1];
        size_t len = strlen(ibans[i]);
        for (size_t at = 2; at < len; at++) {
            memcpy(text, ibans[i], len + 1);
            text[at] = text[at] == '9' ? '0' : text[at] == 'Z' ? 'A' : (char)(text[at] + 1);
            if (text[at] == ':')
                continue;
            if (bank_iban_check((struct str){text, len}) == BANK_OK)
                fail_test("%s is taken for right", text);
        }
        for (size_t at = 4; at + 1 < len; at++) {
            memcpy(text, ibans[i], len + 1);
            char c = text[at];
            text[at] = text[at + 1];
            text[at + 1] = c;
            bool are_digits = isdigit((unsigned char)c) && isdigit((unsigned char)text[at]);
            if (are_digits && text[at] != c && bank_iban_check((struct str){text, len}) == BANK_OK)
                fail_test("%s is taken for right", text);
        }
    }
}

static void what_is_no_iban_is_told_why(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum bank_verdict verdict;
    } bad[] = {
        {"", BANK_FORM},
        {"DE", BANK_FORM},
        {"DE8", BANK_FORM},
        {"DE89", BANK_FORM},
        {"8937040044053201300000", BANK_FORM},
        {"DEAB370400440532013000", BANK_FORM},
        {"DE89370400440532013.00", BANK_FORM},
        {"de89370400440532013000", BANK_FORM},
        {"DE8937040044053201300", BANK_LENGTH},
        {"DE893704004405320130000", BANK_LENGTH},
        {"NO93860111179470", BANK_LENGTH},
        {"US64SVBKUS6S3300958879", BANK_COUNTRY},
        {"ZZ89370400440532013000", BANK_COUNTRY},
        {"EU89370400440532013000", BANK_COUNTRY},
        {"DE88370400440532013000", BANK_CHECK},
        {"GB94BARC20201530093459", BANK_CHECK},
        {"GB01BARC20714583608387", BANK_CHECK},
        {"GB00HLFX11016111455365", BANK_CHECK},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        enum bank_verdict verdict = bank_iban_check(str_of(bad[i].text));
        if (verdict != bad[i].verdict)
            fail_test("\"%s\": got %d, wanted %d", bad[i].text, (int)verdict, (int)bad[i].verdict);
    }
}

static void an_iban_as_it_is_printed_becomes_plain(void **state UNUSED)
{
    char out[BANK_IBAN_MAX + 1];
    assert_true(bank_iban_plain(STR("DE89 3704 0044 0532 0130 00"), out));
    assert_string_equal(out, "DE89370400440532013000");
    assert_true(bank_iban_plain(STR("fr14 2004 1010 0505 0001 3m02 606"), out));
    assert_string_equal(out, "FR1420041010050500013M02606");
    assert_true(bank_iban_plain(STR(""), out));
    assert_string_equal(out, "");
    assert_true(bank_iban_plain(STR("1234567890123456789012345678901234"), out));
    assert_false(bank_iban_plain(STR("12345678901234567890123456789012345"), out));
    assert_string_equal(out, "");
}

static void bics_are_told_from_what_is_none(void **state UNUSED)
{
    static const char *const good[] = {"DEUTDEFF", "DEUTDEFF500", "NEDSZAJJXXX", "DABADKKK",
                                       "UNCRITMM", "DSBACNBXSHA", "BNORPHMM",    "CHASUS33XXX",
                                       "MIDLGB22", "BARCJESH",    "SOGEGPGX",    "NCBVXKPR"};
    static const struct {
        const char *text;
        enum bank_verdict verdict;
    } bad[] = {
        {"", BANK_LENGTH},           {"DEUTDEF", BANK_LENGTH},      {"DEUTDEFF5", BANK_LENGTH},
        {"DEUTDEFF50", BANK_LENGTH}, {"DEUTDEFF5000", BANK_LENGTH}, {"deutdeff", BANK_FORM},
        {"DEUT1EFF", BANK_FORM},     {"DEUTD3FF", BANK_FORM},       {"DEUT-EFF", BANK_FORM},
        {"DEUTDE F", BANK_FORM},     {"DEUTZZFF", BANK_COUNTRY},    {"DEUTUKFF", BANK_COUNTRY},
        {"DEUTEUFF", BANK_COUNTRY},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (bank_bic_check(str_of(good[i])) != BANK_OK)
            fail_test("%s is refused", good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        enum bank_verdict verdict = bank_bic_check(str_of(bad[i].text));
        if (verdict != bad[i].verdict)
            fail_test("\"%s\": got %d, wanted %d", bad[i].text, (int)verdict, (int)bad[i].verdict);
    }
}

static void a_territory_may_share_its_countrys_ibans(void **state UNUSED)
{
    static const char *const same[] = {"DEDE", "FRRE", "FRNC", "FRYT", "GBJE", "GBIM", "FIAX"};
    static const char *const other[] = {"DEAT", "FRMC", "REFR", "JEGB", "GBIE", "FRGB", "FIGG"};
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        assert_true(
            bank_is_same_country(str_sub(str_of(same[i]), 0, 2), str_sub(str_of(same[i]), 2, 2)));
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_false(
            bank_is_same_country(str_sub(str_of(other[i]), 0, 2), str_sub(str_of(other[i]), 2, 2)));
}

static void national_codes_have_the_countrys_form(void **state UNUSED)
{
    static const struct {
        const char *country;
        const char *code;
        bool is_ok;
    } codes[] = {
        {"US", "021000021", true},    {"US", "011401533", true},   {"US", "021000022", false},
        {"US", "02100002", false},    {"US", "000000000", false},  {"US", "02100002X", false},
        {"GB", "601613", true},       {"GB", "60-16-13", false},   {"GB", "60161", false},
        {"AU", "062000", true},       {"AU", "62000", false},      {"CA", "000300002", true},
        {"CA", "00030002", true},     {"CA", "0003000", false},    {"IN", "SBIN0005943", true},
        {"IN", "SBIN1005943", false}, {"IN", "SBIN000594", false}, {"JP", "0001-001", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        const char *what = NULL;
        if (bank_routing_check(str_of(codes[i].country), str_of(codes[i].code), &what) !=
            codes[i].is_ok)
            fail_test("%s %s", codes[i].country, codes[i].code);
        assert_true(codes[i].is_ok || what != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_of_the_registry_is_an_iban),
        cmocka_unit_test(a_mistyped_character_is_found),
        cmocka_unit_test(what_is_no_iban_is_told_why),
        cmocka_unit_test(an_iban_as_it_is_printed_becomes_plain),
        cmocka_unit_test(bics_are_told_from_what_is_none),
        cmocka_unit_test(a_territory_may_share_its_countrys_ibans),
        cmocka_unit_test(national_codes_have_the_countrys_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
