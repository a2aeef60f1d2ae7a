// The view library: preact with htm's templates.
import { h, render, Fragment } from './vendor/preact/preact.mjs';
import htm from './vendor/htm/htm.mjs';

export { render, Fragment };
export { useEffect, useMemo, useRef, useState } from './vendor/preact/hooks.mjs';
// templates create text nodes and attributes, never HTML from a value
export const html = htm.bind(h);
