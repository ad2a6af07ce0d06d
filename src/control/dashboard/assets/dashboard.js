// What pages need beyond links and forms: copy buttons, the line about the connection, and live traffic.
(() => {
  'use strict';
  const ROWS_MAX = 1000;
  const find = (selector) => document.querySelector(selector);

  // Copying: the clipboard needs a secure context, which plain http beyond this machine is not.
  const copyText = async (element) => {
    const text = element.value ?? element.textContent;
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  };
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    const name = (button.dataset.name ??= button.textContent);
    const told = await copyText(document.getElementById(button.dataset.copy)).then(
      () => '✓ Copied',
      () => 'Select and copy by hand',
    );
    button.textContent = told;
    setTimeout(() => (button.textContent = name), 2000);
  });
  const showButtons = () => document.querySelectorAll('[data-copy][hidden]').forEach((button) => (button.hidden = false));

  // The connection: said when it is lost, and when it is back.
  const line = () => find('#connection');
  let lost = false;
  const say = (text) => {
    const element = line();
    element.hidden = !text;
    if (element.textContent !== text) element.textContent = text;
  };
  const setLost = (isLost) => {
    if (isLost === lost) return;
    lost = isLost;
    document.body.classList.toggle('lost', lost);
    if (lost) say('The server does not answer. Trying again…');
    else {
      say('The server answers again.');
      setTimeout(() => lost || say(''), 4000);
    }
  };
  const ask = () => {
    if (document.hidden) return;
    fetch('/_mock/livez', { cache: 'no-store' }).then((reply) => setLost(!reply.ok), () => setLost(true));
  };
  setInterval(ask, 3000);
  document.addEventListener('htmx:error', (event) => {
    if (event.detail.error instanceof TypeError) setLost(true);
  });

  // Live traffic.
  const rows = find('#rows[hx-sse\\:connect]');
  if (rows) {
    const live = find('#live');
    const pause = find('#pause');
    let isPaused = false;
    let held = [];
    let count = 0;
    pause.hidden = false;
    const tell = () => {
      const is = lost || !isOpen ? 'lost' : isPaused ? 'paused' : 'on';
      live.dataset.is = is;
      live.textContent = { on: 'Live', paused: 'Paused', lost: 'Connection lost, trying again…' }[is];
      pause.textContent = isPaused ? `Resume (${count} new)` : 'Pause';
      pause.setAttribute('aria-pressed', String(isPaused));
    };
    let isOpen = false;
    const trim = () => {
      find('#no-traffic').hidden = true;
      rows.closest('table').hidden = false;
      while (rows.rows.length > ROWS_MAX && !rows.lastElementChild.contains(document.activeElement)) rows.lastElementChild.remove();
    };
    const insert = (html) => {
      const template = document.createElement('template');
      template.innerHTML = html;
      rows.prepend(template.content);
    };
    rows.addEventListener('htmx:sse:before:message', (event) => {
      if (!isPaused) return;
      event.preventDefault();
      held.push(event.detail.message.data);
      count += event.detail.message.data.split('<tr ').length - 1;
      if (held.length > ROWS_MAX) held.shift();
      tell();
    });
    rows.addEventListener('htmx:sse:after:message', trim);
    rows.addEventListener('htmx:sse:after:connection', () => {
      isOpen = true;
      setLost(false);
      tell();
    });
    for (const end of ['htmx:sse:error', 'htmx:sse:close'])
      rows.addEventListener(end, () => {
        isOpen = false;
        setLost(true);
        tell();
      });
    // When a stream ends, the extension says so only by making ready for the next one.
    rows.addEventListener('htmx:sse:before:connection', () => {
      isOpen = false;
      tell();
    });
    pause.addEventListener('click', () => {
      isPaused = !isPaused;
      if (!isPaused) {
        held.forEach(insert);
        held = [];
        count = 0;
        trim();
      }
      tell();
    });
    live.textContent = 'Connecting…';
  }

  showButtons();
  document.addEventListener('htmx:after:swap', showButtons);
})();
