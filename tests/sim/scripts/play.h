/*
 * play.h - a script while it is played: who holds which payment, and what he has read of it.
 */
#ifndef SIM_SCRIPTS_PLAY_H
#define SIM_SCRIPTS_PLAY_H

#include "base/error.h"
#include "base/rng.h"
#include "script.h"

enum {
    HOLDER_MAX = 8, /* of one writer */
};

struct holder { /* a payment in the hands of a writer */
    bool is_used;
    bool is_resumed;
    uint32_t payment;
    uint8_t attempt; /* index */
    int64_t epoch;
    bool was_canceled, is_recheck;
    struct model_view view; /* as he read it, and what he wrote since */
    bool has_last;
    struct script_write last;
};

struct play {
    struct model *model; /* borrowed */
    const struct script *script;
    struct script_tally *tally;
    struct rng rng; /* of this step */
    size_t at;      /* step */
    int64_t now_us;
    bool is_dead[SCRIPT_WRITERS];
    struct holder holders[SCRIPT_WRITERS][HOLDER_MAX];
    enum payment_status then[SCRIPT_PAYMENT_MAX]; /* of a reversal's payment, see script.h */
    uint8_t late[SCRIPT_PAYMENT_MAX];             /* number of the attempt that is to be reversed */
    struct text model_text, ledger_text;
    char *what;
    size_t size;
};

static inline uint64_t step_draw(struct play *play, uint64_t below)
{
    return rng_below(&play->rng, below);
}

/* holder.c: what comes next; false: nothing. */
bool holder_next(struct play *play, struct holder *holder, uint8_t writer,
                 struct script_write *write);
void holder_told(struct play *play, struct holder *holder, const struct script_write *write,
                 enum orchestrate_write result);
void holder_resume(struct play *play, uint8_t writer, const struct script_claim *claim);

#endif
