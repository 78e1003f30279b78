/* turnpike routes earned: what routing earned, from the ledger. */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "payment/earned.h"
#include "process/command.h"

enum {
    PATIENCE_S = 120,
    ARENA_BYTES_MAX = 64 << 20,
    OUTPUT_BYTES_MAX = 64 << 20,
};

struct earning {
    struct config config;
    struct uuid merchant_id; /* zero: all */
    int64_t since_us;
    int64_t until_us;
    bool as_json;
    struct loop *loop;
    struct arena arena;
    struct buf out;
    bool is_done;
    struct error err;
};

static void earned_came(void *ctx, enum store_find found, const struct earned *earned,
                        const struct error *why)
{
    struct earning *e = ctx;
    struct json_out json;
    e->is_done = found != STORE_FAILED;
    if (!e->is_done) {
        e->err = *why;
    } else if (e->as_json) {
        json_out_init(&json, &e->out);
        earned_print(earned, e->since_us, e->until_us, &json);
        buf_add_char(&e->out, '\n');
    } else {
        earned_print_text(earned, &e->out);
    }
    loop_stop(e->loop);
}

static void give_up(void *ctx)
{
    struct earning *e = ctx;
    (void)fail(&e->err, ERROR_TIMEOUT, "the database did not answer within %d s", PATIENCE_S);
    loop_stop(e->loop);
}

static bool take_options(int argc, char **argv, struct earning *e, struct error *err)
{
    struct error ignored;
    const char *since = command_option(&argc, argv, "since");
    const char *merchant = command_option(&argc, argv, "merchant");
    e->as_json = command_flag(&argc, argv, "json");
    e->until_us = clock_wall_us();
    if (!command_since(since != NULL ? since : "30d", &e->since_us, err)) {
        return false;
    }
    if (merchant != NULL && !id_parse(ID_MERCHANT, str_of(merchant), &e->merchant_id, &ignored)) {
        return fail(err, ERROR_INVALID, "routes: %s is no merchant's id; they begin with mer_",
                    merchant);
    }
    return command_config(&argc, argv, &e->config, err) && command_done(argc, argv, err);
}

static void ask(struct earning *e)
{
    struct loop_timer patience;
    struct uuid writer_id = uuid_new();
    struct uuid instance_id = uuid_new(); /* no gateway's: it writes nothing */
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(2, LOG_ERROR);
    e->loop = loop_new();
    struct store *store =
        store_new(e->loop, &e->config.store, &writer_id, &instance_id, &instance_id, 0);
    loop_timer_init(&patience, e->loop, give_up, e);
    loop_timer_start(&patience, PATIENCE_S * CLOCK_SECOND_US);
    earned_read(store, &e->merchant_id, e->since_us, e->until_us, &e->arena, earned_came, e);
    loop_run(e->loop);
    loop_timer_release(&patience);
    store_free(&store);
    loop_free(&e->loop);
}

int command_earned(int argc, char **argv)
{
    static struct earning e;
    struct error err = {.text = ""};
    if (!take_options(argc, argv, &e, &err)) {
        return command_fail(&err);
    }
    arena_init(&e.arena, ARENA_BYTES_MAX);
    buf_init(&e.out, OUTPUT_BYTES_MAX);
    ask(&e);
    bool ok = e.is_done && buf_is_ok(&e.out) &&
              fwrite(e.out.at, 1, e.out.len, stdout) == e.out.len && fflush(stdout) == 0;
    buf_release(&e.out);
    arena_release(&e.arena);
    return ok ? 0 : e.is_done ? 1 : command_fail(&e.err);
}
