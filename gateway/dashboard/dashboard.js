'use strict';
// The live page: one event stream, two lists. Text goes in as text, never as markup.
const byId = (id) => document.getElementById(id);
function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
function clock(text) { return text ? text.slice(11, 19) : ''; }

function tile(provider) {
  const made = element('article', undefined, `tile ${provider.state}`);
  const head = element('h3', provider.provider + (provider.name ? ` (${provider.name})` : ''));
  head.append(element('span', provider.state, 'state'));
  const list = element('dl');
  const row = (name, value) => { if (value) list.append(element('dt', name), element('dd', value)); };
  const latency = provider.latency_ms;
  row('success', `${(provider.success_rate * 100).toFixed(1)} % of ${provider.calls} calls`);
  row('latency p50 / p95 / p99', latency.p50 ? `${Math.round(latency.p50)} / ${Math.round(latency.p95)} / ${Math.round(latency.p99)} ms` : 'no calls yet');
  if (provider.slow) row('slow', `p95 above ${Math.round(latency.slow_above)} ms; usually ${Math.round(latency.usual_p95)} ms`);
  const outcomes = provider.outcomes;
  const paid = outcomes.approved + outcomes.declined + outcomes.unknown + outcomes.failed;
  if (paid > 0) row('last hour', `${outcomes.approved} approved, ${outcomes.declined} declined, ${outcomes.unknown} unknown, ${outcomes.failed} failed`);
  if (provider.hold) row(provider.hold.state, `${provider.hold.reason} (${provider.hold.author}${provider.hold.until ? `, until ${provider.hold.until.slice(0, 16)}Z` : ''})`);
  if (provider.other_hosts) row('other hosts', `${provider.other_hosts.says} (${Math.round(provider.other_hosts.age_ms / 1000)} s ago)`);
  row('in flight', String(provider.in_flight));
  row('breaker', provider.breaker.state.replace('_', ' ') + (provider.breaker.state !== 'closed' && provider.breaker.retry_at ? `, probed at ${clock(provider.breaker.retry_at)}` : ''));
  if (provider.breaker.state !== 'closed' || provider.slow) row('why', provider.breaker.why);
  if (provider.breaker.openings.length > 0) row('opened', provider.breaker.openings.slice(0, 3).map((o) => `${clock(o.at)} ${o.why}`).join('; '));
  if (provider.expected_fee) row('expected fee', `${(provider.expected_fee.fee * 100 / provider.expected_fee.of_amount).toFixed(2)} of 100.00 ${provider.expected_fee.currency}`);
  if (provider.last_error) row('last error', `${provider.last_error.reason} at ${clock(provider.last_error.at)}`);
  row('problem', provider.problem);
  made.append(head, list);
  return made;
}

function paymentRow(payment) {
  const made = element('tr');
  made.append(element('td', clock(payment.created)), element('td', payment.id, 'id'), element('td', payment.amount, 'number'),
    element('td', payment.currency), element('td', payment.attempts.join(' › ')), element('td', payment.status, payment.status));
  return made;
}

function show(board) {
  byId('providers').replaceChildren(...board.providers.map(tile));
  byId('payments').replaceChildren(...board.payments.map(paymentRow));
  byId('no-providers').hidden = board.providers.length > 0;
  byId('no-payments').hidden = board.payments.length > 0;
  say(board.ledger ? 'live' : 'the ledger is away: payments are refused');
}

function say(text) { // only changes are announced
  if (byId('status').textContent !== text) byId('status').textContent = text;
}

const stream = new EventSource('/dashboard/events');
stream.addEventListener('board', (event) => show(JSON.parse(event.data)));
stream.addEventListener('error', () => say('the gateway does not answer; trying again'));
