// Works out the last column of tests/unit/router/fee_cases.tsv anew, in fractions of BigInt: each line says how its
// fee comes about, and that is what the fee is. Alone: node tests/lint/fee_cases.mjs
import fs from 'node:fs';

const abs = (n) => (n < 0n ? -n : n);
const divisor = (a, b) => { while (b !== 0n) [a, b] = [b, a % b]; return abs(a); };
const make = (n, d) => { const g = divisor(n, d) || 1n; return { n: n / g, d: d / g }; };
const less = (a, b) => a.n * b.d < b.n * a.d;
const number = (text) => {
    const [whole, fraction = ''] = text.split('.');
    return make(BigInt(whole + fraction), 10n ** BigInt(fraction.length));
};

// To a multiple of 10^-digits.
function round(x, digits, mode) {
    const size = { n: abs(x.n) * 10n ** BigInt(digits), d: x.d };
    const whole = size.n / size.d;
    const twice = 2n * (size.n % size.d);
    const up = { half_up: twice >= size.d, half_even: twice > size.d || (twice === size.d && whole % 2n === 1n),
                 up: twice > 0n, down: false }[mode];
    return make((x.n < 0n ? -1n : 1n) * (whole + (up ? 1n : 0n)), 10n ** BigInt(digits));
}

// sum = product { (+|-) product }; product = value { (*|/) value }; value = number[%] | word ( sum , ... ) | ( sum )
function evaluate(text, functions) {
    const tokens = text.match(/\d+(\.\d+)?%?|[a-z]+|[-+*/(),]/g);
    let at = 0;
    const expect = (token) => { if (tokens[at++] !== token) throw new Error(`${token} lacks in ${text}`); };
    function value() {
        const token = tokens[at++];
        if (/^\d/.test(token)) {
            const x = number(token.replace('%', ''));
            return token.endsWith('%') ? make(x.n, x.d * 100n) : x;
        }
        if (token !== '(' && functions[token] === undefined) throw new Error(`${token} is not understood in ${text}`);
        if (token !== '(') expect('(');
        const values = [sum()];
        while (tokens[at] === ',') { at++; values.push(sum()); }
        expect(')');
        return token === '(' ? values[0] : functions[token](...values);
    }
    function product() {
        let x = value();
        while (tokens[at] === '*' || tokens[at] === '/') {
            const sign = tokens[at++];
            const y = value();
            x = sign === '*' ? make(x.n * y.n, x.d * y.d) : make(x.n * y.d, x.d * y.n);
        }
        return x;
    }
    function sum() {
        let x = product();
        while (tokens[at] === '+' || tokens[at] === '-') {
            const sign = tokens[at++];
            const y = product();
            x = make(sign === '+' ? x.n * y.d + y.n * x.d : x.n * y.d - y.n * x.d, x.d * y.d);
        }
        return x;
    }
    const x = sum();
    if (at !== tokens.length) throw new Error(`not understood to its end: ${text}`);
    return x;
}

const money = fs.readFileSync('gateway/base/money.c', 'utf8');
const exponents = Object.fromEntries([...money.matchAll(/\{"([A-Z]{3})", *\d+, (\d)\}/g)].map(([, code, n]) => [code, Number(n)]));
const tables = {};
function table(name) {
    const file = name.startsWith('config/') ? `${name}.json` : `tests/unit/router/fee_cases/${name}.json`;
    return tables[name] ??= JSON.parse(fs.readFileSync(file, 'utf8'));
}

// How many decimals the provider charges in.
function decimals(of, what, method, currency) {
    for (const entry of [of.events?.[what], of.operations?.[what], of.methods?.[method], of]) {
        if (entry?.currencies?.[currency] !== undefined) return entry.currencies[currency].decimals ?? exponents[currency];
        if (entry?.default !== undefined) break;
    }
    return exponents[currency];
}

let count = 0;
const seen = new Set();
const wrong = [];
for (const line of fs.readFileSync('tests/unit/router/fee_cases.tsv', 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [name, what, method, , currency, , , , fee, arithmetic] = line.split('\t');
    count++;
    seen.add(currency);
    if (fee === 'unknown') continue;
    const rounding = table(name).rounding ?? 'half_up';
    const digits = decimals(table(name), what, method, currency);
    const tiny = exponents[currency] + 6;
    const x = evaluate(arithmetic.split(' = ')[0], {
        r: (v) => round(v, digits, rounding), t: (v) => round(v, tiny, 'down'), h: (v) => round(v, tiny, 'half_up'),
        min: (a, b) => (less(b, a) ? b : a), max: (a, b) => (less(a, b) ? b : a),
    });
    const result = round(x, digits, rounding);
    const expected = number(fee.replace('-', ''));
    const shown = number(arithmetic.split(' = ')[1].split(' -> ')[0].replace('-', ''));
    const sign = fee.startsWith('-') ? -1n : 1n;
    if (result.n * expected.d !== sign * expected.n * result.d || abs(x.n) * shown.d !== shown.n * x.d || arithmetic.split(' -> ')[1] !== fee) {
        wrong.push(line);
    }
}
const missing = Object.keys(exponents).filter((code) => !seen.has(code));
for (const line of wrong) console.error(`not so: ${line}`);
if (missing.length > 0) console.error(`no case has ${missing.join(' ')}`);
if (count < 200) console.error(`only ${count} cases`);
if (wrong.length > 0 || missing.length > 0 || count < 200) process.exit(1);
