// Explorer: namespaces with DVO recommendations, and the workloads of one namespace.
import { html } from './html.js';
import { call, path } from './api.js';
import { count } from './format.js';
import { address, go } from './route.js';
import { Trail } from './organization.js';
import { Rule } from './recommendations.js';
import { AsCurl, Empty, PAGE_SIZE, Pages, Panel, Problem, Table, Time, useLoaded } from './parts.js';

export function Workloads({ org, segments, query }) {
  const below = path`organization/${org}/workloads`;
  const { data, error, loading } = useLoaded((signal) => call(below, { signal }).catch((failure) => {
    // without namespaces the API answers 404
    if (failure.status === 404) return { workloads: [] };
    throw failure;
  }), [org]);
  if (loading && !data) return html`<p class="loading" role="status">Loading …</p>`;
  if (error) return html`<${Problem} error=${error} />`;
  const prefix = (query.prefix ?? '').toLowerCase();
  const all = (data.workloads ?? []).filter((one) => one.cluster.uuid.toLowerCase().startsWith(prefix)
    || one.namespace.name.toLowerCase().startsWith(prefix));
  const page = Number(query.page) || 0;
  return html`<${Panel} title="Namespaces" side=${html`<${AsCurl} requests=${[[below]]} />`}>
    <div class="line"><label>Cluster or namespace begins with <input type="search" value=${query.prefix ?? ''} size="30" spellcheck="false"
      onInput=${(event) => go(segments, { ...query, prefix: event.target.value, page: '' }, { replace: true })} /></label></div>
    ${!all.length ? html`<${Empty}>No namespace has a recommendation.<//>` : html`
    <${Table} caption="Namespaces with recommendations">
      <thead><tr><th>namespace</th><th>cluster</th><th class="number">recommendations</th><th class="number">objects</th><th class="number">hits</th><th>last checked</th></tr></thead>
      <tbody>${all.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map((one) => html`<tr key=${one.cluster.uuid + one.namespace.uuid}>
        <td><a href=${address(['organizations', org, 'workloads', one.cluster.uuid, one.namespace.uuid])}>${one.namespace.name || one.namespace.uuid}</a></td>
        <td class="id">${one.cluster.uuid}</td>
        <td class="number">${count(one.metadata.recommendations)}</td><td class="number">${count(one.metadata.objects)}</td>
        <td class="number">${count(Object.values(one.recommendations_hit_count ?? {}).reduce((sum, each) => sum + each, 0))}</td>
        <td><${Time} at=${one.metadata.last_checked_at} age /></td></tr>`)}</tbody><//>
    <${Pages} total=${all.length} page=${page} what="namespaces" onPage=${(next) => go(segments, { ...query, page: next || '' })} />`}
  <//>`;
}

const SHOWN = 100;

export function Namespace({ segments, query }) {
  const [, org, , cluster, namespace] = segments;
  const below = path`organization/${org}/namespace/${namespace}/cluster/${cluster}/workloads`;
  const { data, error, loading } = useLoaded((signal) => call(below, { signal }), [below]);
  const found = data?.workloads ?? data;
  return html`<${Trail} org=${org} query=${query}>
      <li><a href=${address(['organizations', org], { show: 'workloads' })}>DVO workloads</a></li>
      <li aria-current="page">Namespace</li><//>
    <h1 tabindex="-1">Namespace ${found?.namespace?.name || namespace}</h1>
    <p class="quiet id">${namespace} of cluster ${cluster}</p>
    <${Problem} error=${error} />
    ${loading && !data && html`<p class="loading" role="status">Loading …</p>`}
    ${found?.recommendations?.map((one) => html`<${Panel} key=${one.check} title=${one.check}>
      <${Table} caption="Workloads hit by ${one.check}">
        <thead><tr><th>kind</th><th>name</th><th>UID</th></tr></thead>
        <tbody>${one.objects.slice(0, SHOWN).map((each) => html`<tr key=${each.uid}><td>${each.kind}</td><td>${each.display_name || '–'}</td><td class="id">${each.uid}</td></tr>`)}</tbody><//>
      ${one.objects.length > SHOWN && html`<p class="quiet">and ${count(one.objects.length - SHOWN)} more</p>`}
      <details><summary>Details</summary><pre tabindex="0">${JSON.stringify(one.extra_data, null, 2)}</pre></details><//>`)}
    ${found && html`<${AsCurl} requests=${[[below]]} />`}`;
}
