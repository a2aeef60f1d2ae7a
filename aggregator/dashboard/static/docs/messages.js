// The topics and their messages, from the AsyncAPI document and the JSON Schemas of this instance.

import htm from "./htm.mjs";
import { h, render } from "./preact.mjs";
import { load, rows } from "./schema.js";

const html = htm.bind(h);
const BASE = "/docs/schemas/";
const DOCUMENTS = ["asyncapi.json", "ocp_message.json", "dvo_message.json"];
const ACTIONS = { receive: "reads", send: "writes" };

/** Text in which `code` is marked by backticks. */
function Text({ children }) {
  const parts = String(children ?? "").split("`");
  return parts.map((part, number) => (number % 2 ? html`<code>${part}</code>` : part));
}

function Table({ caption, head, children }) {
  return html`
    <div class="scroll" role="region" aria-label=${caption} tabindex="0">
      <table>
        <caption>${caption}</caption>
        <thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
        <tbody>${children}</tbody>
      </table>
    </div>
  `;
}

function Attributes({ caption, kind, list }) {
  if (!list.length) {
    return null;
  }
  return html`
    <${Table} caption=${caption} head=${[kind, "type", "required", "meaning and limits"]}>
      ${list.map(([path, type, required, meaning]) => html`
        <tr>
          <th scope="row"><code>${path}</code></th>
          <td>${type}</td>
          <td>${required ? "required" : ""}</td>
          <td><${Text}>${meaning}<//></td>
        </tr>
      `)}
    <//>
  `;
}

function Example({ example }) {
  const { headers, payload } = example;
  const content = headers ? { headers, payload } : payload;
  return html`
    <details>
      <summary>Example: ${example.summary}</summary>
      <pre tabindex="0"><code>${JSON.stringify(content, null, 2)}</code></pre>
    </details>
  `;
}

function Message({ api, channel, message }) {
  let [document, payload] = api.resolve(message.payload);
  if (payload.schemaFormat) {
    [document, payload] = document.resolve(payload.schema);
  }
  const strict = document.root.$defs?.strict;
  const [, headers] = api.resolve(message.headers ?? {});
  return html`
    <section class="message" id=${message.name} aria-labelledby="${message.name}-title">
      <h2 id="${message.name}-title">${message.title}</h2>
      <p>Topic <code>${channel.address}</code>: <${Text}>${channel.description}<//></p>
      <p><${Text}>${message.description}<//></p>
      <${Attributes}
        caption="${message.title}: attributes"
        kind="attribute"
        list=${rows(document, payload)}
      />
      <${Attributes}
        caption="${message.title}: headers"
        kind="header"
        list=${rows(api, headers)}
      />
      ${strict && html`
        <details>
          <summary>With <code>processing.schema: strict</code></summary>
          <p><${Text}>${strict.description}<//></p>
          <${Attributes}
            caption="${message.title}: attributes of the strict profile"
            kind="attribute"
            list=${rows(document, strict.allOf[1])}
          />
        </details>
      `}
      ${(message.examples ?? []).map((example) => html`<${Example} example=${example} />`)}
    </section>
  `;
}

function Page({ api }) {
  const { info, operations, channels } = api.root;
  return html`
    <h1>Messages</h1>
    <p><${Text}>${info.description}<//></p>
    <${Table} caption="Topics" head=${["topic", "the service", "message", "purpose"]}>
      ${Object.values(operations).map((operation) => {
        const [, channel] = api.resolve(operation.channel);
        const [, message] = api.resolve(operation.messages[0]);
        return html`
          <tr>
            <th scope="row"><code>${channel.address}</code></th>
            <td>${ACTIONS[operation.action]}</td>
            <td><a href="#${message.name}">${message.title}</a></td>
            <td><${Text}>${operation.summary}<//></td>
          </tr>
        `;
      })}
    <//>
    ${Object.values(channels).flatMap((channel) =>
      Object.values(channel.messages).map((reference) => {
        const [, message] = api.resolve(reference);
        return html`<${Message} api=${api} channel=${channel} message=${message} />`;
      }),
    )}
  `;
}

const main = document.querySelector("main");
load(BASE, DOCUMENTS).then(
  (api) => {
    main.replaceChildren();
    render(html`<${Page} api=${api} />`, main);
    // the target did not exist when the page was loaded
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  },
  (error) => {
    main.replaceChildren();
    render(html`<p role="alert">The messages cannot be shown: ${error.message}</p>`, main);
  },
);
