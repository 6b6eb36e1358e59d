// Runs in every page and frame while somebody records: tells `__runner_record` what was clicked, typed and chosen, with several
// selectors each. A password's value is handed over to be masked elsewhere; it is never part of a step.
(() => {
  if (window.__runnerRecorder) return;
  Object.defineProperty(window, '__runnerRecorder', {value: true});
  const PANEL = 'runner-recorder';
  const FIELDS = 'input,select,textarea,[contenteditable=""],[contenteditable=true]';
  const ACTORS = 'button,a[href],[role=button],[role=link],[role=tab],[role=menuitem],[role=option],[role=checkbox],' +
    '[role=radio],[role=switch],summary,label,option,' + FIELDS;
  const TEXTLIKE = new Set(['', 'text', 'email', 'tel', 'url', 'search', 'number', 'password', 'date', 'time', 'month', 'week',
    'datetime-local', 'color', 'range', 'file']);
  const TEST_IDS = ['data-testid', 'data-test-id', 'data-test', 'data-cy', 'data-qa'];
  const LARGEST_FILE = 5 * 1024 * 1024;
  const ids = new WeakMap();
  const passwords = new WeakSet();
  const page = Math.random().toString(36).slice(2);
  let count = 0;
  let picking = false;

  const tell = message => { try { window.__runner_record(JSON.stringify(message)); } catch { /* recording has ended */ } };
  const flat = text => (text || '').replace(/\s+/g, ' ').trim();
  const quoted = text => JSON.stringify(text);
  const rootOf = element => element.getRootNode();
  const visible = element => element.getClientRects().length > 0;

  function roleOf(element) {
    const given = element.getAttribute('role');
    if (given) return given.split(' ')[0];
    const tag = element.tagName.toLowerCase(), type = (element.type || '').toLowerCase();
    if (tag === 'a') return element.hasAttribute('href') ? 'link' : '';
    if (tag === 'select') return element.multiple || element.size > 1 ? 'listbox' : 'combobox';
    if (tag === 'input') return {button: 'button', submit: 'button', reset: 'button', image: 'button', checkbox: 'checkbox',
      radio: 'radio'}[type] || '';
    return {button: 'button', option: 'option', h1: 'heading', h2: 'heading', h3: 'heading', h4: 'heading', img: 'img'}[tag] || '';
  }

  function textOf(element) {
    let text = '';
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) text += node.data;
      else if (node.nodeType === Node.ELEMENT_NODE && node.getAttribute('aria-hidden') !== 'true' && !node.matches(FIELDS)) {
        text += node.tagName === 'IMG' ? ` ${node.alt} ` : ` ${textOf(node)} `;
      }
    }
    return text;
  }

  function nameOf(element) {
    const by = (element.getAttribute('aria-labelledby') || '').split(/\s+/).filter(Boolean);
    const root = rootOf(element);
    const others = by.map(id => root.getElementById && root.getElementById(id)).filter(Boolean);
    if (others.length) return flat(others.map(textOf).join(' '));
    if (element.getAttribute('aria-label')) return flat(element.getAttribute('aria-label'));
    if (element.labels && element.labels.length) return flat([...element.labels].map(textOf).join(' '));
    const tag = element.tagName, type = (element.type || '').toLowerCase();
    if (tag === 'INPUT' && ['button', 'submit', 'reset'].includes(type)) return flat(element.value);
    if (tag === 'IMG' || (tag === 'INPUT' && type === 'image')) return flat(element.alt);
    if (!element.matches(FIELDS) && roleOf(element)) { const text = flat(textOf(element)); if (text) return text; }
    return flat(element.getAttribute('title') || element.getAttribute('placeholder'));
  }

  function all(root, css) {
    const found = [...root.querySelectorAll(css)];
    return found;
  }

  function only(root, css, element) {
    try { const found = all(root, css); return found.length === 1 && found[0] === element; } catch { return false; }
  }

  function ariaOf(element) {
    const name = nameOf(element), role = roleOf(element);
    if (!name || name.length > 120) return null;
    const alike = all(rootOf(element), role ? '*' : FIELDS).filter(one => roleOf(one) === role && visible(one) && nameOf(one) === name);
    if (alike.length > 1 || (!role && !element.matches(FIELDS))) return null;
    return role ? `aria/${name}[role=${quoted(role)}]` : `aria/${name}`;
  }

  function textSelector(element) {
    const text = flat(element.textContent);
    if (!text || text.length > 60 || element.matches(FIELDS)) return null;
    const same = all(rootOf(element), '*').filter(one => visible(one) && flat(one.textContent) === text);
    return same.every(one => one.contains(element) || element.contains(one)) ? `text/${text}` : null;
  }

  const steady = id => id && !/\d{4,}|[0-9a-f]{8,}|^:|^ember\d|^react-/.test(id);

  function cssOf(element) {
    const root = rootOf(element);
    if (steady(element.id) && only(root, `#${CSS.escape(element.id)}`, element)) return `#${CSS.escape(element.id)}`;
    const tag = element.tagName.toLowerCase();
    if (element.name && only(root, `${tag}[name=${quoted(element.name)}]`, element)) return `${tag}[name=${quoted(element.name)}]`;
    const path = [];
    for (let one = element; one && one.nodeType === Node.ELEMENT_NODE; one = one.parentElement) {
      let part = one.tagName.toLowerCase();
      if (one !== element && steady(one.id)) { path.unshift(`#${CSS.escape(one.id)}`); break; }
      const brothers = one.parentElement ? [...one.parentElement.children].filter(b => b.tagName === one.tagName) : [];
      if (brothers.length > 1) part += `:nth-of-type(${brothers.indexOf(one) + 1})`;
      path.unshift(part);
      if (only(root, path.join(' > '), element)) break;
    }
    return path.join(' > ');
  }

  function xpathOf(element) {
    const path = [];
    for (let one = element; one && one.nodeType === Node.ELEMENT_NODE; one = one.parentElement) {
      if (steady(one.id) && !one.id.includes('"')) { path.unshift(`//*[@id="${one.id}"]`); return path.join('/'); }
      const brothers = one.parentElement ? [...one.parentElement.children].filter(b => b.tagName === one.tagName) : [];
      path.unshift(one.tagName.toLowerCase() + (brothers.length > 1 ? `[${brothers.indexOf(one) + 1}]` : ''));
    }
    return `/${path.join('/')}`;
  }

  function throughShadows(element) {
    const path = [cssOf(element)];
    for (let root = rootOf(element); root instanceof ShadowRoot; root = rootOf(root.host)) path.unshift(cssOf(root.host));
    return path;
  }

  function selectorsOf(element) {
    const found = [], root = rootOf(element), add = one => { if (one) found.push(Array.isArray(one) ? one : [one]); };
    add(ariaOf(element));
    for (const attribute of TEST_IDS) {
      const value = element.getAttribute(attribute), css = `[${attribute}=${quoted(value || '')}]`;
      if (value && only(root, css, element)) { add(css); break; }
    }
    add(textSelector(element));
    const path = throughShadows(element);
    add(path);
    if (path.length === 1) add(`xpath/${xpathOf(element)}`);
    add(`pierce/${path[path.length - 1]}`);
    return found;
  }

  function boxOf(element) {
    const box = element.getBoundingClientRect();
    return [box.x, box.y, box.width, box.height, innerWidth, innerHeight].map(Math.round);
  }

  function about(element, more) {
    if (!ids.has(element)) ids.set(element, `${page}-${++count}`);
    return {id: ids.get(element), selectors: selectorsOf(element), box: boxOf(element), ...more};
  }

  const isOurs = event => event.composedPath().some(one => one.localName === PANEL);
  const targetOf = event => { const one = event.composedPath()[0]; return one instanceof Element ? one : one && one.parentElement; };

  function isPassword(element) {
    const kind = (element.getAttribute('autocomplete') || '').toLowerCase();
    if ((element.type || '').toLowerCase() === 'password' || /(current|new)-password/.test(kind)) passwords.add(element);
    return passwords.has(element);
  }

  function takesText(element) {
    if (element.isContentEditable || ['TEXTAREA', 'SELECT', 'OPTION'].includes(element.tagName)) return true;
    return element.tagName === 'INPUT' && TEXTLIKE.has((element.type || '').toLowerCase());
  }

  function onClick(event) {
    if (!event.isTrusted || isOurs(event)) return;
    const hit = targetOf(event);
    if (!hit) return;
    if (picking) { event.preventDefault(); event.stopImmediatePropagation(); picked(hit); return; }
    const element = hit.closest(ACTORS) || hit;
    if (element === document.documentElement || element === document.body) return;
    if (element.tagName === 'LABEL' && element.control) return;  // the control is clicked next
    if (takesText(element) && !element.readOnly) return;  // what is typed or chosen is told by `input`
    const ticks = ['checkbox', 'radio'].includes(element.type);
    if (event.detail === 0 && !ticks && rootOf(element).activeElement !== element) return;  // Enter in a field of its form
    const box = element.getBoundingClientRect();
    const place = event.detail === 0 ? [box.width / 2, box.height / 2] : [event.clientX - box.x, event.clientY - box.y];
    tell({kind: event.type === 'dblclick' ? 'double' : 'click', ...about(element, {offset: place.map(Math.round)})});
  }

  function onContextMenu(event) {
    if (!event.isTrusted || isOurs(event)) return;
    const element = targetOf(event), box = element.getBoundingClientRect();
    tell({kind: 'right', ...about(element, {offset: [event.clientX - box.x, event.clientY - box.y].map(Math.round)})});
  }

  function onInput(event) {
    const element = targetOf(event);
    if (!element || isOurs(event) || !takesText(element) || (element.type || '').toLowerCase() === 'file') return;
    const chosen = element.tagName === 'SELECT';
    if (!event.isTrusted && !chosen && rootOf(element).activeElement !== element && !/date|time|month|week|color|range/.test(element.type)) return;
    const value = element.isContentEditable ? element.innerText : element.value;
    const option = chosen && element.selectedOptions.length ? flat(element.selectedOptions[0].label) : '';
    tell({kind: 'change', ...about(element, {value, label: option && option !== value ? option : '', password: isPassword(element)})});
  }

  async function onChange(event) {
    const element = targetOf(event);
    if (!element || isOurs(event) || element.tagName !== 'INPUT' || element.type !== 'file') return;
    const known = about(element);
    const files = [];
    for (const file of element.files) {
      const bytes = file.size <= LARGEST_FILE ? new Uint8Array(await file.arrayBuffer()) : null;
      let text = '';
      for (let at = 0; bytes && at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
      files.push({name: file.name, content: bytes ? btoa(text) : null});
    }
    tell({kind: 'upload', ...known, files});
  }

  function onKey(event) {
    if (!event.isTrusted || isOurs(event) || event.isComposing) return;
    const element = targetOf(event) || document.body;
    const key = event.key, held = [event.ctrlKey && 'Control', event.altKey && 'Alt', event.metaKey && 'Meta'].filter(Boolean);
    const writes = takesText(element), presses = element.matches('button,a[href],summary,input[type=submit],input[type=button]');
    const alone = !held.length && (
      (key === 'Enter' && !presses && element.tagName !== 'TEXTAREA' && !element.isContentEditable) || key === 'Escape' ||
      /^F\d+$/.test(key) || (/^(Arrow|Page|Home|End)/.test(key) && !writes && element.type !== 'radio'));
    const together = held.length && key.length === 1 && !/^[acvxzy]$/i.test(key) && !(event.ctrlKey && event.altKey);
    if (alone || together) tell({kind: 'key', key, held, id: `${page}-key`});
  }

  function picked(element) {
    picking = false;
    document.documentElement.style.cursor = '';
    const id = TEST_IDS.map(name => element.getAttribute(name)).find(Boolean);
    const text = flat(element.matches(FIELDS) ? element.value : element.innerText);
    tell({kind: 'read', ...about(element, {text, name: id || element.id || nameOf(element) || ''})});
    window.dispatchEvent(new CustomEvent('runner-picked', {detail: text}));
  }

  function pick() { picking = true; document.documentElement.style.cursor = 'crosshair'; }
  window.addEventListener('runner-pick', pick);

  for (const [name, listener] of [['click', onClick], ['dblclick', onClick], ['contextmenu', onContextMenu], ['input', onInput],
    ['change', onChange], ['keydown', onKey]]) window.addEventListener(name, listener, true);

  function panel() {
    if (window.top !== window || !window.__runner_panel || document.querySelector(PANEL)) return;
    const zh = window.__runner_panel === 'zh';
    const words = zh ? ['● 正在录制', '读取一个值', '点击要读取的文字', '已读取:', '完成'] :
      ['● Recording', 'Read a value', 'Click the text to read', 'Will be read: ', 'Done'];
    const host = document.createElement(PANEL), inside = host.attachShadow({mode: 'open'});
    const style = new CSSStyleSheet();
    style.replaceSync(`:host{all:initial;position:fixed;right:12px;bottom:12px;z-index:2147483647}
      div{display:flex;gap:8px;align-items:center;padding:8px 12px;border-radius:8px;background:#1f2937;color:#fff;
      font:14px system-ui,sans-serif;box-shadow:0 2px 12px #0008}b{color:#fca5a5;font-weight:600}
      button{font:inherit;padding:4px 10px;border:0;border-radius:6px;background:#fff;color:#111;cursor:pointer}`);
    inside.adoptedStyleSheets = [style];
    const row = document.createElement('div'), state = document.createElement('b'), read = document.createElement('button'),
      done = document.createElement('button');
    [state.textContent, read.textContent, done.textContent] = [words[0], words[1], words[4]];
    read.addEventListener('click', () => { pick(); state.textContent = words[2]; });
    done.addEventListener('click', () => tell({kind: 'stop'}));
    window.addEventListener('runner-picked', event => { state.textContent = words[3] + event.detail.slice(0, 40); });
    row.append(state, read, done);
    inside.append(row);
    document.documentElement.append(host);
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', panel); else panel();
})();
