// pairs.mjs - what differences of pairs say, measured in turn.
import { median } from './lib.mjs';

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
