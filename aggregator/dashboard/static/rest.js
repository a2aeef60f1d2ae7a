// REST: requests a second, times and statuses by endpoint.
import { html, useState } from './html.js';
import { count, duration, rate } from './format.js';
import { settings } from './api.js';
import { Chart } from './chart.js';
import { windowOf } from './ingest.js';
import { Empty, Panel, Table } from './parts.js';

const SORTS = {
  rate: (one) => one.rate ?? 0,
  p99: (one) => one.p99 ?? -1,
  total: (one) => one.total,
};

export function Rest({ status }) {
  const [sort, setSort] = useState('total');
  if (!status) return html`<h1 tabindex="-1">REST API</h1><p class="loading" role="status">Waiting for data …</p>`;
  const { rest } = status;
  const { series } = rest;
  const whole = series.requests.slice(0, -1);
  const endpoints = [...rest.endpoints].sort((one, other) => SORTS[sort](other) - SORTS[sort](one));
  const total = endpoints.reduce((sum, one) => sum + one.total, 0);
  const failed = endpoints.reduce((sum, one) => sum + number(one, '5'), 0);
  const head = (name, title) => html`<th class="number" aria-sort=${sort === name ? 'descending' : 'none'}>
    <button type="button" class="sort" onClick=${() => setSort(name)}>${title}${sort === name ? ' ↓' : ''}</button></th>`;
  return html`<h1 tabindex="-1">REST API</h1>
    <div class="grid">
      <${Panel} title="Requests" className="full" side=${html`<span class="quiet">last 15 minutes, while a page was open</span>`}>
        <div class="figures">
          <div class="figure"><strong>${rate(rest.rate)}</strong> <span>a second</span></div>
          <div class="figure"><strong>${count(total)}</strong> <span>since the start</span></div>
          <div class="figure"><strong>${count(failed)}</strong> <span>answered 5xx</span></div>
        </div>
        <${Chart} until=${series.until - series.step} step=${series.step}
          label="Requests a second, now ${rate(rest.rate)}"
          lines=${[{ label: 'requests', colour: '--accent', fill: true,
            values: whole.map((one) => (one === null ? null : one / series.step)) }]} />
      <//>
      <${Panel} title="Endpoints" className="full" side=${html`<span class="quiet">rates and times: ${windowOf(rest.window)}</span>`}>
        ${!endpoints.length ? html`<${Empty}>No request since the start.<//>` : html`
        <${Table} caption="Requests by endpoint">
          <thead><tr><th>endpoint</th>${head('rate', 'a second')}<th class="number">median</th>${
            head('p99', '99th percentile')}<th>statuses</th>${head('total', 'total')}</tr></thead>
          <tbody>${endpoints.map((one) => html`<tr key=${one.endpoint}>
            <td class="endpoint">${short(one.endpoint)}</td>
            <td class="number">${rate(one.rate)}</td>
            <td class="number">${duration(one.p50)}</td>
            <td class="number">${duration(one.p99)}</td>
            <td class="statuses">${Object.entries(one.statuses).map(([code, times]) => html`<span
              class="tag s${code[0]}">${code} <b>${count(times)}</b></span> `)}</td>
            <td class="number">${count(one.total)}</td></tr>`)}
          </tbody><//>`}
      <//>
    </div>`;
}

const number = (one, first) => Object.entries(one.statuses)
  .reduce((sum, [code, times]) => sum + (code.startsWith(first) ? times : 0), 0);

function short(endpoint) {
  const { api_prefix: prefix } = settings.about;
  return endpoint.startsWith(prefix) ? `/${endpoint.slice(prefix.length)}` : endpoint;
}
