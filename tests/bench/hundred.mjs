// hundred.mjs - a rule set of 100 rules as a shop in many markets has one: conditions over several facts, of which the
// last four take what a usual payment of the bench is.
const euro = ['AT', 'BE', 'DE', 'ES', 'FR', 'IE', 'IT', 'LU', 'NL', 'PT'];
const markets = [['EUR', euro], ['USD', ['US', 'PR', 'EC', 'SV']], ['GBP', ['GB', 'IM', 'JE']], ['PLN', ['PL']], ['SEK', ['SE']], ['CHF', ['CH', 'LI']]];
const two = (n) => String(n).padStart(2, '0');

// Payments of which each kind is taken by another of the last four.
export const channels = ['web', 'app', 'pos', 'phone'];

export function hundred() {
    const rules = [];
    const add = (name, condition, block) => rules.push(`rule "${name}" when ${condition} { ${block} }`);
    for (let i = 0; i < 30; i++) { // markets: currency, country, amount
        const [currency, countries] = markets[i % markets.length];
        const from = 5000 + 250 * i;
        add(`market ${two(i)}`, `currency == ${currency} and country in [${countries.join(', ')}] and amount in ${from}..${from + 200}.00 ${currency}`, i % 2 ? 'use payoneer, paypal' : 'use paypal, payoneer');
    }
    for (let i = 0; i < 20; i++) add(`tenant ${two(i)}`, `metadata.tenant == "tenant-${two(i)}" and (metadata.tier in best or large)`, 'by cost; never where cost > 6%');
    for (let i = 0; i < 15; i++) add(`cards ${two(i)}`, `card_brand in [visa, mastercard] and bin in 4${two(i)}100..4${two(i)}199 and card_country not in [US, CA]`, 'by value with margin 2.5% and failure 0.30 EUR');
    for (let i = 0; i < 10; i++) add(`renewals ${two(i)}`, `reference starts with "sub-${two(i)}-"`, 'use paypal, payoneer; avoid where unwell');
    for (let i = 0; i < 10; i++) add(`nights ${two(i)}`, `night and country == ${['BR', 'MX', 'AR', 'CL', 'CO', 'PE', 'UY', 'PY', 'BO', 'VE'][i]} and method == card`, 'by latency');
    for (let i = 0; i < 8; i++) add(`weak ${two(i)}`, `(paypal.success_rate < ${40 + i}% or paypal.latency > ${20 + i}s) and country == ${euro[i]}`, 'use payoneer; avoid where unwell');
    add('holds', 'operation == authorize and metadata.deposit == "yes"', 'use paypal:main');
    add('payouts to Poland', 'operation == payout and beneficiary_country == PL', 'by cost');
    add('large first orders', 'large and metadata.first == "yes" and not night', 'split 50% paypal, 50% payoneer by customer');
    for (const channel of channels) add(`${channel} in the EEA`, `metadata.channel == "${channel}" and country in eea and amount < 500.00 EUR`, 'by cost');
    if (rules.length !== 100) throw new Error(`${rules.length} rules`);
    return `zone "Europe/Berlin"
set eea = [${euro.join(', ')}, PL, SE]
set best = ["gold", "platinum"]
condition large = amount >= 500.00 EUR or amount >= 550.00 USD or amount >= 450.00 GBP
condition night = time in 22:00..06:00 or weekday in [sat, sun]
condition unwell = success_rate < 70% or latency > 5s

${rules.join('\n')}
otherwise { by cost }
`;
}
