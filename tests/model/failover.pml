/*
 * failover.pml - the failover rule, for an exhaustive search (Spin): `make model`; docs/safety.md, "Model".
 *
 *   one payment, one idempotency key, two providers (attempt 0 at one, attempt 1 at the other)
 *
 *   Client ----request, and two repeats----> Fresh x 3    orchestrate_fresh.c: a request in a worker's hands
 *   Reaper ----what is orphaned, or late---> queue        resolve_queue.c: store_adopt; webhooks
 *   Looker x 2 <---claims------------------- queue        resolve.c, orchestrate_resume.c: one look, then back
 *   Provider x 2   what leaves, arrives, takes effect now or later, or is lost; keys
 *   Crash          kill -9 of a worker, twice
 *
 * Time is left out, and with it every promise that rests on speed: each process may stand still between any
 * two of its steps for as long as it likes (a stopped worker, a slow disk, another host); a lease may run out
 * at any moment; a living worker may be believed dead; what has left may arrive long after its sender's death.
 * What remains of time is what the code compares stored times for, as conditions on the world: a look may be
 * settled only when nothing that the ledger allows can leave, arrive or take effect any more (TIME_IS_UP), and
 * a key is forgotten by its provider only when nothing that was announced under it is on its way (LIFE_IS_UP).
 *
 * A name in [brackets] is the function or row of the code that a step stands for. Safeguards are taken out one
 * at a time with -D... (tests/model/run.sh lists them). PROP=n looks at one promise alone, 0 at all:
 *
 *   1  never charged twice: at most one charge in time, and in the end at most one attempt has money
 *   2  nothing acknowledged is lost: a final answer is told only once it is stored, and the books agree in the
 *      end; "nothing was done" is told only when nothing is stored
 *   3  intent before effect: what leaves has a committed row
 *   4  unknown is left by proof alone: what is ended as failed, or failed over, took nothing and never will
 *   7  same key, same answer
 *   8  every payment ends, or is in review: at rest; with -DLIVE under weak fairness, too
 */
#ifndef PROP
#define PROP 0
#endif
#define MUST(promise, condition) assert((PROP != 0 && PROP != promise) || (condition))

/* How a provider treats a key that it knows [enum orchestrate_replay], and whether it can be asked. */
#define REPLAY_NONE 0
#define REPLAY_FIRST 1
#define REPLAY_LATEST 2
#define REPLAY_DUPLICATE 3
#ifndef REPLAY_0
#define REPLAY_0 REPLAY_FIRST
#endif
#ifndef REPLAY_1
#define REPLAY_1 REPLAY_LATEST
#endif
#ifndef LOOKUP_0
#define LOOKUP_0 true
#endif
#ifndef LOOKUP_1
#define LOOKUP_1 true
#endif
#define REPLAY(a) ((a) == 0 -> REPLAY_0 : REPLAY_1)
#define CAN_LOOKUP(a) ((a) == 0 -> LOOKUP_0 : LOOKUP_1)

#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef REPEATS
#define REPEATS 2 /* of the client */
#endif
#ifndef AGAIN
#define AGAIN 2 /* repeats of an attempt's send, at most */
#endif

/* Without an end to faults nothing need ever end; safety needs no such bound. */
#ifdef LIVE
#ifndef FAULTS
#define FAULTS 2
#endif
byte faults;
#define FAULT faults < FAULTS
#define NOTE_FAULT faults++
#else
#define FAULT true
#define NOTE_FAULT skip
#endif

/* A counter-example is told line by line (-DTELL); else these are nothing. */
#ifdef TELL
#define SAY(...) printf(__VA_ARGS__);
#else
#define SAY(...)
#endif

#include "rows.pml"

/* ---- drives come and go ---- */

inline drop(d, into) /* it has nothing more to do, or whatever it would write is WRITE_FENCED */
{
    phase[d] = into;
    at[d] = 0;
    value[d] = NONE;
    slot[d] = 0;
    is_pending[d] = false;
    is_lost[d] = false;
    is_over[d] = false;
    is_canceled[d] = false;
    is_settled[d] = false
}

