// Lines over time, by uPlot; the same numbers as a table for whoever does not see them.
import uPlot from '../uplot.js';
import { h, table } from './dom.js';
import { when } from './format.js';

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = matchMedia('(prefers-color-scheme: dark)');

// The axis of time, in hours of a day and dates as people sort them: [seconds between two marks, how one is written].
const MARKS = [[86400, '{YYYY}-{MM}-{DD}', null], [3600, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}'], [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}'], [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}']]
    .map(([seconds, text, day]) => [seconds, text, null, null, day, null, null, null, 1]);
// A point without neighbours makes no line: it is drawn as a point.
const alone = (values) => values.map((_, i) => i).filter((i) => values[i] !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null);

// times: seconds since 1970; lines: [{ title, values, show(value), fill, width }]. Returns { node, end }.
export function lines(title, times, list, { height = 190, least, most, show = String } = {}) {
    const place = h('div', { class: 'chart', 'aria-hidden': 'true' });
    const rows = times.map((time, i) => ({ time, i })).reverse();
    const node = h('figure', { class: 'card' }, h('h3', null, title), place,
        h('details', null, h('summary', null, 'As a table'), table(title, [
            { title: 'Time (UTC)', cell: (r) => when(new Date(r.time * 1000).toISOString()) },
            ...list.map((line) => ({ title: line.title, number: true, cell: (r) => (line.values[r.i] === null ? '' : (line.show ?? show)(line.values[r.i])) })),
        ], rows)));
    let plot = null;
    const draw = () => {
        plot?.destroy();
        const grid = { stroke: color('--line'), width: 1 };
        plot = new uPlot({
            width: Math.max(place.clientWidth, 200), height, tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'),
            cursor: { drag: { setScale: false } },
            scales: { x: { time: true }, y: { range: (_, low, high) => [least ?? Math.min(low ?? 0, 0), most ?? Math.max(high ?? 1, (high ?? 0) * 1.1 || 1)] } },
            axes: [{ stroke: color('--quiet'), grid, ticks: grid, font: '11px system-ui', values: MARKS },
                { stroke: color('--quiet'), grid, ticks: grid, size: 62, font: '11px system-ui', values: (_, ticks) => ticks.map((v) => show(v)) }],
            series: [{ value: (_, v) => (v === null ? '\u2013' : when(new Date(v * 1000).toISOString()).slice(5, 16)) }, ...list.map((line, i) => ({
                label: line.title, stroke: color(`--series-${i + 1}`), width: line.width ?? 1.6, spanGaps: false, points: { show: true, size: 5, filter: () => alone(line.values) },
                fill: line.fill ? `${color(`--series-${i + 1}`)}22` : undefined, value: (_, v) => (v === null || v === undefined ? '\u2013' : (line.show ?? show)(v)),
            }))],
        }, [times, ...list.map((line) => line.values)], place);
    };
    const sizes = new ResizeObserver(() => { if (plot) plot.setSize({ width: Math.max(place.clientWidth, 200), height }); else draw(); });
    sizes.observe(place);
    dark.addEventListener('change', draw);
    return { node, end: () => { sizes.disconnect(); dark.removeEventListener('change', draw); plot?.destroy(); plot = null; } };
}
