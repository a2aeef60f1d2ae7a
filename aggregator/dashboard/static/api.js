// Requests to the REST API and to the dashboard's own endpoints.

const TOKEN = 'token';
export const settings = { about: null };

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// kept for this tab only, and only if the API needs one
export function token() {
  return sessionStorage.getItem(TOKEN) ?? '';
}

export function setToken(text) {
  sessionStorage.setItem(TOKEN, text.trim());
}

export function headers() {
  const kind = settings.about?.auth_type;
  if (!kind || !token()) return {};
  return kind === 'jwt' ? { Authorization: `Bearer ${token()}` } : { 'x-rh-identity': token() };
}

// each value is one segment of the path
export function path(strings, ...values) {
  return strings.reduce((all, text, at) => all + encodeURIComponent(values[at - 1]) + text);
}

export const prefix = () => settings.about.api_prefix;

async function request(url, { method = 'GET', body, type, signal } = {}) {
  let answer;
  try {
    answer = await fetch(url, {
      method,
      signal,
      cache: 'no-store',
      headers: { ...headers(), ...(type ? { 'Content-Type': type } : {}) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'the service does not answer');
  }
  const text = await answer.text();
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    document = { status: text.trim() || answer.statusText };
  }
  if (!answer.ok) throw new ApiError(answer.status, document.status || answer.statusText);
  return document;
}

export const call = (below, options) => request(prefix() + below, options);
export const own = (below, options) =>
  request(`dashboard/${below}`, { type: 'application/json', ...options });

const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

// the command that sends the same request
export function curl(below, { method = 'GET', body } = {}) {
  const parts = ['curl'];
  if (method !== 'GET') parts.push('-X', method);
  const kind = settings.about?.auth_type;
  if (kind === 'jwt') parts.push('-H', '"Authorization: Bearer $TOKEN"');
  if (kind === 'xrh') parts.push('-H', '"x-rh-identity: $TOKEN"');
  if (body !== undefined) parts.push('-d', quoted(JSON.stringify(body)));
  parts.push(quoted(new URL(prefix() + below, location.href).href));
  return parts.join(' ');
}

export async function loadSettings() {
  settings.about ??= {};
  settings.about = await request('dashboard/about.json');
  if (settings.about.auth_type && token()) settings.about = await request('dashboard/about.json');
  return settings.about;
}