#define WRITES_OUTCOMES(d) \
    (phase[d] == PROBING_KEPT || phase[d] == SENDING || phase[d] == SWITCHING || phase[d] == CLOSING || phase[d] == PARKING || \
     phase[d] == PARKING_PENDING || phase[d] >= ANNOUNCING)

/*
 * [orchestrate_put_outcome], [SQL_OUTCOMES]: drive d writes outcome number "highest seen + 1" of attempt a. All
 * others that have read that attempt would now write a number that is taken: they are fenced, whatever they
 * hear. (What they have let leave is on its way all the same: a request is not its drive.)
 */
inline put_outcome(a, d)
{
#ifndef NO_FENCE
    for (x : 0 .. DRIVES - 1) {
        if
        :: x != d && at[x] == a && WRITES_OUTCOMES(x) && LOOKS(x) -> drop(x, IDLE)
        :: x != d && at[x] == a && WRITES_OUTCOMES(x) && !LOOKS(x) -> drop(x, ENDED) /* 202 */
        :: else
        fi
    }
    x = 0
#else
    skip
#endif
}

inline allow(i, d) /* the row of a send, or of a repeat, is committed: [opens_send], [announces_repeat] */
{
    request[i] = ALLOWED;
    sender[i] = d;
    has_row[i] = true
}

inline end_request(i)
{
    request[i] = GONE;
    sender[i] = 0;
    has_row[i] = false
}

#define TIMES_OUT(i) ((request[i] == FLYING && FAULT) || request[i] == GONE)

inline write_final(a, d, v) /* [close_attempt], [finish_for]: outcome, transfers and answer in one commit */
{
    put_outcome(a, d);
    if
    :: v == PAID + a -> ended[a] = YES; MUST(4, taken[a] > 0 || late[a])
    :: else -> ended[a] = NO; MUST(4, IS_PROVEN(a))
    fi
}

inline tell(v) /* 201: [REPLY_FINAL], [replay] */
{
    MUST(2, answer == v);
    MUST(7, told == NONE || told == v);
    told = v
}

/* ---- a new payment: orchestrate_fresh.c ---- */

inline open(d) /* [SQL_IDEMPOTENCY] ... [SQL_SENDS]: key, payment, attempt and send in one commit */
{
    opened = true;
    exists[0] = true;
    allow(AT(0, 0), d)
}

/* [orchestrate_fresh_answered], [weigh], [conclude] */
inline fresh_hears(d, word)
{
#ifdef FAILOVER_ON_TIMEOUT
    if :: word == LOST -> word = DECLINED :: else fi;
#endif
#ifdef UNCLEAR_IS_FAILED
    if :: word == UNCLEAR -> word = DECLINED :: else fi;
#endif
    if
    :: word == APPROVED -> value[d] = PAID + at[d]; phase[d] = CLOSING
    :: word == HARD -> value[d] = DECLINED_ALL; phase[d] = CLOSING
    /* Rule (ii): answered by a definite no. Rule (i): it did not leave, and its holder says so. */
    :: (word == DECLINED || word == AT_DOOR || word == NOT_LEFT) && at[d] == 0 -> phase[d] = SWITCHING
    :: (word == DECLINED || word == AT_DOOR || word == NOT_LEFT) && at[d] == 1 ->
        value[d] = DECLINED_ALL; phase[d] = CLOSING
    :: word == ACCEPTED -> phase[d] = PARKING_PENDING
    :: word == UNCLEAR || word == DUPLICATE || word == LOST -> phase[d] = PARKING
    fi
}

#if defined(NO_FENCE) || defined(NO_QUEUE_FENCE)
#define IS_ADOPTED(a) false
#else
#define IS_ADOPTED(a) parked[a] /* [SQL_ATTEMPTS]; a new row of the queue: [SQL_PARK] */
#endif

