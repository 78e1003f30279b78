/*
 * rows.pml - what there is: rows of the ledger, drives in workers' memory, requests on their way, the providers'
 * books; and what may be concluded from them (failover.pml).
 */

/* ---- the ledger: rows that are committed ---- */
#define NO 1
#define YES 2
bool opened;       /* payment and idempotency key */
bool exists[2];    /* attempt, and its first send with the body */
byte ended[2];     /* a final outcome: NO (declined, failed) or YES (approved, posted) */
bool pending[2];   /* the newest word of the provider: accepted */
bool was_lost[2];  /* an outcome UNKNOWN, or an announced repeat */
bool parked[2];    /* a row in `unresolved` */
bool canceled[2];  /* ... its canceled_at: by the merchant */
bool rechecks[2];  /* ... what is final is looked up again */
bool review[2];    /* a person is asked */
bool owed[2];      /* a late success was posted: its reversal is open */
#define NONE 0
#define PAID 1     /* by attempt 0; by attempt 1: 2 */
#define DECLINED_ALL 3
#define CANCELED 4
byte answer;       /* stored under the key: the first final one */
byte told;         /* ... what a client has heard: 201 */

/* ---- workers' memory: drives ---- */
#define FRESH 3 /* drives 0, 1, 2: the request and its repeats; 3, 4: looks */
#define DRIVES 5
#define LOOKS(d) ((d) >= FRESH)
#define IDLE 0
#define OPENING 1         /* PHASE_OPENING */
#define PROBING_KEPT 2    /* PHASE_PROBING of an opening whose COMMIT got no answer, and which is there */
#define PROBING_LOST 3    /* ... is not */
#define READING_KEY 4     /* WRITE_KEY_TAKEN: [drive_answer_key] */
#define SENDING 5         /* PHASE_SENDING: the answer is awaited */
#define SWITCHING 6       /* PHASE_SWITCHING */
#define CLOSING 7         /* PHASE_CLOSING, with `value` */
#define PARKING 8         /* PHASE_CLOSING of an unknown outcome */
#define PARKING_PENDING 9 /* ... of an accepted one */
#define REPLYING 10       /* committed; the client has not heard it yet */
#define ENDED 11          /* PHASE_ENDED, or its worker was killed */
#define ANNOUNCING 12     /* a look from here on: PHASE_ANNOUNCING */
#define ANNOUNCING_LATE 13 /* ... another has claimed the attempt since */
#define LOOKING 14        /* SEND_LOOKUP */
#define LOOKING_AGAIN 15  /* ... of what is final */
#define JUDGING 16
#define FINISHING 17      /* PHASE_CLOSING of a look, with `value` */
#define ACCEPTING 18
#define BELIEVING 19      /* ... what was believed to have failed has not */
#define TAKING_OUT 20
#define ASKING_PERSON 21
byte phase[DRIVES];
byte at[DRIVES];          /* the attempt whose rows it has read */
byte value[DRIVES];       /* the answer that it is about to store, or to tell */
byte slot[DRIVES];        /* the repeat that it has announced */
bool is_pending[DRIVES];  /* the rows, as it has read them */
bool is_lost[DRIVES];
bool is_over[DRIVES];     /* the payment has ended, or gone on, without this attempt */
bool is_canceled[DRIVES];
bool is_settled[DRIVES];  /* everything else had settled when its look began: [look_us >= settled_us] */

/* ---- between gateway and provider ---- */
#define ALLOWED 1 /* committed, and not_after has not passed: may leave */
#define FLYING 2
#define GONE 3    /* arrived, dropped, or may never leave */
#define SLOTS (AGAIN + 1) /* requests of an attempt that may be on their way: the first, and its repeats */
#define AT(a, s) ((a) * SLOTS + (s))
byte request[2 * SLOTS];
byte sender[2 * SLOTS];  /* the drive that let it leave, and would hear the answer */
bool has_row[2 * SLOTS]; /* a committed row says that it may leave */

/* ---- answers of a provider [struct orchestrate_answer] ---- */
#define APPROVED 1
#define DECLINED 2  /* DECLINED_SOFT, or FAILED as the answer to the key: definite */
#define HARD 3      /* DECLINED_HARD: definite, and nobody else is tried */
#define AT_DOOR 4   /* FAILED, answers_key = false: this request did nothing; says nothing of another */
#define UNCLEAR 5   /* 5xx, unreadable, "being processed" */
#define DUPLICATE 6 /* the key is known; says no outcome */
#define ACCEPTED 7  /* PENDING */
#define NOT_FOUND 8 /* of a lookup */
#define LOST 9      /* time-out, reset: not whole */
#define NOT_LEFT 10 /* left = false: only who holds the send can know */

/* ---- the providers' books ---- */
#define UNHEARD 0
#define WORKING 1 /* arrived; takes effect within the settling time, or never */
#define PENDING 2 /* accepted; decided later */
#define TAKEN 3   /* charged */
#define REFUSED 4 /* declined */
#define PENDING_NEW 5 /* as PENDING; not every part of the provider knows of it yet */
byte book[2];
byte taken[2];      /* charges, but late ones */
bool late[2];       /* declined, and paid all the same */
bool given_back[2];
bool forgotten[2];  /* the key's life is over */
#define NET(a) (taken[a] + late[a] - given_back[a])

/* Some request of attempt a, other than slot `own`. */
#define NO_SLOT 9
#if AGAIN >= 2
#define SOME(a, own, P) ((own) != 0 && P(AT(a, 0)) || (own) != 1 && P(AT(a, 1)) || (own) != 2 && P(AT(a, 2)))
#elif AGAIN == 1
#define SOME(a, own, P) ((own) != 0 && P(AT(a, 0)) || (own) != 1 && P(AT(a, 1)))
#else
#define SOME(a, own, P) ((own) != 0 && P(AT(a, 0)))
#endif
#define ON_ITS_WAY(i) (request[i] == ALLOWED || request[i] == FLYING)
#define HAS_RIGHT(i) (has_row[i] && ON_ITS_WAY(i))
#define HAS_FLOWN(i) (has_row[i] && request[i] == FLYING)

/* [orchestrate_settled_at]: last intent + window + call time-out + settling time + skew have passed. */
#if defined(SETTLE_IGNORED)
#define TIME_IS_UP(a, own) true
#elif defined(SETTLE_FORGETS_WINDOW)
#define TIME_IS_UP(a, own) (!SOME(a, own, HAS_FLOWN) && book[a] != WORKING && book[a] != PENDING_NEW)
#elif defined(SETTLE_FORGETS_PROVIDER)
#define TIME_IS_UP(a, own) (!SOME(a, own, HAS_RIGHT))
#else
#define TIME_IS_UP(a, own) (!SOME(a, own, HAS_RIGHT) && book[a] != WORKING && book[a] != PENDING_NEW)
#endif
/* [orchestrate_may_repeat]: nothing that was announced under the key arrives after its end. */
#define LIFE_IS_UP(a) (!SOME(a, NO_SLOT, HAS_RIGHT))

/* By the books: money may still be taken under attempt a. */
#define IS_NEW(a) (book[a] == UNHEARD || forgotten[a] || REPLAY(a) == REPLAY_NONE)
#define MAY_TAKE(a) (book[a] == WORKING || book[a] == PENDING || book[a] == PENDING_NEW || (SOME(a, NO_SLOT, ON_ITS_WAY) && IS_NEW(a)))
#define IS_PROVEN(a) (taken[a] == 0 && !MAY_TAKE(a))
