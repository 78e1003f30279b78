#include "process/explain_ask.h"

#include "process/ask.h"

static bool post(struct ask *ask, const struct explain_ask *wanted, struct buf *answer,
                 struct error *err)
{
    struct buf path;
    buf_init(&path, ASK_PATH_MAX);
    buf_add_str(&path, STR("/v1/routing/explain"));
    if (wanted->merchant != NULL) {
        ask_add_query(&path, "merchant", str_of(wanted->merchant));
    }
    buf_add_char(&path, '\0');
    bool ok = (buf_is_ok(&path) || fail(err, ERROR_INVALID, "--merchant is too long")) &&
              ask_call(ask, "POST", path.at, wanted->body, NULL, err) &&
              (ask->status == 200 || ask_refused(ask->status, buf_str(&ask->answer), err));
    if (ok) {
        buf_add_str(answer, buf_str(&ask->answer));
    }
    buf_release(&path);
    return ok;
}

bool explain_ask(const struct explain_ask *wanted, struct buf *answer, struct error *err)
{
    struct ask ask;
    const struct ask_address address = {wanted->gateway, wanted->key_file, wanted->ca_file};
    bool ok = ask_open(&ask, &address, err) && post(&ask, wanted, answer, err);
    ask_close(&ask);
    return ok || fail_prefix(err, "routes");
}
