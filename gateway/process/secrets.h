/*
 * secrets.h - the master secret, and the keys derived from it (HKDF labels are fixed for ever).
 */
#ifndef PROCESS_SECRETS_H
#define PROCESS_SECRETS_H

#include "base/crypto.h"

struct secrets {
    uint8_t seal[AEAD_KEY_SIZE];       /* request bodies and tokens at rest */
    uint8_t token_hash[AEAD_KEY_SIZE]; /* counts tries of one token */
    uint8_t pepper[AEAD_KEY_SIZE];     /* API keys */
    uint8_t position[AEAD_KEY_SIZE];   /* positions of event streams */
    uint8_t session[AEAD_KEY_SIZE];    /* cookies of people who signed in */
};

bool secrets_load(struct secrets *secrets, const char *master_secret_file,
                  struct error *err) MUST_USE;
void secrets_release(struct secrets *secrets); /* wipes */
/* The environment's variable of this name, for merchants_config; false when there is none. */
bool secrets_read_env(void *ctx, const char *name, struct secret *value);

#endif
