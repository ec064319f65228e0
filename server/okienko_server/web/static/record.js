// Keeps what is being written: a draft a moment after typing stops, again when the page is left. It never reloads and never leads away.
(() => {
  const form = document.querySelector('form[data-draft]');
  if (!form) return;
  const STILL = 1500;
  const BUSY = 5000;
  const AGAIN = 5000;
  const LONGEST = 60000;
  const state = document.querySelector('[data-draft-state]');
  const text = () => new URLSearchParams(new FormData(form)).toString();
  const words = () => {
    const copy = new URLSearchParams(new FormData(form));
    ['csrf', 'revision', 'based_on', 'reason'].forEach((name) => copy.delete(name));
    return copy.toString();
  };
  let kept = words();
  let timer = 0;
  let since = 0;
  let wait = AGAIN;
  let saving = false;
  let stopped = false;
  let sending = false;

  const say = (sentence, calm) => {
    if (state.textContent !== sentence) state.textContent = sentence;
    state.classList.toggle('s-warn', !calm);
  };

  const later = (after) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(save, after);
  };

  const typed = () => {
    // Whoever never pauses is saved all the same.
    since = since || Date.now();
    later(Math.max(0, Math.min(STILL, since + BUSY - Date.now())));
  };

  const save = async () => {
    since = 0;
    if (saving || stopped || words() === kept) return;
    saving = true;
    const sent = words();
    let answer;
    try {
      answer = await fetch(form.dataset.draft, {
        method: 'POST', body: text(), redirect: 'manual', keepalive: text().length < 60000, signal: AbortSignal.timeout(15000),
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Okienko': 'draft' },
      });
    } catch { answer = null; }
    saving = false;
    if (stopped) return;
    if (answer && answer.ok && answer.headers.get('Content-Type') === 'application/json') {
      const told = await answer.json();
      form.elements.revision.value = told.revision;
      kept = sent;
      wait = AGAIN;
      say(form.dataset.saved.replace('{}', told.saved), true);
      if (words() !== kept) later(STILL);
      return;
    }
    const fresh = answer && answer.status === 403 && answer.headers.get('Content-Type') === 'application/json' && await answer.json();
    if (fresh && fresh.csrf && fresh.csrf !== form.elements.csrf.value) {
      // The same person signed in anew in another tab: this page goes on under that session.
      form.elements.csrf.value = fresh.csrf;
      later(0);
      return;
    }
    if (answer && answer.status === 409) {
      stopped = true;
      say(form.dataset.otherTab, false);
      return;
    }
    if (answer && (answer.status === 422 || answer.status === 413)) {
      say(form.dataset.tooLong, false);
      return;
    }
    const out = answer && (answer.type === 'opaqueredirect' || answer.status === 401 || answer.status === 403);
    say(out ? form.dataset.signedOut : form.dataset.waiting, false);
    later(wait);
    wait = Math.min(wait * 2, LONGEST);
  };

  form.addEventListener('input', typed);
  document.addEventListener('visibilitychange', () => later(document.hidden ? 0 : STILL));
  window.addEventListener('online', () => later(0));
  window.addEventListener('beforeunload', (event) => { if (!sending && words() !== kept) event.preventDefault(); });
  form.addEventListener('submit', () => { stopped = true; sending = true; clearTimeout(timer); });
  window.addEventListener('pageshow', (event) => { if (event.persisted) { stopped = false; sending = false; } });
})();
