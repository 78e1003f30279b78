#include "process/admin.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "process/secrets.h"

enum {
    PATIENCE_MS = 8000, /* for the database; a test call has its own time on top */
    PROBE_MS = 15000,
};

struct run {
    struct loop *loop;
    struct admin_outcome *outcome;
    bool is_done;
};

static void replied(void *ctx, const struct admin_reply *reply)
{
    struct run *run = ctx;
    run->outcome->problem = reply->problem;
    run->outcome->wrong = reply->wrong;
    buf_add_str(&run->outcome->body, reply->body);
    run->is_done = true;
    loop_stop(run->loop);
}

static void give_up(void *ctx)
{
    struct run *run = ctx;
    loop_stop(run->loop);
}

static void run_loop(struct run *run, const struct admin_parts *parts,
                     const struct admin_request *request)
{
    struct loop_timer patience;
    int64_t bound_ms = PATIENCE_MS + (request->operation == ADMIN_ACCOUNT_TEST ? PROBE_MS : 0);
    loop_timer_init(&patience, run->loop, give_up, run);
    loop_timer_start(&patience, bound_ms * CLOCK_MS_US);
    admin_start(parts, request, replied, run);
    loop_run(run->loop);
    loop_timer_release(&patience);
}

bool admin_run(const struct config *config, const struct admin_request *request,
               struct admin_outcome *outcome, struct error *err)
{
    struct secrets secrets;
    struct run run = {.outcome = outcome};
    struct uuid writer_id = uuid_new();
    struct uuid instance_id = uuid_new(); /* no gateway's: it writes no payments */
    if (!secrets_load(&secrets, config->master_secret_file, err)) {
        (void)str_copy_to(str_of("; name the gateway's configuration with --config FILE"),
                          err->text + strlen(err->text), sizeof(err->text) - strlen(err->text));
        return false;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    run.loop = loop_new();
    struct store *store =
        store_new(run.loop, &config->store, &writer_id, &instance_id, &instance_id, 0);
    struct engine *engine = engine_new(run.loop, &config->engine);
    struct merchants_config merchants = config->merchants;
    merchants.read_env = secrets_read_env;
    struct admin_parts parts = {
        .loop = run.loop,
        .store = store,
        .engine = engine,
        .config = &merchants,
        .pepper = secrets.pepper,
        .probe_ms = PROBE_MS,
    };
    buf_init(&outcome->body, 64 << 20);
    run_loop(&run, &parts, request);
    engine_free(&engine);
    store_free(&store);
    loop_free(&run.loop);
    secrets_release(&secrets);
    return run.is_done ||
           fail(err, ERROR_TIMEOUT, "the database did not answer within %d s", PATIENCE_MS / 1000);
}
