// replay_rules.mjs - the rule sets of the replay: every kind of order, fact, set and condition, and a clock that moves.
import { hundred } from './hundred.mjs';

// A time of the day in Berlin, `minutes` from now.
const clock = (minutes) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit', hour12: false }).format(Date.now() + minutes * 60000);
const payouts = `rule "payouts to Poland" when operation == payout and beneficiary_country == PL { use payoneer_payouts, paypal_payouts }
rule "payouts" when operation == payout { by cost }
`;
const lists = () => `zone "Europe/Berlin"
set eea = [DE, AT, FR, IT, ES, NL]
set gold = ["gold", "platinum"]
condition large = amount >= 500.00 EUR or amount >= 550.00 USD or amount >= 80000 JPY
condition now = time in ${clock(0)}..${clock(0)}
condition soon = time in ${clock(1)}..${clock(1)} or time in ${clock(3)}..${clock(3)}
${payouts}rule "second try" when attempt > 1 and previous_decline == soft { by success; avoid where latency > 2s }
rule "not again" when attempt > 1 and previous_reason in [insufficient_funds, limit_exceeded] { decline "not covered" }
rule "holds" when operation == authorize and not large { use paypal:main, paypal:second, payoneer }
rule "vip" when metadata.tier in gold and country in eea { use payoneer:second, paypal }
rule "this minute" when now and metadata.channel in ["app", "web"] { use paypal:second, payoneer; avoid payoneer:main }
rule "the next" when soon and metadata.channel == "app" { use payoneer:second, paypal:second; failover none }
rule "renewals" when reference starts with "sub-" or reference matches "*-renewal-??" { use paypal, payoneer; never paypal:second }
rule "bins" when bin in 411111..411199 or card_brand == amex { use payoneer, paypal; only payoneer:main, paypal:main }
rule "pounds by day" when currency == GBP and weekday in mon..fri and time at "Asia/Tokyo" >= 06:00 { use payoneer }
rule "pounds" when currency == GBP { use payoneer, paypal; avoid where healthy }
otherwise { use paypal, payoneer; failover at most 2 }
`;
const splits = () => `${payouts}rule "by customer" when country in [DE, AT] and card_country != US { split 50% paypal:main, 30% payoneer:main, 20% paypal:second by customer }
rule "by tenant" when metadata.tenant != "" { split 70% paypal, 30% payoneer by metadata.tenant }
rule "by reference" when reference starts with "sub-" { split 60% payoneer, 40% paypal by reference; never payoneer:second }
otherwise { split 55% paypal, 45% payoneer; shadow { by cost } }
`;
const costs = () => `${payouts}rule "small" when amount as EUR < 10.00 EUR { by cost }
rule "dear" when paypal:main.cost > 4% or payoneer:main.cost in 1%..7% and method == wallet { by cost of payoneer, paypal; never where cost > 7% and amount < 20.00 EUR }
rule "not cheap" when paypal.cost <= 0.60 EUR or paypal:second.cost <= 0.80 USD { by cost of paypal, payoneer }
otherwise { by cost; failover at most 3 within 5s }
`;
const measures = () => `${payouts}condition weak = paypal.success_rate < 92% or paypal.latency > 150ms
rule "share" when paypal.share >= 60% and country not in [US, GB] { use payoneer, paypal }
rule "weak" when weak and payoneer.healthy { by success; avoid where not healthy }
rule "quick" when metadata.channel == "app" { by latency of paypal, payoneer }
rule "value" when amount >= 100.00 EUR or amount >= 100.00 USD { by value with margin 2.5% and failure 0.30 EUR }
otherwise { by success; avoid where latency > 100ms or success_rate < 90% }
`;
export const sets = { lists, splits, costs, measures, hundred };
