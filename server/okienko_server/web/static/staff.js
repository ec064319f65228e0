// Keeps a page that says where its changes are asked for (main[data-poll]) fresh in place. Everything works without it.
(() => {
  const FIRST_WAIT = 600;
  const LONGEST_WAIT = 30000;
  const REDRAW = 60000;
  const policy = window.trustedTypes && trustedTypes.createPolicy('okienko', { createHTML: (html) => html });
  const live = document.querySelector('[data-live]');
  const offline = document.querySelector('[data-offline]');
  const main = () => document.querySelector('main[data-poll]');
  let seen = main() ? main().dataset.seen : '';
  let drawn = Date.now();
  let wait = FIRST_WAIT;
  let timer = 0;
  let asking = false;

  const say = (text) => {
    live.textContent = '';
    setTimeout(() => { live.textContent = text; }, 100);
  };

  const waiting = () => [...document.querySelectorAll('[data-waiting]')].map((card) => card.dataset.waiting);

  // What somebody is in the middle of: open panels, typed words, the place of the eye and of the keyboard.
  const remember = () => {
    const at = document.activeElement;
    return {
      at: at && main().contains(at) ? at.id : '',
      span: at && at.matches('input:not([type=hidden])') ? [at.selectionStart, at.selectionEnd] : null,
      typed: [...main().querySelectorAll('input[id], select[id]')].map((field) => [field.id, field.value]),
      open: [...main().querySelectorAll('details[open]')].map((panel) => panel.id),
      sheet: [...main().querySelectorAll('[popover]')].filter((sheet) => sheet.matches(':popover-open')).map((sheet) => sheet.id),
      scrolls: [...main().querySelectorAll('[data-scroll], aside')].map((box) => [box.scrollTop, box.scrollLeft]),
      page: [scrollX, scrollY],
    };
  };

  const restore = (kept) => {
    const by = (id) => id && document.getElementById(id);
    kept.typed.forEach(([id, value]) => { if (by(id)) by(id).value = value; });
    kept.open.forEach((id) => { if (by(id)) by(id).open = true; });
    kept.sheet.forEach((id) => { if (by(id)) by(id).showPopover(); });
    main().querySelectorAll('[data-scroll], aside').forEach((box, place) => {
      if (kept.scrolls[place]) [box.scrollTop, box.scrollLeft] = kept.scrolls[place];
    });
    scrollTo(...kept.page);
    if (!kept.at) return;
    const field = by(kept.at) || by('waiting');
    if (!field) return;
    field.focus({ preventScroll: true });
    if (kept.span && field.setSelectionRange) field.setSelectionRange(...kept.span);
  };

  const get = async (url) => {
    const answer = await fetch(url, { redirect: 'manual', cache: 'no-store', signal: AbortSignal.timeout(8000), headers: { 'X-Okienko': 'redraw' } });
    if (answer.type === 'opaqueredirect') {
      // The session ended: the page itself leads to the sign-in.
      location.reload();
      return new Promise(() => {});
    }
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  };

  const redraw = async () => {
    const html = await get(location.href.split('#')[0]);
    const page = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, 'text/html');
    const fresh = page.querySelector('main[data-poll]');
    if (!fresh || document.querySelector('form[data-sent]')) return;
    const before = new Set(waiting());
    const kept = remember();
    main().replaceWith(document.adoptNode(fresh));
    document.title = page.title;
    restore(kept);
    drawn = Date.now();
    const news = [...main().querySelectorAll('[data-waiting]')].filter((card) => !before.has(card.dataset.waiting));
    news.forEach((card) => card.classList.add('s-new'));
    if (news.length) say(main().dataset.arrived);
  };

  const ask = async () => {
    if (asking || document.hidden) return;
    asking = true;
    try {
      const text = await get(main().dataset.poll);
      const now = JSON.parse(text).fingerprint || text;
      // What the new page was drawn with stands in it; one without such a mark (the demo's telephone) keeps the answer itself.
      if (now !== seen || Date.now() - drawn > REDRAW) {
        await redraw();
        seen = main().dataset.seen || now;
      }
      wait = FIRST_WAIT;
      if (offline) offline.hidden = true;
    } catch {
      wait = Math.min(wait * 2, LONGEST_WAIT);
      if (offline) offline.hidden = wait < FIRST_WAIT * 8;
    }
    asking = false;
    clearTimeout(timer);
    timer = setTimeout(ask, wait);
  };

  // The present hour stands in the middle of a grid that is higher than the screen, unless a visit is to be shown.
  const grid = document.querySelector('[data-scroll]');
  const present = grid && grid.querySelector('.s-now');
  if (present && !grid.querySelector(':target')) grid.scrollTop += present.getBoundingClientRect().top - grid.getBoundingClientRect().top - grid.clientHeight / 2;

  if (main()) {
    timer = setTimeout(ask, FIRST_WAIT);
    document.addEventListener('visibilitychange', ask);
    window.addEventListener('online', ask);
  }
  // A doubled click sends an answer once.
  document.addEventListener('submit', (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    // A form that is answered by a file leaves the page where it is, and may be sent again.
    else if (event.target.method === 'post' && !('file' in event.target.dataset)) event.target.dataset.sent = 'yes';
  });
  window.addEventListener('pageshow', () => {
    document.querySelectorAll('form[data-sent]').forEach((form) => { delete form.dataset.sent; });
  });
  // Free time in the grid answers to the pointer: it shows the start it would take, and opens the form with it filled in.
  const startAt = (event) => {
    const rows = event.target.closest && event.target.closest('[data-plan]');
    const lines = rows && rows.querySelector('.s-lines');
    if (!lines || event.target.closest('.s-block, a') || getComputedStyle(lines).display === 'none') return null;
    const { first, length, step } = rows.closest('[data-first]').dataset;
    const box = lines.getBoundingClientRect();
    const minutes = Math.floor(((event.clientY - box.top) / box.height) * length / step) * step;
    if (minutes < 0 || minutes >= +length) return null;
    const at = +first + minutes;
    return { rows, minutes, step: +step, time: `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}` };
  };
  const ghost = document.createElement('i');
  ghost.setAttribute('aria-hidden', 'true');
  document.addEventListener('pointermove', (event) => {
    const start = event.pointerType === 'mouse' && startAt(event);
    if (!start) return ghost.remove();
    ghost.className = `s-ghost r${start.minutes / 5} h${start.step / 5}`;
    ghost.textContent = `+ ${start.time.replace(/^0/, '')}`;
    if (ghost.parentNode !== start.rows) start.rows.append(ghost);
  });
  document.addEventListener('click', (event) => {
    const start = startAt(event);
    if (start) location.assign(`${start.rows.dataset.plan}&time=${start.time}`);
  });
  // Arrow keys walk the visits: up and down within a column, left and right to the visit nearest in height beside it.
  document.addEventListener('keydown', (event) => {
    const block = event.target.closest && event.target.matches('.s-block > button') && event.target;
    if (!block || event.altKey || event.ctrlKey || event.metaKey) return;
    const columns = [...document.querySelectorAll('.s-day')].map((day) => [...day.querySelectorAll('.s-block > button')]);
    const at = columns.findIndex((column) => column.includes(block));
    let next = null;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      next = columns[at][columns[at].indexOf(block) + (event.key === 'ArrowDown' ? 1 : -1)];
    } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      const beside = (event.key === 'ArrowRight' ? columns.slice(at + 1) : columns.slice(0, at).reverse()).find((column) => column.length);
      const top = block.getBoundingClientRect().top;
      const far = (other) => Math.abs(other.getBoundingClientRect().top - top);
      next = beside && beside.reduce((best, other) => (far(other) < far(best) ? other : best));
    } else return;
    event.preventDefault();
    if (next) next.focus();
  });
  document.addEventListener('change', (event) => {
    if (event.target.id === 'who') event.target.form.requestSubmit();
  });
})();
// Copies a field's text, and prints a sheet; both buttons show themselves only where this runs.
(() => {
  document.querySelectorAll('[data-copy]').forEach((button) => {
    const words = button.textContent;
    button.hidden = false;
    button.addEventListener('click', async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        document.execCommand('copy');
      }
      button.textContent = button.dataset.done;
      const live = document.querySelector('[data-live]');
      if (live) live.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = words; }, 2500);
    });
  });
  document.querySelectorAll('[data-copy-from]').forEach((field) => field.addEventListener('focus', () => field.select()));
  document.querySelectorAll('[data-print]').forEach((button) => {
    button.hidden = false;
    button.addEventListener('click', () => print());
  });
})();