proctype Fresh(byte d)
{
    byte x;
    do
#ifdef SEND_BEFORE_COMMIT
    :: atomic { phase[d] == OPENING && request[AT(0, 0)] == 0 ->
        SAY("request %d: lets its send leave, nothing is committed\n", d)
        request[AT(0, 0)] = ALLOWED; sender[AT(0, 0)] = d }
#endif
    :: atomic { phase[d] == OPENING && !opened ->
        SAY("request %d: COMMIT of key, payment, attempt 0 and its send\n", d)
        open(d); phase[d] = SENDING }
    :: atomic { phase[d] == OPENING && opened ->
        SAY("request %d: the key is taken\n", d)
        phase[d] = READING_KEY }
    :: atomic { phase[d] == OPENING && !opened && FAULT ->
        SAY("request %d: COMMIT of key, payment, attempt 0 and its send; its answer is lost\n", d)
        NOTE_FAULT; open(d); phase[d] = PROBING_KEPT }
    :: atomic { phase[d] == OPENING && !opened && FAULT ->
        SAY("request %d: its COMMIT is lost, and so is the answer\n", d)
        NOTE_FAULT; phase[d] = PROBING_LOST }
#ifdef KEY_NOT_UNIQUE
    :: atomic { phase[d] == OPENING && opened && !exists[1] ->
        SAY("request %d: COMMIT of a second payment under the key, by provider 1\n", d)
        exists[1] = true; allow(AT(1, 0), d); at[d] = 1; phase[d] = SENDING }
#endif
    /* Its fate is asked for by natural key: [drive_probe], [probed]. */
    :: atomic { phase[d] == PROBING_KEPT ->
#ifdef COMMIT_UNKNOWN_IS_FAILURE
        SAY("request %d: 503, nothing was done\n", d)
        MUST(2, false); drop(d, ENDED) /* 503: "this request wrote nothing" */
#else
        phase[d] = SENDING;
        if
        :: request[AT(0, 0)] == GONE -> x = NOT_LEFT; fresh_hears(d, x); x = 0 /* its window closed meanwhile */
        :: else
        fi
#endif
    }
    :: atomic { phase[d] == PROBING_LOST ->
#ifdef COMMIT_UNKNOWN_IS_SUCCESS
        SAY("request %d: goes on as if it were committed\n", d)
        request[AT(0, 0)] = ALLOWED; sender[AT(0, 0)] = d; phase[d] = SENDING
#else
        SAY("request %d: 503, nothing was done\n", d)
        drop(d, ENDED) /* REPLY_UNAVAILABLE: 503, and it is true */
#endif
    }
    :: atomic { phase[d] == READING_KEY ->
        if
        :: answer != NONE -> SAY("request %d: 201, the stored answer %d\n", d, answer) tell(answer) /* [replay] */
        :: else -> SAY("request %d: 409 or 202\n", d)                           /* 409, or 202 with the state */
        fi;
        drop(d, ENDED)
    }
    :: atomic { phase[d] == SENDING && TIMES_OUT(AT(at[d], 0)) -> /* any moment after it has left */
        SAY("request %d: time-out, the answer of attempt %d is lost\n", d, at[d])
        NOTE_FAULT; x = LOST; fresh_hears(d, x); x = 0 }
    :: atomic { phase[d] == SWITCHING -> /* close attempt 0, open attempt 1: one commit */
        if
        :: !IS_ADOPTED(0) && !exists[1] ->
            SAY("request %d: COMMIT of the failover: attempt 0 failed, attempt 1 and its send\n", d)
            MUST(4, IS_PROVEN(0));
            MUST(4, !canceled[0]);
            put_outcome(0, d);
            ended[0] = NO;
            exists[1] = true;
            at[d] = 1;
            allow(AT(1, 0), d);
            phase[d] = SENDING
        :: else -> SAY("request %d: may not fail over any more: 202\n", d) drop(d, ENDED) /* WRITE_FENCED */
        fi
    }
#ifdef REPLY_BEFORE_COMMIT
    :: atomic { phase[d] == CLOSING -> SAY("request %d: 201, answer %d, before the COMMIT\n", d, value[d]) tell(value[d]) }
#endif
    :: atomic { phase[d] == CLOSING ->
        if
        :: answer == NONE ->
            SAY("request %d: COMMIT of the end of attempt %d, answer %d stored\n", d, at[d], value[d])
            write_final(at[d], d, value[d]); answer = value[d]; phase[d] = REPLYING
        :: else -> drop(d, ENDED)
        fi
    }
    :: atomic { (phase[d] == PARKING || phase[d] == PARKING_PENDING) -> /* 202 */
        if
        :: !IS_ADOPTED(at[d]) ->
            SAY("request %d: COMMIT, attempt %d is unknown or pending, and parked: 202\n", d, at[d])
            put_outcome(at[d], d);
            pending[at[d]] = pending[at[d]] || phase[d] == PARKING_PENDING;
            was_lost[at[d]] = was_lost[at[d]] || phase[d] == PARKING;
            parked[at[d]] = true
        :: else
        fi;
        drop(d, ENDED)
    }
    :: atomic { phase[d] == REPLYING -> SAY("request %d: 201, answer %d\n", d, value[d]) tell(value[d]); drop(d, ENDED) }
    od
}

