// Ingest: messages a second, lag, batches, invalid messages, dependencies, workers.
import { html, useState } from './html.js';
import { bytes, count, duration, parseTime, rate, span } from './format.js';
import { settings } from './api.js';
import { address } from './route.js';
import { Chart } from './chart.js';
import { Dot, Empty, Pages, Panel, Table, Time } from './parts.js';

const RECENT_STEPS = 12;
const PARTITIONS = 12;
const INVALID = 10;
const NAMES = { database: 'Database', broker: 'Broker', redis: 'Redis', tracker: 'Payload tracker' };
const OFF = {
  database: 'not used', broker: 'not used', redis: 'not used', tracker: 'no topic configured',
};

export function Ingest({ status, invalid }) {
  return html`<h1 tabindex="-1">Ingest</h1>
    ${!status ? html`<p class="loading" role="status">Waiting for data …</p>`
      : html`<${Figures} status=${status} invalid=${invalid} />`}`;
}

function Figures({ status, invalid }) {
  const { ingest } = status;
  const { series } = ingest;
  // the step that has only begun would look like a drop
  const whole = series.messages.slice(0, -1);
  const recent = whole.slice(-RECENT_STEPS);
  const perSecond = recent.reduce((sum, one) => sum + one, 0) / (recent.length * series.step);
  const lag = ingest.lag.reduce((sum, one) => sum + one.lag, 0);
  const { totals } = ingest;
  return html`
    ${ingest.consumers.filter((one) => one.state === 'paused').map((one) => html`<p class="notice" role="status">
      <strong>Consuming ${one.topic} is paused</strong> for ${since(one.since)}: ${one.reason}</p>`)}
    <div class="grid">
      <${Panel} title="Messages" className="wide" side=${html`<span class="quiet">last 15 minutes</span>`}>
        <div class="figures">
          <${Figure} value=${rate(perSecond)} unit="a second" />
          <${Figure} value=${count(totals.consumed ?? 0)} unit="since the start" />
          <${Figure} value=${count(totals.written ?? 0)} unit="stored" />
          <${Figure} value=${count(totals.old ?? 0)} unit="as new stored already" />
          <${Figure} value=${count(totals.invalid ?? 0)} unit="invalid" />
        </div>
        <${Chart} until=${series.until - series.step} step=${series.step}
          label="Messages a second in the last 15 minutes, now ${rate(perSecond)}"
          lines=${[
            { label: 'messages', colour: '--accent', fill: true, values: whole.map((one) => one / series.step) },
            { label: 'invalid', colour: '--bad', values: series.invalid.slice(0, -1).map((one) => (one ? one / series.step : null)), dots: true },
          ]} />
      <//>
      <${Dependencies} all=${status.dependencies} now=${status.now} />
      <${Panel} title="Lag" side=${html`<span class="big">${count(lag)}</span>`}>
        <${Lag} ingest=${ingest} />
      <//>
      <${Panel} title="Batches" side=${html`<span class="quiet">${windowOf(ingest.window)}</span>`}>
        <dl class="pairs">
          <div><dt>median</dt><dd>${duration(ingest.batch.p50)}</dd></div>
          <div><dt>99th percentile</dt><dd>${duration(ingest.batch.p99)}</dd></div>
          <div><dt>batches</dt><dd>${count(ingest.batch.count)}</dd></div>
        </dl>
        <h3>Consumers</h3>
        <ul class="rows">${ingest.consumers.map((one) => html`<li>
          <span class="name">${one.topic}</span>
          <${Dot} state=${one.state === 'consuming' ? 'up' : one.state === 'paused' ? 'down' : 'unknown'}
            label=${one.state} /></li>`)}
          ${!ingest.enabled && html`<li class="quiet">The broker is off (broker.enabled).</li>`}</ul>
      <//>
      <${Workers} workers=${status.workers} />
      <${Invalid} kinds=${ingest.kinds} messages=${invalid} />
    </div>`;
}

export function windowOf(seconds) {
  if (seconds === null) return 'since the start';
  return seconds < 55 ? `last ${Math.max(2, seconds)} seconds` : 'last minute';
}

function since(text) {
  const date = parseTime(text);
  return date ? span((Date.now() - date.getTime()) / 1000) : 'an unknown time';
}

function Figure({ value, unit }) {
  return html`<div class="figure"><strong>${value}</strong> <span>${unit}</span></div>`;
}

