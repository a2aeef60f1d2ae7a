// The stream of events: connects while the page is visible, and again after a failure.
import { headers, settings } from './api.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5000;
// a hidden page holds no connection: browsers allow six to a host
const HIDDEN_PAUSE = 5000;

export class Stream {
  // `onEvent(name, data)` takes events, `onState(live, reason)` whether they come
  constructor(onEvent, onState) {
    this.onEvent = onEvent;
    this.onState = onState;
    this.pause = FIRST_PAUSE;
    this.abort = null;
    this.timer = null;
    document.addEventListener('visibilitychange', () => this.visibility());
  }

  start() {
    if (this.abort || document.hidden) return;
    clearTimeout(this.timer);
    this.abort = new AbortController();
    this.read(this.abort.signal).catch((error) => {
      if (error.name !== 'AbortError') this.failed(error.message);
    });
  }

  stop() {
    this.abort?.abort();
    this.abort = null;
    clearTimeout(this.timer);
  }

  visibility() {
    clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = setTimeout(() => this.stop(), HIDDEN_PAUSE);
    } else {
      this.start();
    }
  }

  failed(reason) {
    this.abort = null;
    this.onState(false, reason);
    this.timer = setTimeout(() => this.start(), this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  async read(signal) {
    const answer = await fetch('dashboard/events', { headers: headers(), signal, cache: 'no-store' });
    if (!answer.ok) {
      const text = answer.status === 401 ? 'a token is needed' : `status ${answer.status}`;
      throw new Error(text);
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error('the service has ended the stream');
      buffer += value;
      const events = buffer.split('\n\n');
      buffer = events.pop();
      for (const one of events) this.event(one);
    }
  }

  event(text) {
    const field = (name) => text.split('\n').find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
    const name = field('event');
    if (!name) return;
    this.pause = FIRST_PAUSE;
    const data = JSON.parse(field('data'));
    if (name === 'unavailable') {
      this.onState(false, data.reason);
    } else {
      this.onState(true, '');
      this.onEvent(name, data);
    }
  }
}

export const tokenMissing = () => settings.about.auth_type && !settings.about.token_accepted;
