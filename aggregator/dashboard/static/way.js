// The way of one message: produced, decoded, stored or invalid, dead letter, report.
import { html, useState } from './html.js';
import { call, own, path } from './api.js';
import { count, duration, shortRule } from './format.js';
import { address, go } from './route.js';
import { DEFAULT_USER } from './organization.js';
import { Empty, Panel, Problem, Table, Time, useLoaded } from './parts.js';
import { draft } from './send.js';

const RESULTS = {
  stored: 'stored',
  older: 'nothing changed: the stored report of the cluster is as new or newer',
  empty: 'nothing to store: the report is empty',
  invalid: 'invalid',
};

export function Way({ segments }) {
  const [, topic, partition, offset] = segments;
  const below = path`message?topic=${topic}&partition=${partition}&offset=${offset}`;
  const { data, error, loading, reload } = useLoaded((signal) => own(below, { signal }), [below]);
  return html`<div class="trail"><nav aria-label="Where this is"><ol>
      <li><a href="#/send">Send a message</a></li><li aria-current="page">Its way</li></ol></nav>
      <button type="button" onClick=${reload}>Reload</button></div>
    <h1 tabindex="-1">Message <span class="id">${topic}/${partition}/${offset}</span></h1>
    <${Problem} error=${error} />
    <div role="status">${loading && html`<p class="loading">Following the message …</p>`}</div>
    ${data && !error && html`<${Steps} message=${data} />`}`;
}

function Steps({ message }) {
  const { outcome } = message;
  const state = outcome?.state;
  const decoded = state && (state !== 'invalid' || outcome.kind === 'database');
  return html`<ol class="way">
    <${Step} state="done" title="Produced">
      <p>at offset <b>${count(message.offset)}</b> of partition ${message.partition} of <span class="id">${message.topic}</span>${`, ${count(message.size)} bytes, `}<${Time} at=${message.produced_at} /></p>
      ${message.headers.length > 0 && html`<${Headers} headers=${message.headers} />`}
      <${Value} message=${message} />
    <//>
    ${!outcome ? html`<${Step} state="open" title="Not handled yet">
        <p>Ingest has not handled it within 5 seconds, or so long ago that its outcome is forgotten. Reload asks again.</p><//>`
      : html`
    <${Step} state=${decoded ? 'done' : 'failed'} title=${decoded ? 'Decoded' : 'Not decoded'}>
      ${decoded ? html`<p>organization ${outcome.organization ?? '–'}, cluster <span class="id">${outcome.cluster || '–'}</span>, request ID <span class="id">${outcome.request_id || 'missing'}</span></p>`
        : html`<p><span class="tag">${outcome.kind}</span> ${outcome.reason}</p>`}
      ${outcome.warnings.map((one) => html`<p class="quiet">Warning: ${one}</p>`)}
    <//>
    ${decoded && html`<${Step} state=${state === 'invalid' ? 'failed' : 'done'} title=${state === 'stored' ? 'Stored' : state === 'invalid' ? 'Rejected by the database' : 'Not stored'}>
      <p>${[
        state === 'invalid' ? outcome.reason : RESULTS[state],
        `${duration(outcome.decode_and_store_seconds)} for decoding and storing`,
        `${duration(outcome.batch_seconds)} for its batch`,
      ].join(', ')}, <${Time} at=${outcome.at} /></p>
      <${Rows} rows=${message.rows} /><//>`}
    ${state === 'invalid' && html`<${DeadLetter} letter=${message.dead_letter} message=${message} />`}
    ${state !== 'invalid' && outcome.cluster && html`<${Result} outcome=${outcome} message=${message} />`}`}
  </ol>`;
}

function Step({ state, title, children }) {
  return html`<li class="step ${state}"><section class="panel" aria-label=${title}><header><h2>${title}</h2></header>${children}</section></li>`;
}

function Value({ message }) {
  if (message.value === null) return html`<p class="quiet">The value is too large to be shown.</p>`;
  const again = () => {
    draft.kind = message.topic.includes('dvo') ? 'dvo' : 'ocp';
    draft.value = message.value;
    go(['send']);
  };
  return html`<details><summary>Value</summary><pre tabindex="0" aria-label="Value of the message">${message.value}</pre></details>
    <p><button type="button" onClick=${again}>Edit and send again</button></p>`;
}

function Headers({ headers }) {
  return html`<${Table} caption="Headers"><thead><tr><th>header</th><th>value</th></tr></thead>
    <tbody>${headers.map(([name, value]) => html`<tr><td class="id">${name}</td><td class="wrap">${value}</td></tr>`)}</tbody><//>`;
}

function Rows({ rows }) {
  const tables = Object.entries(rows);
  if (!tables.length) return html`<${Empty}>No table has a row of this cluster.<//>`;
  return tables.map(([table, all]) => html`<details key=${table}>
    <summary><span class="id">${table}</span>: ${all.length} row${all.length === 1 ? '' : 's'}</summary>
    <${Table} caption="Rows of ${table}"><thead><tr>${Object.keys(all[0]).map((name) => html`<th>${name}</th>`)}</tr></thead>
      <tbody>${all.map((row) => html`<tr>${Object.values(row).map((value) => html`<td class="cell">${value === null ? 'NULL' : String(value)}</td>`)}</tr>`)}</tbody><//>
  </details>`);
}

function DeadLetter({ letter, message }) {
  const [problem, setProblem] = useState(null);
  if (!letter) {
    return html`<${Step} state="open" title="No dead letter"><p>There is no dead-letter topic, or the letter is too old. A row in <span class="id">consumer_error</span> has the message.</p><//>`;
  }
  const replay = async () => {
    try {
      const { topic, partition, offset } = await own('replay', {
        method: 'POST', body: { partition: letter.partition, offset: letter.offset } });
      go(['messages', topic, partition, offset]);
    } catch (failure) {
      setProblem(failure);
    }
  };
  return html`<${Step} state="failed" title="Dead letter">
    <p>at offset <b>${count(letter.offset)}</b> of partition ${letter.partition} of <span class="id">${letter.topic}</span>, <${Time} at=${letter.at} /></p>
    <${Headers} headers=${letter.headers} />
    <${Problem} error=${problem} />
    <p><button type="button" onClick=${replay}>Replay into ${message.topic}</button></p>
  <//>`;
}

// what the API shows now
function Result({ outcome, message }) {
  const { organization: org, cluster } = outcome;
  const dvo = 'dvo_report' in message.rows && !('report' in message.rows);
  const below = path`organizations/${org}/clusters/${cluster}/users/${DEFAULT_USER}/report`;
  const { data, error } = useLoaded((signal) => (dvo ? Promise.resolve(null) : call(below, { signal })), [below, dvo]);
  if (dvo || message.topic.includes('dvo')) {
    return html`<${Step} state="done" title="Workloads"><p><a href=${address(['organizations', org], { show: 'workloads', prefix: cluster })}>
      Namespaces of the cluster in organization ${org}</a></p><//>`;
  }
  const hits = data?.report.reports ?? [];
  return html`<${Step} state=${error ? 'failed' : 'done'} title="Report">
    <${Problem} error=${error} />
    ${data && html`<p>${hits.length} rule hit${hits.length === 1 ? '' : 's'}, last checked <${Time} at=${data.report.meta.last_checked_at} />${': '}<a href=${address(['organizations', org, 'clusters', cluster])}>report of the cluster</a></p>
      <ul class="short">${hits.map((hit) => html`<li key=${hit.component + hit.key}>${shortRule(hit.component)} <span class="key">${hit.key}</span></li>`)}</ul>`}
  <//>`;
}