/* A request, and its repeats under the same key, to whatever worker; the first may still run. */
active proctype Client()
{
    atomic { phase[0] = OPENING }
#if REPEATS >= 1
    atomic { phase[1] = OPENING }
#endif
#if REPEATS >= 2
    atomic { phase[2] = OPENING }
#endif
}

/* ---- an attempt taken over: resolve.c, orchestrate_resume.c ---- */

#ifdef REPEAT_AFTER_KEY
#define KEY_LIVES(a) true
#else
#define KEY_LIVES(a) (!forgotten[a])
#endif
#ifdef REPEAT_WITHOUT_KEY
#define KEY_PROTECTS(a) true
#else
#define KEY_PROTECTS(a) (REPLAY(a) != REPLAY_NONE)
#endif
#ifdef REPEAT_CANCELED
#define IS_WANTED(a) true
#else
#define IS_WANTED(a) (!canceled[a])
#endif
#if AGAIN > 0
#define HAS_SLOT(a) (request[AT(a, AGAIN)] == 0)
#else
#define HAS_SLOT(a) false
#endif
#define MAY_REPEAT(a) (KEY_PROTECTS(a) && KEY_LIVES(a) && HAS_SLOT(a) && IS_WANTED(a) && \
                       (!pending[a] || REPLAY(a) == REPLAY_LATEST))
#define PREFERS_LOOKUP(a) (CAN_LOOKUP(a) && (pending[a] || REPLAY(a) == REPLAY_DUPLICATE))

/* A lease runs out at any moment; with LIVE, once its holder has let go. */
#define OTHER(d) (2 * FRESH + 1 - (d))
#ifdef LIVE
#define MAY_CLAIM(a, d) (parked[a] && phase[d] == IDLE && !(phase[OTHER(d)] != IDLE && at[OTHER(d)] == a))
#else
#define MAY_CLAIM(a, d) (parked[a] && phase[d] == IDLE)
#endif

/*
 * [store_claim], then the rows are read and the core begins: [resolve_take_on], [orchestrate_resume_begin].
 * Every WRITE of the one who held the claim before is refused from now on, by the claim's epoch, but for the
 * announcement of a repeat, which carries none.
 */
