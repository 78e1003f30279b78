/*
 * negotiate.h - which of the types that we can send a client prefers (RFC 9110 section 12.5.1). Pure.
 *
 *     text/csv;q=0.5, application/json, text/html;q=0
 *
 * Of each type the most specific range that takes it in counts, and its weight (q) says how much it is wanted; 0 is not at
 * all. What is not well-formed is passed over, as a header that nobody has to send may be.
 */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include "base/str.h"

/*
 * The index of the type that is wanted most: of equal weight the one that was named more exactly, then the one that was
 * named first, then the first of ours. count: the header takes none of them. An empty header takes all.
 * types: "text/csv; charset=utf-8"; a range with parameters takes in what has all of them.
 */
size_t negotiate_type(struct str header, const struct str types[], size_t count);

#endif
