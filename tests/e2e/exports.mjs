// What `turnpike ledger` tells a finance login: exports judged by hledger, ledger and Beancount, whose balances are ours to the
// minor unit; CSV with hostile texts; nothing of another merchant; why a payment cost what it cost.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { suite, assert, equal, until, top, World } from './lib.mjs';

const binary = path.resolve(top, process.env.BUILD ?? 'build', 'turnpike');
const digits = { JPY: 0, BHD: 3, KWD: 3 };
const hostile = ['=cmd|\' /C calc\'!A0', '+1+1', '-2', '@SUM(A1)', "'quoted", 'a"b""c', 'x,y;z|w', '\u{1f4b6} \u202etfel', '=HYPERLINK("http://x","y")'];

function tool(command, args, options = {}) {
    const done = spawnSync(command, args, { cwd: top, encoding: 'utf8', maxBuffer: 256 << 20, ...options });
    return { status: done.status, out: done.stdout, err: done.stderr };
}
// As a finance person does it: PG* says where, nothing else is configured.
function ledger(world, args, user = 'e2e_finance') {
    return tool(binary, ['ledger', ...args], { env: { ...process.env, PGHOST: world.socket, PGPORT: '5432', PGUSER: user, PGDATABASE: 'turnpike' } });
}
function told(world, args, user) {
    const done = ledger(world, args, user);
    equal(done.status, 0, `turnpike ledger ${args.join(' ')}: ${done.err}`);
    return done.out;
}
function exported(world, format, ...args) {
    const file = world.at(`books.${format}`);
    told(world, ['export', '--format', format, '--merchant', world.merchantId, '--output', file, ...args]);
    assert(!existsSync(`${file}.partial`), 'nothing of a file is left');
    return file;
}
// RFC 4180, by the letter.
function csv(text, delimiter = ',') {
    const rows = [];
    let row = [];
    for (let at = 0; at < text.length;) {
        let cell = '';
        if (text[at] === '"') {
            for (at++; ; at++) {
                if (text[at] === '"' && text[at + 1] !== '"') break;
                if (text[at] === '"') at++;
                assert(at < text.length, 'a quote is not closed');
                cell += text[at];
            }
            at++;
        } else {
            while (at < text.length && text[at] !== delimiter && text[at] !== '\r') { assert(text[at] !== '"' && text[at] !== '\n', 'a bare quote or line feed'); cell += text[at++]; }
        }
        row.push(cell);
        if (text[at] === delimiter) at++;
        else { equal(text.slice(at, at + 2), '\r\n', 'a line ends with CRLF'); at += 2; rows.push(row); row = []; }
    }
    const [head, ...body] = rows;
    return body.map((cells) => { equal(cells.length, head.length, 'cells of a row'); return Object.fromEntries(head.map((name, i) => [name, cells[i]])); });
}
const minorOf = (text, currency) => {
    const [whole, part = ''] = text.replace('-', '').split('.');
    const minor = Number(whole + part.padEnd(digits[currency] ?? 2, '0'));
    return text.startsWith('-') ? -minor : minor;
};
// {"account EUR": minor}, without what is 0.
function ours(world) {
    return Object.fromEntries(world.rows(`SELECT account, currency, balance_minor FROM finance.trial_balance WHERE merchant_id = '${world.merchantUuid}' AND balance_minor <> 0 ORDER BY 1, 2`, 'e2e_finance')
        .map((r) => [`${r.account} ${r.currency}`, Number(r.balance_minor)]));
}
const roots = /^(assets|liabilities|equity|revenues|expenses):/;
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

