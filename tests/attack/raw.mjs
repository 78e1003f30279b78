// raw.mjs - bytes to a port and back: no HTTP library in between that would mend them.
import net from 'node:net';
import tls from 'node:tls';

// The answers in a stream of bytes, by their lengths; `rest` is what is no whole answer. The first one to a HEAD
// has none.
export function readAnswers(bytes, isToHead = false) {
    const answers = [];
    let wasAsked = false; // by 100 Continue
    let text = bytes.toString('latin1');
    while (text.length > 0) {
        const end = text.indexOf('\r\n\r\n');
        const first = /^HTTP\/1\.1 (\d{3}) /.exec(text);
        if (end < 0 || !first) break;
        const status = Number(first[1]);
        const head = text.slice(0, end);
        const length = isToHead && answers.length === 0 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
        const isLast = /\r\nconnection: close/i.test(head);
        const body = text.slice(end + 4, end + 4 + length);
        if (body.length < length) break;
        text = text.slice(end + 4 + length);
        if (status === 100) wasAsked = true;
        if (status >= 200) answers.push({ status, head, body, isLast });
    }
    return { answers, rest: text, wasAsked };
}

// Connect, write all in one go, and collect until the other side has closed. `half`: close our side after it.
// `slow`: keep ours open until theirs closes. Else ours is closed a moment after the answers that are wanted
// have come, so that a kept-alive connection ends, and with it whatever else may still come. `idleMs`: it is not
// known how many will come; ours is closed when so long nothing has. `body`: sent after 100 Continue.
export function exchange({ port, ca, bytes, body, answers: wanted = 1, half = false, slow = false, isToHead = false, idleMs = 0, boundMs = 60000 }) {
    return new Promise((resolve, reject) => {
        const from = Date.now();
        const chunks = [];
        let isEnding = false;
        let isSent = false;
        let idle;
        const socket = ca
            ? tls.connect({ port, host: '127.0.0.1', ca, servername: 'localhost', allowHalfOpen: true })
            : net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        const bound = setTimeout(() => { socket.destroy(); reject(new Error(`not closed within ${boundMs} ms; read ${JSON.stringify(Buffer.concat(chunks).toString('latin1').slice(0, 200))}`)); }, boundMs);
        const done = (how) => { clearTimeout(bound); clearTimeout(idle); socket.destroy(); resolve({ ...readAnswers(Buffer.concat(chunks), isToHead), how, tookMs: Date.now() - from }); };
        const end = () => { if (!isEnding) { isEnding = true; socket.end(); } };
        socket.on(ca ? 'secureConnect' : 'connect', () => {
            if (bytes.length > 0) socket.write(bytes);
            if (half) end();
        });
        socket.on('data', (chunk) => {
            chunks.push(chunk);
            const { answers, rest, wasAsked } = readAnswers(Buffer.concat(chunks), isToHead);
            if (wasAsked && body && !isSent) { isSent = true; socket.write(body); }
            if (idleMs > 0 && answers.length > 0 && rest === '') { clearTimeout(idle); idle = setTimeout(end, idleMs); }
            if (!slow && answers.length >= wanted && rest === '') setTimeout(end, 50);
        });
        socket.on('end', () => done('end'));
        socket.on('close', () => done('close'));
        socket.on('error', () => done('reset'));
    });
}

// Run `work` over `items`, `width` at a time.
export async function inParallel(items, width, work) {
    let next = 0;
    await Promise.all(Array.from({ length: width }, async () => {
        while (next < items.length) {
            const at = next++;
            await work(items[at], at);
        }
    }));
}
