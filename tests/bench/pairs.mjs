// pairs.mjs - two arms of one world, measured in turn, and what their differences say.
import path from 'node:path';
import { assert, median, top, writeResult } from './lib.mjs';

// The median of the pairs, and what holds the true one with 95 %, by their order alone (the sign test): the k-th from
// either end, the largest k with P(Binomial(pairs, 1/2) < k) <= 2.5 %; with fewer than six pairs their extremes.
export function judge(differences, bound) {
    const sorted = [...differences].sort((x, y) => x - y);
    const count = sorted.length;
    let cut = 0;
    for (let term = 0.5 ** count, below = term; below <= 0.025 && cut < count >> 1; cut++) {
        term = term * (count - cut) / (cut + 1);
        below += term;
    }
    cut = Math.max(cut - 1, 0);
    const [least, most] = [sorted[cut], sorted[count - 1 - cut]];
    const verdict = most <= bound ? 'ok' : least > bound ? 'TOO MUCH' : 'NOT DECIDED: the machine is too busy with other things, or PAIRS too few';
    return { difference: median(sorted), least, most, sorted, verdict };
}

const one = (x) => x.toFixed(1);

// PAIRS times both arms, in the order ABBA, then the verdict, and the end of the program: 0 within the bound, 1 not,
// 2 not decided. `arms` names them, the dearer one second; `measure(name)` gives what the gateway took for a payment
// (us; whose, says `of`), the payments a second (rate), and what else is kept; `remark(pair)` is added to a pair's line.
// `bound` is in us, or a function of what the less dear arm took.
export async function compareInTurn({ bench, world, pairs: count, bound: allowed, arms, texts, of = "the gateway's", prepare, measure, remark, settings }) {
    const [less, more] = arms;
    const pairs = [];
    let failed;
    try {
        await prepare();
        for (let i = 0; i < count; i++) {
            const pair = {};
            for (const name of i % 2 ? [more, less] : [less, more]) pair[name] = await measure(name);
            pairs.push({ ...pair, difference: pair[more].us - pair[less].us });
            console.log(`pair ${i + 1}: ${texts[0]} ${one(pair[less].us)} us, ${texts[1]} ${one(pair[more].us)} us, difference ${one(pairs.at(-1).difference)} us`
                + ` (${pair[less].rate.toFixed(0)} and ${pair[more].rate.toFixed(0)} payments/s, ${remark(pair)})`);
        }
        assert(pairs.length > 0, 'no pair was measured');
    } catch (error) {
        failed = error;
    }
    if (failed) world.abandon();
    else await world.stop();
    if (failed) { process.stderr.write(`${bench}: ${failed.message}\nkept: ${path.relative(top, world.folder)}\n`); process.exit(1); }
    const took = (name) => median(pairs.map((pair) => pair[name].us));
    const bound = typeof allowed === 'function' ? Math.round(allowed(took(less)) * 10) / 10 : allowed;
    const { difference, least, most, sorted, verdict } = judge(pairs.map((pair) => pair.difference), bound);
    console.log(`${bench}: ${texts[0]} ${one(took(less))} us, ${texts[1]} ${one(took(more))} us of ${of} CPU per payment; of ${count} pairs the median difference is ${one(difference)} us`
        + ` (95 %: ${one(least)} to ${one(most)}; all ${one(sorted[0])} to ${one(sorted.at(-1))}), at most ${bound} are allowed: ${verdict}`);
    console.log(`JSON: ${writeResult(bench, { pairs, difference, least, most, verdict, ...settings })}`);
    process.exit(verdict === 'ok' ? 0 : verdict === 'TOO MUCH' ? 1 : 2);
}
