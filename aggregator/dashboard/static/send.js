// Send a message: a sample or pasted text, into the topic of its kind.
import { html } from './html.js';
export function Send() { return html`<h1 tabindex="-1">Send a message</h1>`; }
