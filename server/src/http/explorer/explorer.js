'use strict';
const el = (id) => document.getElementById(id);
const remembered = ['query', 'variables', 'token', 'lang'];
const first = `# Ctrl+Enter runs. Subscriptions stay open until Stop.
{
  serverTime
  storeCategories { id name { text } }
}
`;
let socket = null;

for (const id of remembered) {
  const kept = sessionStorage.getItem(id);
  if (kept !== null) el(id).value = kept;
  el(id).addEventListener('input', () => sessionStorage.setItem(id, el(id).value));
}
if (!el('query').value) el('query').value = first;

const show = (value) => { el('answer').textContent = typeof value === 'string' ? value : JSON.stringify(value, null, 2); };
const bearer = () => (el('token').value ? `Bearer ${el('token').value}` : null);

async function ask(query, variables) {
  const headers = { 'content-type': 'application/json', 'accept-language': el('lang').value };
  if (bearer()) headers.authorization = bearer();
  const answer = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return { status: answer.status, body: await answer.json() };
}

function follow(query, variables) {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  socket = new WebSocket(`${scheme}://${location.host}/graphql/ws`, 'graphql-transport-ws');
  const events = [];
  const send = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: 'connection_init', payload: bearer() ? { Authorization: bearer() } : {} });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: { query, variables } });
    else if (message.type === 'ping') send({ type: 'pong' });
    else if (message.type === 'next' || message.type === 'error') { events.unshift(message.payload); show(events.slice(0, 50)); }
    else if (message.type === 'complete') socket.close();
  };
  socket.onclose = ({ code, reason }) => { el('status').textContent = `closed ${code} ${reason}`; el('stop').disabled = true; socket = null; };
  el('stop').disabled = false;
  el('status').textContent = 'listening';
}

async function run() {
  if (socket) socket.close();
  let variables;
  try { variables = JSON.parse(el('variables').value || '{}'); } catch (e) { show(`Variables are not JSON: ${e.message}`); return; }
  const query = el('query').value;
  if (/^\s*(#.*\n\s*)*subscription\b/.test(query)) { follow(query, variables); return; }
  const started = performance.now();
  try {
    const { status, body } = await ask(query, variables);
    el('status').textContent = `${status}, ${Math.round(performance.now() - started)} ms`;
    show(body);
  } catch (e) { show(String(e)); }
}

const typeName = (type) => (type.kind === 'NON_NULL' ? `${typeName(type.ofType)}!` : type.kind === 'LIST' ? `[${typeName(type.ofType)}]` : type.name);

function node(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function drawDocs(types, wanted) {
  const docs = el('docs');
  docs.replaceChildren();
  for (const type of types) {
    const members = type.fields || type.inputFields || type.enumValues || [];
    const matching = members.filter((m) => m.name.toLowerCase().includes(wanted));
    if (wanted && !type.name.toLowerCase().includes(wanted) && matching.length === 0) continue;
    const box = node('details');
    box.open = Boolean(wanted) && matching.length > 0 && matching.length < 20;
    box.append(node('summary', '', type.name));
    if (type.description) box.append(node('p', '', type.description));
    for (const member of wanted && matching.length ? matching : members) {
      const line = node('div', 'field');
      const args = (member.args || []).map((a) => `${a.name}: ${typeName(a.type)}`).join(', ');
      line.append(node('code', '', `${member.name}${args ? `(${args})` : ''}${member.type ? `: ${typeName(member.type)}` : ''}`));
      if (member.description) line.append(node('p', '', member.description));
      box.append(line);
    }
    docs.append(box);
  }
}

async function loadDocs() {
  const type = 'type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }';
  const query = `{ __schema { types { kind name description fields { name description args { name ${type} } ${type} } inputFields { name description ${type} } enumValues { name description } } } }`;
  const { body } = await ask(query, {});
  if (!body.data) { el('docs').textContent = 'The schema is not shown in this mode.'; return; }
  const roots = ['Query', 'Mutation', 'Subscription'];
  const rank = (t) => { const at = roots.indexOf(t.name); return at < 0 ? roots.length : at; };
  const types = body.data.__schema.types.filter((t) => !t.name.startsWith('__') && t.kind !== 'SCALAR');
  types.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  drawDocs(types, '');
  el('search').addEventListener('input', () => drawDocs(types, el('search').value.trim().toLowerCase()));
}

el('run').addEventListener('click', run);
el('stop').addEventListener('click', () => socket && socket.close());
document.addEventListener('keydown', (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); run(); } });
loadDocs();
