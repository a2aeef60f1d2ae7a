// Explorer: the organizations that have a report.
import { html, useState } from './html.js';
import { call, settings } from './api.js';
import { address, go } from './route.js';
import { AsCurl, Empty, PAGE_SIZE, Pages, Panel, Problem, useLoaded } from './parts.js';

const BELOW = 'organizations';

export function Organizations({ query }) {
  const { organization, organizations_listed: listed } = settings.about;
  return html`<h1 tabindex="-1">Organizations</h1>
    <${Panel} title="Open an organization"><${Open} /><//>
    ${organization !== null ? html`<${Panel} title="Of your token"><p>
        <a href=${address(['organizations', organization], user(query))}>Organization ${organization}</a></p><//>`
      : listed ? html`<${List} query=${query} />`
        : html`<p class="quiet">The list of organizations is a debug endpoint (server.debug), which is off here.</p>`}`;
}

const user = (query) => (query.user ? { user: query.user } : {});

function Open() {
  const open = (event) => {
    event.preventDefault();
    const org = new FormData(event.target).get('org').trim();
    if (org) go(['organizations', org]);
  };
  return html`<form class="line" onSubmit=${open}>
    <label>Organization ID <input name="org" inputmode="numeric" pattern="[0-9]+" required size="12" /></label>
    <button type="submit">Open</button>
  </form>`;
}

function List({ query }) {
  const [page, setPage] = useState(0);
  const { data, error, loading } = useLoaded((signal) => call(BELOW, { signal }), []);
  const prefix = query.prefix ?? '';
  const all = (data?.organizations ?? []).filter((one) => String(one).startsWith(prefix));
  return html`<${Panel} title="All organizations" side=${html`<${AsCurl} requests=${[[BELOW]]} />`}>
    <div class="line"><label>ID begins with <input type="search" value=${prefix} size="12" inputmode="numeric"
      onInput=${(event) => { setPage(0); go(['organizations'], { ...query, prefix: event.target.value }, { replace: true }); }} /></label></div>
    <${Problem} error=${error} />
    ${loading && !data ? html`<p class="loading" role="status">Loading …</p>` : !error && html`
      ${!all.length && html`<${Empty}>${prefix ? 'No organization begins so.' : 'No organization has a report.'}<//>`}
      <ul class="tiles">${all.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map((one) => html`<li key=${one}>
        <a href=${address(['organizations', one], user(query))}>${one}</a></li>`)}</ul>
      ${all.length > 0 && html`<${Pages} total=${all.length} page=${page} onPage=${setPage} what="organizations" />`}`}
  <//>`;
}