// What stands in each element of that name, in order, and entities as what they mean.
const inner = (xml, name) => [...xml.matchAll(new RegExp(`<${name}(?: Ccy="[A-Z]{3}")?>(.*?)</${name}>`, 'gs'))].map((m) => m[1]);
const plain = (xml) => xml.replace(/&(?:#(\d+)|(\w+));/g, (_, code, name) => (code ? String.fromCodePoint(Number(code)) : { amp: '&', lt: '<', gt: '>', quot: '"' }[name]));
// Statements of a camt.053, each of them proven: opening, entries and sums come to the closing balance.
function proven(xml) {
    return inner(xml, 'Stmt').map((text) => {
        const currency = inner(text, 'Ccy')[0];
        for (const [, stated] of text.matchAll(/ Ccy="([A-Z]{3})"/g)) equal(stated, currency, 'one currency');
        const signed = (part) => { // exactly
            const amount = inner(part, 'Amt')[0];
            equal((amount.split('.')[1] ?? '').length, digits[currency] ?? 2, `digits of ${amount} ${currency}`);
            return (inner(part, 'CdtDbtInd')[0] === 'CRDT' ? 1 : -1) * minorOf(amount, currency);
        };
        const balance = (code) => signed(inner(text, 'Bal').find((b) => b.includes(`<Cd>${code}</Cd>`)));
        const entries = inner(text, 'Ntry').map((e) => ({
            transfer: inner(e, 'NtryRef')[0], minor: signed(e), kind: inner(e, 'Cd')[1], value: e.match(/<ValDt><Dt>(.*?)</)[1],
            reference: plain(inner(e, 'EndToEndId')[0]), whole: inner(e, 'Ustrd').map(plain).join(''), refs: Object.fromEntries(inner(inner(e, 'Refs')[0], 'Prtry').map((p) => [inner(p, 'Tp')[0], inner(p, 'Ref')[0]])),
        }));
        for (const e of inner(text, 'TxDtls')) equal(signed(e), entries.find((one) => e.includes(one.transfer)).minor, 'both amounts');
        const sum = (sign) => entries.reduce((all, e) => all + (Math.sign(e.minor) === sign ? Math.abs(e.minor) : 0), 0);
        const stated = (name) => minorOf(inner(inner(text, name)[0], 'Sum')[0], currency);
        const one = { id: inner(text, 'Id')[0], account: inner(text, 'Nm')[0], name: inner(inner(text, 'Othr')[0], 'Id')[0], currency, opening: balance('OPBD'), closing: balance('CLBD'), entries, days: inner(text, 'Bal').map((b) => b.match(/\d{4}-\d\d-\d\d/)[0]) };
        equal(one.opening + sum(1) - sum(-1), one.closing, `closing of ${one.account} in ${currency}`);
        equal([stated('TtlNtries'), stated('TtlCdtNtries'), stated('TtlDbtNtries'), signed(inner(text, 'TtlNetNtry')[0])], [sum(1) + sum(-1), sum(1), sum(-1), sum(1) - sum(-1)], `sums of ${one.account} in ${currency}`);
        return one;
    });
}
function stated(world, account, ...args) {
    const file = exported(world, 'camt053', '--account', account, ...args);
    for (const schema of ['tests/e2e/camt053.xsd', process.env.CAMT053_XSD].filter(Boolean)) { // ours, and the official one if somebody has it
        const valid = tool('xmllint', ['--noout', '--schema', schema, file]);
        equal(valid.status, 0, `xmllint by ${schema}: ${valid.err}`);
    }
    return readFileSync(file, 'utf8');
}

async function operate(world, id, what, body = {}) {
    const answer = await world.call('POST', `${world.api}/v1/payments/${id}/${what}`, { body, key: world.key, headers: { 'idempotency-key': `"${randomUUID()}"` } });
    assert(answer.status < 300, `${what} ${id}: ${answer.status} ${answer.raw}`);
    return answer.json;
}

// Sales, holds, captures, voids, refunds, declines and payouts in four currencies, of this merchant; some of another.
async function fill(world) {
    const card = { type: 'card', tokens: { paypal: 'tok_ok', payoneer: 'tok_ok' } };
    for (const [i, reference] of hostile.entries()) await world.pay(world.payment({ amount: 1000 + i, reference }));
    for (const [currency, amount] of [['JPY', 5000], ['USD', 4599], ['BHD', 12345], ['KWD', 1001]]) await world.pay({ amount, currency, method: card });
    const sale = (await world.pay(world.payment({ amount: 9999, reference: 'the-sale' }))).answer;
    await operate(world, sale.id, 'refunds', { amount: 1234 });
    const hold = (await world.pay(world.payment({ amount: 5000, capture: 'manual' }))).answer;
    await operate(world, hold.id, 'capture', { amount: 2000 });
    await world.pay(world.payment({ amount: 7777, capture: 'manual' })); // stays held
    const voided = (await world.pay(world.payment({ amount: 3333, capture: 'manual' }))).answer;
    await operate(world, voided.id, 'void');
    await world.pay(world.payment({ method: { type: 'card', tokens: { paypal: 'tok_hard', payoneer: 'tok_hard' } } }));
    const payout = await world.call('POST', `${world.api}/v1/payouts`, { key: world.key, headers: { 'idempotency-key': `"${randomUUID()}"` },
        body: { amount: 2500, currency: 'EUR', beneficiary: { type: 'individual', first_name: 'Ada', last_name: 'Lovelace' }, payees: { paypal: 'one@example.com', payoneer: 'one' } } });
    assert(payout.status < 300, `payout: ${payout.raw}`);
    await world.settled();
    await until('the operations are settled', () => Number(world.psql("SELECT count(*) FROM unresolved u WHERE reason IS DISTINCT FROM 'recheck'")) === 0);
    const other = world.admin('merchants', 'create', '--name', 'Other "GmbH"', '--country', 'US');
    world.psql(`INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, writer_id, created_at, amount_minor, batch_no, state, debit_account, credit_account, currency, kind)
        SELECT m.merchant_id, gen_random_uuid(), t.payment_id, t.attempt_id, t.writer_id, now(), 4242, 0, 'posted', 'bank:foreign', 'suspense', 'CHF', 'payment' FROM merchants m, (SELECT * FROM transfers LIMIT 1) t WHERE m.name = 'Other "GmbH"'`);
    world.sale = sale.id;
    world.other = other;
    world.merchantId = world.merchant;
    world.merchantUuid = world.psql(`SELECT merchant_id FROM merchants WHERE finance.show_id('mer', merchant_id) = '${world.merchant}'`);
}

class Filled extends World {
    static async start(name, options) {
        const world = await super.start(name, options);
        await fill(world);
        return world;
    }
}

await suite('exports', { workers: 1, delayMs: 5, payouts: true, World: Filled }, {
    async the_books_have_several_currencies(world) {
        const balances = ours(world);
        for (const currency of ['EUR', 'JPY', 'BHD']) assert(Object.keys(balances).some((k) => k.endsWith(currency)), `${currency} is in the books: ${JSON.stringify(balances)}`);
    },
    async hledger_proves_the_journal_strictly_and_has_our_balances(world) {
        const file = exported(world, 'hledger');
        const check = tool('hledger', ['-f', file, 'check', '--strict']);
        equal([check.status, check.err], [0, ''], 'hledger check --strict');
        const bal = tool('hledger', ['-f', file, 'bal', '--flat', '-N', '-O', 'csv', '--layout', 'bare']);
        equal(bal.status, 0, bal.err);
        const got = {};
        for (const line of bal.out.trim().split('\n').slice(1)) {
            const [account, currency, amount] = line.split(',').map((cell) => cell.replaceAll('"', ''));
            if (minorOf(amount, currency) !== 0) got[`${account.replace(roots, '')} ${currency}`] = minorOf(amount, currency);
        }
        equal(sorted(got), sorted(ours(world)), 'balances by hledger');
    },
    async ledger_takes_the_journal_pedantically_and_has_our_balances(world) {
        const bal = tool('ledger', ['-f', exported(world, 'ledger'), '--pedantic', 'bal', '--flat', '--no-total', '--balance-format', '%(account)|%(display_total)\n']);
        equal([bal.status, bal.err], [0, ''], 'ledger --pedantic');
        const got = {};
        let pending = [];
        for (const line of bal.out.trim().split('\n')) { // an account with several currencies has a line each; its name stands in the first
            const at = line.indexOf('|');
            const account = at >= 0 ? line.slice(0, at).replace(roots, '') : pending;
            const [amount, currency] = line.slice(at + 1).trim().split(' ');
            pending = account;
            if (amount !== '0') got[`${account} ${currency}`] = minorOf(amount, currency);
        }
        equal(sorted(got), sorted(ours(world)), 'balances by ledger');
    },
    async beancount_proves_the_journal_and_has_our_balances(world) {
        const file = exported(world, 'beancount');
        const check = tool('bean-check', [file]);
        equal([check.status, check.err], [0, ''], 'bean-check');
        const query = tool('bean-query', ['-f', 'csv', file, 'SELECT account, sum(position) AS balance GROUP BY account']);
        equal(query.status, 0, query.err);
        const got = {};
        for (const { account, balance } of csv(query.out)) {
            for (const [, amount, currency] of balance.matchAll(/(-?[0-9.]+) +([A-Z]{3})/g)) if (minorOf(amount, currency) !== 0) got[`${account.trim()} ${currency}`] = minorOf(amount, currency);
        }
        const named = (name) => name.replace(/(^|:)[a-z]/g, (c) => c.toUpperCase()).replaceAll('_', '-');
        const wanted = Object.fromEntries(Object.entries(ours(world)).map(([name, minor]) => [named(name.slice(0, -4)) + name.slice(-4), minor]));
        equal(sorted(Object.fromEntries(Object.entries(got).map(([name, minor]) => [name.replace(/^[A-Z][a-z]+:/, ''), minor]))), sorted(wanted), 'balances by Beancount');
    },
    async a_falsified_journal_is_refused_by_each(world) {
        for (const [format, command, args] of [['hledger', 'hledger', ['check']], ['ledger', 'ledger', ['bal']], ['beancount', 'bean-check', []]]) {
            const file = world.at(`false.${format}`);
            const text = readFileSync(exported(world, format), 'utf8');
            assert(text.includes(' 99.99 EUR\n'), 'the sale is in it');
            // Both sides of one transaction: it balances still, and the sums do not.
            const broken = text.replaceAll(/99\.99 EUR/g, '99.98 EUR');
            writeFileSync(file, broken);
            const judged = tool(command, format === 'beancount' ? [file] : ['-f', file, ...args]);
            assert(judged.status !== 0, `${command} takes a journal of which a cent is gone`);
        }
    },
    async a_statement_for_banks_software_is_valid_and_comes_to_our_balances(world) {
        const balances = ours(world);
        const accounts = [...new Set(Object.keys(balances).map((name) => name.slice(0, -4)))];
        assert(accounts.some((a) => a.endsWith(':pending')) && accounts.includes('merchant:sales'), `accounts: ${accounts}`);
        const seen = new Set();
        const names = new Set();
        for (const account of accounts) {
            for (const one of proven(stated(world, account))) {
                equal([one.account, one.opening, one.closing], [account, 0, balances[`${account} ${one.currency}`] ?? 0], `${account} in ${one.currency}, by the trial balance`);
                const rows = world.rows(`SELECT finance.show_id('trf', transfer_id) AS transfer, coalesce(debit_minor, -credit_minor) AS minor, kind, effective_at::date AS value FROM finance.account_statement('${account}', '-infinity', 'infinity', merchant => '${world.merchantUuid}') WHERE line = 'movement' AND currency = '${one.currency}'`, 'e2e_finance');
                equal(one.entries.map((e) => [e.transfer, e.minor, e.kind, e.value]), rows.map((r) => [r.transfer, Number(r.minor), r.kind, r.value]), `${account} in ${one.currency}, by finance.account_statement`);
                seen.add(one.currency);
                names.add(one.name);
            }
        }
        for (const currency of ['EUR', 'USD', 'JPY', 'BHD', 'KWD']) assert(seen.has(currency), `${currency} is stated: ${[...seen]}`);
        equal(names.size, accounts.length, 'each account has a name of its own');
    },
    async a_falsified_statement_is_found(world) {
        const xml = stated(world, 'merchant:sales');
        assert(xml.includes('>99.99<'), 'the sale is in it');
        for (const broken of [xml.replaceAll('>99.99<', '>99.98<'), xml.replace(/ {3}<Ntry>.*?<\/Ntry>\n/s, ''), xml.replace('<CdtDbtInd>DBIT</CdtDbtInd><Sts>', '<CdtDbtInd>CRDT</CdtDbtInd><Sts>')]) {
            assert(broken !== xml, 'it is another');
            let found = '';
            try { proven(broken); } catch (e) { found = e.message; }
            assert(/closing|both amounts/.test(found), `nobody finds it: ${found}`);
        }
        for (const bad of [xml.replace('BOOK', 'PDNG'), xml.replace('99.99', '99.99999'), xml.replace(/<ValDt>.*?<\/ValDt>/, ''), xml.replace('EndToEndId>', `EndToEndId>${'x'.repeat(36)}`), xml.replace('Ccy="EUR"', 'Ccy="eur"')]) {
            writeFileSync(world.at('bad.xml'), bad);
            assert(bad !== xml && tool('xmllint', ['--noout', '--schema', 'tests/e2e/camt053.xsd', world.at('bad.xml')]).status !== 0, 'the schema is strict');
        }
    },
    async statements_follow_each_other(world) {
        const [first, second] = world.rows(`SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at FROM finance.journal WHERE merchant_id = '${world.merchantUuid}' AND state = 'posted' AND currency = 'EUR' ORDER BY transfer_id LIMIT 2 OFFSET 3`, 'e2e_finance');
        for (const { at } of [first, second]) {
            const of = (...args) => proven(stated(world, 'merchant:sales', ...args)).find((s) => s.currency === 'EUR');
            const [all, before, after] = [of(), of('--to', at), of('--from', at)];
            equal([before.opening, before.closing, after.closing], [0, after.opening, all.closing], `parted at ${at}`);
            equal([...before.entries, ...after.entries].map((e) => e.transfer), all.entries.map((e) => e.transfer), 'each entry once');
            assert(before.id !== after.id && before.id === of('--to', at).id, 'the id is of the period');
        }
        const month = new Date().toISOString().slice(0, 7);
        const next = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1)).toISOString().slice(0, 10);
        const [one] = proven(stated(world, 'merchant:sales', '--month', month));
        equal(one.days, [`${month}-01`, new Date().toISOString().slice(0, 10)], 'a month that is not over ends now');
        equal(proven(stated(world, 'merchant:sales', '--from', next))[0].entries, [], 'nothing moved in a time to come');
    },
    async statements_hold_any_reference(world) {
        const strange = `a\u0001<b>&amp;"']]>\t\n\r\u{1f4b6}\ufffe`;
        const long = `${'\u{1f4b6}'.repeat(30)}${'&<'.repeat(50)}${'x'.repeat(100)}`;
        const sales = world.rows(`SELECT DISTINCT t.payment_id FROM transfers t JOIN payments p USING (merchant_id, payment_id) WHERE t.kind = 'payment' AND t.state = 'posted' AND p.reference IS NULL ORDER BY 1 LIMIT 2`);
        [strange, long].forEach((text, i) => world.psql(`UPDATE payments SET reference = convert_from('\\x${Buffer.from(text).toString('hex')}', 'UTF8') WHERE payment_id = '${sales[i].payment_id}'`));
        const entries = proven(stated(world, 'merchant:sales')).flatMap((s) => s.entries);
        const readable = strange.replace(/[\u0001\ufffe]/g, '\ufffd');
        assert(entries.some((e) => e.reference === readable), `${JSON.stringify(readable)} among ${JSON.stringify(entries.map((e) => e.reference))}`);
        assert(entries.some((e) => e.reference === [...long].slice(0, 35).join('') && e.whole === long), 'a long one stands whole beside');
        assert(entries.some((e) => e.reference === 'NOTPROVIDED' && e.refs.payment), 'one that has none');
        for (const e of entries) equal([e.refs.transfer, e.whole === '' || e.whole.startsWith(e.reference)], [e.transfer, true], 'references');
        const none = ledger(world, ['export', '--format', 'camt053', '--merchant', world.merchantId, '--account', 'bank:none', '--output', world.at('none.xml')]);
        assert(none.status === 1 && /nothing was posted/.test(none.err) && !existsSync(world.at('none.xml')) && !existsSync(world.at('none.xml.partial')), none.err);
    },
    async csv_and_json_lines_have_every_transfer_and_nothing_of_another_merchant(world) {
        const rows = csv(readFileSync(exported(world, 'csv'), 'utf8'));
        const all = world.rows(`SELECT transfer, payment, attempt, kind, state, debit_account, credit_account, currency, amount_minor FROM finance.transfers WHERE merchant_id = '${world.merchantUuid}' ORDER BY transfer_id`, 'e2e_finance');
        equal(rows.map((r) => [r.transfer, r.payment, r.attempt, r.kind, r.state, r.debit_account, r.credit_account, r.currency, Number(r.amount_minor)]), all.map((r) => Object.values(r)), 'the journal as CSV');
        for (const row of rows) equal(minorOf(row.amount, row.currency), Number(row.amount_minor), 'both amounts');
        assert(rows.some((r) => r.payment.startsWith('pyt_')), 'payouts are named as payouts');
        const lines = readFileSync(exported(world, 'jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
        equal(lines.map((l) => [l.transfer, l.amount_minor]), rows.map((r) => [r.transfer, Number(r.amount_minor)]), 'the same as JSON');
        const seen = told(world, ['export', '--format', 'csv']) + told(world, ['trial-balance', '--format', 'csv']) + told(world, ['accounts', '--format', 'json']);
        for (const foreign of ['foreign', 'CHF', 'GmbH', world.other.id, world.other.test_id]) assert(!seen.includes(foreign), `${foreign} is another merchant's`);
        const refused = ledger(world, ['export', '--merchant', world.other.id]);
        equal([refused.status, refused.out, /sees no merchant/.test(refused.err)], [1, '', true], 'another merchant is not there');
    },
    async hostile_references_come_back_and_no_cell_is_a_formula(world) {
        const text = readFileSync(exported(world, 'attempts-csv'), 'utf8');
        const rows = csv(text);
        const all = world.rows(`SELECT attempt, outcome, amount_minor FROM finance.attempts WHERE merchant_id = '${world.merchantUuid}' ORDER BY payment_id, number`, 'e2e_finance');
        equal(rows.map((r) => [r.attempt, r.outcome, Number(r.amount_minor)]), all.map((r) => Object.values(r)), 'one row per attempt');
        const references = rows.map((r) => r.reference);
        for (const reference of hostile) assert(references.includes(/^[=+@'-]/.test(reference) ? `'${reference}` : reference), `${reference} among ${JSON.stringify(references)}`);
        for (const row of rows) for (const [name, cell] of Object.entries(row)) assert(!/^[=+@\t\r\n]/.test(cell) && (cell[0] !== '-' || /^-[0-9.]+$/.test(cell)), `${name}: ${cell}`);
        assert(rows.some((r) => r.outcome.startsWith('declined')), 'declines are rows, too');
    },
    async a_decimal_comma_and_a_byte_order_mark(world) {
        const text = told(world, ['trial-balance', '--format', 'csv', '--decimal', ',', '--bom', '--merchant', world.merchantId]);
        equal(text.charCodeAt(0), 0xfeff, 'a byte order mark');
        const rows = csv(text.slice(1), ';');
        for (const row of rows) equal(Number(row.debit_minor) - Number(row.credit_minor), Number(row.balance_minor), 'debit less credit');
        equal(sorted(Object.fromEntries(rows.filter((r) => r.balance_minor !== '0').map((r) => [`${r.account} ${r.currency}`, minorOf(r.balance.replace(',', '.'), r.currency)]))), sorted(ours(world)), 'trial balance');
    },
    async a_statement_ends_with_the_balance(world) {
        const rows = JSON.parse(told(world, ['statement', 'merchant:sales', '--merchant', world.merchantId, '--format', 'json']));
        for (const row of rows.filter((r) => r.line === 'closing')) equal(row.balance_minor, ours(world)[`merchant:sales ${row.currency}`], `closing balance in ${row.currency}`);
        const moved = rows.filter((r) => r.line === 'movement');
        assert(moved.length > 10 && moved.every((r) => (r.debit === null) !== (r.credit === null)), 'movements');
    },
    async the_books_of_a_month_and_at_a_moment(world) {
        const day = (ms) => new Date(Date.now() + ms).toISOString().slice(0, 10);
        const sums = (args) => Object.fromEntries(csv(told(world, ['trial-balance', '--format', 'csv', '--merchant', world.merchantId, ...args])).filter((r) => r.balance_minor !== '0').map((r) => [`${r.account} ${r.currency}`, Number(r.balance_minor)]));
        const months = [...new Set([day(-3600e3).slice(0, 7), day(0).slice(0, 7)])].map((month) => sums(['--month', month]));
        const moved = {}; // the world may have begun before midnight
        for (const one of months) for (const [name, minor] of Object.entries(one)) moved[name] = (moved[name] ?? 0) + minor;
        equal(sorted(moved), sorted(ours(world)), 'what moved this month');
        equal(sums(['--month', '2020-02']), {}, 'a month before all');
        equal(sorted(sums(['--as-of', day(86400e3)])), sorted(ours(world)), 'as of tomorrow');
        equal(sums(['--as-of', '2020-02-29']), {}, 'before all');
        const rows = JSON.parse(told(world, ['statement', 'merchant:sales', '--merchant', world.merchantId, '--from', day(-86400e3), '--to', day(86400e3), '--format', 'json']));
        for (const row of rows.filter((r) => r.line === 'closing')) equal(row.balance_minor, ours(world)[`merchant:sales ${row.currency}`], `closing balance in ${row.currency}`);
        assert(rows.some((r) => r.line === 'movement'), 'movements');
    },
    async why_did_we_pay_these_fees(world) {
        const rows = csv(told(world, ['payment', world.sale, '--format', 'csv']));
        const sale = rows.filter((r) => r.operation === 'sale');
        const line = (name) => sale.find((r) => r.line === name)?.amount;
        const parts = ['percent', 'fixed', 'minimum', 'maximum', 'cross_border', 'conversion', 'rounding'].map(line).filter(Boolean).reduce((sum, text) => sum + Math.round(Number(text) * 1e6), 0);
        equal(parts, Math.round(Number(line('expected')) * 1e6), `the parts sum up to the fee: ${JSON.stringify(sale)}`);
        const booked = world.rows(`SELECT sum(amount_minor) AS minor FROM finance.transfers WHERE kind = 'fee' AND payment = '${world.sale}' AND debit_account = 'fees:payment'`, 'e2e_finance')[0].minor;
        equal(minorOf(line('fee posted'), 'EUR'), Number(booked), 'the fee in the books');
        assert(/fee table [0-9a-f]{12}$/.test(sale.find((r) => r.line === 'expected').how), 'the table is named');
        assert(rows.some((r) => r.operation === 'refund' && r.line === 'refund posted' && r.amount === '12.34'), 'the refund');
        equal(csv(told(world, ['payment', 'the-sale', '--format', 'csv'])), rows, 'by its reference');
    },
    async nobody_sees_anything_without_being_given_it(world) {
        world.psql('CREATE ROLE e2e_nobody LOGIN IN ROLE turnpike_finance');
        for (const args of [['export'], ['trial-balance'], ['accounts'], ['statement', 'merchant:sales'], ['payment', world.sale]]) {
            const done = ledger(world, args, 'e2e_nobody');
            equal([done.status, done.out], [1, ''], `${args[0]} of nobody`);
        }
    },
    async bad_options_are_named(world) {
        for (const [args, part] of [[['export', '--format', 'xlsx'], '--format'], [['export', '--from', 'yesterday'], '--from'], [['export', '--from', '2026-02-02', '--to', '2026-02-01'], 'not before'],
            [['export', '--delimiter', 'x'], '--delimiter'], [['trial-balance', '--as-of', '2026-13-01'], '--as-of'], [['export', '--basis', 'x'], '--basis'], [['export', '--nope'], 'not understood'],
            [['export', '--month', '2026-1'], '--month'], [['export', '--format', 'camt053'], '--account'], [['export', '--format', 'camt053', '--account', 'bank:x', '--basis', 'effective'], 'recording'], [['statement'], 'name an account'], [['export', '--output', '/nowhere/x'], 'cannot write']]) {
            const done = ledger(world, args);
            assert(done.status === 1 && done.err.includes(part) && done.err.trim().split('\n').length === 1, `${args.join(' ')}: ${done.status} ${done.err}`);
        }
    },
});
