/* turnpike verify: check a webhook's signature, as its receiver should. */
#include <stdio.h>

#include "base/clock.h"
#include "payment/hook_secret.h"
#include "process/command.h"

enum {
    BODY_BYTES_MAX = 1 << 20,
    TOLERANCE_S = 300,
};

static bool read_body(struct buf *body, struct error *err)
{
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), stdin)) > 0) {
        buf_add(body, chunk, got);
    }
    return (ferror(stdin) == 0 && buf_is_ok(body)) ||
           fail(err, ERROR_IO, "verify: cannot read the body from standard input (1 MB at most)");
}

static bool verify(int argc, char **argv, struct buf *body, struct secret *secret,
                   struct error *err)
{
    const char *file = command_option(&argc, argv, "secret");
    const char *tolerance = command_option(&argc, argv, "tolerance");
    int64_t tolerance_s = TOLERANCE_S;
    struct hook_message message = {
        .id = str_of(command_option(&argc, argv, "id")),
        .timestamp = str_of(command_option(&argc, argv, "timestamp")),
        .signature = str_of(command_option(&argc, argv, "signature")),
    };
    if (!command_done(argc, argv, err)) {
        return false;
    }
    if (file == NULL || message.id.len == 0 || message.timestamp.len == 0) {
        return fail(err, ERROR_INVALID,
                    "verify: needs --secret FILE (whsec_... or whpk_...), --id, --timestamp and "
                    "--signature");
    }
    if (tolerance != NULL && (!str_to_int64(str_of(tolerance), &tolerance_s) || tolerance_s < 0)) {
        return fail(err, ERROR_INVALID, "verify: --tolerance must be a number of seconds");
    }
    if (!secret_read_file(secret, file, err) || !read_body(body, err)) {
        return false;
    }
    message.body = buf_str(body);
    return hook_verify(secret_expose(secret), &message, clock_wall_us() / CLOCK_SECOND_US,
                       tolerance_s, err) ||
           fail_prefix(err, "not valid");
}

int command_verify(int argc, char **argv)
{
    struct buf body;
    struct secret secret;
    struct error err;
    buf_init(&body, BODY_BYTES_MAX);
    secret_init(&secret);
    bool as_json = command_flag(&argc, argv, "json");
    bool ok = verify(argc, argv, &body, &secret, &err);
    secret_release(&secret);
    buf_release(&body);
    if (!ok) {
        return command_fail(&err);
    }
    (void)puts(as_json ? "{\"valid\":true}" : "valid");
    return 0;
}
