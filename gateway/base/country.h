/*
 * country.h - ISO 3166-1 alpha-2: which two capital letters are a country.
 *
 * Those that ISO assigns, and XK: banks and providers use it for Kosovo, which has no assigned
 * code. Others that are reserved or free for private use (AA, QM to QZ, ZZ, EU, UK) are none.
 */
#ifndef BASE_COUNTRY_H
#define BASE_COUNTRY_H

#include "base/str.h"

bool country_is_known(struct str code);

#endif
