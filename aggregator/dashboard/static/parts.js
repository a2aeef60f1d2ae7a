// Parts that several views use: times, tables, errors, pages of a list, the curl command.
import { html, useEffect, useState } from './html.js';
import { local, parseTime, span, utc } from './format.js';
import { ApiError, curl } from './api.js';

// a time in UTC, with the local one on hover; `age` shows how long ago it was
export function Time({ at, age = false, suffix = ' ago', none = 'never' }) {
  const date = at instanceof Date ? at : parseTime(at);
  if (!date) return html`<span class="quiet">${none}</span>`;
  const ago = `${span((Date.now() - date.getTime()) / 1000)}${suffix}`;
  const full = `${utc(date)}, ${local(date)}`;
  return html`<time datetime=${date.toISOString()} title=${full}>${age ? ago : utc(date)}</time>`;
}

export function Panel({ title, side, children, className = '' }) {
  return html`<section class="panel ${className}" aria-label=${title}>
    <header><h2>${title}</h2>${side && html`<div class="side">${side}</div>`}</header>
    ${children}
  </section>`;
}

export function Problem({ error }) {
  if (!error) return null;
  return html`<p class="problem" role="alert">${error.message}${
    error instanceof ApiError && error.status ? html` <span class="quiet">(${error.status})</span>` : ''}</p>`;
}

// a wide table scrolls by itself, with the keyboard too
export function Table({ caption, children }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table><caption class="hidden">${caption}</caption>${children}</table>
  </div>`;
}

export function Dot({ state, label }) {
  return html`<span class="dot ${state}"><span aria-hidden="true"></span>${label ?? state}</span>`;
}

// `requests` are [below, options], as `call` takes them
export function AsCurl({ requests }) {
  const text = requests.map((one) => curl(...one)).join('\n');
  const [copied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [text]);
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true), () => {});
  return html`<details class="curl">
    <summary>as curl</summary>
    <pre tabindex="0">${text}</pre>
    ${navigator.clipboard && html`<button type="button" class="small" onClick=${copy}>${
      copied ? 'copied' : 'copy'}</button>`}
  </details>`;
}

export const PAGE_SIZE = 50;

// the buttons between pages of a list; only one page is in the document
export function Pages({ total, page, onPage, size = PAGE_SIZE, what }) {
  const last = Math.max(0, Math.ceil(total / size) - 1);
  if (last === 0) {
    const named = total === 1 ? what.replace(/s$/, '') : what;
    return html`<p class="quiet pages">${total.toLocaleString('en-US')} ${named}</p>`;
  }
  const from = page * size;
  return html`<nav class="pages" aria-label="Pages of the list">
    <button type="button" disabled=${page === 0} onClick=${() => onPage(0)}>First</button>
    <button type="button" disabled=${page === 0} onClick=${() => onPage(page - 1)}>Previous</button>
    <span class="numbers">${(from + 1).toLocaleString('en-US')}–${
      Math.min(total, from + size).toLocaleString('en-US')} of ${total.toLocaleString('en-US')} ${what}</span>
    <button type="button" disabled=${page >= last} onClick=${() => onPage(page + 1)}>Next</button>
    <button type="button" disabled=${page >= last} onClick=${() => onPage(last)}>Last</button>
  </nav>`;
}

// Load when `keys` change. The former answer stays until the next one is here, so nothing flickers.
export function useLoaded(load, keys) {
  const [state, setState] = useState({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    load(abort.signal).then(
      (data) => abort.signal.aborted || setState({ data, loading: false }),
      (error) => abort.signal.aborted || setState({ error, loading: false }),
    );
    return () => abort.abort();
  }, [...keys, turn]);
  return { ...state, reload: () => setTurn((before) => before + 1) };
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}