function Dependencies({ all }) {
  return html`<${Panel} title="Dependencies"><ul class="rows">${all.map((one) => html`<li>
    <span class="name">${NAMES[one.name]}</span>
    <${Dot} state=${one.state} label=${one.state === 'off' ? OFF[one.name] : one.state} />
    ${one.state !== 'off' && one.since && html`<span class="quiet for">for ${one.exact ? '' : 'at least '}<span
      title=${parseTime(one.since).toLocaleString()}>${since(one.since)}</span></span>`}
    ${one.reason && html`<span class="reason">${one.reason}</span>`}
  </li>`)}</ul><//>`;
}

function Lag({ ingest }) {
  const [page, setPage] = useState(0);
  const sorted = [...ingest.lag].sort((one, other) => other.lag - one.lag
    || one.topic.localeCompare(other.topic) || one.partition - other.partition);
  if (!sorted.length) return html`<${Empty}>No partition is assigned.<//>`;
  const most = Math.max(1, sorted[0].lag);
  return html`<${Table} caption="Lag by partition">
    <thead><tr><th>topic</th><th class="number">partition</th><th class="number">lag</th><th><span class="hidden">share</span></th></tr></thead>
    <tbody>${sorted.slice(page * PARTITIONS, (page + 1) * PARTITIONS).map((one) => html`<tr key=${`${one.topic}/${one.partition}`}>
      <td>${one.topic}</td><td class="number">${one.partition}</td><td class="number">${count(one.lag)}</td>
      <td class="bar" aria-hidden="true"><span style=${{ width: `${(100 * one.lag) / most}%` }}></span></td></tr>`)}
    </tbody><//>
    ${sorted.length > PARTITIONS && html`<${Pages} total=${sorted.length} page=${page} onPage=${setPage} size=${PARTITIONS} what="partitions" />`}
    ${!ingest.lag_known && html`<p class="quiet">The broker does not answer; this is the last known lag.</p>`}`;
}

function Workers({ workers }) {
  return html`<${Panel} title="Workers"><${Table} caption="Worker processes">
    <thead><tr><th>worker</th><th class="number">memory</th><th class="number">CPU time</th><th class="number">up for</th></tr></thead>
    <tbody>${workers.map((one) => html`<tr key=${one.number}>
      <td>${one.number}${one.number === 0 ? html` <span class="quiet">consumes</span>` : ''}</td>
      <td class="number">${bytes(one.memory)}</td>
      <td class="number">${duration(one.cpu_seconds)}</td>
      <td class="number"><${Time} at=${one.started} age suffix="" none="–" /></td></tr>`)}
    </tbody><//><//>`;
}

function Invalid({ kinds, messages }) {
  const [page, setPage] = useState(0);
  const sorted = Object.entries(kinds).sort(([, one], [, other]) => other - one);
  const total = sorted.reduce((sum, [, one]) => sum + one, 0);
  const shown = messages.slice(page * INVALID, (page + 1) * INVALID);
  return html`<${Panel} title="Invalid messages" className="full" side=${html`<span class="big">${count(total)}</span>`}>
    ${!total && !messages.length ? html`<${Empty}>No message was invalid since the start.<//>` : html`
    <ul class="kinds" aria-label="Invalid messages by kind">${sorted.map(([kind, number]) => html`<li>
      <span class="tag">${kind}</span> ${count(number)}</li>`)}</ul>
    ${messages.length > 0 && html`<${Table} caption="The last invalid messages, newest first">
      <thead><tr><th>time</th><th>kind</th><th>reason</th><th>message</th><th class="number">organization</th><th>cluster</th></tr></thead>
      <tbody>${shown.map((one) => html`<tr key=${one.number}>
        <td><${Time} at=${one.at} /></td>
        <td><span class="tag">${one.kind}</span></td>
        <td class="wrap">${one.hidden ? html`<span class="quiet">of another organization</span>` : one.reason}</td>
        <td class="place">${settings.about.writable
          ? html`<a href=${address(['messages', one.topic, one.partition, one.offset])}>${place(one)}</a>` : place(one)}</td>
        <td class="number">${one.organization ?? '–'}</td>
        <td class="id">${one.cluster || '–'}</td></tr>`)}
      </tbody><//>
      <${Pages} total=${messages.length} page=${page} onPage=${setPage} size=${INVALID} what="of the last invalid messages" />`}`}
  <//>`;
}

const place = (one) => `${one.topic}/${one.partition}/${one.offset}`;
