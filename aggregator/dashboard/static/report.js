// Explorer: the report of a cluster as one user sees it: hits, votes, toggles, acknowledgements.
import { html, useState } from './html.js';
import { call, path, settings } from './api.js';
import { parseTime, shortRule } from './format.js';
import { Trail, userOf } from './organization.js';
import { AsCurl, Empty, Panel, Problem, Time, useLoaded } from './parts.js';

const OPINIONS = { 1: 'liked', 0: 'no vote', '-1': 'disliked' };

export function Report({ segments, query }) {
  const [, org, , cluster] = segments;
  const user = userOf(query);
  const below = path`organizations/${org}/clusters/${cluster}/users/${user}/report`;
  const info = path`organizations/${org}/clusters/${cluster}/users/${user}/report/info`;
  const listed = path`rules/organizations/${org}/disabled_system_wide`;
  const { data, error, loading, reload } = useLoaded(
    (signal) => Promise.all([below, info, listed].map((one) => call(one, { signal }))),
    [org, cluster, user],
  );
  const [{ report }, { metainfo }, { disabledRules: acks }] = data ?? [{}, {}, {}];
  return html`<${Trail} org=${org} query=${query} segments=${segments} withUser><li aria-current="page">Report</li><//>
    <h1 tabindex="-1">Report of <span class="id">${cluster}</span></h1>
    <${Problem} error=${error} />
    ${loading && !data && html`<p class="loading" role="status">Loading …</p>`}
    ${report && !error && html`
      <${Panel} title="Report" side=${html`<${AsCurl} requests=${[[below], [info], [listed]]} />`}>
        <dl class="pairs">
          <div><dt>last checked</dt><dd><${Time} at=${report.meta.last_checked_at} age /></dd></div>
          <div><dt>stored</dt><dd><${Time} at=${metainfo.stored_at} age /></dd></div>
          ${parseTime(report.meta.gathered_at) && html`<div><dt>gathered</dt><dd><${Time} at=${report.meta.gathered_at} age /></dd></div>`}
          <div><dt>rule hits</dt><dd>${Math.max(0, report.meta.count)}</dd></div>
          <div><dt>seen by</dt><dd>${user}</dd></div>
        </dl>
        <button type="button" onClick=${reload}>Reload</button>
      <//>
      ${!report.reports?.length && html`<${Empty}>No rule hits this cluster.<//>`}
      <ol class="hits">${(report.reports ?? []).map((hit) => html`<${Hit} key=${`${hit.component}|${hit.key}`} hit=${hit}
        org=${org} cluster=${cluster} user=${user} onChanged=${reload}
        ack=${acks?.find((one) => plain(one.rule_id) === plain(hit.component) && one.error_key === hit.key)} />`)}</ol>`}`;
}

// an acknowledgement may name the rule with or without the suffix
const plain = (rule) => rule.replace(/\.report$/, '');

function Hit({ hit, org, cluster, user, ack, onChanged }) {
  const vote = String(hit.user_vote ?? 0);
  const id = `hit-${hit.component}-${hit.key}`;
  return html`<li class="panel hit" aria-labelledby=${id}>
    <header>
      <h2 id=${id}><span class="rule" title=${hit.component}>${shortRule(hit.component)}</span> <span class="key">${hit.key}</span></h2>
      <div class="side">
        ${hit.disabled && html`<span class="tag off">disabled for this cluster</span>`}
        ${ack && html`<span class="tag off">acknowledged</span>`}
        ${vote !== '0' && html`<span class="tag on">${OPINIONS[vote]}</span>`}
      </div>
    </header>
    <dl class="pairs">
      <div><dt>hits since</dt><dd><${Time} at=${hit.impacted} none="unknown" /></dd></div>
      <div><dt>vote of ${user}</dt><dd>${OPINIONS[vote] ?? vote}</dd></div>
      ${hit.disabled && html`<div><dt>disabled</dt><dd><${Time} at=${hit.disabled_at} none="unknown time" /></dd></div>`}
      ${hit.disable_feedback && html`<div class="long"><dt>disable feedback</dt><dd>${hit.disable_feedback}</dd></div>`}
      ${ack && html`<div class="long"><dt>acknowledged, justification</dt><dd>${ack.justification || 'none'}</dd></div>`}
    </dl>
    <details><summary>Details</summary><pre tabindex="0" aria-label="Details of the hit">${JSON.stringify(hit.details, null, 2)}</pre></details>
    ${settings.about.writable && html`<${Actions} hit=${hit} org=${org} cluster=${cluster} user=${user} ack=${ack} onChanged=${onChanged} />`}
  </li>`;
}

function Actions({ hit, org, cluster, user, ack, onChanged }) {
  const [problem, setProblem] = useState(null);
  const [asking, setAsking] = useState('');
  const rule = path`rules/${ack?.rule_id ?? hit.component}/error_key/${hit.key}`;
  const ofHit = path`clusters/${cluster}/rules/${hit.component}/error_key/${hit.key}/organizations/${org}`;
  const ofUser = ofHit + path`/users/${user}`;
  const ofAck = rule + path`/organizations/${org}`;
  const send = (requests) => {
    setProblem(null);
    return requests.reduce((before, [below, options]) => before.then(() => call(below, options)), Promise.resolve())
      .then(() => { setAsking(''); onChanged(); }, setProblem);
  };
  const put = (below) => () => send([[below, { method: 'PUT' }]]);
  const vote = String(hit.user_vote ?? 0);
  return html`<div class="actions">
    <div class="group" role="group" aria-label="Vote of ${user}">
      <button type="button" aria-pressed=${vote === '1'} onClick=${put(`${ofUser}/${vote === '1' ? 'reset_vote' : 'like'}`)}>Like</button>
      <button type="button" aria-pressed=${vote === '-1'} onClick=${put(`${ofUser}/${vote === '-1' ? 'reset_vote' : 'dislike'}`)}>Dislike</button>
    </div>
    ${hit.disabled
      ? html`<button type="button" onClick=${put(`${ofHit}/enable`)}>Enable for this cluster</button>`
      : html`<button type="button" aria-expanded=${asking === 'disable'} onClick=${() => setAsking(asking === 'disable' ? '' : 'disable')}>Disable for this cluster</button>`}
    ${ack
      ? html`<button type="button" onClick=${put(`${ofAck}/enable`)}>Withdraw the acknowledgement</button>`
      : html`<button type="button" aria-expanded=${asking === 'ack'} onClick=${() => setAsking(asking === 'ack' ? '' : 'ack')}>Acknowledge for the organization</button>`}
    ${asking === 'disable' && html`<${Ask} label="Why (disable feedback of ${user})" action="Disable" onGiven=${(text) => send([
      [`${ofHit}/disable`, { method: 'PUT' }],
      ...(text ? [[`${ofUser}/disable_feedback`, { method: 'POST', body: { message: text } }]] : []),
    ])} />`}
    ${asking === 'ack' && html`<${Ask} label="Justification" action="Acknowledge" onGiven=${(text) => send([
      [`${ofAck}/disable`, { method: 'PUT', body: { justification: text } }]])} />`}
    <${Problem} error=${problem} />
  </div>`;
}

function Ask({ label, action, onGiven }) {
  return html`<form class="line" onSubmit=${(event) => {
    event.preventDefault();
    onGiven(new FormData(event.target).get('text').trim());
  }}><label>${label} <input name="text" size="40" ref=${(field) => field?.focus()} /></label>
    <button type="submit" class="primary">${action}</button></form>`;
}
