// linear_check.mjs - is what clients saw of one idempotency key linearizable? (Wing and Gong's search, with memo.)
//
// A key is a register that is written twice, each time once:
//
//     absent --take (a request's body, the object's id)--> taken --store (the final answer)--> answered
//
// A history is what the clients noted: [{body, from, to, status, code, id, raw}], times of one clock, `to` Infinity
// where no answer came. A request asks and is answered at one moment between `from` and `to`, and the answer must fit
// the register as it is then:
//
//     200, 201               answered, with these very bytes under this body (201 that says what is not final: taken)
//     202                    taken or answered under this body, with this id: it is told what is known, not what is final
//     409 in use             taken by this body, not answered; or answered, while the one who took it is not yet told:
//                            his worker still has it in its hands, though others can read the answer
//     422 reused             taken by another body
//     503, 429, no answer    says nothing; it may have taken the key all the same
//
// Only a request that may have been executed takes a key, after it was sent: 2xx, 503 or no answer. The answer is
// stored by whoever finishes the payment, at any moment after that.
//
// Why it ends: a request's answer changes nothing in the register, so whichever fits now is best taken now; what is
// left to choose is when the register is written, and with what.

const finals = new Set(['succeeded', 'authorized', 'declined', 'failed', 'canceled', 'paid', 'returned', 'review']);

// What an answer says of the register: taken, answered (with bytes), in use, reused, or nothing.
export function meaning(entry) {
    if (entry.status === 200 || entry.status === 201) return finals.has(entry.state) ? 'answered' : 'taken';
    if (entry.status === 202) return 'taken';
    if (entry.status === 409 && entry.code === 'idempotency_key_in_use') return 'in_use';
    if (entry.status === 422 && entry.code === 'idempotency_key_reused') return 'reused';
    if (entry.status === 503 || entry.status === 429 || entry.status === 0) return 'nothing';
    return undefined;
}

// Answered by its own worker, not from the store, and later than this one asked.
export function isHeld(entry, history) {
    return history.some((other) => [200, 201].includes(other.status) && !other.replayed && other.body === entry.body &&
        other.from <= entry.to && other.to >= entry.from);
}

function fits(entry, state, history) {
    switch (meaning(entry)) {
    case 'nothing': return true;
    case 'answered': return state.raw !== undefined && state.body === entry.body && state.id === entry.id && state.raw === entry.raw;
    case 'taken': return state.body === entry.body && state.id === entry.id;
    case 'in_use': return state.body === entry.body && (state.raw === undefined || isHeld(entry, history));
    case 'reused': return state.body !== undefined && state.body !== entry.body;
    default: return false;
    }
}
const mayTake = (entry) => ['answered', 'taken', 'nothing'].includes(meaning(entry));

// {ok: true, order} with one order that explains the history, or {ok: false, why, left}: the furthest that any order comes.
export function checkKey(history) {
    const said = history.filter((entry) => entry.status !== 0);
    const strange = said.find((entry) => meaning(entry) === undefined);
    if (strange) return { ok: false, why: `an answer that no register gives: ${strange.status} ${strange.code ?? ''}`, left: [strange] };
    const ids = [...new Set(said.map((entry) => entry.id).filter(Boolean))];
    const answers = [...new Set(said.filter((entry) => meaning(entry) === 'answered').map((entry) => entry.raw))];
    if (ids.length === 0) ids.push(undefined);
    const whole = said.length;
    const seen = new Set();
    let furthest = { count: -1 };

    // Whoever is asked at this moment must have been sent before every answer that has still to be explained.
    const horizon = (done) => Math.min(...said.filter((_, i) => !done[i]).map((entry) => entry.to));

    function search(done, state, order) {
        done = done.slice();
        order = order.slice();
        for (let more = true; more;) { // all that fits now
            more = false;
            const bound = horizon(done);
            said.forEach((entry, i) => {
                if (done[i] || entry.from > bound || !fits(entry, state, history)) return;
                done[i] = more = true;
                order.push(entry);
            });
        }
        const count = done.filter(Boolean).length;
        if (count > furthest.count) furthest = { count, state, left: said.filter((_, i) => !done[i]) };
        if (count === whole) return order;
        const memo = `${done.map(Number).join('')} ${state.body} ${state.id} ${answers.indexOf(state.raw)}`;
        if (seen.has(memo)) return undefined;
        seen.add(memo);
        const bound = horizon(done);
        const next = [];
        if (state.body === undefined) {
            const bodies = new Set(history.filter((entry) => mayTake(entry) && entry.from <= bound).map((entry) => entry.body));
            for (const body of bodies) for (const id of ids) next.push([{ body, id }, `take ${body}`]);
        } else if (state.raw === undefined) {
            for (const raw of answers) next.push([{ ...state, raw }, 'store']);
        }
        for (const [after, what] of next) {
            const found = search(done, after, [...order, what]);
            if (found) return found;
        }
        return undefined;
    }

    const order = search(said.map(() => false), {}, []);
    if (order) return { ok: true, order };
    const { state, left } = furthest;
    const now = state.body === undefined ? 'nobody has the key' : state.raw === undefined ? `taken by body ${state.body}` : `answered to body ${state.body}`;
    return { ok: false, why: `${left.length} of ${whole} answers fit no order (${now})`, left };
}

// One line per request, for whoever reads a refusal.
export function show(history) {
    const start = Math.min(...history.map((entry) => entry.from));
    return history.slice().sort((a, b) => a.from - b.from).map((entry) =>
        `${(entry.from - start).toFixed(1)}..${(entry.to - start).toFixed(1)} ms body ${entry.body}: ${entry.status || 'no answer'} ${entry.code ?? entry.state ?? ''} ${entry.id ?? ''}`).join('\n');
}
