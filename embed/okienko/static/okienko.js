// Okienko's loader: <okienko-booking token="…"> becomes the clinic's booking window.
// One classic script, no build step. It sets no cookie, keeps nothing, and asks no other server than its own.
(() => {
  // Baked in by the server: optimisers of host pages hide a script's own address.
  const HOME = '__HOME__';
  const NAME = 'okienko-booking';
  const TITLE = 'Rezerwacja wizyty';
  const ASKED = ['service', 'practitioner', 'date', 'kind', 'lang', 'theme', 'accent'];
  const STYLE = `:host{position:relative}
[hidden]{display:none}
iframe{position:absolute;inset:0;width:100%;height:100%;border:0;color-scheme:normal}
dialog{width:30rem;height:54rem;max-width:100%;max-height:100dvh;padding:0;border:0;border-radius:14px;overflow:hidden}
button{position:fixed;inset:auto 16px 16px auto;z-index:9999;padding:18px 24px;border:0;border-radius:99px;background:#0f6b63;color:#fff;font:600 16px system-ui}
dialog button{inset:8px 8px auto auto;position:absolute;padding:14px 18px;background:#e7f1ef;color:#0a544e}`;

  // Pasted twice, the first one serves every element.
  if (customElements.get(NAME)) return;
  const all = new Set();

  class Booking extends HTMLElement {
    static observedAttributes = ['theme', 'accent'];

    constructor() {
      super();
      const shadow = this.attachShadow({ mode: 'open' });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      shadow.adoptedStyleSheets = [sheet];
      this.fallback = this.make('slot');
      this.addEventListener('click', (event) => this.tapped(event));
    }

    make(tag, values, place = this.shadowRoot) {
      const made = Object.assign(document.createElement(tag), values);
      place.append(made);
      return made;
    }

    get(name) {
      return this.getAttribute(name) || '';
    }

    connectedCallback() {
      const mode = this.get('mode');
      this.inline = mode !== 'popup' && mode !== 'float';
      this.failed = false;
      if (!/^[\w.~-]{20,512}$/.test(this.get('token'))) {
        this.fail('token missing or cut off');
        return;
      }
      all.add(this);
      const height = +this.get('height');
      this.reserved = height >= 320 && height <= 4000 ? height : 720;
      if (this.inline) {
        this.style.cssText = `display:block;height:${this.reserved}px`;
        this.load(this.shadowRoot, { loading: this.getBoundingClientRect().top < 2000 ? 'eager' : 'lazy' });
      } else if (mode === 'float') {
        this.fallback.hidden = true;
        this.button = this.make('button', { textContent: this.get('label') || this.textContent, onclick: () => this.show() });
      }
    }

    disconnectedCallback() {
      all.delete(this);
      clearTimeout(this.timer);
      this.shadowRoot.replaceChildren(this.fallback);
      this.fallback.hidden = false;
      this.dialog = this.frame = this.button = this.port = null;
    }

    attributeChangedCallback() {
      this.send({ t: 'cfg', theme: this.get('theme') || 'auto', accent: this.get('accent') });
    }

    send(message) {
      this.port?.postMessage(message);
    }

    tapped(event) {
      const link = event.target.closest('a');
      if (!link || this.inline || this.failed || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.button = link;
      this.show();
    }

    load(place, values) {
      const asked = new URLSearchParams();
      for (const name of ASKED) if (this.get(name)) asked.set(name, this.get(name));
      // Behind the #: what somebody comes with is never part of a request.
      const hint = this.get('category') && `#category=${encodeURIComponent(this.get('category'))}`;
      this.frame = this.make('iframe', {
        title: TITLE,
        // A frame that loaded and says nothing was refused.
        onload: () => { this.timer = setTimeout(() => this.port || this.failed || this.fail('no answer; is this site allowed?'), 1000); },
        ...values,
      }, place);
      this.frame.sandbox = 'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads';
      this.frame.src = `${HOME}/e/${this.get('token')}?${asked}${hint}`;
    }

    show() {
      if (!this.dialog) {
        this.dialog = this.make('dialog', { ariaLabel: TITLE, onclose: () => { this.button.focus(); this.tell('close'); } });
        this.load(this.dialog);
        this.make('button', { textContent: '×', ariaLabel: 'Zamknij', onclick: () => this.dialog.close() }, this.dialog);
      }
      this.dialog.showModal();
      this.frame.focus();
      this.tell('open');
    }

    hello(version) {
      if (!(version >= 0)) return;
      const { port1, port2 } = new MessageChannel();
      this.port = port1;
      this.failed = this.capped = false;
      this.grown = 0;
      this.frame.hidden = false;
      this.fallback.hidden = this.get('mode') !== 'popup';
      port1.onmessage = ({ data }) => data && this.heard(data);
      this.frame.contentWindow.postMessage({ okienko: 'init', v: 1, inline: this.inline }, HOME, [port2]);
      this.attributeChangedCallback();
      this.tell('ready');
    }

    heard({ t, v, n, d }) {
      if (t === 'h' && v >= 100 && v <= 8000 && this.inline && !this.capped) this.resize(v);
      if (t === 'step' && /^[a-z]+$/.test(v)) this.stepped(v);
      if (t === 'ev' && ['slot', 'booked', 'error'].includes(n)) this.tell(n, { reference: d });
      if (t === 'esc') this.dialog?.close();
    }

    resize(height) {
      const now = this.offsetHeight;
      if (height <= now && !this.fresh) return;
      this.fresh = false;
      // Content that grows because its frame grew would never end.
      if (height > now && (this.grown += 1) > 30) {
        this.capped = true;
        this.send({ t: 'stay' });
        console.warn('okienko: content grows without end');
      }
      this.style.height = `${this.capped ? this.reserved : height}px`;
    }

    stepped(step) {
      this.fresh = true;
      this.grown = 0;
      this.tell('step', { step });
      if (this.inline && this.getBoundingClientRect().top < 0) this.scrollIntoView();
    }

    fail(why) {
      this.failed = true;
      this.fallback.hidden = false;
      this.style.height = '';
      if (this.frame) this.frame.hidden = true;
      this.dialog?.close();
      console.warn(`okienko: ${why}`);
      this.tell('error', { why });
    }

    tell(name, detail = {}) {
      this.dispatchEvent(new CustomEvent(`okienko:${name}`, { bubbles: true, detail }));
      if (this.hasAttribute('datalayer')) (window.dataLayer ||= []).push({ event: `okienko_${name}` });
    }
  }

  addEventListener('message', ({ data, origin, source }) => {
    if (origin !== HOME || data?.okienko !== 'hello') return;
    for (const one of all) if (one.frame?.contentWindow === source) one.hello(data.v);
  });

  customElements.define(NAME, Booking);
})();
