// The address of a view is the fragment of the URL, so that it can be sent to somebody.

// '#/organizations/1/clusters?prefix=ab' -> { segments: ['organizations', '1', 'clusters'], query }
export function parse(hash) {
  const [way, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const segments = way.split('/').filter(Boolean).map((text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  });
  return { segments, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function address(segments, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value != null);
  const search = new URLSearchParams(given).toString();
  return `#/${segments.map((one) => encodeURIComponent(one)).join('/')}${search ? `?${search}` : ''}`;
}

export function go(segments, query, { replace = false } = {}) {
  const target = address(segments, query);
  if (target === location.hash) return;
  if (replace) {
    history.replaceState(null, '', target);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = target;
  }
}
