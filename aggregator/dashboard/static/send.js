// Send a message: a sample or pasted text, into the topic of its kind.
import { html, useEffect, useRef, useState } from './html.js';
import { own, path, settings } from './api.js';
import { count } from './format.js';
import { go } from './route.js';
import { Panel, Problem, useLoaded } from './parts.js';

const KINDS = { ocp: 'OCP report', dvo: 'DVO report', bad: 'invalid OCP report' };

// what "edit and send again" leaves for this view
export const draft = { kind: 'ocp', value: '' };

// without a newer time the stored report stays, and nothing would be seen
function withTimeOfNow(text) {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  return text.replace(/("LastChecked"\s*:\s*")[^"]*(")/, `$1${now}$2`);
}

const withNewCluster = (text) =>
  text.replace(/("ClusterName"\s*:\s*")[^"]*(")/, `$1${newUuid()}$2`);

// crypto.randomUUID is there in secure contexts only
function newUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function Send() {
  const title = html`<h1 tabindex="-1">Send a message</h1>`;
  if (!settings.about.writable) {
    return html`${title}<p>Only the dashboard of <code>dev</code> sends messages.</p>`;
  }
  return html`${title}<${Form} />`;
}

function Form() {
  const { data, error } = useLoaded((signal) => own('samples', { signal }), []);
  const [value, setValue] = useState(draft.value);
  const [kind, setKind] = useState(draft.kind);
  const [problem, setProblem] = useState(null);
  const [sending, setSending] = useState(false);
  const field = useRef(null);
  useEffect(() => { Object.assign(draft, { kind, value }); }, [kind, value]);

  const choose = async (name) => {
    if (!name) return;
    setProblem(null);
    try {
      const found = await own(path`sample?name=${name}`);
      const [folder] = name.split('/');
      setKind(folder === 'dvo' ? 'dvo' : 'ocp');
      setValue(folder === 'bad' ? found.value : withTimeOfNow(found.value));
    } catch (failure) {
      setProblem(failure);
    }
  };
  const send = async (event) => {
    event.preventDefault();
    setSending(true);
    setProblem(null);
    try {
      const { topic, partition, offset } = await own('messages', { method: 'POST', body: { kind, value } });
      go(['messages', topic, partition, offset]);
    } catch (failure) {
      setProblem(failure);
      setSending(false);
    }
  };
  const folders = {};
  for (const one of data?.samples ?? []) (folders[one.name.split('/')[0]] ??= []).push(one);
  return html`<form onSubmit=${send}><${Panel} title="Message">
    <${Problem} error=${error} />
    <div class="line">
      <label>Sample <select onChange=${(event) => choose(event.target.value)}>
        <option value="">choose one, or paste a message below</option>
        ${Object.entries(folders).map(([folder, samples]) => html`<optgroup label=${KINDS[folder] ?? folder}>${samples.map((one) => html`
          <option value=${one.name}>${one.name.split('/')[1].replaceAll('_', ' ')}</option>`)}</optgroup>`)}
      </select></label>
      <label>into topic <select value=${kind} onChange=${(event) => setKind(event.target.value)}>
        ${Object.entries(data?.kinds ?? {}).map(([name, topic]) => html`<option value=${name}>${topic}</option>`)}
      </select></label>
      <button type="button" onClick=${() => setValue(withTimeOfNow(value))}>LastChecked: now</button>
      <button type="button" onClick=${() => setValue(withNewCluster(value))}>New cluster ID</button>
    </div>
    <label class="block">Value, ${count(new TextEncoder().encode(value).length)} bytes
      <textarea ref=${field} rows="22" required spellcheck="false" autocomplete="off" value=${value}
        onInput=${(event) => setValue(event.target.value)}></textarea></label>
    <p class="quiet">An older or equally old report of a cluster changes nothing, so samples get the time of now.</p>
    <${Problem} error=${problem} />
    <button type="submit" class="primary" disabled=${sending || !value}>${sending ? 'Sending …' : 'Send'}</button>
  <//></form>`;
}
