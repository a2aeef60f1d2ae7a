// JSON Schemas as rows of a table: one for each attribute, recursively. docs/messages.py does the same.

const LIMITS = {
  minimum: (limit) => `at least ${limit}`,
  maximum: (limit) => `at most ${limit}`,
  minLength: (limit) => `at least ${limit} characters`,
  maxLength: (limit) => `at most ${limit} characters`,
  maxItems: (limit) => `at most ${limit} items`,
  maxProperties: (limit) => `at most ${limit} attributes`,
};
// what a longer pattern matches, the description says better
const LONGEST_PATTERN = 100;

/** A JSON document among those that refer to each other by name. */
export class Document {
  constructor(root, others) {
    this.root = root;
    this.others = others;
  }

  /** Follow references; keys beside a reference override those of its target. */
  resolve(node) {
    let document = this;
    while (node && typeof node === "object" && "$ref" in node) {
      const { $ref: reference, ...beside } = node;
      const [name, pointer = ""] = reference.split("#");
      document = name ? this.others.get(name) : document;
      let found = document.root;
      for (const part of pointer.split("/").filter(Boolean)) {
        found = found[part];
      }
      node = typeof found === "object" ? { ...found, ...beside } : found;
    }
    return [document, node];
  }
}

/** Fetch documents that refer to each other; return the first one. */
export async function load(base, names) {
  const documents = new Map();
  await Promise.all(
    names.map(async (name) => {
      const response = await fetch(base + name);
      if (!response.ok) {
        throw new Error(`${base}${name}: ${response.status} ${response.statusText}`);
      }
      documents.set(name, new Document(await response.json(), documents));
    }),
  );
  return documents.get(names[0]);
}

/** Return [path, type, required, meaning] of each attribute of an object. */
export function rows(document, schema, path = "") {
  [document, schema] = document.resolve(schema);
  if (!schema || typeof schema !== "object") {
    return [];
  }
  const found = parts(schema, path).flatMap(([part, at]) => rows(document, part, at));
  const listed = schema.properties ?? {};
  const required = schema.required ?? [];
  for (const name of new Set([...Object.keys(listed), ...required])) {
    const [place, value] = document.resolve(listed[name] ?? {});
    if (value === true) {
      continue;
    }
    const below = path ? `${path}.${name}` : name;
    const meaning = [...meanings(value), alternatives(place, value)].filter(Boolean).join("; ");
    if (type(value) || required.includes(name) || meaning) {
      found.push([below, type(value), required.includes(name), meaning]);
    }
    found.push(...rows(place, value, below));
  }
  return found;
}

/** Return the subschemas of a schema with their paths; of alternatives only the first. */
function parts(schema, path) {
  const found = [];
  if (schema.items) found.push([schema.items, `${path}[]`]);
  if (schema.then) found.push([schema.then, path]);
  if (schema.anyOf) found.push([schema.anyOf[0], path]);
  return found;
}

function alternatives(document, schema) {
  const texts = (schema.anyOf ?? []).map((each) => document.resolve(each)[1].description ?? "");
  return texts.filter(Boolean).map(withoutStop).join("; or: ");
}

function type(schema) {
  return [schema.type ?? []].flat().join(" or ");
}

function meanings(schema) {
  const texts = schema.description ? [withoutStop(schema.description)] : [];
  for (const [key, text] of Object.entries(LIMITS)) {
    if (key in schema) texts.push(text(schema[key]));
  }
  if ("const" in schema) texts.push(`always \`${schema.const}\``);
  if (schema.enum) texts.push(`one of ${schema.enum.map((each) => `\`${each}\``).join(", ")}`);
  if (schema.pattern && schema.pattern.length < LONGEST_PATTERN) texts.push(`\`${schema.pattern}\``);
  if (schema.additionalProperties === false) texts.push("no other attributes");
  else if (type(schema.additionalProperties ?? {})) {
    texts.push(`other attributes: ${type(schema.additionalProperties)}`);
  }
  return texts;
}

function withoutStop(text) {
  return text.replace(/\.+$/, "");
}
