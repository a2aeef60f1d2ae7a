// Explorer: which recommendation hits how many clusters of an organization, and which.
import { html } from './html.js';
import { call, path } from './api.js';
import { count, shortRule } from './format.js';
import { address, go } from './route.js';
import { Trail, userOf } from './organization.js';
import { AsCurl, Empty, PAGE_SIZE, Pages, Panel, Problem, Table, Time, useLoaded } from './parts.js';

export function Recommendations({ org, segments, query }) {
  const clusters = path`organizations/${org}/clusters`;
  const list = path`recommendations/organizations/${org}/users/${userOf(query)}/list`;
  const { data, error, loading } = useLoaded(async (signal) => {
    const all = (await call(clusters, { signal })).clusters ?? [];
    if (!all.length) return { total: 0, rows: [], some: [] };
    const found = await call(list, { method: 'POST', body: all, signal });
    const rows = Object.entries(found.recommendations ?? {}).map(([rule, hit]) => [rule, hit.length]);
    rows.sort(([one, few], [other, many]) => many - few || one.localeCompare(other));
    return { total: all.length, rows, some: all.slice(0, 3) };
  }, [org]);
  if (loading && !data) return html`<p class="loading" role="status">Loading …</p>`;
  if (error) return html`<${Problem} error=${error} />`;
  const page = Number(query.page) || 0;
  const most = data.rows[0]?.[1] ?? 1;
  return html`<${Panel} title="Clusters hit by each recommendation"
      side=${html`<${AsCurl} requests=${[[clusters], [list, { method: 'POST', body: data.some }]]} />`}>
    ${!data.rows.length ? html`<${Empty}>No recommendation hits a cluster.<//>` : html`
    <${Table} caption="Recommendations by number of clusters hit">
      <thead><tr><th>recommendation</th><th class="number">clusters</th><th><span class="hidden">share</span></th></tr></thead>
      <tbody>${data.rows.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map(([rule, number]) => html`<tr key=${rule}>
        <td class="wrap"><a href=${address(['organizations', org, 'recommendations', rule], query.user ? { user: query.user } : {})} title=${rule}><${Rule} name=${rule} /></a></td>
        <td class="number">${count(number)}</td>
        <td class="bar long" title="${count(number)} of ${count(data.total)} clusters"><span style=${{ width: `${(100 * number) / most}%` }}></span></td></tr>`)}
      </tbody><//>
    <${Pages} total=${data.rows.length} page=${page} what="recommendations"
      onPage=${(next) => go(segments, { ...query, page: next || '' })} />`}
  <//>`;
}

export function Rule({ name }) {
  const [rule, key] = name.split('|');
  return html`<span class="rule">${shortRule(rule)}</span>${key && html` <span class="key">${key}</span>`}`;
}

export function Recommendation({ segments, query }) {
  const [, org, , rule] = segments;
  const below = path`rules/${rule}/organizations/${org}/users/${userOf(query)}/clusters_detail`;
  const { data, error, loading } = useLoaded((signal) => call(below, { signal }), [org, rule]);
  const all = data?.clusters ?? [];
  const page = Number(query.page) || 0;
  return html`<${Trail} org=${org} query=${query}>
      <li><a href=${address(['organizations', org], { show: 'recommendations' })}>Recommendations</a></li>
      <li aria-current="page">Clusters hit</li><//>
    <h1 tabindex="-1"><${Rule} name=${rule} /></h1>
    <p class="quiet id">${rule}</p>
    <${Problem} error=${error} />
    ${loading && !data && html`<p class="loading" role="status">Loading …</p>`}
    ${data && html`<${Panel} title="Clusters hit" side=${html`<${AsCurl} requests=${[[below]]} />`}>
      <${Table} caption="Clusters that the recommendation hits">
        <thead><tr><th>cluster</th><th>last checked</th><th>hit since</th><th>version</th></tr></thead>
        <tbody>${all.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map((one) => html`<tr key=${one.cluster}>
          <td class="id"><a href=${address(['organizations', org, 'clusters', one.cluster], query.user ? { user: query.user } : {})}>${one.cluster}</a></td>
          <td><${Time} at=${one.last_checked_at} age /></td><td><${Time} at=${one.impacted} age none="unknown" /></td>
          <td>${one.meta.cluster_version || '–'}</td></tr>`)}</tbody><//>
      <${Pages} total=${all.length} page=${page} what="clusters"
        onPage=${(next) => go(segments, { ...query, page: next || '' })} /><//>`}`;
}
