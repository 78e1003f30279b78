// Who looks: the session, and, for operators, whose data is looked at.
import { call, get } from './api.js';

let session = null;
let currencies = new Map();
let names = new Map(); // of merchants, for operators
const MERCHANT = 'turnpike.merchant';
const MARK = 'turnpike.signed-in';

export const current = () => session;
export const isOperator = () => session?.role === 'operator';
export const exponentOf = (code) => currencies.get(code) ?? 2;

// True when there is a session. The cookie cannot be seen from here: a mark says whether asking is worth it.
export async function load() {
    if (!localStorage.getItem(MARK)) return false;
    try {
        session = await call('GET', '/v1/session');
        const list = await get('/v1/currencies');
        currencies = new Map(list.data.map((c) => [c.code, c.exponent]));
        return true;
    } catch (error) {
        session = null;
        if (error.status === 401) {
            localStorage.removeItem(MARK);
            return false;
        }
        throw error;
    }
}
export async function signIn(key) {
    await call('POST', '/v1/session', { body: { key } });
    localStorage.setItem(MARK, '1');
    return load();
}
export async function signOut() {
    await call('DELETE', '/v1/session');
    localStorage.removeItem(MARK);
    session = null;
}

// The merchant whose data is meant: a finance key's own; an operator's choice, in the address or kept from before.
export function merchant() {
    if (!isOperator()) return session?.merchant ?? null;
    const asked = new URLSearchParams(location.search).get('merchant');
    if (asked) localStorage.setItem(MERCHANT, asked);
    return asked ?? localStorage.getItem(MERCHANT);
}
export const chooseMerchant = (id) => localStorage.setItem(MERCHANT, id);
// For queries: operators name the merchant, finance keys need not.
export const whose = () => (isOperator() ? { merchant: merchant() } : {});
export const nameMerchants = (pairs) => { names = new Map(pairs); };
export const merchantName = (id) => names.get(id) ?? id;
