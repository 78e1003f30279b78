// Amounts are whole minor units; how many digits a currency has says the gateway (GET /v1/currencies), not the browser.
import { h } from './dom.js';
import { exponentOf } from './session.js';

// Exact: no floating point number ever holds an amount.
export function major(minor, code) {
    const digits = exponentOf(code);
    const whole = BigInt(minor);
    const sign = whole < 0n ? '-' : '';
    const text = (whole < 0n ? -whole : whole).toString().padStart(digits + 1, '0');
    const head = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, '\u202f');
    return sign + head + (digits ? `.${text.slice(-digits)}` : '');
}
export const money = (minor, code) => (minor === null || minor === undefined ? '' : `${major(minor, code)} ${code}`);

// What a person typed as minor units; throws what is wrong with it.
export function minorOf(text, code) {
    const digits = exponentOf(code);
    const found = /^(\d{1,15})(?:[.,](\d+))?$/.exec(text.replace(/[\s\u202f']/g, ''));
    if (!found || (found[2] ?? '').length > digits) throw new Error(`an amount in ${code} has ${digits ? `at most ${digits} digits behind the point` : 'no digits behind a point'}`);
    const minor = BigInt(found[1] + (found[2] ?? '').padEnd(digits, '0'));
    if (minor <= 0n || minor > 999999999999999n) throw new Error('an amount is above zero and has at most 15 digits');
    return Number(minor);
}

export const percent = (rate, digits = 1) => (rate === null || rate === undefined ? 'none' : `${(rate * 100).toFixed(digits)} %`);
export const milliseconds = (ms) => (ms === null || ms === undefined ? '' : ms >= 10000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`);
export const when = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 19)}` : '');
export const clock = (text) => (text ? text.slice(11, 19) : '');
export function lasting(ms) {
    const s = Math.round(ms / 1000);
    if (s < 90) return `${s} s`;
    if (s < 5400) return `${Math.round(s / 60)} min`;
    if (s < 129600) return `${Math.round(s / 3600)} h`;
    return `${Math.round(s / 86400)} days`;
}
export const providerName = (name) => ({ paypal: 'PayPal', payoneer: 'Payoneer', rebilly: 'Rebilly', spreedly: 'Spreedly', paypal_payouts: 'PayPal Payouts', payoneer_payouts: 'Payoneer Payouts' })[name] ?? name;
// The name of an account of the books; ids in it are cut to what tells them apart, the whole is its title.
export const accountOf = (name) => h('code', { title: name }, name.replace(/acc_[0-9A-Z]+([0-9A-Z]{6})/, 'acc_\u2026$1'));
