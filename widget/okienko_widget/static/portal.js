// What only the search needs: towns while one types, the patient's own place, and a list that follows every change of a wish.
(() => {
  if (origin === 'null' || !window.fetch) return;
  let asked = 0;

  document.addEventListener('input', ({ target }) => {
    if (!('places' in target.dataset)) return;
    const form = target.form;
    form.elements.near.value = '';
    clearTimeout(asked);
    if (target.value.length < 2) return;
    asked = setTimeout(async () => {
      // In a body, not in an address: where somebody looks for help is nobody's log entry.
      const body = new URLSearchParams({ session: form.elements.session.value, place: target.value });
      try {
        const answer = await fetch('/w/places', { method: 'POST', body });
        const names = await answer.json();
        const options = names.map((name) => Object.assign(document.createElement('option'), { value: name }));
        document.getElementById(target.getAttribute('list')).replaceChildren(...options);
      } catch { /* typed names work without the list */ }
    }, 150);
  });

  // A moment after the last change, so that arrow keys may pass over what is not meant, and never while an answer is under way.
  let due = 0;
  const follow = (form) => {
    clearTimeout(due);
    due = setTimeout(() => {
      if (!form.isConnected) return;
      if (document.querySelector('[aria-busy]')) follow(form);
      else form.requestSubmit();
    }, 400);
  };
  document.addEventListener('change', ({ target }) => {
    if (target.form && 'auto' in target.form.dataset && target.name !== 'place') follow(target.form);
  });

  const near = () => document.querySelectorAll('[data-near]').forEach((button) => {
    button.hidden = window.top !== window || !navigator.geolocation;
  });

  document.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-near]');
    if (!button) return;
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      const { form } = button;
      form.elements.place.value = '';
      // A hundredth of a degree is a kilometre: enough to find a clinic, too little to find a person.
      form.elements.near.value = `${coords.latitude.toFixed(2)},${coords.longitude.toFixed(2)}`;
      if ('auto' in form.dataset) form.requestSubmit();
      else form.elements.place.placeholder = button.textContent;
    }, () => { button.textContent = button.dataset.failedText; }, { maximumAge: 600000, timeout: 10000 });
  });

  new MutationObserver(near).observe(document.body, { childList: true });
  near();
})();
