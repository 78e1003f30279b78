'use strict';
// Service levels of one month. Text goes in as text, never as markup.
const byId = (id) => document.getElementById(id);
function cell(text, className) {
  const made = document.createElement('td');
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
const percent = (rate) => rate === null ? '' : `${(rate * 100).toFixed(2)} %`;
function costs(list) {
  const digits = (code) => new Intl.NumberFormat('en', { style: 'currency', currency: code }).resolvedOptions().maximumFractionDigits;
  const show = (minor, code) => (minor / 10 ** digits(code)).toFixed(digits(code));
  return list.map((cost) => `${show(cost.expected, cost.currency)}, ${show(cost.booked, cost.currency)} ${cost.currency}`).join('; ');
}
function row(level) {
  const made = document.createElement('tr');
  const latency = level.latency_ms;
  made.append(cell(level.provider), cell(level.name), cell(String(level.attempts), 'number'), cell(percent(level.availability), 'number'),
    cell(percent(level.success_rate), 'number'), cell(percent(level.unknown_rate), 'number'),
    cell(latency ? [latency.p50, latency.p95, latency.p99].map(Math.round).join(' / ') : '', 'number'), cell(costs(level.cost), 'number'));
  return made;
}
function monthBefore(month) {
  const [year, number] = month.split('-').map(Number);
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, '0')}`;
}

async function load() {
  const asked = new URLSearchParams(location.search).get('month');
  const answer = await fetch('/dashboard/levels.json' + (asked ? `?month=${encodeURIComponent(asked)}` : ''));
  const levels = await answer.json();
  if (!answer.ok) throw new Error(levels.detail);
  byId('month').textContent = levels.month;
  byId('before').href = `/dashboard/levels?month=${monthBefore(levels.month)}`;
  byId('levels').replaceChildren(...levels.data.map(row));
  byId('no-levels').hidden = levels.data.length > 0;
  byId('status').textContent = 'from the ledger';
}
load().catch((error) => { byId('status').textContent = error.message; });
