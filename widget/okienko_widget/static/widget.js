// Makes the server-rendered steps smooth. Everything works without it; nothing is stored.
(() => {
  // A sandboxed frame without an origin may not fetch: plain forms stay plain.
  if (origin === 'null' || !window.fetch || !window.DOMParser) return;
  const policy = window.trustedTypes && trustedTypes.createPolicy('okienko', { createHTML: (html) => html });
  const live = document.querySelector('[data-live]');
  const past = [];
  let place = 0;
  let busy = false;
  let loaded = Date.now();

  const root = () => document.querySelector('[data-root]');
  const say = (text) => { live.textContent = text; };
  const remember = () => { past[place] = [root(), document.title]; };

  // The host page, once it has proved itself: height, step and a few events go up a private port; nothing anybody typed does.
  const hosts = (live.dataset.hosts || '').split(' ').filter(Boolean);
  let port = null;
  const up = (message) => { if (port) port.postMessage(message); };
  const step = () => root().className.match(/o-at-(\w+)/)[1];
  const tall = () => up({ t: 'h', v: Math.ceil(document.body.getBoundingClientRect().height) });
  const report = () => {
    const at = step();
    up({ t: 'step', v: at });
    if (at === 'details') up({ t: 'ev', n: 'slot' });
    if (at === 'message') up({ t: 'ev', n: 'error' });
    if (at === 'done') up({ t: 'ev', n: 'booked', d: root().dataset.reference });
    tall();
  };
  const look = ({ theme, accent }) => {
    const { dataset, style } = document.documentElement;
    if (['light', 'dark', 'auto'].includes(theme)) dataset.theme = theme;
    if (/^#[0-9a-f]{6}$/i.test(accent)) {
      style.setProperty('--brand', accent);
      dataset.brand = '';
    }
  };
  if (parent !== window && hosts.length) {
    addEventListener('message', ({ data, origin: from, source, ports }) => {
      if (port || source !== parent || !hosts.includes(from) || !ports[0]) return;
      if (!data || data.okienko !== 'init' || (data.v !== 1 && data.v !== 0)) return;
      [port] = ports;
      port.onmessage = ({ data: told }) => { if (!told) return;
        if (told.t === 'cfg') look(told);
        if (told.t === 'stay') delete document.documentElement.dataset.fluid;
      };
      look(data);
      document.documentElement.dataset[data.inline ? 'fluid' : 'popup'] = '';
      addEventListener('keydown', (event) => { if (event.key === 'Escape' && !event.defaultPrevented) up({ t: 'esc' }); });
      new ResizeObserver(tall).observe(document.body);
    });
    parent.postMessage({ okienko: 'hello', v: 1 }, '*');
  }

  // The problem a link or snippet suggests stands behind the #, where no server and no log sees it.
  const hinted = new URLSearchParams(location.hash.slice(1)).get('category');
  const hint = hinted && document.querySelector(`[name=category][value="${CSS.escape(hinted)}"]:not([hidden])`);
  if (hint && !document.querySelector('.o-chosen')) {
    hint.classList.add('o-chosen');
    const first = hint.form.querySelector('button[hidden]');
    Object.assign(first, { disabled: false, name: 'category', value: hinted });
  }

  // When codes are asked for unusually often, a little work instead of a riddle; where it cannot be done, a moment's wait.
  const prove = async () => {
    const field = root().querySelector('[data-proof]');
    if (!field) return;
    const { proof, wait } = field.dataset;
    const start = field.value;
    const give = (end) => {
      if (!field.isConnected || busy) return;
      field.value = start + end;
      field.form.requestSubmit();
    };
    if (!crypto.subtle) {
      setTimeout(give, wait * 1000, '');
      return;
    }
    for (let n = 0; field.isConnected; n += 1) {
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(start + n));
      if (!(new DataView(digest).getUint32(0) >>> (32 - proof))) {
        give(n);
        return;
      }
    }
  };

  const show = (node, title) => {
    root().replaceWith(node);
    document.title = title;
    loaded = Date.now();
    tick();
    prove();
  };

  const face = () => {
    scrollTo(0, 0);
    (root().querySelector('[data-focus]') || root().querySelector('h1')).focus({ preventScroll: !!port });
    const where = root().querySelector('.o-head > .o-vh');
    say(where ? where.textContent : '');
    report();
  };

  const push = () => {
    remember();
    // The step left behind may be sent again with another choice: that is a new request, so it gets a new key.
    const fresh = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    root().querySelectorAll('[name=key]').forEach((field) => { field.value = fresh; });
    place += 1;
    past.length = place;
    try { history.pushState(place, ''); } catch { /* an opaque origin has no history of its own */ }
  };

  const failed = (form, button) => {
    const note = document.createElement('p');
    note.className = 'o-wrong';
    note.setAttribute('role', 'alert');
    note.dataset.failed = '';
    note.textContent = root().dataset.offline;
    (button && form.contains(button) ? button : form).after(note);
    if (button) button.focus();
  };

  // The page is refreshed in place: the chosen day and the focused button stay.
  const keep = (old, fresh) => {
    const day = old.querySelector('[name=day]:checked');
    const same = day && fresh.querySelector(`[name=day][value="${CSS.escape(day.value)}"]:enabled`);
    if (same) same.checked = true;
    const at = document.activeElement;
    if (at && at.id) return `#${CSS.escape(at.id)}`;
    return at && at.name ? `[name="${CSS.escape(at.name)}"][value="${CSS.escape(at.value)}"]` : '';
  };

  const send = async (form, button, quiet) => {
    if (busy) return;
    busy = true;
    const body = new URLSearchParams(new FormData(form));
    const sent = String(body);
    if (button && button.name) body.append(button.name, button.value);
    const from = root();
    from.setAttribute('aria-busy', 'true');
    if (button) button.dataset.sent = '';
    from.querySelectorAll('[data-failed]').forEach((note) => note.remove());
    try {
      const to = (button && button.getAttribute('formaction')) || form.getAttribute('action');
      const answer = await fetch(to, { method: 'POST', body, headers: { accept: 'text/html', 'x-okienko': 'step' } });
      const html = await answer.text();
      const next = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, 'text/html');
      const node = next.querySelector('[data-root]');
      if (!node) throw new Error(answer.status);
      from.removeAttribute('aria-busy');
      if (button) delete button.dataset.sent;
      if (quiet) {
        // What was changed meanwhile is not thrown away; it is sent next.
        if (from !== root() || String(new URLSearchParams(new FormData(form))) !== sent) return;
        const focus = keep(from, node);
        show(node, next.title);
        const again = focus && root().querySelector(focus);
        if (again) again.focus({ preventScroll: true });
        const told = root().querySelector('[data-told]');
        if (told) say(told.textContent);
      } else {
        if (node.className !== from.className) push();
        show(node, next.title);
        face();
      }
    } catch {
      from.removeAttribute('aria-busy');
      if (button) delete button.dataset.sent;
      if (!quiet) failed(form, button);
    } finally {
      busy = false;
    }
  };

  const clock = (left, el) => {
    if ('clock' in el.dataset) return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    return left < 60 ? el.dataset.under : el.dataset.minutes.replace('{}', Math.floor(left / 60));
  };

  const tick = () => {
    document.querySelectorAll('[data-left]').forEach((el) => {
      el.until = el.until || Date.now() + el.dataset.left * 1000;
      const left = Math.max(0, Math.ceil((el.until - Date.now()) / 1000));
      const text = left ? el.dataset.text.replace('{}', clock(left, el)) : el.dataset.over;
      if (el.textContent !== text) el.textContent = text;
      if (left <= 120 && left && el.dataset.soon && !el.warned) {
        el.warned = true;
        say(el.dataset.soon);
      }
      const resend = 'clock' in el.dataset && el.parentNode.querySelector('[action="/w/resend"] button');
      if (resend) resend.disabled = left > 0;
    });
  };

  document.addEventListener('submit', (event) => {
    if ('native' in event.target.dataset) return;
    event.preventDefault();
    send(event.target, event.submitter, 'auto' in event.target.dataset && !event.submitter);
  });

  document.addEventListener('input', ({ target }) => {
    if (target.name !== 'code') return;
    const code = target.value.replace(/\D/g, '');
    if (code.length !== 6 || busy) return;
    target.value = code;
    target.form.requestSubmit();
  });

  addEventListener('popstate', ({ state }) => {
    const to = state || 0;
    if (busy || !past[to]) return;
    remember();
    place = to;
    show(...past[to]);
    face();
  });

  addEventListener('focus', () => {
    const form = document.querySelector('[data-refresh]');
    if (form && Date.now() - loaded > 60000) send(form, null, true);
  });

  setInterval(tick, 1000);
  tick();
  prove();
})();
