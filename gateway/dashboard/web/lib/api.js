// The API, as every other client has it: /v1/... with the session's cookie. Errors are problems (RFC 9457).

export class Problem extends Error {
    constructor(status, body) {
        super(body.detail ?? body.title ?? `the gateway answered ${status}`);
        Object.assign(this, { status, title: body.title, code: body.code, param: body.param, retryable: body.retryable, requestId: body.request_id, next: body.next_step, body });
    }
}

export function query(values) {
    const list = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== null && value !== '') list.append(name, value);
    const text = list.toString();
    return text && `?${text}`;
}

// key: an Idempotency-Key of what is meant by one press of a button; kept by the caller for its repeats.
export async function call(method, path, { body, key } = {}) {
    const headers = { Accept: 'application/json' };
    if (method !== 'GET') headers['Turnpike-Session'] = '1';
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (key) headers['Idempotency-Key'] = `"${key}"`;
    let answer;
    try {
        answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin', cache: 'no-store', redirect: 'error' });
    } catch {
        throw new Problem(0, { title: 'No answer', detail: 'The gateway does not answer. What was asked for may have been done: look before you repeat it.' });
    }
    const text = await answer.text();
    let json = null;
    try { json = text ? JSON.parse(text) : null; } catch { json = { detail: `the answer is not JSON (${answer.status})` }; }
    if (answer.ok) return json;
    if (answer.status === 401 && !path.startsWith('/v1/session')) dispatchEvent(new CustomEvent('turnpike-signed-out'));
    throw new Problem(answer.status, json ?? {});
}

export const get = (path, values = {}) => call('GET', path + query(values));
export const post = (path, body, values = {}, key) => call('POST', path + query(values), { body, key });
export const newKey = () => `dashboard-${crypto.randomUUID()}`;

// Follows an event stream; says through `tell` whether it is live. Returns what ends it.
export function follow(path, handlers, tell) {
    let source;
    let isOver = false;
    const open = () => {
        source = new EventSource(path);
        for (const [type, fn] of Object.entries(handlers)) source.addEventListener(type, (event) => fn(event.data && JSON.parse(event.data), event));
        source.addEventListener('open', () => tell(true));
        source.addEventListener('error', () => {
            tell(false);
            if (source.readyState === EventSource.CLOSED && !isOver) setTimeout(() => isOver || open(), 3000); // an answer that is none
        });
    };
    open();
    return () => { isOver = true; source.close(); };
}