inline claim(a, d)
{
#ifndef NO_EPOCH
    if
    :: phase[OTHER(d)] == ANNOUNCING && at[OTHER(d)] == a -> phase[OTHER(d)] = ANNOUNCING_LATE
    :: phase[OTHER(d)] > ANNOUNCING_LATE && at[OTHER(d)] == a -> drop(OTHER(d), IDLE)
    :: phase[OTHER(d)] == SENDING && at[OTHER(d)] == a -> drop(OTHER(d), IDLE)
    :: else
    fi;
#endif
    at[d] = a;
    SAY("look %d: claims attempt %d, reads its rows\n", d, a)
    if
    :: ended[a] != 0 && rechecks[a] && ended[a] == NO && CAN_LOOKUP(a) -> phase[d] = LOOKING_AGAIN
    :: ended[a] != 0 && !(rechecks[a] && ended[a] == NO && CAN_LOOKUP(a)) -> phase[d] = TAKING_OUT
    /* [choose_look]; which of the two the number of tries says is left open */
    :: ended[a] == 0 && MAY_REPEAT(a) && !PREFERS_LOOKUP(a) -> phase[d] = ANNOUNCING
    :: ended[a] == 0 && CAN_LOOKUP(a) -> phase[d] = LOOKING
    :: ended[a] == 0 && !MAY_REPEAT(a) && !CAN_LOOKUP(a) -> phase[d] = ASKING_PERSON /* [put_back], in the end */
    fi;
    if
    :: phase[d] == ANNOUNCING || phase[d] == LOOKING ->
        is_pending[d] = pending[a];
        is_lost[d] = was_lost[a];
        is_canceled[d] = canceled[a];
        is_over[d] = answer != NONE || (a == 0 && exists[1])
    :: phase[d] == TAKING_OUT || phase[d] == ASKING_PERSON || phase[d] == LOOKING_AGAIN
    fi
}

#ifdef NOT_FOUND_WHILE_PENDING
#define PENDS(d) false
#else
#define PENDS(d) is_pending[d]
#endif
#ifdef DUPLICATE_IS_PROOF
#define IS_REFUSED_REPEAT(d) false
#else
#define IS_REFUSED_REPEAT(d) (slot[d] != 0 && REPLAY(at[d]) == REPLAY_DUPLICATE)
#endif

/* [orchestrate_resume_answered], [is_proof]. What is no end is put back [put_back]: due again, nothing written. */
inline look_hears(d, word)
{
    if
    :: word == APPROVED -> value[d] = PAID + at[d]; phase[d] = FINISHING
    :: word == ACCEPTED && !is_pending[d] -> phase[d] = ACCEPTING
    :: is_settled[d] && ((word == NOT_FOUND && !PENDS(d)) ||
                         ((word == DECLINED || word == HARD) && !IS_REFUSED_REPEAT(d))) ->
        value[d] = (is_canceled[d] -> CANCELED : DECLINED_ALL); phase[d] = FINISHING
#ifdef DOOR_IS_PROOF
    :: is_settled[d] && word == AT_DOOR -> value[d] = DECLINED_ALL; phase[d] = FINISHING
#endif
#ifdef SILENCE_IS_FAILED
    :: word == LOST || word == NOT_LEFT -> value[d] = DECLINED_ALL; phase[d] = FINISHING
#endif
    :: else -> drop(d, IDLE)
    fi;
    is_pending[d] = false;
    is_lost[d] = false;
    is_settled[d] = false;
    slot[d] = 0;
    if :: phase[d] != FINISHING -> is_over[d] = false; is_canceled[d] = false :: else fi
}

/* What the provider says to a lookup at this moment. Until things are settled it may not know, or be wrong. */
inline look_up(a, word)
{
    if
    :: book[a] == TAKEN -> word = APPROVED
    :: book[a] == REFUSED -> word = DECLINED
    :: book[a] == PENDING -> word = ACCEPTED
    :: book[a] == UNHEARD || book[a] == WORKING -> word = NOT_FOUND
    :: book[a] == WORKING && FAULT -> NOTE_FAULT; word = DECLINED
    :: book[a] == PENDING_NEW -> word = ACCEPTED
    :: book[a] == PENDING_NEW && FAULT -> NOTE_FAULT; word = NOT_FOUND
    :: FAULT -> NOTE_FAULT; word = LOST
    :: FAULT -> NOTE_FAULT; word = AT_DOOR
    fi
}

