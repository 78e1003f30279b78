/* fee_print.h - the parts of a computed fee as text, wherever it is explained. */
#ifndef PROCESS_FEE_PRINT_H
#define PROCESS_FEE_PRINT_H

#include "router/cost.h"

enum {
    FEE_EXACT_SIZE = 64,
    FEE_HOW_SIZE = 96,
};

/* Exact: as many decimals as there are, at least the currency's. */
const char *fee_print_exact(exact value, unsigned exponent, char out[FEE_EXACT_SIZE]);
/* What made the part, after two spaces: a percentage, how it was rounded; "" when it says itself. */
void fee_print_how(const struct cost_explained *fee, enum cost_part part, char out[FEE_HOW_SIZE]);

#endif
