// The way of one message.
import { html } from './html.js';
export function Way() { return html`<h1 tabindex="-1">Message</h1>`; }
