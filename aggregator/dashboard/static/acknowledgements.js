// Explorer: the rules that an organization acknowledged, and those disabled for single clusters.
import { html } from './html.js';
import { call, path } from './api.js';
import { address, go } from './route.js';
import { Rule } from './recommendations.js';
import { AsCurl, Empty, PAGE_SIZE, Pages, Panel, Problem, Table, Time, useLoaded } from './parts.js';

// a nullable time comes as { Time, Valid }
const time = (value) => (value && typeof value === 'object' ? (value.Valid ? value.Time : null) : value);

export function Acknowledgements({ org, segments, query }) {
  const [acks, toggles] = [
    path`rules/organizations/${org}/disabled_system_wide`, path`rules/organizations/${org}/disabled`];
  const { data, error, loading } = useLoaded(
    (signal) => Promise.all([acks, toggles].map((one) => call(one, { signal }))), [org]);
  if (loading && !data) return html`<p class="loading" role="status">Loading …</p>`;
  if (error) return html`<${Problem} error=${error} />`;
  const [{ disabledRules }, { rules }] = data;
  const disabled = (rules ?? []).filter((one) => one.Disabled);
  const page = Number(query.page) || 0;
  return html`<${Panel} title="Acknowledged for the organization" side=${html`<${AsCurl} requests=${[[acks]]} />`}>
      ${!disabledRules?.length ? html`<${Empty}>No rule is acknowledged.<//>` : html`<${Table} caption="Acknowledged rules">
        <thead><tr><th>rule</th><th>justification</th><th>since</th></tr></thead>
        <tbody>${disabledRules.map((one) => html`<tr key=${one.rule_id + one.error_key}>
          <td class="wrap"><${Rule} name=${`${one.rule_id}|${one.error_key}`} /></td><td class="wrap">${one.justification || '–'}</td>
          <td><${Time} at=${time(one.created_at)} none="–" /></td></tr>`)}</tbody><//>`}<//>
    <${Panel} title="Disabled for single clusters" side=${html`<${AsCurl} requests=${[[toggles]]} />`}>
      ${!disabled.length ? html`<${Empty}>No rule is disabled for a cluster.<//>` : html`<${Table} caption="Rules disabled for single clusters">
        <thead><tr><th>rule</th><th>cluster</th><th>since</th></tr></thead>
        <tbody>${disabled.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map((one) => html`<tr key=${one.ClusterID + one.RuleID + one.ErrorKey}>
          <td class="wrap"><${Rule} name=${`${one.RuleID}|${one.ErrorKey}`} /></td>
          <td class="id"><a href=${address(['organizations', org, 'clusters', one.ClusterID])}>${one.ClusterID}</a></td>
          <td><${Time} at=${time(one.DisabledAt)} none="–" /></td></tr>`)}</tbody><//>
        <${Pages} total=${disabled.length} page=${page} what="toggles" onPage=${(next) => go(segments, { ...query, page: next || '' })} />`}<//>`;
}
