#include "process/secrets.h"

#include <stdlib.h>
#include <string.h>

enum {
    MASTER_SECRET_MIN = 32,
};

bool secrets_load(struct secrets *secrets, const char *master_secret_file, struct error *err)
{
    struct secret master;
    secret_init(&master);
    if (!secret_read_file(&master, master_secret_file, err)) {
        return fail_prefix(err, "master_secret_file");
    }
    bool ok = master.len >= MASTER_SECRET_MIN;
    if (ok) {
        crypto_derive(&master, "turnpike seal 1", secrets->seal);
        crypto_derive(&master, "turnpike token hash 1", secrets->token_hash);
        crypto_derive(&master, "turnpike api key pepper 1", secrets->pepper);
        crypto_derive(&master, "turnpike event position 1", secrets->position);
        crypto_derive(&master, "turnpike session 1", secrets->session);
    }
    secret_release(&master);
    return ok ||
           fail(err, ERROR_INVALID,
                "master_secret_file %s holds fewer than %d bytes; make one with: openssl rand "
                "-hex 32",
                master_secret_file, MASTER_SECRET_MIN);
}

void secrets_release(struct secrets *secrets)
{
    explicit_bzero(secrets, sizeof(*secrets));
}

bool secrets_read_env(void *ctx, const char *name, struct secret *value)
{
    (void)ctx;
    const char *text = getenv(name);
    if (text == NULL) {
        return false;
    }
    secret_set(value, str_of(text));
    return true;
}