proctype Looker(byte d)
{
    byte x, word;
    do
    :: atomic { MAY_CLAIM(0, d) -> claim(0, d) }
    :: atomic { MAY_CLAIM(1, d) -> claim(1, d) }
    :: atomic { (phase[d] == ANNOUNCING || phase[d] == ANNOUNCING_LATE) ->
        if
        :: KEY_LIVES(at[d]) && HAS_SLOT(at[d]) -> /* [is_stale] */
            slot[d] = (request[AT(at[d], 1)] == 0 -> 1 : AGAIN);
#ifdef REPEAT_UNANNOUNCED
            SAY("look %d: repeat %d of attempt %d may leave, and no row says so\n", d, slot[d], at[d])
            request[AT(at[d], slot[d])] = ALLOWED;
            sender[AT(at[d], slot[d])] = d;
#else
            SAY("look %d: COMMIT, repeat %d of attempt %d may leave\n", d, slot[d], at[d])
            put_outcome(at[d], d);
            was_lost[at[d]] = true;
            allow(AT(at[d], slot[d]), d);
#endif
            if
            :: phase[d] == ANNOUNCING -> phase[d] = SENDING; is_pending[d] = false; is_lost[d] = false
            :: phase[d] == ANNOUNCING_LATE -> drop(d, IDLE) /* it leaves, and whatever it brings is not written */
            fi
        :: else -> drop(d, IDLE)
        fi
    }
    :: atomic { phase[d] == SENDING && TIMES_OUT(AT(at[d], slot[d])) ->
        SAY("look %d: time-out of its repeat\n", d)
        NOTE_FAULT; word = LOST; look_hears(d, word); word = 0 }
    :: atomic { phase[d] == LOOKING ->
        /* [look_us]: the code notes it when the look begins; here when the provider is asked, which is weaker. */
        is_settled[d] = (is_pending[d] && !is_lost[d]) || TIME_IS_UP(at[d], NO_SLOT);
        look_up(at[d], word);
        SAY("look %d: asks provider %d, which says %d\n", d, at[d], word)
#ifdef SETTLED_BY_ANSWER
        value[d] = word; phase[d] = JUDGING;
#else
        look_hears(d, word);
#endif
        word = 0
    }
#ifdef SETTLED_BY_ANSWER
    :: atomic { phase[d] == JUDGING ->
        is_settled[d] = TIME_IS_UP(at[d], NO_SLOT); word = value[d]; look_hears(d, word); word = 0 }
#endif
    :: atomic { phase[d] == LOOKING_AGAIN -> /* [rechecked] */
        look_up(at[d], word);
        SAY("look %d: asks provider %d again, which says %d\n", d, at[d], word)
        if
        :: word == APPROVED -> phase[d] = BELIEVING
        :: word == DECLINED || word == NOT_FOUND -> phase[d] = TAKING_OUT
        :: else -> drop(d, IDLE) /* [look_later] */
        fi;
        word = 0
    }
    :: atomic { phase[d] == ACCEPTING -> /* [accepted] */
        SAY("look %d: COMMIT, attempt %d is pending\n", d, at[d])
        put_outcome(at[d], d);
        pending[at[d]] = true;
        drop(d, IDLE)
    }
    :: atomic { phase[d] == FINISHING -> /* [finish_for], [close_look]: outcome, transfers, answer, out of the queue */
        if
        :: is_over[d] || answer == NONE ->
            SAY("look %d: COMMIT of the end of attempt %d: answer %d\n", d, at[d], value[d])
            write_final(at[d], d, value[d]);
            if :: !is_over[d] -> answer = value[d] :: else fi;
            /* [is_to_be_taken_back], REVIEW_LATE_SUCCESS: nobody waits for this money any more */
            owed[at[d]] = value[d] == PAID + at[d] && (is_over[d] || is_canceled[d]);
            parked[at[d]] = false
        :: else /* an answer is stored: WRITE_FENCED */
        fi;
        drop(d, IDLE)
    }
    :: atomic { phase[d] == BELIEVING -> /* [believe] */
        SAY("look %d: COMMIT, attempt %d was paid late\n", d, at[d])
        put_outcome(at[d], d);
        ended[at[d]] = YES;
#ifndef LATE_SUCCESS_FORGOTTEN
        owed[at[d]] = true;
#endif
#ifdef LATE_SUCCESS_ANSWERS
        answer = PAID + at[d];
#endif
        parked[at[d]] = false;
        drop(d, IDLE)
    }
    :: atomic { phase[d] == TAKING_OUT -> parked[at[d]] = false; drop(d, IDLE) } /* [take_out] */
    :: atomic { phase[d] == ASKING_PERSON -> /* [review_open] */
        SAY("look %d: COMMIT, a person is asked about attempt %d\n", d, at[d])
        put_outcome(at[d], d);
        review[at[d]] = true;
        parked[at[d]] = false;
        drop(d, IDLE)
    }
    od
}

