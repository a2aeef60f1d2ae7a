// Numbers, durations and times as text.

export const NOTHING = '–';

export function count(value) {
  return value === null || value === undefined ? NOTHING : value.toLocaleString('en-US');
}

export function rate(value) {
  if (value === null || value === undefined) return NOTHING;
  if (value === 0) return '0';
  if (value < 0.1) return '< 0.1';
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 0.001) return `${Math.max(1, Math.round(seconds * 1e6))} µs`;
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : span(seconds);
}

// how long something lasts, to one or two units
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) {
    const minutes = Math.floor((whole % 3600) / 60);
    return `${Math.floor(whole / 3600)} h${minutes ? ` ${minutes} min` : ''}`;
  }
  const days = Math.floor(whole / 86400);
  if (days < 730) return `${days} day${days === 1 ? '' : 's'}`;
  return `${Math.floor(days / 365)} years`;
}

export function bytes(value) {
  return value === null || value === undefined ? NOTHING : `${(value / 1048576).toFixed(1)} MiB`;
}

// the API has times without a zone, which are UTC; year 1 means none
export function parseTime(text) {
  if (!text) return null;
  const value = typeof text === 'number' ? text * 1000
    : Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(value) || value < Date.UTC(1970, 0, 2) ? null : new Date(value);
}

const today = (date) => date.toISOString().slice(0, 10) === new Date().toISOString().slice(0, 10);

export function utc(date, { seconds = true } = {}) {
  const iso = date.toISOString();
  const clock = iso.slice(11, seconds ? 19 : 16);
  return today(date) ? `${clock} UTC` : `${iso.slice(0, 10)} ${clock} UTC`;
}

export function local(date) {
  return `${date.toLocaleString()} (local time)`;
}

// rule IDs share a long prefix, which says nothing
export function shortRule(rule) {
  return rule.replace(/^ccx_rules_ocp\.(external|internal)\.(rules\.|bug_rules\.|dvo\.)?/, '')
    .replace(/\.(report|recommendation)$/, '');
}
