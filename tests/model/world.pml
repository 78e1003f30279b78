/*
 * world.pml - what is not ours: providers, the network, and kill -9 (failover.pml).
 */

inline take(a) /* money */
{
    SAY("provider %d: CHARGES the customer\n", a)
    taken[a]++;
    book[a] = TAKEN;
    MUST(1, taken[0] + taken[1] <= 1)
}

inline deliver(i, a, s, word) /* to the drive, if it still waits: [send_done] */
{
    if
    :: word == LOST
    :: word != LOST && phase[sender[i]] == SENDING && !LOOKS(sender[i]) && s == 0 && at[sender[i]] == a ->
        fresh_hears(sender[i], word)
    :: word != LOST && phase[sender[i]] == SENDING && LOOKS(sender[i]) && slot[sender[i]] == s && at[sender[i]] == a ->
        look_hears(sender[i], word)
    :: else
    fi
}

#ifdef REPEAT_WITH_NEW_KEY
#define IS_UNKNOWN(a, s) (IS_NEW(a) || (s) > 0)
#else
#define IS_UNKNOWN(a, s) IS_NEW(a)
#endif
#define KNOWS(a, s, state) (!IS_UNKNOWN(a, s) && REPLAY(a) != REPLAY_DUPLICATE && book[a] == state)

/* A request arrives, or not; what it does, and what is said. */
inline arrive(a, s)
{
    if
    :: FAULT -> NOTE_FAULT; word = LOST
    :: FAULT -> NOTE_FAULT; word = AT_DOOR /* 401, 403, 429, 503, before the key is looked at */
    :: IS_UNKNOWN(a, s) -> take(a); word = APPROVED
    :: IS_UNKNOWN(a, s) && taken[a] == 0 -> book[a] = REFUSED; word = DECLINED
    :: IS_UNKNOWN(a, s) && taken[a] == 0 -> book[a] = REFUSED; word = HARD
    :: IS_UNKNOWN(a, s) && taken[a] == 0 -> book[a] = WORKING; word = UNCLEAR
    :: IS_UNKNOWN(a, s) && taken[a] == 0 -> book[a] = PENDING_NEW; word = ACCEPTED
    :: KNOWS(a, s, TAKEN) -> word = APPROVED
    :: KNOWS(a, s, REFUSED) -> word = DECLINED
    :: KNOWS(a, s, PENDING) || KNOWS(a, s, PENDING_NEW) -> word = ACCEPTED
    :: KNOWS(a, s, WORKING) -> word = UNCLEAR
    :: KNOWS(a, s, WORKING) && FAULT -> NOTE_FAULT; word = DECLINED /* not settled: it may be wrong */
    :: !IS_UNKNOWN(a, s) && REPLAY(a) == REPLAY_DUPLICATE -> word = DUPLICATE
    :: !IS_UNKNOWN(a, s) && REPLAY(a) == REPLAY_DUPLICATE && FAULT -> NOTE_FAULT; word = DECLINED /* no cover left */
    fi;
    if
    :: true
    :: FAULT -> NOTE_FAULT; word = LOST /* the answer */
    fi;
    SAY("send %d of attempt %d is at provider %d, or lost; its sender hears %d\n", s, a, a, word)
    deliver(AT(a, s), a, s, word);
    end_request(AT(a, s));
    word = 0
}

inline depart(a, s)
{
    SAY("send %d of attempt %d leaves\n", s, a)
    MUST(3, has_row[AT(a, s)]);
    request[AT(a, s)] = FLYING;
    if /* [send_look]: a moment later than the code notes look_us, which is weaker */
    :: LOOKS(sender[AT(a, s)]) && phase[sender[AT(a, s)]] == SENDING && at[sender[AT(a, s)]] == a &&
       slot[sender[AT(a, s)]] == s -> is_settled[sender[AT(a, s)]] = TIME_IS_UP(a, s)
    :: else
    fi
}

/* Its window is over [leave_until], or nobody takes the connection: this request never leaves, and its holder knows. */
inline expire(a, s)
{
    SAY("send %d of attempt %d does not leave, and will not\n", s, a)
    word = NOT_LEFT;
    deliver(AT(a, s), a, s, word);
    end_request(AT(a, s));
    word = 0
}

#define REQUEST(a, s) \
    :: atomic { request[AT(a, s)] == ALLOWED && phase[sender[AT(a, s)]] != PROBING_KEPT -> depart(a, s) } \
    :: atomic { request[AT(a, s)] == ALLOWED -> expire(a, s) } \
    :: atomic { request[AT(a, s)] == FLYING -> arrive(a, s) }

proctype Provider(byte a)
{
    byte word;
    do
    REQUEST(a, 0)
#if AGAIN >= 1
    REQUEST(a, 1)
#endif
#if AGAIN >= 2
    REQUEST(a, 2)
#endif
    :: atomic { book[a] == PENDING_NEW -> book[a] = PENDING }
    :: atomic { book[a] == WORKING || book[a] == PENDING ->
        if
        :: take(a)
        :: book[a] = REFUSED
        fi
    }
#ifdef LATE
    :: atomic { book[a] == REFUSED && !late[1 - a] ->
        SAY("provider %d: what it declined is paid all the same\n", a) late[a] = true; book[a] = TAKEN }
#endif
    :: atomic { book[a] != UNHEARD && !forgotten[a] && LIFE_IS_UP(a) && REPLAY(a) != REPLAY_NONE &&
                ended[a] == 0 && HAS_SLOT(a) ->
        SAY("provider %d: forgets the key\n", a) forgotten[a] = true }
    od
}

/* kill -9 of a worker: what it had not let out never leaves. Drives 0, 2 and 3 are worker 0's, 1 and 4 worker 1's. */
inline kill(d)
{
    if
    :: LOOKS(d) -> drop(d, IDLE)
    :: !LOOKS(d) && phase[d] != IDLE -> drop(d, ENDED)
    :: else
    fi;
    for (x : 0 .. 2 * SLOTS - 1) {
        if
        :: sender[x] == d && request[x] == ALLOWED -> end_request(x)
        :: else
        fi
    }
}
#define IS_BUSY(d) (phase[d] != IDLE && phase[d] != ENDED)
active proctype Crash()
{
    byte n, x;
    do
    :: atomic { n < CRASHES && (IS_BUSY(0) || IS_BUSY(2) || IS_BUSY(3)) ->
        SAY("kill -9 of worker 0: requests 0 and 2, look 3\n")
        n++; kill(0); kill(2); kill(3); x = 0 }
    :: atomic { n < CRASHES && (IS_BUSY(1) || IS_BUSY(4)) ->
        SAY("kill -9 of worker 1: request 1, look 4\n")
        n++; kill(1); kill(4); x = 0 }
    od
}