/*
 * [store_adopt]: its writer is dead, or has not been heard of for long; here at any time, so that a living worker
 * may find its attempt taken over. And the webhook that makes due what is final, and has changed: [rechecks].
 */
active proctype Reaper()
{
    do
#ifndef NO_TAKEOVER
    :: atomic { exists[0] && ended[0] == 0 && !parked[0] && !review[0] ->
        SAY("attempt 0 is taken over: parked\n") parked[0] = true }
    :: atomic { exists[1] && ended[1] == 0 && !parked[1] && !review[1] ->
        SAY("attempt 1 is taken over: parked\n") parked[1] = true }
#endif
    :: atomic { late[0] && ended[0] == NO && !parked[0] && !rechecks[0] ->
        SAY("a webhook makes attempt 0 due\n") parked[0] = true; rechecks[0] = true }
    :: atomic { late[1] && ended[1] == NO && !parked[1] && !rechecks[1] ->
        SAY("a webhook makes attempt 1 due\n") parked[1] = true; rechecks[1] = true }
    od
}

/* reversal.c: an operation of its own, with intents of its own; here one step. */
active proctype Reversal()
{
    do
    :: atomic { owed[0] -> SAY("attempt 0 is given back\n") owed[0] = false; given_back[0] = true }
    :: atomic { owed[1] -> SAY("attempt 1 is given back\n") owed[1] = false; given_back[1] = true }
    od
}

#ifdef CANCEL
/* [driver_cancel.c]: noted in the row of the queue, or refused for now. */
active proctype Merchant()
{
    atomic {
        if
        :: parked[0] && ended[0] == 0 && CAN_LOOKUP(0) -> SAY("the merchant cancels, attempt 0 is waited for\n") canceled[0] = true
        :: parked[1] && ended[1] == 0 && CAN_LOOKUP(1) -> SAY("the merchant cancels, attempt 1 is waited for\n") canceled[1] = true
        fi
    }
}
#endif

#include "world.pml"

/* At rest nothing more can happen. */
#define IN_REVIEW (review[0] || review[1])
active proctype Rest()
{
    timeout;
    atomic {
        SAY("at rest: answer %d; attempt 0 has %d, attempt 1 has %d\n", answer, NET(0), NET(1))
        MUST(1, NET(0) + NET(1) <= 1);
        MUST(2, !(answer == PAID || answer == PAID + 1) || NET(0) + NET(1) == 1 || canceled[0] || canceled[1]);
        MUST(2, !(answer == DECLINED_ALL || answer == CANCELED) || NET(0) + NET(1) == 0);
        MUST(8, !opened || answer != NONE || IN_REVIEW)
    }
}

init {
    atomic {
        run Provider(0);
        run Provider(1);
        run Fresh(0);
#if REPEATS >= 1
        run Fresh(1);
#endif
#if REPEATS >= 2
        run Fresh(2);
#endif
        run Looker(FRESH);
        run Looker(FRESH + 1)
    }
}

#ifdef LIVE
ltl ends { [] (opened -> <> (answer != NONE || review[0] || review[1])) }
#endif
