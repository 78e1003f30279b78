/*
 * token.h - OAuth 2.0 access tokens of the sandbox.
 *
 * A token says whose it is and until when, and is signed: so it is good after any restart. The key
 * is no secret, as everybody is let in.
 */
#ifndef SANDBOX_TOKEN_H
#define SANDBOX_TOKEN_H

#include "providers/sandbox/call.h"

/* prefix: the issuer's ("A21AA"); one issuer's tokens are not another's. */
struct str token_new(struct call *call, struct str prefix, struct str client, int64_t life_s);
/* The client of the good token in Authorization: Bearer, else empty. */
struct str token_owner(struct call *call, struct str prefix);

#endif
