/** What every page of a matrix has: its looks, and what it does when somebody types or clicks. */

export const pageStyle = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { margin: 1.5rem; }
label { margin-right: 1rem; white-space: nowrap; }
.grid { overflow: auto; max-height: 80vh; }
table { border-collapse: separate; border-spacing: 2px; }
th { font-weight: 500; text-align: left; padding: .2rem .5rem; white-space: nowrap; }
thead td, thead th { position: sticky; top: 0; background: Canvas; }
tbody th { position: sticky; left: 0; background: Canvas; }
td button { width: 100%; border: 0; padding: .3rem .5rem; font: inherit; cursor: pointer; color: #111; background: #ddd; }
td.ok button { background: #b7e4c7; }
td.failed button { background: #f4a3a3; font-weight: 600; }
td.blocked button { background: #f7d794; }
td.skipped button { background: #ddd; }
.off { visibility: hidden; }
[hidden] { display: none; }
dialog { width: min(60rem, 90vw); }
pre { overflow: auto; max-height: 60vh; padding: .5rem; background: #8882; }
`;

/**
 * The filter keeps rows of kernels and columns of modules; where only one of the two is meant the other stays whole. The
 * part of the address after # is what was typed, so that a view can be sent to somebody.
 */
export const pageScript = `
const field = document.getElementById('filter');
const table = document.querySelector('table');
const boxes = [...document.querySelectorAll('[data-state]')];
const heads = [...table.tHead.rows[0].cells].slice(1);
const has = (cell, text) => cell.textContent.toLowerCase().includes(text);
const show = () => {
  const text = field.value.trim().toLowerCase();
  const rows = [...table.tBodies[0].rows];
  const someRow = rows.some((row) => has(row.cells[0], text));
  const someColumn = heads.some((head) => has(head, text));
  for (const row of rows) row.hidden = text !== '' && (someRow || !someColumn) && !has(row.cells[0], text);
  heads.forEach((head, index) => {
    const out = text !== '' && someColumn && !someRow && !has(head, text);
    head.hidden = out;
    for (const row of rows) row.cells[index + 1].hidden = out;
  });
  const off = new Set(boxes.filter((box) => !box.checked).map((box) => box.dataset.state));
  for (const cell of table.querySelectorAll('tbody td')) cell.classList.toggle('off', off.has(cell.classList[0]));
};
field.addEventListener('input', () => { history.replaceState(null, '', '#' + encodeURIComponent(field.value)); show(); });
for (const box of boxes) box.addEventListener('change', show);
document.addEventListener('click', (event) => {
  const id = event.target.dataset && event.target.dataset.open;
  if (id) document.getElementById(id).showModal();
});
field.value = decodeURIComponent(location.hash.slice(1));
show();
`;
