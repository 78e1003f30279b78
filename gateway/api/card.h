/*
 * card.h - is there card data in a body? (P9, PCI DSS 3.3.1: never stored, not even encrypted.)
 *
 * Looks at every string and every member name, at any depth: numbers that look like a card's, and
 * members named like a security code or a magnetic track, whatever their value.
 */
#ifndef API_CARD_H
#define API_CARD_H

#include "base/json.h"

enum {
    CARD_PATH_SIZE = 160,
};

/* True when there is; path: the dotted path of the member, without any digits of the number. */
bool card_find(const json_t *value, char path[CARD_PATH_SIZE]);
/* "cvv", "CVC2", "security_code", "track-2" ... */
bool card_is_code_name(struct str name);

#endif
