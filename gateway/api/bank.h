/*
 * bank.h - what can be said of a bank account from its numbers alone.
 *
 *     IBAN (ISO 13616)   DE 89 370400440532013000     country, check digits (mod 97), the country's own
 *     BIC  (ISO 9362)    DEUT DE FF 500               institution, country, place, branch (may lack)
 *
 * Lengths are those of the SWIFT IBAN registry. A territory whose accounts carry another country's
 * code (Jersey: GB, Reunion: FR) keeps its own code in BICs: bank_is_same_country knows them.
 */
#ifndef API_BANK_H
#define API_BANK_H

#include "base/str.h"

enum {
    BANK_IBAN_MAX = 34,
    BANK_BIC_MAX = 11,
};

enum bank_verdict {
    BANK_OK = 0,
    BANK_FORM,    /* not two letters, two digits, letters and digits */
    BANK_COUNTRY, /* a country without IBANs, or no country */
    BANK_LENGTH,  /* not as long as the country's */
    BANK_CHECK,   /* the check digits are wrong: a digit was mistyped */
};

/* Capitals without spaces into out (terminated), as an IBAN is sent; false when it does not fit. */
bool bank_iban_plain(struct str text, char out[BANK_IBAN_MAX + 1]) MUST_USE;
/* Of a plain one. */
enum bank_verdict bank_iban_check(struct str iban);
/* How long the IBANs of a country are; 0: it has none. */
unsigned bank_iban_length(struct str country);

/* Eight or eleven capital letters and digits, of a country. */
enum bank_verdict bank_bic_check(struct str bic);

/* May a bank with this BIC's country keep an account with this IBAN's country? */
bool bank_is_same_country(struct str iban_country, struct str bic_country);

/*
 * National routing codes, by country: ABA, sort code, IFSC, BSB, transit number. False: *what says
 * what it must be. Any code is taken for a country whose form is not known here.
 */
bool bank_routing_check(struct str country, struct str code, const char **what);

#endif
