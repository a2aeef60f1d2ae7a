// The shell: navigation, the stream of events, the token, and which view is shown.
import { Fragment, html, render, useEffect, useRef, useState } from './html.js';
import { loadSettings, setToken, settings, token } from './api.js';
import { parse } from './route.js';
import { Stream, tokenMissing } from './stream.js';
import { parseTime, span, utc } from './format.js';
import { Ingest } from './ingest.js';
import { Rest } from './rest.js';
import { Organizations } from './organizations.js';
import { Organization } from './organization.js';
import { Report } from './report.js';
import { Recommendation } from './recommendations.js';
import { Namespace } from './workloads.js';
import { Send } from './send.js';
import { Way } from './way.js';

const STALE_SECONDS = 5;

// [pattern, view, title, entry of the navigation]; '*' is any segment
const VIEWS = [
  [['ingest'], Ingest, () => 'Ingest', 'ingest'],
  [['rest'], Rest, () => 'REST API', 'rest'],
  [['organizations'], Organizations, () => 'Organizations', 'organizations'],
  [['organizations', '*'], Organization, ([, org]) => `Organization ${org}`, 'organizations'],
  [['organizations', '*', 'clusters', '*'], Report, ([, , , cluster]) => `Report of ${cluster}`,
    'organizations'],
  [['organizations', '*', 'recommendations', '*'], Recommendation, ([, , , rule]) => rule,
    'organizations'],
  [['organizations', '*', 'workloads', '*', '*'], Namespace,
    ([, , , , namespace]) => `Namespace ${namespace}`, 'organizations'],
  [['send'], Send, () => 'Send a message', 'send'],
  [['messages', '*', '*', '*'], Way, ([, topic, , offset]) => `Message ${offset} of ${topic}`, 'send'],
];

function find(segments) {
  const wanted = segments.length ? segments : ['ingest'];
  return VIEWS.find(([pattern]) => pattern.length === wanted.length
    && pattern.every((one, at) => one === '*' || one === wanted[at]));
}

function useRoute() {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parse(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

// status and invalid messages as last heard, and whether they are fresh
function useStream(ready) {
  const [heard, setHeard] = useState({ status: null, invalid: [], at: null, live: false, reason: '' });
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!ready) return undefined;
    const stream = new Stream(
      (name, data) => setHeard((before) => ({ ...before, [name]: data, at: new Date() })),
      (live, reason) => setHeard((before) => (
        before.live === live && before.reason === reason ? before : { ...before, live, reason })),
    );
    stream.start();
    // ages grow while nothing is heard
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
    return () => {
      stream.stop();
      clearInterval(timer);
    };
  }, [ready]);
  const age = heard.at ? (Date.now() - heard.at.getTime()) / 1000 : null;
  return { ...heard, age, stale: age !== null && age > STALE_SECONDS };
}

function Connection({ heard }) {
  if (heard.live && !heard.stale) {
    return html`<span class="dot up"><span aria-hidden="true"></span>live</span>`;
  }
  if (!heard.at && !heard.reason) return html`<span class="quiet">connecting …</span>`;
  return html`<span class="dot down"><span aria-hidden="true"></span>not connected</span>`;
}

function Stale({ heard }) {
  const shown = heard.stale || (!heard.live && heard.reason);
  const since = heard.at && html` The data are of <time datetime=${heard.at.toISOString()}
    title=${heard.at.toLocaleString()}>${utc(heard.at)}</time>, ${span(heard.age)} old.`;
  return html`<div role="status" class=${shown ? 'stale' : 'hidden'}>${
    shown && html`<strong>Not connected:</strong> ${heard.reason || 'no data come'}; trying again.${since}`}</div>`;
}

function Navigation({ current }) {
  const { writable } = settings.about;
  const entries = [
    ['ingest', 'Ingest'],
    ['rest', 'REST API'],
    ['organizations', 'Explorer'],
    ...(writable ? [['send', 'Send a message']] : []),
  ];
  return html`<nav class="main" aria-label="Views"><ul>${entries.map(([name, title]) => html`
    <li><a href="#/${name}" aria-current=${name === current ? 'page' : undefined}>${title}</a></li>`)}
    <li><a href="docs">API docs</a></li>
  </ul></nav>`;
}

function Token({ onGiven }) {
  const field = useRef(null);
  const give = (event) => {
    event.preventDefault();
    setToken(field.current.value);
    onGiven();
  };
  const name = settings.about.auth_type === 'jwt' ? 'JWT' : 'value of x-rh-identity (base64)';
  return html`<form class="panel token" onSubmit=${give}>
    <h2>A token is needed</h2>
    <p>The API takes requests with a token only. It stays in this tab and is sent to this service alone.</p>
    <label>Token: ${name}<textarea ref=${field} rows="4" required spellcheck="false" autocomplete="off"></textarea></label>
    ${token() && html`<p class="problem" role="alert">The token was not accepted.</p>`}
    <button type="submit" class="primary">Use it</button>
  </form>`;
}

function Page() {
  const [about, setAbout] = useState(null);
  const [problem, setProblem] = useState('');
  const route = useRoute();
  const load = () => loadSettings().then(
    (found) => { setAbout({ ...found }); setProblem(''); },
    (error) => { setProblem(error.message); setTimeout(load, 2000); },
  );
  useEffect(() => { load(); }, []);
  const ready = about !== null && !tokenMissing();
  const heard = useStream(ready);
  const main = useRef(null);
  const found = find(route.segments);
  const title = found ? found[2](route.segments) : 'Not found';
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} · Insights Results Aggregator`;
    // a screen reader reads the heading of the view that was chosen
    if (!first.current) main.current?.querySelector('h1')?.focus();
    first.current = false;
  }, [title]);

  if (about === null) {
    return html`<p class="loading" role="status">${problem || 'Loading …'}</p>`;
  }
  return html`<${Fragment}>
    <a class="skip" href="#main" onClick=${(event) => {
      event.preventDefault();
      main.current.querySelector('h1')?.focus();
    }}>Skip to the view</a>
    <header class="top">
      <a class="name" href="#/ingest">Insights Results Aggregator</a>
      <${Navigation} current=${found?.[3]} />
      <div class="side"><${Connection} heard=${heard} /></div>
    </header>
    <main id="main" ref=${main}>
      ${ready && html`<${Stale} heard=${heard} />`}
      ${!ready ? html`<${Token} onGiven=${load} />`
        : found ? html`<${found[1]} key=${route.segments.join('/')} segments=${route.segments}
            query=${route.query} status=${heard.status} invalid=${heard.invalid} />`
          : html`<h1 tabindex="-1">Not found</h1><p>There is no such view. <a href="#/ingest">Ingest</a></p>`}
    </main>
    <footer class="bottom">
      <span>${about.version}</span>
      ${heard.status && html`<span>started ${utc(parseTime(heard.status.started))}</span>`}
      <span>times are UTC; the local time is shown on hover</span>
    </footer>
  <//>`;
}

render(html`<${Page} />`, document.getElementById('page'));
