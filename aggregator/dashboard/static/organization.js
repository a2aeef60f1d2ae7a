// Explorer: one organization: its clusters, recommendations, workloads, acknowledgements.
import { html, useMemo } from './html.js';
import { call, path } from './api.js';
import { address, go } from './route.js';
import { AsCurl, Empty, PAGE_SIZE, Pages, Panel, Problem, Table, Time, useLoaded } from './parts.js';
import { Recommendations } from './recommendations.js';
import { Workloads } from './workloads.js';
import { Acknowledgements } from './acknowledgements.js';

export const DEFAULT_USER = 'ann';
const TABS = [
  ['clusters', 'Clusters', Clusters],
  ['recommendations', 'Recommendations', Recommendations],
  ['workloads', 'DVO workloads', Workloads],
  ['acknowledgements', 'Acknowledged rules', Acknowledgements],
];

export function Organization({ segments, query }) {
  const [, org] = segments;
  const shown = TABS.find(([name]) => name === query.show) ?? TABS[0];
  return html`<${Trail} org=${org} query=${query} />
    <h1 tabindex="-1">Organization ${org}</h1>
    <nav class="tabs" aria-label="Of the organization">${TABS.map(([name, title]) => html`
      <a href=${address(segments, { ...kept(query), show: name })}
        aria-current=${name === shown[0] ? 'page' : undefined}>${title}</a>`)}</nav>
    <${shown[2]} key=${shown[0]} org=${org} segments=${segments} query=${query} />`;
}

const kept = (query) => (query.user ? { user: query.user } : {});

// the way back, and the user whose votes and feedback are shown
export function Trail({ org, query, children, withUser = false, segments }) {
  return html`<div class="trail">
    <nav aria-label="Where this is"><ol>
      <li><a href=${address(['organizations'], kept(query))}>Organizations</a></li>
      ${children && html`<li><a href=${address(['organizations', org], kept(query))}>${org}</a></li>`}
      ${children}
    </ol></nav>
    ${withUser && html`<form class="line" onSubmit=${(event) => {
      event.preventDefault();
      go(segments, { ...query, user: new FormData(event.target).get('user').trim() });
    }}><label>as user <input name="user" defaultValue=${userOf(query)} value=${userOf(query)} size="10" required /></label>
      <button type="submit">Apply</button></form>`}
  </div>`;
}

export const userOf = (query) => query.user || DEFAULT_USER;

// the IDs of all clusters come at once, ages and hits of one page of them
function Clusters({ org, segments, query }) {
  const below = path`organizations/${org}/clusters`;
  const { data, error, loading, reload } = useLoaded((signal) => call(below, { signal }), [org]);
  const prefix = (query.prefix ?? '').toLowerCase();
  const all = useMemo(
    () => (data?.clusters ?? []).filter((one) => one.toLowerCase().startsWith(prefix)),
    [data, prefix],
  );
  const page = Math.min(Number(query.page) || 0, Math.max(0, Math.ceil(all.length / PAGE_SIZE) - 1));
  const shown = all.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  const details = path`clusters/organizations/${org}/users/${userOf(query)}/recommendations`;
  const ages = useLoaded(
    (signal) => (shown.length ? call(details, { method: 'POST', body: shown, signal }) : Promise.resolve({ clusters: {} })),
    [org, shown.join()],
  );
  const change = (values, options) => go(segments, { ...query, ...values }, options);
  const requests = [[below], ...(shown.length ? [[details, { method: 'POST', body: shown.slice(0, 3) }]] : [])];
  return html`<${Panel} title="Clusters" side=${html`<${AsCurl} requests=${requests} />`}>
    <div class="line">
      <label>ID begins with <input type="search" value=${query.prefix ?? ''} size="36" spellcheck="false" autocomplete="off"
        onInput=${(event) => change({ prefix: event.target.value, page: '' }, { replace: true })} /></label>
      <button type="button" onClick=${reload}>Reload</button>
    </div>
    <${Problem} error=${error ?? ages.error} />
    ${loading && !data ? html`<p class="loading" role="status">Loading …</p>` : !error && html`
      ${!all.length && html`<${Empty}>${prefix ? 'No cluster begins so.' : 'No cluster has reported lately.'}<//>`}
      ${all.length > 0 && html`<${Table} caption="Clusters of organization ${org}">
        <thead><tr><th>cluster</th><th>last report</th><th class="number">recommendations</th><th>version</th></tr></thead>
        <tbody>${shown.map((one) => {
          const known = ages.data?.clusters?.[one];
          return html`<tr key=${one}>
            <td class="id"><a href=${address([...segments.slice(0, 2), 'clusters', one], kept(query))}>${one}</a></td>
            <td>${known ? html`<${Time} at=${known.created_at} age />` : '…'}</td>
            <td class="number">${known ? known.recommendations.length : '…'}</td>
            <td>${known?.meta.cluster_version || '–'}</td></tr>`;
        })}</tbody><//>
        <${Pages} total=${all.length} page=${page} onPage=${(next) => change({ page: next || '' })} what="clusters" />`}`}
  <//>`;
}
