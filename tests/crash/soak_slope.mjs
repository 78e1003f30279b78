// soak_slope.mjs - does a series rise? A straight line through it, and how sure that is.
//
// Several segments (workers, and the workers that replace them) share one slope and have a level each. What memory
// does at one sample it mostly still does at the next: residuals are correlated, and an interval that takes them for
// independent is far too narrow. It is widened by what one sample tells of the next: n counts as n (1 - r) / (1 + r).

// Student's t for a two-sided 95 %, by degrees of freedom.
function student(df) {
    const table = [[1, 12.71], [2, 4.303], [3, 3.182], [4, 2.776], [5, 2.571], [6, 2.447], [7, 2.365], [8, 2.306], [10, 2.228], [15, 2.131], [20, 2.086], [30, 2.042], [60, 2.0], [Infinity, 1.96]];
    return table.findLast(([from]) => df >= from)?.[1] ?? 12.71;
}

// segments: lists of [hours, value]. The slope per hour, half of its 95 % interval (Infinity: too little is known).
export function slope(segments) {
    const used = segments.filter((points) => points.length >= 3);
    const n = used.reduce((sum, points) => sum + points.length, 0);
    const mean = (list) => list.reduce((sum, v) => sum + v, 0) / list.length;
    let xx = 0;
    let xy = 0;
    const centred = used.map((points) => {
        const x0 = mean(points.map((p) => p[0]));
        const y0 = mean(points.map((p) => p[1]));
        return points.map(([x, y]) => { xx += (x - x0) ** 2; xy += (x - x0) * (y - y0); return [x - x0, y - y0]; });
    });
    if (xx === 0) return { n, slope: 0, half: Infinity };
    const b = xy / xx;
    let squares = 0;
    let products = 0;
    let pairs = 0;
    for (const points of centred) {
        let before;
        for (const [x, y] of points) {
            const rest = y - b * x;
            squares += rest * rest;
            if (before !== undefined) { products += rest * before; pairs++; }
            before = rest;
        }
    }
    const r = squares === 0 ? 0 : Math.min(0.99, Math.max(0, products / pairs / (squares / n)));
    const effective = n * (1 - r) / (1 + r);
    const df = effective - used.length - 1;
    if (df < 1) return { n, effective, slope: b, half: squares === 0 && n > used.length + 1 ? 0 : Infinity };
    return { n, effective, slope: b, half: student(df) * Math.sqrt(squares / df / xx) };
}

// 'flat' when the whole interval is below the limit, 'rises' when all of it is above, else nobody can say yet.
export function verdict({ slope: b, half }, limit) {
    if (b + half < limit) return 'flat';
    if (b - half > limit) return 'rises';
    return 'not decided';
}
