// The REST API in Swagger UI: the description of this instance, "Try it out" against this instance.

const prefix = document.body.dataset.prefix.replace(/\/$/, "");
const content = document.getElementById("content");
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function follow() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

// parts of the viewer that are replaced
const plugin = ({ React }) => ({
  wrapComponents: {
    // there is one server: this instance
    ServersContainer: () => () => null,
    // the choice of an example of a response has no label
    ExamplesSelect: (Original) => (props) =>
      React.createElement(
        "label",
        null,
        React.createElement("span", { className: "visually-hidden" }, "Example"),
        React.createElement(Original, props),
      ),
    // a link inside of the button that opens the operation, which a screen reader cannot reach
    DeepLink: () => ({ text }) => React.createElement("span", null, text),
  },
});

async function show() {
  const response = await fetch(`${prefix}/openapi.json`);
  if (!response.ok) {
    throw new Error(`${prefix}/openapi.json: ${response.status} ${response.statusText}`);
  }
  const spec = await response.json();
  // the document names the usual prefix, this instance may have another one
  spec.servers = [{ url: prefix || "/", description: "this instance" }];
  // the viewer takes an underscore in a link for a space, and complains of it
  for (const item of Object.values(spec.paths)) {
    for (const operation of Object.values(item).filter((each) => each.operationId)) {
      operation.operationId = operation.operationId.replaceAll("_", "-");
    }
  }
  const viewer = document.createElement("div");
  content.append(viewer);
  window.SwaggerUIBundle({
    spec,
    domNode: viewer,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: "list",
    filter: true,
    plugins: [plugin],
    tryItOutEnabled: true,
    // it would send the description to another host
    validatorUrl: null,
  });
}

follow();
dark.addEventListener("change", follow);
show().catch((error) => {
  const text = document.createElement("p");
  text.setAttribute("role", "alert");
  text.textContent = `The description of the API cannot be shown: ${error.message}`;
  content.replaceChildren(text);
});
